#include "kernel/mm/remap.h"
#include "kernel/lib/checked.h"
#include "kernel/mm/owner.h"
#include "kernel/mm/vm_internal.h"
#include "kernel/sched/thread.h"

struct remap {
	struct aspace *as;
	u64 old, old_end, new, new_length; /* page-aligned */
	u32 flags;
	struct list *dead;
};

static int growth_check(struct vm_area *a, u64 pages)
{
	if (a->flags & VM_LOCKED && lock_limit(a->aspace, pages) < 0)
		return -EAGAIN;
	TRY(map_limits(a->aspace, pages, a->prot, a->flags));
	return commit_check(pages, a->flags, a->prot);
}

/* A new area of new_length at r->new that shows what a shows at r->old. */
static struct vm_area *area_clone_at(const struct remap *r, const struct vm_area *a)
{
	struct vm_area *to = area_copy(a);

	if (!to)
		return NULL;
	to->offset += r->old - a->start;
	to->start = r->new;
	to->end = r->new + r->new_length;
	return to;
}

static s64 place_new(struct remap *r, u64 grain)
{
	if (r->flags & MREMAP_FIXED)
		return (s64)r->new;
	return map_place(r->as, r->flags & MREMAP_DONTUNMAP ? r->new : 0, r->new_length, grain);
}

/* mremap(2): the old mapping goes to another place, all of [old, old_end), or is doubled when that is empty. */
static s64 remap_move(struct remap *r, struct vm_area *a)
{
	u64 length = r->old_end - r->old;
	struct aspace *as = r->as;

	if (as->area_count + 3 >= MAP_COUNT_MAX)
		return -ENOMEM;
	if (length) {
		TRY(areas_isolate(as, r->old, r->old_end));
		TRY(tables_own(as, r->old, r->old_end));
	}
	s64 at = place_new(r, area_grain(a));
	if (at < 0)
		return at;
	r->new = (u64)at;
	a = vm_area_find(as, r->old);
	struct vm_area *to = area_clone_at(r, a);
	if (!to)
		return -ENOMEM;
	area_link(as, to);
	if (length && area_move_pages(a, r->old, MIN(r->old_end, r->old + r->new_length),
	                              r->new - r->old) < 0) {
		if (area_is_huge(to))
			huge_area_leave_claim(to);
		area_unlink(to, r->dead);
		return -ENOMEM;
	}
	to->has_owned = a->has_owned;
	to->touched = a->touched;
	if (r->flags & MREMAP_DONTUNMAP) {
		area_account(a, -1);
		a->flags &= ~(u32)(VM_LOCKED | VM_LOCKONFAULT);
		area_account(a, 1);
	} else if (length) {
		if (area_is_huge(a))
			huge_area_leave_claim(a);
		area_unlink(a, r->dead);
	}
	area_merge(to, r->dead);
	return at;
}

/* => 1 when the area could be made larger where it is. */
static int grow_in_place(struct remap *r, struct vm_area *a)
{
	u64 end = r->old + r->new_length;

	if (r->old_end != a->end || end < r->old || end > USER_LIMIT ||
	    !range_is_free(r->as, a->end, end))
		return 0;
	struct vm_area *above = vm_area_next(a);
	if (above && above->flags & VM_GROWSDOWN && above->start - end < STACK_GUARD_GAP)
		return 0;
	area_resize(a, a->start, end);
	area_merge(a, r->dead);
	return 1;
}

