#include "arch/trap.h"
#include "kernel/mm/fail.h"
#include "kernel/mm/owner.h"
#include "kernel/mm/vm_internal.h"
#include "kernel/sched/thread.h"

/*
 * Page faults. The order of checks: an area, its protection, then what the entry holds:
 *
 *	none, private memory	read: the shared zero page; write: a fresh page
 *	none, object		the object's page, and its present neighbours with it
 *	present, write		copy, unless nobody else has the page any more
 *
 * All of them may find that another thread was faster: then there is nothing left to do.
 */
enum { FAULT_AROUND = 16 };
struct page *zero_page;

pte_t area_pte_bits(const struct vm_area *a)
{
	pte_t e = PTE_USER | PTE_ACCESSED;

	if (a->prot & PROT_ALL)
		e |= PTE_PRESENT;
	if (!(a->prot & PROT_EXEC))
		e |= PTE_NX;
	if (a->flags & VM_SHARED && a->prot & PROT_WRITE)
		e |= PTE_WRITE | PTE_DIRTY;
	return e;
}

/* Bits for a page that only this entry holds. */
static pte_t owned_bits(const struct vm_area *a)
{
	pte_t e = area_pte_bits(a) | PTE_OWNED;

	return a->prot & PROT_WRITE ? e | PTE_WRITE | PTE_DIRTY : e;
}

static int write_present(struct vm_area *a, u64 addr);

static int anon_write(struct vm_area *a, u64 addr)
{
	struct aspace *as = a->aspace;
	struct pte_span s;
	struct page *p = page_alloc(0, PAGE_ZERO | PAGE_USER);

	if (unlikely(!p))
		return -ENOMEM;
	spin_lock(&as->pte_lock);
	int err = table_make(as, addr, &s);
	if (unlikely(err < 0 || s.table[s.first])) {
		spin_unlock(&as->pte_lock);
		page_put(p);
		return err < 0 ? err : write_present(a, addr);
	}
	pte_set_new(&s, s.first, page_phys(p) | owned_bits(a));
	resident_add(as, 1);
	as->resident_anon++;
	spin_unlock(&as->pte_lock);
	page_count(PAGES_ANONYMOUS, 1);
	return 0;
}

static int anon_read(struct vm_area *a, u64 addr)
{
	struct aspace *as = a->aspace;
	struct pte_span s;

	GUARD(spin)(&as->pte_lock);
	TRY(table_make(as, addr, &s));
	if (!s.table[s.first])
		pte_set_new(&s, s.first, page_phys(zero_page) | area_pte_bits(a));
	return 0;
}

/* PTE lock held: maps what the object has below page `limit` around entry s->first, that one included. */
static void map_around(struct vm_area *a, const struct pte_span *s, u64 index, u64 limit)
{
	u32 at = s->first, low = ROUND_DOWN(at, FAULT_AROUND), high = low + FAULT_AROUND, count = 0;
	pte_t bits = area_pte_bits(a);

	if (a->start > s->base)
		low = MAX(low, (u32)((a->start - s->base) >> PAGE_SHIFT));
	if (a->end - s->base < TABLE_SPAN)
		high = MIN(high, (u32)((a->end - s->base) >> PAGE_SHIFT));
	high = (u32)MIN((u64)high, at + limit - index);
	for (u32 i = low; i < high; i++) {
		if (s->table[i])
			continue;
		struct page *p = idmap_find(&a->object->pages, (u32)(index + i - at));
		if (!p)
			continue;
		page_get(p);
		pte_set_new(s, i, page_phys(p) | bits);
		count++;
	}
	resident_add(a->aspace, count);
}

/* PTE lock held: fills one entry. => 0, also when it is filled already, or -ENOMEM. */
static int map_one(struct vm_area *a, u64 addr, struct page *p)
{
	struct pte_span s;

	TRY(table_make(a->aspace, addr, &s));
	if (unlikely(s.table[s.first]))
		return 0;
	a->touched = true;
	page_get(p);
	pte_set_new(&s, s.first, page_phys(p) | area_pte_bits(a));
	resident_add(a->aspace, 1);
	return 0;
}

