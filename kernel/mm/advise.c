#include "kernel/mm/advise.h"
#include "kernel/lib/string.h"
#include "kernel/mm/vm_internal.h"

/*
 * Calls visit for each area's part of [start, end). => the first error; else -ENOMEM when there was a hole.
 * visit may not change the set of areas.
 */
struct walk {
	int (*visit)(struct vm_area *a, u64 start, u64 end, void *arg);
	void *arg;
};

static int areas_walk(struct aspace *as, u64 start, u64 end, const struct walk *w)
{
	struct vm_area *a = vm_area_find(as, start);
	int hole = 0;

	for (; start < end; a = vm_area_next(a)) {
		if (!a || a->start >= end)
			return -ENOMEM;
		if (a->start > start)
			hole = -ENOMEM;
		TRY(w->visit(a, MAX(start, a->start), MIN(end, a->end), w->arg));
		start = a->end;
	}
	return hole;
}

struct discard {
	bool only_anonymous, locked_too;
};

static int discard_part(struct vm_area *a, u64 start, u64 end, void *arg)
{
	const struct discard *d = arg;

	if (a->flags & VM_LOCKED && !d->locked_too)
		return -EINVAL;
	if (d->only_anonymous && a->object)
		return -EINVAL;
	if (area_is_huge(a)) { /* as Linux: whole huge pages, counted from the start */
		if (start % HUGE_PAGE_SIZE)
			return -EINVAL;
		huge_area_discard(a, start, ROUND_DOWN(end, (u64)HUGE_PAGE_SIZE));
		return 0;
	}
	if (tables_own_edges(a->aspace, start, end) < 0)
		return -EAGAIN;
	zap_range(a->aspace, start, end, ZAP_ALL);
	return 0;
}

int vm_discard(struct aspace *as, u64 start, u64 end, bool only_anonymous, bool locked_too)
{
	struct discard d = {only_anonymous, locked_too};

	GUARD(read)(&as->lock);
	return areas_walk(as, start, end, &(struct walk){discard_part, &d});
}

/* The part of one object that an area maps; the hole is punched without the address space's lock. */
struct punch {
	struct vm_object *object; /* reference */
	u64 from, to;             /* of the object */
	u64 next;                 /* address to go on at */
};

static int punch_find(struct aspace *as, u64 start, u64 end, struct punch *p, int *hole)
{
	GUARD(read)(&as->lock);
	struct vm_area *a = vm_area_find(as, start);
	if (!a || a->start >= end) {
		*hole = -ENOMEM;
		p->next = end;
		p->object = NULL;
		return 0;
	}
	if (a->start > start)
		*hole = -ENOMEM;
	start = MAX(start, a->start);
	end = MIN(end, a->end);
	if (a->flags & VM_LOCKED || !a->object)
		return -EINVAL;
	if (!(a->flags & VM_SHARED) || !(a->prot & PROT_WRITE))
		return -EACCES;
	vm_object_get(a->object);
	*p = (struct punch){a->object, start - a->start + a->offset, end - a->start + a->offset,
	                    end};
	return 0;
}

int vm_punch(struct aspace *as, u64 start, u64 end)
{
	int hole = 0;

	while (start < end) {
		struct punch p;
		TRY(punch_find(as, start, end, &p, &hole));
		if (p.object) {
			vm_object_punch(p.object, p.from, p.to);
			vm_object_put(p.object);
		}
		start = p.next;
	}
	return hole;
}

static int reflag_one(struct vm_area *a, const struct area_flags *f, struct list *dead)
{
	area_account(a, -1);
	a->flags = (a->flags & ~f->clear) | f->set;
	area_account(a, 1);
	area_merge(a, dead);
	return 0;
}

int areas_reflag(struct aspace *as, u64 start, u64 end, const struct area_flags *f,
                 struct list *dead)
{
	int hole = 0;

	while (start < end) {
		struct vm_area *a = vm_area_find(as, start);
		if (a && a->start > start && f->holes_ok) {
			hole = -ENOMEM;
			start = a->start;
		}
		if (!a || a->start > start || start >= end)
			return -ENOMEM;
		u64 to = MIN(a->end, end);
		if (a->flags & f->refuse)
			return -EINVAL;
		bool locks = (f->set | f->clear) & VM_LOCKED; /* huge pages are locked by nature */
		if (((a->flags & ~f->clear) | f->set) != a->flags && !(locks && area_is_huge(a))) {
			TRY(areas_isolate(as, start, to));
			TRY(reflag_one(vm_area_find(as, start), f, dead));
		}
		start = to;
	}
	return hole;
}

static int anonymous_part(struct vm_area *a, u64 start, u64 end, void *arg)
{
	return a->object ? -EINVAL : 0;
}

int vm_reflag(struct aspace *as, u64 start, u64 end, u32 set, u32 clear, bool only_anonymous)
{
	struct area_flags f = {.set = set, .clear = clear, .holes_ok = true};
	struct list dead = LIST_INIT(dead);
	int err = 0;

	write_lock(&as->lock);
	if (only_anonymous)
		err = areas_walk(as, start, end, &(struct walk){anonymous_part, NULL});
	if (err != -EINVAL)
		err = areas_reflag(as, start, end, &f, &dead);
	write_unlock(&as->lock);
	areas_bury(&dead);
	return err;
}

static int refuse_part(struct vm_area *a, u64 start, u64 end, void *arg)
{
	return a->flags & *(u32 *)arg ? -EINVAL : 0;
}

int vm_check_mapped(struct aspace *as, u64 start, u64 end, u32 refuse)
{
	GUARD(read)(&as->lock);
	return areas_walk(as, start, end, &(struct walk){refuse_part, &refuse});
}

static bool page_resident(struct vm_area *a, u64 addr)
{
	u64 index = area_index(a, addr);
	if (area_is_huge(a))
		return huge_page_resident(a, addr);
	GUARD(spin)(&a->aspace->pte_lock);
	pte_t *entry = pte_find(&a->aspace->pt, addr);

	if (entry && *entry)
		return true;
	return a->object && index <= UINT32_MAX && idmap_find(&a->object->pages, (u32)index);
}

struct residency {
	u64 base;
	u8 *out;
};

static int residency_part(struct vm_area *a, u64 start, u64 end, void *arg)
{
	struct residency *r = arg;

	for (u64 at = start; at < end; at += PAGE_SIZE)
		r->out[(at - r->base) >> PAGE_SHIFT] = page_resident(a, at);
	return 0;
}

int vm_residency(struct aspace *as, u64 addr, u32 pages, u8 *out)
{
	struct residency r = {addr, out};

	GUARD(read)(&as->lock);
	return areas_walk(as, addr, addr + ((u64)pages << PAGE_SHIFT),
	                  &(struct walk){residency_part, &r});
}
