/*
 * What the files of kernel/mm that make up address spaces share. Nobody else includes this.
 *
 *	area.c		the tree of areas: insert, split, merge, the dead list
 *	map.c		vm_map, vm_unmap: limits and placement
 *	zap.c		taking pages out of page tables; truncation
 *	fault.c		putting them in
 *	fork.c, share.c	copying, and not copying
 *	move.c		moving them, for remap.c
 *	protect.c, remap.c, lock.c, advise.c: what the system calls of those names do
 *	huge_area.c	all of this for huge pages; huge_object.c, huge_pool.c: where they come from
 */
#pragma once
#include "kernel/mm/aspace.h"
#include "kernel/mm/huge.h"

enum { STACK_GUARD_GAP = 256 * PAGE_SIZE, MAP_COUNT_MAX = 65530 };
#define USER_LIMIT 0x00007ffffffff000ull
#define USER_LOW   0x10000ull /* vm.mmap_min_addr of Linux */

static inline struct vm_area *area_of(struct range *r)
{
	return r ? container_of(r, struct vm_area, range) : NULL;
}
static inline struct vm_area *area_prev(struct vm_area *a)
{
	return area_of(range_prev(&a->range));
}
static inline u64 area_pages(const struct vm_area *a)
{
	return (a->end - a->start) >> PAGE_SHIFT;
}
static inline bool area_is_private(const struct vm_area *a)
{
	return !(a->flags & VM_SHARED);
}
static inline bool area_is_huge(const struct vm_area *a)
{
	return unlikely(a->flags & VM_HUGE);
}
/* What the area's borders are multiples of. */
static inline u64 area_grain(const struct vm_area *a)
{
	return area_is_huge(a) ? (u64)HUGE_PAGE_SIZE : (u64)PAGE_SIZE;
}
/* Page index in the object of an address in the area. */
static inline u64 area_index(const struct vm_area *a, u64 addr)
{
	return (addr - a->start + a->offset) >> PAGE_SHIFT;
}
/* What a present entry of the area grants; private areas get the right to write page by page. */
pte_t area_pte_bits(const struct vm_area *a);

/* area.c. Address space write-locked in all of these. */
void area_cache_init(void);
struct vm_area *area_new(void); /* zeroed, or NULL */
/* A copy with references of its own, linked nowhere, not opened; or NULL. */
struct vm_area *area_copy(const struct vm_area *from);
void area_free_unlinked(struct vm_area *a);
/* All areas at once onto dead; the set is empty then. Their pages are gone already. */
void areas_retire_all(struct aspace *as, struct list *dead);
void area_link(struct aspace *as, struct vm_area *a);
/* The part of area_link() that the world sees: the object's list, the owner's open. */
void area_publish(struct vm_area *a);
/* Splits so that [start, end) begins and ends at area borders where areas are. */
MUST_CHECK int areas_isolate(struct aspace *as, u64 start, u64 end);
/* Joins a with its neighbours where they agree in everything. => the area that now holds a's range.
 * What was absorbed goes to dead. */
struct vm_area *area_merge(struct vm_area *a, struct list *dead);
/* New bounds of an area (offset follows start). */
void area_resize(struct vm_area *a, u64 start, u64 end);
/* Takes an area whose pages are gone out of the address space, onto dead. */
void area_unlink(struct vm_area *a, struct list *dead);
/* Without locks: closes and frees. */
void areas_bury(struct list *dead);
/* Sets and clears VM_* flags of the areas in [start, end), in order. refuse: flags that end it with -EINVAL.
 * => 0; -ENOMEM also at a hole, after the part before it (holes_ok: after all). */
struct area_flags {
	u32 set, clear, refuse;
	bool holes_ok;
};
MUST_CHECK int areas_reflag(struct aspace *as, u64 start, u64 end, const struct area_flags *f,
                            struct list *dead);
/* Counts of total, data, stack, locked pages: sign +1 or -1. */
void area_account(struct vm_area *a, s64 sign);

/* map.c */
/* May the address space grow by this many pages of such an area? => 0 or -ENOMEM. */
MUST_CHECK int map_limits(struct aspace *as, u64 pages, u32 prot, u32 flags);
MUST_CHECK int commit_check(u64 pages, u32 flags, u32 prot);
/* Unmaps areas, locked; areas that went are on dead. */
MUST_CHECK int unmap_locked(struct aspace *as, u64 start, u64 end, struct list *dead);
/* => a free place, a multiple of align, hint honoured where it can be; or -ENOMEM. */
MUST_CHECK s64 map_place(struct aspace *as, u64 hint, u64 length, u64 align);
bool range_is_free(struct aspace *as, u64 start, u64 end);

/* lock.c */
/* May `pages` more be locked in `as`? => 0, or -ENOMEM / -EPERM as mlock(2). */
MUST_CHECK int lock_limit(struct aspace *as, u64 pages);

