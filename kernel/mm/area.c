#include "kernel/lib/string.h"
#include "kernel/mm/slab.h"
#include "kernel/mm/vm_internal.h"

static struct slab_cache *area_cache;

void area_cache_init(void)
{
	area_cache = slab_cache_new("vm_area", sizeof(struct vm_area), CACHE_LINE);
}

struct vm_area *area_new(void)
{
	struct vm_area *a = slab_zalloc(area_cache);

	if (a)
		list_init(&a->mapping_link);
	return a;
}

void area_free_unlinked(struct vm_area *a)
{
	slab_free(area_cache, a);
}

void area_account(struct vm_area *a, s64 sign)
{
	struct aspace *as = a->aspace;
	u64 pages = area_pages(a) * (u64)sign;

	as->total_pages += pages;
	as->total_peak = MAX(as->total_peak, as->total_pages);
	if (a->flags & VM_LOCKED)
		as->locked_pages += pages;
	if (a->flags & (VM_STACK | VM_GROWSDOWN))
		as->stack_pages += pages;
	else if (area_is_private(a) && a->prot & PROT_WRITE)
		as->data_pages += pages;
	else if (area_is_private(a) && a->prot & PROT_EXEC)
		as->exec_pages += pages;
	if (a->object)
		as->shared_pages += pages;
}

void area_publish(struct vm_area *a)
{
	if (a->object) {
		GUARD(spin)(&a->object->mappings_lock);
		list_add_tail(&a->object->mappings, &a->mapping_link);
	}
	if (a->ops && a->ops->open)
		a->ops->open(a);
}

void area_link(struct aspace *as, struct vm_area *a)
{
	a->aspace = as;
	range_insert(&as->areas, &a->range);
	as->area_count++;
	area_account(a, 1);
	area_publish(a);
}

static void bounds_set(struct vm_area *a, u64 start, u64 end)
{
	a->offset += start - a->start;
	range_resize(&a->aspace->areas, &a->range, start, end);
}

void area_resize(struct vm_area *a, u64 start, u64 end)
{
	area_account(a, -1);
	if (a->object) {
		GUARD(spin)(&a->object->mappings_lock);
		bounds_set(a, start, end);
	} else {
		bounds_set(a, start, end);
	}
	area_account(a, 1);
}

static void recent_forget(struct vm_area *a)
{
	if (a->aspace->recent == a)
		store_relaxed(&a->aspace->recent, (struct vm_area *)NULL);
}

/* Out of the object's list. The link is free for the dead list then. */
static void mapping_del(struct vm_area *a)
{
	if (!a->object)
		return;
	GUARD(spin)(&a->object->mappings_lock);
	list_del(&a->mapping_link);
}

void area_unlink(struct vm_area *a, struct list *dead)
{
	area_account(a, -1);
	recent_forget(a);
	range_remove(&a->aspace->areas, &a->range);
	a->aspace->area_count--;
	mapping_del(a);
	list_add_tail(dead, &a->mapping_link);
}

void areas_retire_all(struct aspace *as, struct list *dead)
{
	struct vm_area *a = vm_area_first(as), *next;

	for (; a; a = next) {
		next = vm_area_next(a);
		mapping_del(a);
		list_add_tail(dead, &a->mapping_link);
	}
	range_set_init(&as->areas);
	as->recent = NULL;
	as->area_count = 0;
	as->total_pages = as->locked_pages = as->data_pages = 0;
	as->stack_pages = as->exec_pages = as->shared_pages = 0;
}

void areas_bury(struct list *dead)
{
	struct vm_area *a, *next;

	list_for_each_safe (a, next, dead, mapping_link) {
		list_del(&a->mapping_link);
		if (a->ops && a->ops->close)
			a->ops->close(a);
		if (area_is_huge(a))
			huge_area_close(a);
		if (a->object)
			vm_object_put(a->object);
		area_free_unlinked(a);
	}
}

