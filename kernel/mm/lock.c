#include "kernel/mm/advise.h"
#include "kernel/mm/owner.h"
#include "kernel/mm/vm_internal.h"
#include "kernel/sched/thread.h"

int lock_limit(struct aspace *as, u64 pages)
{
	if (vm_owner_may_lock())
		return 0;
	return as->locked_pages + pages > vm_owner_limit(VM_LIMIT_MEMLOCK) >> PAGE_SHIFT ? -ENOMEM
	                                                                                 : 0;
}

int vm_may_lock(void)
{
	return vm_owner_may_lock() || vm_owner_limit(VM_LIMIT_MEMLOCK) ? 0 : -EPERM;
}

/* Pages of the range that are locked already. */
static u64 pages_locked(struct aspace *as, u64 start, u64 end)
{
	struct vm_area *a = vm_area_find(as, start);
	u64 pages = 0;

	for (; a && a->start < end; a = vm_area_next(a))
		if (a->flags & VM_LOCKED)
			pages += (MIN(a->end, end) - MAX(a->start, start)) >> PAGE_SHIFT;
	return pages;
}

/* Touches some pages of the area at *at under one hold of the lock. => 0 and *at advanced, or -errno. */
enum { TOUCH_AT_ONCE = 64 };
static int touch_some(struct aspace *as, u64 *at, u64 end, u32 need)
{
	GUARD(read)(&as->lock);
	struct vm_area *a = vm_area_find(as, *at);
	if (!a || a->start > *at)
		return -ENOMEM;
	if (!(a->prot & need))
		return -EACCES;
	bool write = a->prot & PROT_WRITE && (need == PROT_WRITE || area_is_private(a));
	u64 grain = area_grain(a);
	for (u32 n = 0; n < TOUCH_AT_ONCE && *at < MIN(a->end, end); n++) {
		TRY(fault_in(a, *at, write));
		*at = ROUND_DOWN(*at, grain) + grain;
	}
	return 0;
}

static int touch(struct aspace *as, u64 start, u64 end, u32 need)
{
	for (u64 at = start; at < end; cond_resched())
		TRY(touch_some(as, &at, end, need));
	return 0;
}

int vm_populate(struct aspace *as, u64 start, u64 end)
{
	int err = touch(as, start, end, PROT_ALL);

	return err == -EACCES || err == -ENXIO ? -EFAULT : err;
}

/* madvise(2): "EFAULT" for SIGBUS, "EINVAL" for missing permission. */
int vm_populate_as(struct aspace *as, u64 start, u64 end, bool write)
{
	int err = touch(as, start, end, write ? PROT_WRITE : PROT_ALL);

	return err == -EACCES ? -EINVAL : err == -ENXIO ? -EFAULT : err;
}

static int range_lock(struct aspace *as, u64 start, u64 end, u32 flags, struct list *dead)
{
	struct area_flags f = {flags, (VM_LOCKED | VM_LOCKONFAULT) & ~flags, 0, false};
	u64 pages = (end - start) >> PAGE_SHIFT;

	if (flags && lock_limit(as, pages) < 0 &&
	    lock_limit(as, pages - pages_locked(as, start, end)) < 0)
		return -ENOMEM;
	return areas_reflag(as, start, end, &f, dead);
}

int vm_lock(struct aspace *as, u64 start, u64 end, u32 flags)
{
	struct list dead = LIST_INIT(dead);

	write_lock(&as->lock);
	int err = range_lock(as, start, end, flags, &dead);
	write_unlock(&as->lock);
	areas_bury(&dead);
	if (err < 0 || flags != VM_LOCKED)
		return err;
	/* mlock(2): what cannot be touched is ENOMEM, what could not be had EAGAIN. */
	err = vm_populate(as, start, end);
	return err == -EFAULT ? -ENOMEM : err == -ENOMEM ? -EAGAIN : err;
}

static int all_lock(struct aspace *as, u32 flags, struct list *dead)
{
	struct area_flags f = {flags, (VM_LOCKED | VM_LOCKONFAULT) & ~flags, 0, true};
	struct range *last = range_last(&as->areas);
	int err = last ? areas_reflag(as, 0, last->end, &f, dead) : 0;

	return err == -ENOMEM ? 0 : err; /* holes, and areas that could not be split */
}

/* After mlockall: as much as there is. */
static void all_populate(struct aspace *as)
{
	for (u64 at = 0;;) {
		u64 start, end;
		{
			GUARD(read)(&as->lock);
			struct vm_area *a = vm_area_find(as, at);
			if (!a)
				return;
			start = a->start, end = a->end;
		}
		(void)!vm_populate(as, start, end);
		at = end;
	}
}

int vm_lock_all(struct aspace *as, u32 current_flags, u32 future_flags, bool change_current)
{
	struct list dead = LIST_INIT(dead);
	int err = 0;

	write_lock(&as->lock);
	if (current_flags && !vm_owner_may_lock() &&
	    as->total_pages > vm_owner_limit(VM_LIMIT_MEMLOCK) >> PAGE_SHIFT)
		err = -ENOMEM;
	if (err == 0)
		as->lock_future = future_flags;
	if (err == 0 && change_current)
		err = all_lock(as, current_flags, &dead);
	write_unlock(&as->lock);
	areas_bury(&dead);
	if (err == 0 && current_flags == VM_LOCKED)
		all_populate(as);
	return err;
}