/* zap.c */
/* Takes the PTE lock, and leaves it now and then: zap_range() and zap_final() sleep. */
enum zap_what { ZAP_ALL, ZAP_OBJECT_ONLY /* leave a private area's own pages */ };
/* Takes the pages of [start, end) out of the page tables, flushes, frees. */
void zap_range(struct aspace *as, u64 start, u64 end, enum zap_what what);
/* Everything, at the end of an address space that no processor uses and no object knows any more. */
void zap_final(struct aspace *as);
/* Makes every processor forget its translations of [start, end). Any locks. */
void aspace_flush(struct aspace *as, u64 start, u64 end);
/* mappings_lock held: unmaps the part of a that shows pages [first, last) of its object. */
void area_zap_pages(struct vm_area *a, u64 first, u64 last, enum zap_what what);
/* Unmaps pages [first, last) of an object, which has lost them, from every area. object->lock held. May sleep. */
void object_unmap(struct vm_object *o, u64 first, u64 last, enum zap_what what);

/* move.c. The entries of [start, end), part of a, go `shift` bytes up, where nothing is. => 0, or -ENOMEM: none has moved. */
MUST_CHECK int area_move_pages(struct vm_area *a, u64 start, u64 end, u64 shift);

/* PTE lock held. */
static inline void resident_add(struct aspace *as, u64 pages)
{
	as->resident_pages += pages;
	if (as->resident_pages > as->resident_peak)
		as->resident_peak = as->resident_pages;
}

/* Pages of the object that may be mapped: a writer that extends has more. */
static inline u64 object_pages(struct vm_object *o)
{
	return (load_relaxed(&o->size) + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

/* share.c: page tables that fork shares. PTE lock held, unless told otherwise. */
enum { TABLE_SHARE_MIN = 64 }; /* entries; fewer are copied faster than the table is parted again */
/* fork: hangs the table of s, in `from`, into the new address space `to` if that is worth it. => 0, -ENOMEM. */
MUST_CHECK int table_share(struct aspace *to, struct aspace *from, const struct pte_span *s,
                           bool *out_shared);
/* The table of s becomes this address space's own, to be changed. => 0, -ENOMEM. */
MUST_CHECK int table_own(struct aspace *as, struct pte_span *s);
/* pte_make(), own. */
MUST_CHECK int table_make(struct aspace *as, u64 addr, struct pte_span *out);
/* One address space's reference of a table that it has unhung (and flushed). Any lock. */
void table_put(struct page *table);
/* All tables of [start, end), or those that the range has only a part of. Take the PTE lock. */
MUST_CHECK int tables_own(struct aspace *as, u64 start, u64 end);
MUST_CHECK int tables_own_edges(struct aspace *as, u64 start, u64 end);

/* fault.c */
extern struct page *zero_page;
static inline bool pte_is_zero_page(pte_t e)
{
	return phys_page(pte_phys(e)) == zero_page;
}
/* As if the owner touched addr. Locked for reading. => 0, or as mm_page_fault(). */
MUST_CHECK int fault_in(struct vm_area *a, u64 addr, bool write);

/* object.c, huge_object.c */
extern const struct idmap_ops page_map_ops;
/* Lock held: vm_object_page() of what is a hole, most likely; without a reference. */
MUST_CHECK int vm_object_fill_locked(struct vm_object *o, u64 index, struct page **out);
void vm_object_setup(struct vm_object *o, u64 size, const struct vm_object_ops *ops, void *owner);
void huge_object_destroy(struct vm_object *o);
MUST_CHECK int huge_object_resize(struct vm_object *o, u64 size);
void huge_object_punch(struct vm_object *o, u64 start, u64 end);
/* Lock held: huge_object_page() without a reference. => 0, -ENOSPC, -ENOMEM. */
MUST_CHECK int huge_object_page_locked(struct vm_object *o, u64 index, struct page **out);

/* huge_area.c: areas with VM_HUGE. */
/* mmap: promises the area, whose object and bounds are set, its pages. => 0, -ENOMEM. */
MUST_CHECK int huge_area_reserve(struct vm_area *a);
/* a is a copy, to be another part of the same mapping. */
void huge_area_join_claim(struct vm_area *a);
/* a is no part of it: a child of fork, or another area has taken its place (mremap). */
void huge_area_leave_claim(struct vm_area *a);
/* a is gone, and its promises with it. */
void huge_area_close(struct vm_area *a);
/* madvise: takes the pages of [start, end), whole ones, out; those of a claim's owner are promised anew. Locked for reading. */
void huge_area_discard(struct vm_area *a, u64 start, u64 end);
/* As fault_in(). */
MUST_CHECK int huge_fault(struct vm_area *a, u64 addr, bool write);
/* fork, PTE lock of the parent held: copies the entry of a private huge page. => 0, -ENOMEM. */
MUST_CHECK int huge_span_fork(struct aspace *to, const struct pte_span *from, u64 *protected);
/* PTE lock held. => where the page of addr lies in the kernel, or NULL: not there with the needed right. */
void *huge_page_ready(struct vm_area *a, u64 addr, bool write);
bool huge_page_resident(struct vm_area *a, u64 addr);
