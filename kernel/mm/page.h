/*
 * Physical pages: a struct page for each frame of RAM, a buddy allocator, and for each processor a
 * cache of single pages so that the common case takes no lock.
 */
#pragma once
#include "arch/boot.h"
#include "kernel/lib/refcount.h"
#include "kernel/lib/list.h"

enum { PAGE_SHIFT = 12, PAGE_SIZE = 4096, HUGE_PAGE_SIZE = 2 << 20, HUGE_PAGE_ORDER = 9 };

struct page {
	refcount_t refs;  /* [a] users: mappings, memory objects, the kernel */
	u32 flags;        /* [a] PAGE_* */
	struct list link; /* [owner] free list, slab list */
	void *owner;      /* [owner] slab, memory object */
	u64 index;        /* [owner] page index within the object; order while free */
};

enum page_alloc_flags { PAGE_ANY = 0, PAGE_ZERO = 1, PAGE_NORECLAIM = 2 };

void page_init(void); /* boot: from boot_info */
/* => 2^order contiguous pages with one reference on the first, or NULL. */
MUST_CHECK struct page *page_alloc(unsigned order, unsigned flags);
void page_free(struct page *p, unsigned order); /* with no reference left */
static inline void page_get(struct page *p)
{
	refcount_get(&p->refs);
}
void page_put(struct page *p); /* order 0; frees with the last reference */

extern struct page *page_table_of_frames; /* indexed by frame number */
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

struct page_stats {
	u64 total, free, cached, anonymous, object, slab, tables, stacks;
};
void page_stats(struct page_stats *out);
