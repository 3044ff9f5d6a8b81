#include "kernel/lib/checked.h"
#include "kernel/mm/owner.h"
#include "kernel/mm/vm_internal.h"

#define LOW32_START 0x40000000ull /* MAP_32BIT, as Linux */
#define LOW32_END   0x80000000ull

s32 vm_overcommit_memory;

int commit_check(u64 pages, u32 flags, u32 prot)
{
	bool counts = !(flags & VM_NORESERVE) && (flags & VM_SHARED || prot & PROT_WRITE);

	return counts ? vm_commit_check(pages) : 0;
}

int vm_commit_check(u64 pages)
{
	return pages > page_total && load_relaxed(&vm_overcommit_memory) != VM_OVERCOMMIT_ALWAYS
	               ? -ENOMEM
	               : 0;
}

int map_limits(struct aspace *as, u64 pages, u32 prot, u32 flags)
{
	u64 limit = vm_owner_limit(VM_LIMIT_AS) >> PAGE_SHIFT;

	if (as->total_pages + pages > limit)
		return -ENOMEM;
	if (!(flags & (VM_SHARED | VM_STACK | VM_GROWSDOWN)) && prot & PROT_WRITE &&
	    as->data_pages + pages > vm_owner_limit(VM_LIMIT_DATA) >> PAGE_SHIFT)
		return -ENOMEM;
	return 0;
}

/* The lowest address that a mapping below area a may end at. */
static u64 guarded_start(const struct vm_area *a)
{
	if (!(a->flags & VM_GROWSDOWN))
		return a->start;
	return a->start > STACK_GUARD_GAP ? a->start - STACK_GUARD_GAP : 0;
}

bool range_is_free(struct aspace *as, u64 start, u64 end)
{
	struct vm_area *a = vm_area_find(as, start);

	return !a || a->start >= end;
}

static bool hint_is_good(struct aspace *as, u64 start, u64 length)
{
	u64 end;

	if (start < USER_LOW || add_overflows(start, length, &end) || end > USER_LIMIT)
		return false;
	struct vm_area *a = vm_area_find(as, start);
	return !a || guarded_start(a) >= end;
}

/* A hole whose upper neighbour is a stack must leave the stack its guard gap: such a place is passed over. */
static s64 place_guarded(struct aspace *as, u64 low, u64 high, u64 length, u64 align)
{
	for (;;) {
		s64 at = range_place_down(&as->areas, low, high, length, align);
		if (at < 0)
			return at;
		struct vm_area *above = area_of(range_above_place(&as->areas, (u64)at));
		if (!above || guarded_start(above) >= (u64)at + length)
			return at;
		high = guarded_start(above);
		if (high <= low)
			return -ENOMEM;
	}
}

s64 map_place(struct aspace *as, u64 hint, u64 length, u64 align)
{
	if (length > USER_LIMIT)
		return -ENOMEM;
	hint = ROUND_UP(hint, align);
	if (hint && hint_is_good(as, hint, length))
		return (s64)hint;
	s64 at = place_guarded(as, USER_LOW, as->mmap_base ? as->mmap_base : USER_LIMIT, length,
	                       align);
	if (at < 0) /* above the stack gap and around: anywhere */
		at = place_guarded(as, USER_LOW, USER_LIMIT, length, align);
	return at;
}

static bool area_has_entries(const struct vm_area *a)
{
	return !a->object || a->touched || a->has_owned || area_is_huge(a);
}

int unmap_locked(struct aspace *as, u64 start, u64 end, struct list *dead)
{
	struct vm_area *a = vm_area_find(as, start), *next;

	if (!a || a->start >= end || start == end)
		return 0;
	/* Mapped by mistake, to look whether it is mapped already (sem_open(3)), or just in case. */
	if (a->start == start && a->end == end && !area_has_entries(a)) {
		area_unlink(a, dead);
		return 0;
	}
	TRY(areas_isolate(as, start, end));
	TRY(tables_own_edges(as, start, end));
	zap_range(as, start, end, ZAP_ALL);
	for (a = vm_area_find(as, start); a && a->start < end; a = next) {
		next = vm_area_next(a);
		area_unlink(a, dead);
	}
	return 0;
}

