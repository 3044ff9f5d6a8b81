/*
 * Huge pages of 2 MiB: the pool that the administrator sets aside (/proc/sys/vm/nr_hugepages), memory objects made
 * of them, and mappings of those: MAP_HUGETLB, SHM_HUGETLB, MFD_HUGETLB; mmap(2), shmget(2), memfd_create(2).
 *
 * The pool counts pages, not places. A mapping is promised its pages when it is made (reserved), unless it says
 * NORESERVE; who was promised nothing gets a page at a fault while there are more free than promised, or SIGBUS.
 *
 *	            nr_hugepages                  fault                    last huge_page_put
 *	memory ----------------------> free ---------------------> in use ----------------------> free
 *	       <----------------------      \--- huge_reserve ---> promised: a free page that only
 *	       nr_hugepages, surplus                               HUGE_PROMISED may take
 *
 * Beyond the pool up to nr_overcommit_hugepages surplus pages come from ordinary memory; as long as there are
 * surplus pages, each page that comes free, or that nobody was promised any more, goes back there.
 *
 * Promises are kept by whom they were made to:
 *	object	of shared mappings: for each page of the object, once, whoever mapped it; kept until the page, or the
 *		object, is gone (segments, memfds)
 *	claim	of one private mapping: struct huge_claim, a bit for each page. What it gives back by madvise(2) is promised
 *		to it again, if nobody was faster. Its parts share it; a child of fork
 *		has none and lives on spare pages. When the owner of the claim finds no page to copy to, its
 *		children lose the page instead, and get SIGBUS: whoever was promised memory is not let down.
 *
 * Page tables hold huge pages in the place of leaf tables (arch/pagetable.h); areas have VM_HUGE, begin and end at
 * multiples of 2 MiB, and are cut nowhere else (-EINVAL).
 *
 * Locking: the pool has a P lock of its own (HUGE_POOL), inside of all of memory management's. Pages, promises and
 * claims of an object change under object->lock, which is held over a fault as well: two faults on one page must
 * not take two.
 * Failure: -ENOMEM when the pool cannot promise; a fault without a page is -ENXIO (SIGBUS).
 */
#pragma once
#include "kernel/mm/object.h"

struct huge_stats { /* huge pages; of one moment */
	u64 total, free, reserved, surplus, overcommit;
};
void huge_pool_stats(struct huge_stats *out);
/* vm.nr_hugepages: grows as far as memory allows; shrinks by what is neither in use nor promised, and the rest
 * becomes surplus. Sleeps. */
void huge_pool_resize(u64 pages);
void huge_pool_set_overcommit(u64 pages);
/* => how many pages are in use or promised although nobody is left. Empties the pool: the leak report. */
u64 huge_pool_shutdown(void);

/* => 0: n pages are promised, or -ENOMEM. */
MUST_CHECK int huge_reserve(u64 n);
void huge_unreserve(u64 n);
enum huge_source { HUGE_SPARE, HUGE_PROMISED /* cannot fail */ };
/* => zeroed, with one reference; or NULL. May sleep. */
MUST_CHECK struct page *huge_page_alloc(enum huge_source from);
void huge_page_put(struct page *p); /* any lock but the allocator's */
void huge_page_copy(struct page *to, const struct page *from);

/* As vm_object_new(), of huge pages; size is rounded up to them. */
MUST_CHECK struct vm_object *huge_object_new(u64 size, const struct vm_object_ops *ops,
                                             void *owner);
/* Promises the pages of [start, end) bytes to a huge object. => 0 or -ENOMEM. */
MUST_CHECK int huge_object_reserve(struct vm_object *o, u64 start, u64 end);
/* => 0 and the page of huge page `index` with a reference; -ENOSPC: none to be had, -ENOMEM. No limit of the size. */
MUST_CHECK int huge_object_page(struct vm_object *o, u64 index, struct page **out);
/* => the present page with a reference (huge_page_put), or NULL: a hole. */
struct page *huge_object_page_present(struct vm_object *o, u64 index);
/* Is this a length of huge page that we have? flags: MAP_HUGE_*, SHM_HUGE_* or MFD_HUGE_*, all shifted alike. */
bool huge_size_known(u32 flags);

/* /proc/sys/vm/hugetlb_shm_group: who may SHM_HUGETLB without CAP_IPC_LOCK. */
extern s32 huge_shm_group; /* [a] */
