#include "kernel/mm/owner.h"
#include "kernel/mm/vm_internal.h"
#include "kernel/sched/thread.h"

/* The entry's page under the area's new protection. Write access to private pages comes back by a fault
 * unless nobody shares them. */
static pte_t reprotected(const struct vm_area *a, pte_t e)
{
	pte_t bits = area_pte_bits(a) | (e & (PTE_OWNED | PTE_HUGE));

	if (e & PTE_OWNED && a->prot & PROT_WRITE &&
	    refcount_read(&phys_page(pte_phys(e))->refs) == 1)
		bits |= PTE_WRITE | PTE_DIRTY;
	return pte_phys(e) | bits;
}

static bool entry_reprotect(const struct vm_area *a, pte_t *entry)
{
	pte_t e = *entry, e2 = reprotected(a, e);

	if (e == e2)
		return false;
	pte_replace(entry, e2);
	return true;
}

static void area_reprotect(struct vm_area *a)
{
	struct aspace *as = a->aspace;
	struct pte_span s;

	for (u64 at = a->start; at < a->end; cond_resched()) {
		u32 i, changed = 0;
		GUARD(spin)(&as->pte_lock);
		u64 from = at;
		if (!pte_span_next(&as->pt, &at, a->end, &s))
			break;
		if (unlikely(pte_span_huge(&s)))
			changed = entry_reprotect(a, s.link);
		else
			pte_for_each (&s, i)
				changed += entry_reprotect(a, &s.table[i]);
		if (changed)
			aspace_flush(as, MAX(from, s.base), MIN(a->end, s.base + TABLE_SPAN));
	}
}

static int area_protect(struct vm_area *a, u32 prot, struct list *dead)
{
	bool more_data = prot & PROT_WRITE && !(a->prot & PROT_WRITE) && area_is_private(a);

	if (more_data && !(a->flags & (VM_STACK | VM_GROWSDOWN)) &&
	    (a->aspace->data_pages + area_pages(a) > vm_owner_limit(VM_LIMIT_DATA) >> PAGE_SHIFT ||
	     commit_check(area_pages(a), a->flags, prot) < 0))
		return -ENOMEM;
	area_account(a, -1);
	a->prot = prot;
	area_account(a, 1);
	area_reprotect(a);
	area_merge(a, dead);
	return 0;
}

/* One area's part of the range: isolates it first, so that a failure leaves it as it was. */
static int part_protect(struct aspace *as, u64 start, u64 end, u32 prot, struct list *dead)
{
	struct vm_area *a = vm_area_find(as, start);

	if (prot & ~a->max_prot)
		return -EACCES;
	if (a->prot == prot)
		return 0;
	TRY(areas_isolate(as, start, end));
	TRY(tables_own(as, start, end));
	return area_protect(vm_area_find(as, start), prot, dead);
}

static int protect_locked(struct aspace *as, u64 start, u64 end, u32 prot, struct list *dead)
{
	if (prot & PROT_GROWSDOWN) {
		struct vm_area *a = vm_area_find(as, start);
		if (!a || a->start >= end)
			return -ENOMEM;
		if (!(a->flags & VM_GROWSDOWN))
			return -EINVAL;
		start = a->start;
		prot &= ~(u32)PROT_GROWSDOWN;
	}
	for (u64 at = start; at < end;) {
		struct vm_area *a = vm_area_find(as, at);
		if (!a || a->start > at)
			return -ENOMEM;
		u64 to = MIN(a->end, end);
		TRY(part_protect(as, at, to, prot, dead));
		at = to;
	}
	return 0;
}

int vm_protect(struct aspace *as, u64 addr, u64 length, u32 prot)
{
	struct list dead = LIST_INIT(dead);
	u64 end = addr + ROUND_UP(length, PAGE_SIZE);

	if (addr % PAGE_SIZE)
		return -EINVAL;
	if (!length)
		return 0;
	if (end <= addr)
		return -ENOMEM;
	write_lock(&as->lock);
	int err = protect_locked(as, addr, end, prot, &dead);
	write_unlock(&as->lock);
	areas_bury(&dead);
	return err;
}