static bool user_range(u64 addr, u64 length, u64 *end)
{
	return !(addr % PAGE_SIZE) && length && !add_overflows(addr, length, end) &&
	       *end <= USER_LIMIT;
}

int vm_unmap(struct aspace *as, u64 addr, u64 length)
{
	struct list dead = LIST_INIT(dead);
	u64 end;

	if (length > USER_LIMIT || !user_range(addr, ROUND_UP(length, PAGE_SIZE), &end))
		return -EINVAL;
	write_lock(&as->lock);
	int err = unmap_locked(as, addr, end, &dead);
	write_unlock(&as->lock);
	areas_bury(&dead);
	return err;
}

int vm_unmap_object(struct aspace *as, u64 addr, const struct vm_area_ops *ops)
{
	struct list dead = LIST_INIT(dead);
	struct vm_area *a, *next;
	struct vm_object *object = NULL;
	int err = -EINVAL;

	if (addr % PAGE_SIZE)
		return -EINVAL;
	write_lock(&as->lock);
	for (a = vm_area_find(as, addr); a; a = next) {
		next = vm_area_next(a);
		if (object && a->start - addr >= ROUND_UP(object->size, PAGE_SIZE))
			break;
		if (a->ops != ops || a->start - addr != a->offset ||
		    (object && a->object != object))
			continue;
		object = a->object;
		if (load_relaxed(&a->touched))
			zap_range(as, a->start, a->end, ZAP_ALL);
		area_unlink(a, &dead);
		err = 0;
	}
	write_unlock(&as->lock);
	areas_bury(&dead);
	return err;
}

static struct vm_area *area_from_request(const struct vm_map_request *req, u32 flags)
{
	struct vm_area *a = area_new();

	if (!a)
		return NULL;
	a->prot = req->prot;
	a->max_prot = req->max_prot ? req->max_prot : PROT_ALL;
	a->flags = flags;
	a->object = req->object;
	a->offset = req->offset;
	a->ops = req->ops;
	a->file = req->file;
	a->private = req->private;
	if (a->object)
		vm_object_get(a->object);
	return a;
}

static u64 request_grain(const struct vm_map_request *req)
{
	return req->flags & VM_HUGE ? (u64)HUGE_PAGE_SIZE : (u64)PAGE_SIZE;
}

/* => where the mapping goes; what stood there is on dead. */
static s64 place_request(struct aspace *as, const struct vm_map_request *req, u64 length,
                         struct list *dead)
{
	u64 end, grain = request_grain(req);

	if (req->how & VM_MAP_32BIT && !(req->how & VM_MAP_FIXED))
		return place_guarded(as, LOW32_START, LOW32_END, length, grain);
	if (!(req->how & VM_MAP_FIXED))
		return map_place(as, req->addr, length, grain);
	if (req->addr % grain)
		return -EINVAL;
	if (!user_range(req->addr, length, &end))
		return -ENOMEM;
	if (req->addr < USER_LOW && !vm_owner_may_map_low())
		return -EPERM;
	if (range_is_free(as, req->addr, end))
		return (s64)req->addr;
	if (req->how & VM_MAP_NOREPLACE)
		return -EEXIST;
	TRY(unmap_locked(as, req->addr, end, dead));
	return (s64)req->addr;
}

int vm_place_check(struct aspace *as, const struct vm_map_request *req)
{
	int err = 0;

	if (req->addr < USER_LOW && !vm_owner_may_map_low())
		return -EPERM;
	if (!(req->how & VM_MAP_NOREPLACE))
		return 0;
	read_lock(&as->lock);
	if (!range_is_free(as, req->addr, req->addr + ROUND_UP(req->length, request_grain(req))))
		err = -EEXIST;
	read_unlock(&as->lock);
	return err;
}

