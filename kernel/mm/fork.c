#include "kernel/lib/string.h"
#include "kernel/mm/owner.h"
#include "kernel/mm/vm_internal.h"
#include "kernel/sched/thread.h"

/*
 * Copies the private pages of one page table: both sides hold them without the right to write. What an
 * object holds is left for the child to fault in, and so are zero pages. The child's tables are
 * nobody else's yet. => 0 or -ENOMEM.
 */
static int span_copy(struct aspace *to, const struct vm_area *a, const struct pte_span *from,
                     u64 *protected)
{
	struct pte_span s = {0};
	u64 count = 0;
	u32 i;

	pte_for_each (from, i) {
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

static int pages_copy(struct aspace *to, struct vm_area *a, u64 *protected)
{
	struct aspace *from = a->aspace;
	struct pte_span s;

	for (u64 at = a->start; at < a->end; cond_resched()) {
		GUARD(spin)
		(&from->pte_lock);
		if (!pte_span_next(&from->pt, &at, a->end, &s))
			break;
		bool shared = false, was_own = !pte_span_shared(&s);
		if (!a->object)
			TRY(table_share(to, &s, &shared));
		if (shared)
			*protected += was_own;
		else
			TRY(span_copy(to, a, &s, protected));
	}
	return 0;
}

static bool has_pages_to_copy(const struct vm_area *a)
{
	if (a->flags & (VM_SHARED | VM_WIPEONFORK))
		return false;
	return !a->object || a->has_owned;
}

/* The child's areas are not on their objects' lists until all is copied (areas_publish). */
static int area_fork(struct aspace *to, struct vm_area *a, struct range **last, u64 *protected)
{
	struct vm_area *copy = area_copy(a);

	if (!copy)
		return -ENOMEM;
	copy->aspace = to;
	copy->flags &= ~(u32)(VM_LOCKED | VM_LOCKONFAULT);
	if (!has_pages_to_copy(a))
		copy->has_owned = false;
	range_append(&to->areas, &copy->range, *last);
	*last = &copy->range;
	to->area_count++;
	area_account(copy, 1);
	return has_pages_to_copy(a) ? pages_copy(to, a, protected) : 0;
}

static void areas_publish(struct aspace *to)
{
	for (struct vm_area *a = vm_area_first(to); a; a = vm_area_next(a))
		area_publish(a);
}

static int areas_fork(struct aspace *to, struct aspace *from)
{
	struct range *last = NULL;
	u64 protected = 0;
	int err = 0;

	for (struct vm_area *a = vm_area_first(from); a && err == 0; a = vm_area_next(a))
		if (!(a->flags & VM_DONTFORK))
			err = area_fork(to, a, &last, &protected);
	if (protected)
		aspace_flush(from, 0, USER_LIMIT);
	areas_publish(to);
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
