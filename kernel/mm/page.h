/*
 * Physical pages: a struct page for each frame of RAM, a buddy allocator, and for each processor a
 * cache of single pages so that the common case takes no lock.
 *
 * Lifetime: page_alloc() gives one reference, page_put() frees with the last; page_free() takes back a
 * page (of any order) whose owner knows that nobody else has a reference.
 *
 *	      page_alloc              page_get/page_put          last page_put, page_free
 *	FREE ------------> refs == 1 -------------------> ... ----------------------------> FREE
 *
 * Locking: page_lock (class PAGE) guards the free lists and the state of free blocks. The caches belong to
 * their processor; the kernel is not preemptible and interrupt handlers do not allocate.
 * Failure: NULL when no block is left. User memory (PAGE_USER) is refused while the last pages, which
 * page tables, stacks and the slabs need to finish what was begun, are still free.
 */
#pragma once
#include "arch/boot.h"
#include "arch/percpu.h"
#include "kernel/lib/refcount.h"
#include "kernel/lib/list.h"

enum { PAGE_SHIFT = 12, PAGE_SIZE = 4096, HUGE_PAGE_SIZE = 2 << 20, HUGE_PAGE_ORDER = 9 };
enum { PAGE_ORDER_MAX = 10 }; /* 4 MiB, the largest contiguous block */
#define PAGE_MASK (~(u64)(PAGE_SIZE - 1))

enum page_flags {
	PAGE_FLAG_FREE = 1,    /* first page of a free block; index: its order */
	PAGE_FLAG_SLAB = 2,    /* owner: the slab's first page */
	PAGE_FLAG_LARGE = 4,   /* kmalloc by whole pages; index: its order */
	PAGE_FLAG_TABLE = 8,   /* page table */
	PAGE_FLAG_TAIL = 16,   /* not the first page of its slab; owner: the first */
	PAGE_FLAG_CACHED = 32, /* free, in a processor's cache; debug builds only */
	PAGE_FLAG_HUGE = 64,   /* first page of a huge page (huge.h) */
};

struct page {
	refcount_t refs; /* [a] users: mappings, memory objects, the kernel */
	u32 flags;       /* [owner] PAGE_FLAG_*; free blocks: page_lock */
	union {          /* [owner] */
		struct list link;
		struct {
			u64 occupied; /* page table: groups of eight entries that may be nonzero */
			u64 used;     /* page table: nonzero entries */
		};
	};
	void *owner;       /* [owner] slab, page table above */
	union {            /* [owner] */
		u64 index; /* order of a free or large block */
		struct {   /* slab: first free object, as offset / 8; number of free objects */
			u16 free_head, free_count;
		};
	};
};

enum page_alloc_flags {
	PAGE_ANY = 0,
	PAGE_ZERO = 1,
	PAGE_USER = 2, /* content of user memory or files: leaves the kernel its reserve */
};

/* Boot: from boot_info. Per-processor variables work, this is the first processor. */
void page_init(void);
/* => 2^order contiguous pages with one reference on the first, or NULL. Never sleeps. */
MUST_CHECK struct page *page_alloc(unsigned order, unsigned flags);
void page_free(struct page *p, unsigned order); /* with no reference left but the caller's */
/* Debug images overwrite what is freed, until this: an emulator takes a millisecond for each word that is written to a page
 * whose code was run by many processes, and at power-off nobody is left who could use a freed page. */
void page_poison_stop(void);
/* Boot memory that was not free at page_init() becomes free: [start, end) physical. */
void page_add_range(phys_t start, phys_t end);
static inline void page_get(struct page *p)
{
	refcount_get(&p->refs);
}
static inline void page_put(struct page *p) /* order 0; frees with the last reference */
{
	if (refcount_put(&p->refs))
		page_free(p, 0);
}
void page_zero(struct page *p);
void page_copy(struct page *to, const struct page *from);

extern struct page *page_table_of_frames; /* indexed by frame number */
extern u64 page_total;                    /* [I] frames of usable RAM */
static inline u64 page_frame(const struct page *p)
{
	return p - page_table_of_frames;
}
static inline phys_t page_phys(const struct page *p)
{
	return page_frame(p) << PAGE_SHIFT;
}
static inline void *page_virt(const struct page *p)
{
	return phys_to_virt(page_phys(p));
}
static inline struct page *phys_page(phys_t a)
{
	return &page_table_of_frames[a >> PAGE_SHIFT];
}
static inline struct page *virt_page(const void *v)
{
	return phys_page(virt_to_phys(v));
}

struct page_stats { /* pages; a snapshot without locks */
	u64 total, free, cached /* free, in processors' caches */, anonymous, object, slab, tables,
		stacks;
};
void page_stats(struct page_stats *out);

/* What page_stats() counts: kept for each processor, only the sums mean something. */
enum page_counter {
	PAGES_ANONYMOUS,
	PAGES_OBJECT,
	PAGES_SLAB,
	PAGES_TABLES,
	PAGES_VMAP,
	PAGE_COUNTERS
};
struct page_counts {
	s64 n[PAGE_COUNTERS];
};
EXTERN_PERCPU(struct page_counts, page_counts);
static inline void page_count(enum page_counter which, s64 delta)
{
	this_cpu(page_counts).n[which] += delta;
}