/* Pages that MAP_FIXED takes the place of do not count against the limits. */
static u64 pages_replaced(struct aspace *as, const struct vm_map_request *req, u64 length)
{
	u64 end, pages = 0;

	if (!(req->how & VM_MAP_FIXED) || add_overflows(req->addr, length, &end))
		return 0;
	for (struct vm_area *a = vm_area_find(as, req->addr); a && a->start < end;
	     a = vm_area_next(a))
		pages += (MIN(a->end, end) - MAX(a->start, req->addr)) >> PAGE_SHIFT;
	return pages;
}

static s64 map_locked(struct aspace *as, const struct vm_map_request *req, struct list *dead)
{
	u64 length = ROUND_UP(req->length, request_grain(req)), pages = length >> PAGE_SHIFT;
	u32 flags = req->flags;

	if (as->area_count > MAP_COUNT_MAX)
		return -ENOMEM;
	if (unlikely(flags & VM_HUGE)) /* are locked anyway, and not counted */
		flags &= ~(u32)(VM_LOCKED | VM_LOCKONFAULT);
	else
		flags |= as->lock_future;
	if (flags & VM_LOCKED && lock_limit(as, pages) < 0)
		return -EAGAIN;
	/* The area exists before anything is unmapped, so that a failure changes nothing. */
	struct vm_area *a = area_from_request(req, flags);
	if (!a)
		return -ENOMEM;
	s64 at = map_limits(as, pages - pages_replaced(as, req, length), req->prot, flags);
	if (at >= 0)
		at = commit_check(pages, req->object ? flags | VM_NORESERVE : flags, req->prot);
	if (at >= 0)
		at = place_request(as, req, length, dead);
	a->start = (u64)at;
	a->end = (u64)at + length;
	if (at >= 0 && unlikely(flags & VM_HUGE))
		at = huge_area_reserve(a) < 0 ? -ENOMEM : at;
	if (at < 0) {
		if (a->object)
			vm_object_put(a->object);
		area_free_unlinked(a);
		return at;
	}
	area_link(as, a);
	area_merge(a, dead);
	return at;
}

s64 vm_map(struct aspace *as, const struct vm_map_request *req)
{
	struct list dead = LIST_INIT(dead);

	if (!req->length)
		return -EINVAL;
	if (req->length > USER_LIMIT)
		return -ENOMEM;
	write_lock(&as->lock);
	s64 at = map_locked(as, req, &dead);
	bool touch = at >= 0 &&
	             (req->how & VM_MAP_POPULATE ||
	              ((req->flags | as->lock_future) & (VM_LOCKED | VM_LOCKONFAULT)) == VM_LOCKED);
	write_unlock(&as->lock);
	areas_bury(&dead);
	if (touch)
		(void)!vm_populate(as, (u64)at,
		                   (u64)at + ROUND_UP(req->length, request_grain(req)));
	return at;
}

static int map_again_locked(struct aspace *as, u64 addr, u64 length, u64 offset, struct list *dead)
{
	struct vm_area *a = vm_area_find(as, addr);

	if (!a || a->start > addr || !(a->flags & VM_SHARED) || !a->object ||
	    (addr | length | offset) % area_grain(a))
		return -EINVAL;
	/* Linux: the range may span parts of the same file mapping, without holes. */
	for (struct vm_area *b = a; b->end < addr + length;) {
		struct vm_area *next = vm_area_next(b);
		if (!next || next->start != b->end || next->object != a->object ||
		    next->flags != a->flags)
			return -EINVAL;
		b = next;
	}
	struct vm_map_request req = {
		.addr = addr,
		.length = length,
		.prot = a->prot,
		.max_prot = a->max_prot,
		.flags = a->flags,
		.how = VM_MAP_FIXED,
		.object = a->object,
		.offset = offset,
		.file = a->file,
		.ops = a->ops,
		.private = a->private,
	};
	s64 at = map_locked(as, &req, dead);
	return at < 0 ? (int)at : 0;
}

int vm_map_again(struct aspace *as, u64 addr, u64 length, u64 offset)
{
	struct list dead = LIST_INIT(dead);

	write_lock(&as->lock);
	int err = map_again_locked(as, addr, length, offset, &dead);
	write_unlock(&as->lock);
	areas_bury(&dead);
	return err;
}
