/*
 * What slab.c, kmalloc.c and the debug build's checks share.
 *
 * Debug builds end each object with a trailer and fill it while it is free:
 *
 *	| object, padded to 8 | trailer: state, epoch, site |
 */
#pragma once
#include "arch/percpu.h"
#include "kernel/mm/page.h"
#include "kernel/mm/slab.h"
#include "kernel/sync/spinlock.h"

struct magazine {
	u32 count, capacity;
	struct magazine *next; /* in the cache's depot */
	void *object[];
};

struct slab_cache {
	const char *name;
	u32 size, object_size; /* [I] distance of objects; what the caller asked for */
	u32 order, per_slab;   /* [I] of a slab */
	u32 magazine_capacity; /* [I] 0: objects come straight from the slabs */
	struct spinlock lock;
	struct list partial,
		full;   /* [l] slabs, by page->link; those with free objects in partial */
	u64 slab_count; /* [l] */
	struct magazine *full_magazines,
		*empty_magazines;            /* [l] the depot: what no processor has loaded */
	u32 full_count, full_max;            /* [l] in the depot; [I] */
	struct list link;                    /* [caches_lock] */
	struct magazine *magazine[MAX_CPUS]; /* [own] each its processor's */
};

/* Sizes in one place, for the caches that exist before kmalloc. */
void slab_cache_setup(struct slab_cache *c, const char *name, size_t size, size_t align);
void kmalloc_init(void);
void *slab_alloc_site(struct slab_cache *c, const void *site);

/* vmap.c: ranges that wait for a flush are given back now. */
void vmap_purge(void);

#if DEBUG_BUILD
struct slab_trailer {
	u32 state, epoch;
	const void *site;
};
enum { SLAB_TRAILER = sizeof(struct slab_trailer) };
void slab_debug_new(struct slab_cache *c, void *object); /* of a fresh slab: free */
void slab_debug_alloc(struct slab_cache *c, void *object, const void *site);
void slab_debug_free(struct slab_cache *c, void *object, const void *site);
#else
enum { SLAB_TRAILER = 0 };
static inline void slab_debug_new(struct slab_cache *c, void *object) {}
static inline void slab_debug_alloc(struct slab_cache *c, void *object, const void *site) {}
static inline void slab_debug_free(struct slab_cache *c, void *object, const void *site) {}
#endif

extern struct list slab_caches; /* [slab_caches_lock] */
extern struct spinlock slab_caches_lock;
