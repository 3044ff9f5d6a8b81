#include "kernel/lib/string.h"
#include "kernel/mm/owner.h"
#include "kernel/mm/vm_internal.h"

/*
 * Copies the private pages of one page table: both sides hold them without the right to write. What an
 * object holds is left for the child to fault in, and so are zero pages. The child's tables are
 * nobody else's yet. => 0 or -ENOMEM.
 */
static int span_copy(struct aspace *to, const struct pte_span *from, u64 *protected)
{
	struct pte_span s = {0};
	u64 count = 0;
	u32 i;

	table_for_each(from->page, from->table, i)
	{
		pte_t e = from->table[i];
		if (!(e & PTE_OWNED))
			continue;
		if (unlikely(!s.table))
			TRY(pte_make(&to->pt, from->base + ((u64)i << PAGE_SHIFT), &s));
		page_get(phys_page(pte_phys(e)));
		if (e & PTE_WRITE) {
			e &= ~(pte_t)PTE_WRITE;
			pte_replace(&from->table[i], e);
			++*protected;
		}
		s.table[i] = e;
		count++;
	}
	if (!count)
		return 0;
	s.page->used += count;
	s.page->occupied |= from->page->occupied;
	resident_add(to, count);
	to->resident_anon += count;
	page_count(PAGES_ANONYMOUS, (s64)count);
	return 0;
}

/* Does one area of anonymous memory cover all that the table maps? */
static bool table_may_be_shared(struct aspace *as, const struct pte_span *s)
{
	struct vm_area *a = vm_area_find(as, s->base);

	return a && !a->object && a->start <= s->base && a->end >= s->base + TABLE_SPAN;
}

struct pages_fork {
	struct aspace *to, *from;
	u64 protected; /* entries and links that lost the right to write */
};

static int span_fork(const struct pte_span *s, void *arg)
{
	struct pages_fork *f = arg;
	bool shared = false, was_own = !pte_span_shared(s);

	if (unlikely(pte_span_huge(s)))
		return huge_span_fork(f->to, s, &f->protected);
	if (unlikely(s->page->used >= TABLE_SHARE_MIN) && table_may_be_shared(f->from, s))
		TRY(table_share(f->to, f->from, s, &shared));
	if (!shared)
		return span_copy(f->to, s, &f->protected);
	f->protected += was_own;
	return 0;
}

/* All owned pages, whatever their areas: page table by page table. */
static int pages_fork(struct aspace *to, struct aspace *from)
{
	struct pages_fork f = {to, from, 0};

	GUARD(spin)(&from->pte_lock);
	int err = pagetable_visit(&from->pt, span_fork, &f);
	if (f.protected)
		aspace_flush(from, 0, USER_LIMIT);
	return err;
}

struct area_fork {
	struct aspace *to;
	u32 special; /* areas that the child does not have, or has empty */
};

static struct range *area_fork(const struct range *r, void *arg)
{
	struct area_fork *f = arg;
	const struct vm_area *a = container_of(r, struct vm_area, range);
	struct vm_area *copy = area_copy(a);

	if (!copy)
		return NULL;
	copy->aspace = f->to;
	copy->touched &= area_is_private(copy); /* of the others' entries none are copied */
	if (area_is_huge(copy))
		huge_area_leave_claim(copy);
	copy->flags &= ~(u32)(VM_LOCKED | VM_LOCKONFAULT);
	f->to->area_count++;
	area_account(copy, 1);
	f->special += (copy->flags & (VM_DONTFORK | VM_WIPEONFORK)) != 0;
	return &copy->range;
}

static void area_drop_unpublished(struct vm_area *a)
{
	area_account(a, -1);
	range_remove(&a->aspace->areas, &a->range);
	a->aspace->area_count--;
	if (a->object)
		vm_object_put(a->object);
	area_free_unlinked(a);
}

/* madvise(2): MADV_DONTFORK, MADV_WIPEONFORK. */
static void special_areas_settle(struct aspace *to)
{
	struct vm_area *a, *next;

	for (a = vm_area_first(to); a; a = next) {
		next = vm_area_next(a);
		if (!(a->flags & (VM_DONTFORK | VM_WIPEONFORK)))
			continue;
		zap_range(to, a->start, a->end,
		          ZAP_ALL); /* no table that it has a part of is shared */
		if (a->flags & VM_DONTFORK)
			area_drop_unpublished(a);
	}
}

/* Memory ran out while they were copied: a tree of a part of them is out of balance, and is not to be changed. */
static void areas_drop_unpublished(struct aspace *to)
{
	struct list dead = LIST_INIT(dead);
	struct vm_area *a, *next;

	areas_retire_all(to, &dead);
	list_for_each_safe (a, next, &dead, mapping_link) {
		if (a->object)
			vm_object_put(a->object);
		area_free_unlinked(a);
	}
}

/* The child's areas are not on their objects' lists until all is copied: its tables are nobody else's. */
static int areas_fork(struct aspace *to, struct aspace *from)
{
	struct area_fork f = {.to = to};

	if (!range_clone(&to->areas, &from->areas, area_fork, &f)) {
		areas_drop_unpublished(to);
		return -ENOMEM;
	}
	int err = pages_fork(to, from);
	if (unlikely(f.special))
		special_areas_settle(to);
	for (struct vm_area *a = vm_area_first(to); a; a = vm_area_next(a))
		area_publish(a);
	return err;
}

static void layout_copy(struct aspace *to, const struct aspace *from)
{
	to->brk_start = from->brk_start, to->brk = from->brk;
	to->mmap_base = from->mmap_base, to->stack_top = from->stack_top;
	to->arg_start = from->arg_start, to->arg_end = from->arg_end;
	to->env_start = from->env_start, to->env_end = from->env_end;
	to->code_start = from->code_start, to->code_end = from->code_end;
	to->data_start = from->data_start, to->data_end = from->data_end;
	to->vdso = from->vdso;
	to->exe = from->exe;
	if (to->exe)
		vm_owner_file_get(to->exe);
	memcpy(to->auxv, from->auxv, sizeof(to->auxv));
}

struct aspace *aspace_fork(struct aspace *from)
{
	struct aspace *to = aspace_new();

	if (is_err(to))
		return to;
	write_lock(&from->lock);
	layout_copy(to, from);
	int err = areas_fork(to, from);
	write_unlock(&from->lock);
	if (err == 0)
		return to;
	aspace_put(to);
	return err_ptr(err);
}
