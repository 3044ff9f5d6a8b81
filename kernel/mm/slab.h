/*
 * Kernel allocation: slab caches with per-processor magazines, kmalloc size classes on them, whole
 * pages above. Any context that holds no lock of rank >= SLAB; never sleeps. All fallible: NULL.
 * Debug builds poison, detect double frees and overruns, and report at power-off what was never freed.
 *
 * Objects: a cache hands out objects of one size. A slab is a block of pages cut into objects; its free
 * objects are chained through themselves. A magazine is a processor's stack of free objects: the
 * common allocation pops it, the common free pushes it. An empty or full one is exchanged at the cache's
 * depot for one of the other kind; only when the depot has none (or holds enough) do objects go to the
 * slabs, half a magazine at a time. So the bursts of frees that follow an RCU grace period stay cheap.
 *
 * Lifetime: caches live for ever. An empty slab returns to the page allocator when its cache has
 * another one that is not full.
 *
 * Locking: cache->lock (class SLAB) for the lists of slabs and what is free in them; magazines belong to their
 * processor. The page allocator is called with it held (PAGE ranks above).
 *
 * Failure: no page left, or fault injection.
 */
#pragma once
#include "kernel/lib/compiler.h"

struct slab_cache;
void slab_init(void); /* boot, after page_init() */
/* Made once, never destroyed. align: power of two or 0. Objects are not zeroed. => panics at boot on failure. */
struct slab_cache *slab_cache_new(const char *name, size_t size, size_t align);
MUST_CHECK void *slab_alloc(struct slab_cache *c);
MUST_CHECK void *slab_zalloc(struct slab_cache *c);
void slab_free(struct slab_cache *c, void *p); /* NULL allowed */

MUST_CHECK void *kmalloc(size_t size); /* up to 4 MiB, physically contiguous */
MUST_CHECK void *kzalloc(size_t size);
void kfree(const void *p); /* NULL allowed */
/* Any size: kmalloc or page by page in the vmap area. Zeroed. */
MUST_CHECK void *kvzalloc(size_t size);
void kvfree(const void *p);
MUST_CHECK char *kstrdup(const char *s);

/* Page-wise kernel mapping (stacks): pages, not zeroed, with an unmapped guard page below and above. */
MUST_CHECK void *vmap_alloc(size_t size);
void vmap_free(void *p, size_t size);
void vmap_init(void);

/* All of kernel/mm at boot, in order, after per-processor variables and boot_info: page_init() included. */
void mm_init(void);

/* Debug: what is allocated now lives for ever and is no leak: called before the first process starts. */
void slab_leak_baseline(void);
/* Debug: prints live allocations by cache and call site, => their number apart from what lives for ever. */
u64 slab_leak_report(void);
/* Fault injection for tests, debug builds: the n-th allocation (slab, kmalloc, page, vmap) from now by
 * the current thread fails (0: off). => true when an armed one has fired since. */
bool alloc_fail_nth(u32 n);
/* The same for the n-th (from 1) and all after it, until alloc_fail_nth(0). */
void alloc_fail_from(u32 n);