struct vm_area *area_copy(const struct vm_area *from)
{
	struct vm_area *a = slab_alloc(area_cache);

	if (!a)
		return NULL;
	*a = *from;
	list_init(&a->mapping_link);
	if (a->object)
		vm_object_get(a->object);
	if (area_is_huge(a))
		huge_area_join_claim(a);
	return a;
}

/* Cuts a at addr, a keeps the lower part. => 0, -ENOMEM (memory or number of areas), -EINVAL (in a huge page). */
static int area_split(struct vm_area *a, u64 addr)
{
	struct aspace *as = a->aspace;
	struct vm_area *upper;

	DEBUG_ASSERT(addr > a->start && addr < a->end);
	if (addr % area_grain(a))
		return -EINVAL;
	if (as->area_count >= MAP_COUNT_MAX)
		return -ENOMEM;
	upper = area_copy(a);
	if (!upper)
		return -ENOMEM;
	upper->offset += addr - a->start;
	upper->start = addr;
	/* Truncation must see each page in one of the two at any time; seeing it in both is harmless, but
	 * ranges of a set must not overlap: so both change under one hold of the mappings lock. */
	if (a->object)
		spin_lock(&a->object->mappings_lock);
	area_account(a, -1);
	range_resize(&as->areas, &a->range, a->start, addr);
	area_account(a, 1);
	range_insert(&as->areas, &upper->range);
	if (a->object) {
		list_add_tail(&a->object->mappings, &upper->mapping_link);
		spin_unlock(&a->object->mappings_lock);
	}
	as->area_count++;
	area_account(upper, 1);
	if (upper->ops && upper->ops->open)
		upper->ops->open(upper);
	return 0;
}

int areas_isolate(struct aspace *as, u64 start, u64 end)
{
	struct vm_area *a = vm_area_find(as, start);

	if (a && a->start < start)
		TRY(area_split(a, start));
	a = vm_area_find(as, end);
	if (a && a->start < end)
		TRY(area_split(a, end));
	return 0;
}

/* Does b, which follows a, continue it? */
static bool mergeable(const struct vm_area *a, const struct vm_area *b)
{
	if (a->end != b->start || a->prot != b->prot || a->max_prot != b->max_prot ||
	    a->flags != b->flags || a->object != b->object || a->ops != b->ops ||
	    a->file != b->file || a->private != b->private || area_is_huge(a))
		return false;
	return !a->object || a->offset + (a->end - a->start) == b->offset;
}

/* a takes over b's range. */
static void absorb(struct vm_area *a, struct vm_area *b, struct list *dead)
{
	struct vm_object *o = a->object;
	u64 end = b->end;

	area_account(a, -1);
	area_account(b, -1);
	recent_forget(b);
	if (o)
		spin_lock(&o->mappings_lock);
	range_remove(&a->aspace->areas, &b->range);
	range_resize(&a->aspace->areas, &a->range, a->start, end);
	a->has_owned |= b->has_owned;
	a->touched |= b->touched;
	list_del(&b->mapping_link);
	if (o)
		spin_unlock(&o->mappings_lock);
	a->aspace->area_count--;
	area_account(a, 1);
	list_add_tail(dead, &b->mapping_link);
}

struct vm_area *area_merge(struct vm_area *a, struct list *dead)
{
	if (a->ops && !a->ops->mergeable && (a->ops->open || a->ops->close))
		return a;
	struct vm_area *below = area_prev(a), *above = vm_area_next(a);

	if (above && mergeable(a, above))
		absorb(a, above, dead);
	if (below && mergeable(below, a)) {
		absorb(below, a, dead);
		a = below;
	}
	return a;
}

struct vm_area *vm_area_find(struct aspace *as, u64 addr)
{
	return area_of(range_find(&as->areas, addr));
}

struct vm_area *vm_area_first(struct aspace *as)
{
	return area_of(range_first(&as->areas));
}

struct vm_area *vm_area_next(struct vm_area *a)
{
	return area_of(range_next(&a->range));
}