/* PTE lock held. => 1 when the entry is filled now, 0 when the object has a hole there, -ENOMEM. */
static int map_present(struct vm_area *a, u64 addr, u64 index)
{
	struct page *p = idmap_find(&a->object->pages, (u32)index);
	u64 limit = object_pages(a->object); /* read once: it may shrink meanwhile */
	struct pte_span s;

	if (!p || index >= limit)
		return 0;
	TRY(table_make(a->aspace, addr, &s));
	a->touched = true;
	if (!s.table[s.first])
		map_around(a, &s, index, limit);
	return 1;
}

/* The object's lock is held until the page is mapped, so that truncation cannot come between. */
static int hole_fill(struct vm_area *a, u64 addr, u64 index)
{
	struct page *p;

	GUARD(mutex)(&a->object->lock);
	int err = vm_object_fill_locked(a->object, index, &p);
	if (unlikely(err < 0))
		return err == -ENOMEM ? err : -ENXIO;
	GUARD(spin)(&a->aspace->pte_lock);
	return map_one(a, addr, p);
}

static int object_fault(struct vm_area *a, u64 addr)
{
	u64 index = area_index(a, addr);

	if (unlikely(index > UINT32_MAX))
		return -ENXIO;
	if (idmap_find(&a->object->pages, (u32)index)) { /* a first look, without a lock */
		spin_lock(&a->aspace->pte_lock);
		int done = map_present(a, addr, index);
		spin_unlock(&a->aspace->pte_lock);
		if (likely(done))
			return MIN(done, 0);
	}
	return hole_fill(a, addr, index);
}

/* PTE lock held: may the entry simply become writable? */
static bool may_reuse(const struct vm_area *a, pte_t e)
{
	if (a->flags & VM_SHARED)
		return true;
	return e & PTE_OWNED && refcount_read(&phys_page(pte_phys(e))->refs) == 1;
}

/* The copy is made without the lock; if the entry changed meanwhile the fault is over or happens again. */
static int copy_on_write(struct vm_area *a, u64 addr, pte_t was)
{
	struct aspace *as = a->aspace;
	struct page *old = phys_page(pte_phys(was)), *new;
	bool zero = old == zero_page;

	new = page_alloc(0, PAGE_USER | (zero ? PAGE_ZERO : PAGE_ANY));
	if (unlikely(!new))
		return -ENOMEM;
	if (!zero)
		page_copy(new, old);
	spin_lock(&as->pte_lock);
	pte_t *entry = pte_find(&as->pt, addr);
	if (unlikely(!entry || *entry != was)) {
		spin_unlock(&as->pte_lock);
		page_put(new);
		return 0;
	}
	pte_replace(entry, page_phys(new) | owned_bits(a));
	aspace_flush(as, addr & PAGE_MASK, (addr & PAGE_MASK) + PAGE_SIZE);
	if (zero)
		resident_add(as, 1);
	if (!(was & PTE_OWNED)) {
		as->resident_anon++;
		page_count(PAGES_ANONYMOUS, 1);
	}
	a->has_owned = true;
	spin_unlock(&as->pte_lock);
	if (!zero)
		page_put(old);
	return 0;
}

/* A write to what is or was mapped without the right to. */
static int write_present(struct vm_area *a, u64 addr)
{
	struct aspace *as = a->aspace;
	pte_t was;

	struct pte_span s;

	spin_lock(&as->pte_lock);
	int err = pte_lookup(&as->pt, addr, &s) && s.table[s.first] ? table_own(as, &s) : 1;
	if (unlikely(err)) {
		spin_unlock(&as->pte_lock);
		return MIN(err, 0);
	}
	pte_t *entry = &s.table[s.first];
	was = *entry;
	if (may_reuse(a, was)) {
		if (a->prot & PROT_WRITE)
			pte_replace(entry, was | PTE_WRITE | PTE_DIRTY);
		tlb_flush_local(as->pt.root, addr & PAGE_MASK, (addr & PAGE_MASK) + PAGE_SIZE);
		spin_unlock(&as->pte_lock);
		return 0;
	}
	struct page *old = phys_page(pte_phys(was));
	if (old != zero_page)
		page_get(old);
	spin_unlock(&as->pte_lock);
	err = copy_on_write(a, addr, was);
	if (old != zero_page)
		page_put(old);
	return err;
}