static s64 remap_grow(struct remap *r, struct vm_area *a)
{
	u64 old_length = r->old_end - r->old;

	if (a->flags & VM_DONTEXPAND)
		return -EFAULT;
	TRY(growth_check(a, (r->new_length - old_length) >> PAGE_SHIFT));
	if (!(r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) && grow_in_place(r, a))
		return (s64)r->old;
	if (!(r->flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	return remap_move(r, a);
}

/* The rest, once what stood in the way is gone. The order of checks is that of Linux' vma_to_resize(). */
static s64 remap_resize(struct remap *r)
{
	struct vm_area *a = vm_area_find(r->as, r->old);
	u64 old_length = r->old_end - r->old;

	if (!a || a->start > r->old)
		return -EFAULT;
	if (!old_length && !(a->flags & VM_SHARED))
		return -EINVAL;
	if (r->flags & MREMAP_DONTUNMAP && a->flags & VM_DONTEXPAND)
		return -EINVAL;
	if (r->old_end > a->end)
		return -EFAULT;
	if (r->new_length > old_length)
		return remap_grow(r, a);
	if (r->flags & MREMAP_DONTUNMAP)
		TRY(growth_check(a, r->new_length >> PAGE_SHIFT));
	return remap_move(r, a);
}

/* To a place of the caller's choice, or elsewhere than here: Linux' mremap_to(). */
static s64 remap_to(struct remap *r)
{
	u64 new_end;

	if (r->new % PAGE_SIZE || add_overflows(r->new, r->new_length, &new_end) ||
	    new_end > USER_LIMIT || (r->old_end > r->new &&new_end > r->old))
		return -EINVAL;
	if (r->as->area_count + 5 >= MAP_COUNT_MAX)
		return -ENOMEM;
	if (r->flags & MREMAP_FIXED)
		TRY(unmap_locked(r->as, r->new, new_end, r->dead));
	if (r->old_end - r->old > r->new_length) {
		TRY(unmap_locked(r->as, r->old + r->new_length, r->old_end, r->dead));
		r->old_end = r->old + r->new_length;
	}
	return remap_resize(r);
}

/* Huge pages move and shrink, but do not grow: Linux' mremap(). */
static int remap_huge(struct remap *r)
{
	r->old_end = r->old + ROUND_UP(r->old_end - r->old, (u64)HUGE_PAGE_SIZE);
	r->new_length = ROUND_UP(r->new_length, (u64)HUGE_PAGE_SIZE);
	return (r->old | r->new) % HUGE_PAGE_SIZE || r->new_length > r->old_end - r->old ? -EINVAL
	                                                                                 : 0;
}

static s64 remap_locked(struct remap *r)
{
	struct vm_area *a = vm_area_find(r->as, r->old);

	if (!a || a->start > r->old)
		return -EFAULT;
	if (area_is_huge(a))
		TRY(remap_huge(r));
	if (r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
		return remap_to(r);
	if (r->new_length > r->old_end - r->old)
		return remap_resize(r);
	TRY(unmap_locked(r->as, r->old + r->new_length, r->old_end, r->dead));
	return (s64)r->old;
}

static int remap_check(u64 old, u64 old_length, u64 new_length, u32 flags)
{
	u64 old_end;

	if (flags & ~(u32)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
		return -EINVAL;
	if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) && !(flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if (flags & MREMAP_DONTUNMAP && old_length != new_length)
		return -EINVAL;
	if (old % PAGE_SIZE || !new_length || add_overflows(old, old_length, &old_end))
		return -EINVAL;
	return 0;
}

s64 vm_remap(struct aspace *as, u64 old, u64 old_length, u64 new_length, u32 flags, u64 new)
{
	struct list dead = LIST_INIT(dead);

	old_length = ROUND_UP(old_length, PAGE_SIZE);
	new_length = ROUND_UP(new_length, PAGE_SIZE);
	TRY(remap_check(old, old_length, new_length, flags));
	struct remap r = {as, old, old + old_length, new, new_length, flags, &dead};
	write_lock(&as->lock);
	s64 at = remap_locked(&r);
	struct vm_area *a = at >= 0 ? vm_area_find(as, (u64)at) : NULL;
	bool touch = a && (a->flags & (VM_LOCKED | VM_LOCKONFAULT)) == VM_LOCKED &&
	             new_length > old_length;
	write_unlock(&as->lock);
	areas_bury(&dead);
	if (touch)
		(void)!vm_populate(as, (u64)at + old_length, (u64)at + new_length);
	return at;
}

static int brk_grow(struct aspace *as, u64 from, u64 to, struct list *dead)
{
	u64 pages = (to - from) >> PAGE_SHIFT;
	u32 flags = VM_HEAP | as->lock_future;

	struct vm_area *above = vm_area_find(as, from);
	if (to > USER_LIMIT ||
	    (above &&
	     above->start < to + (above->flags & VM_GROWSDOWN ? STACK_GUARD_GAP : PAGE_SIZE)))
		return -ENOMEM;
	if (flags & VM_LOCKED && lock_limit(as, pages) < 0)
		return -ENOMEM;
	TRY(map_limits(as, pages, PROT_READ | PROT_WRITE, flags));
	TRY(commit_check(pages, flags, PROT_READ | PROT_WRITE));
	struct vm_area *below = from ? vm_area_find(as, from - 1) : NULL;
	if (below && below->end == from && below->flags == flags && !below->object &&
	    below->prot == (PROT_READ | PROT_WRITE) && below->max_prot == PROT_ALL) {
		area_resize(below, below->start, to);
		return 0;
	}
	struct vm_area *a = area_new();
	if (!a)
		return -ENOMEM;
	a->start = from, a->end = to;
	a->prot = PROT_READ | PROT_WRITE, a->max_prot = PROT_ALL, a->flags = flags;
	area_link(as, a);
	area_merge(a, dead);
	return 0;
}

/* RLIMIT_DATA counts the program's data and the heap, setrlimit(2). */
static bool brk_allowed(struct aspace *as, u64 brk)
{
	u64 limit = vm_owner_limit(VM_LIMIT_DATA), heap = brk - as->brk_start;

	return heap <= limit && as->data_end - as->data_start <= limit - heap;
}

u64 vm_brk(struct aspace *as, u64 brk)
{
	struct list dead = LIST_INIT(dead);
	u64 grown_from = 0, grown_to = 0;

	write_lock(&as->lock);
	u64 from = ROUND_UP(as->brk, PAGE_SIZE), to = ROUND_UP(brk, PAGE_SIZE);
	if (brk >= as->brk_start && brk < USER_LIMIT && brk_allowed(as, brk)) {
		int err = to > from   ? brk_grow(as, from, to, &dead)
		          : to < from ? unmap_locked(as, to, from, &dead)
		                      : 0;
		if (err == 0)
			as->brk = brk;
		if (err == 0 && to > from && as->lock_future == VM_LOCKED)
			grown_from = from, grown_to = to;
	}
	brk = as->brk;
	write_unlock(&as->lock);
	areas_bury(&dead);
	if (grown_to)
		(void)!vm_populate(as, grown_from, grown_to);
	return brk;
}