int fault_in(struct vm_area *a, u64 addr, bool write)
{
	if (likely(!a->object))
		return write ? anon_write(a, addr) : anon_read(a, addr);
	if (area_is_huge(a))
		return huge_fault(a, addr, write);
	TRY(object_fault(a, addr));
	if (!write)
		return 0;
	if (area_is_private(a))
		return write_present(a, addr);
	if (a->ops && a->ops->written)
		a->ops->written(a);
	return 0;
}

static ALWAYS_INLINE struct vm_area *area_at(struct aspace *as, u64 addr)
{
	struct vm_area *a = load_relaxed(&as->recent);

	if (likely(a && addr - a->start < a->end - a->start))
		return a;
	a = vm_area_find(as, addr);
	if (!a || addr < a->start)
		return NULL;
	store_relaxed(&as->recent, a);
	return a;
}

static ALWAYS_INLINE int fault_locked(struct vm_area *a, u64 addr, u64 error)
{
	u32 need = error & PF_WRITE ? PROT_WRITE : error & PF_FETCH ? PROT_EXEC : PROT_ALL;

	if (unlikely(!(a->prot & need)))
		return -EACCES;
	if (error & PF_PRESENT && error & PF_WRITE && !area_is_huge(a))
		return write_present(a, addr);
	return fault_in(a, addr, error & PF_WRITE);
}

/* Makes room for addr below a stack. Write-locked. => 0 or -errno. */
static int stack_grow(struct vm_area *a, u64 addr)
{
	struct vm_area *below = area_prev(a);
	u64 start = addr & PAGE_MASK, pages = (a->start - start) >> PAGE_SHIFT;

	if (start < USER_LOW || a->end - start > vm_owner_limit(VM_LIMIT_STACK))
		return -EFAULT;
	if (below && below->prot != PROT_NONE && !(below->flags & VM_GROWSDOWN) &&
	    start - below->end < STACK_GUARD_GAP)
		return -EFAULT;
	if (map_limits(a->aspace, pages, a->prot, a->flags) < 0)
		return -EFAULT;
	if (a->flags & VM_LOCKED && lock_limit(a->aspace, pages) < 0)
		return -EFAULT;
	area_resize(a, start, a->end);
	return 0;
}

/* No area at addr: below a stack it makes itself room. */
static NOINLINE int grow_and_fault(struct aspace *as, u64 addr, u64 error)
{
	write_lock(&as->lock);
	struct vm_area *a = vm_area_find(as, addr);
	int err = -EFAULT;
	if (a && addr >= a->start)
		err = 0; /* another thread was faster */
	else if (a && a->flags & VM_GROWSDOWN)
		err = stack_grow(a, addr);
	if (err == 0)
		err = fault_locked(a, addr, error);
	write_unlock(&as->lock);
	return err;
}

int mm_page_fault(u64 addr, u64 error, bool from_user)
{
	struct aspace *as = thread_current()->aspace;

	if (unlikely(!as))
		return -EFAULT;
	u32 armed = alloc_fail_pause();
	lockdep_assert_may_sleep(LOCKDEP_HERE);
	read_lock(&as->lock);
	struct vm_area *a = area_at(as, addr);
	int err = likely(a) ? fault_locked(a, addr, error) : 1;
	as->faults++;
	read_unlock(&as->lock);
	if (unlikely(err > 0))
		err = grow_and_fault(as, addr, error);
	alloc_fail_resume(armed);
	/* Some process was ended to make room, perhaps this one: the access is tried again, or never. */
	if (unlikely(err == -ENOMEM) && vm_owner_out_of_memory())
		return 0;
	return err;
}
