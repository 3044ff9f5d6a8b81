#include "kernel/lib/checked.h"
#include "kernel/mm/slab.h"
#include "kernel/mm/vm_internal.h"

/*
 * Mappings of huge pages. A fault holds object->lock throughout: it may take a promise, and a page must come once.
 *
 * What a private mapping was promised. first: page of the object; used: a bit for each page that has come or that
 * the mapping gave up. Parts of the mapping (split, moved) share it, each with a reference in area->private.
 */
struct huge_claim {
	refcount_t refs;
	u64 first, pages; /* [I] */
	u64 used[];       /* [object->lock] */
};

static bool claim_used(const struct huge_claim *c, u64 index)
{
	u64 bit = index - c->first;

	return c->used[bit / 64] >> bit % 64 & 1;
}

/* => true: the promise was there, and is used up now. */
static bool claim_use(struct huge_claim *c, u64 index)
{
	if (!c || claim_used(c, index))
		return false;
	u64 bit = index - c->first;
	c->used[bit / 64] |= BIT(bit % 64);
	return true;
}

static u64 area_first(const struct vm_area *a)
{
	return a->offset / HUGE_PAGE_SIZE;
}

static u64 area_end(const struct vm_area *a)
{
	return area_first(a) + area_pages(a) / (1 << HUGE_PAGE_ORDER);
}

static struct huge_claim *claim_new(const struct vm_area *a)
{
	u64 pages = area_end(a) - area_first(a);
	struct huge_claim *c;

	if (huge_reserve(pages) < 0)
		return NULL;
	c = kzalloc(sizeof(*c) + ROUND_UP(pages, 64) / 8);
	if (!c) {
		huge_unreserve(pages);
		return NULL;
	}
	refcount_init(&c->refs, 1);
	c->first = area_first(a);
	c->pages = pages;
	return c;
}

static void claim_put(struct huge_claim *c)
{
	if (refcount_put(&c->refs))
		kfree(c);
}

/* What the pages of a were promised, and did not get, is free for others again. */
static void claim_give_up(struct vm_area *a)
{
	u64 unused = 0;

	GUARD(mutex)(&a->object->lock);
	for (u64 i = area_first(a); i < area_end(a); i++)
		unused += claim_use(a->private, i);
	huge_unreserve(unused);
}

int huge_area_reserve(struct vm_area *a)
{
	u64 end;

	/* The numbers of pages beyond would not fit the object's map. */
	if (add_overflows(a->offset, a->end - a->start, &end) || end > VM_OBJECT_SIZE_MAX)
		return -ENOMEM;
	if (a->flags & (VM_NORESERVE | VM_PROMISED)) {
	} else if (a->flags & VM_SHARED) {
		TRY(huge_object_reserve(a->object, a->offset, end));
	} else {
		a->private = claim_new(a);
		if (!a->private)
			return -ENOMEM;
	}
	if (a->prot & PROT_WRITE)
		vm_object_extend(a->object, end);
	return 0;
}

void huge_area_join_claim(struct vm_area *a)
{
	struct huge_claim *c = a->private;

	if (!(a->flags & VM_SHARED) && c)
		refcount_get(&c->refs);
}

void huge_area_close(struct vm_area *a)
{
	if (a->flags & VM_SHARED || !a->private)
		return;
	claim_give_up(a);
	huge_area_leave_claim(a);
}

/* The page was a's own, and has gone: another one is promised for it, if there is one. */
static void claim_renew(struct huge_claim *c, u64 index)
{
	u64 bit = index - c->first;

	if (claim_used(c, index) && huge_reserve(1) == 0)
		c->used[bit / 64] &= ~BIT(bit % 64);
}

void huge_area_leave_claim(struct vm_area *a)
{
	if (!(a->flags & VM_SHARED) && a->private)
		claim_put(TAKE(*(struct huge_claim **)&a->private));
}

/* --- faults --- */

struct huge_fault {
	struct vm_area *a;
	u64 base, index; /* address and number of the huge page */
};

static void huge_flush(const struct huge_fault *f)
{
	aspace_flush(f->a->aspace, f->base, f->base + PAGE_SIZE); /* one translation */
}

/* => 0, also when it is filled already, or -ENOMEM. On success the reference of p is the entry's. */
static int entry_fill(const struct huge_fault *f, struct page *p, pte_t bits)
{
	struct aspace *as = f->a->aspace;
	pte_t *link;

	GUARD(spin)(&as->pte_lock);
	TRY(huge_make(&as->pt, f->base, &link));
	DEBUG_ASSERT(!*link);
	huge_set_new(link, page_phys(p) | bits);
	as->huge_pages++;
	f->a->touched = true;
	return 0;
}

static pte_t huge_entry(struct aspace *as, u64 base)
{
	struct pte_span s;

	GUARD(spin)(&as->pte_lock);
	return pte_lookup(&as->pt, base, &s) ? *s.link : 0;
}

static int fill_or_put(const struct huge_fault *f, struct page *p, pte_t bits)
{
	int err = entry_fill(f, p, bits);

	if (err < 0)
		huge_page_put(p);
	return err;
}

/* A page of the object, as it is. */
static int object_page_map(const struct huge_fault *f, struct page *p)
{
	page_get(p);
	return fill_or_put(f, p, area_pte_bits(f->a));
}

static pte_t private_bits(const struct vm_area *a)
{
	pte_t e = area_pte_bits(a) | PTE_OWNED;

	return a->prot & PROT_WRITE ? e | PTE_WRITE | PTE_DIRTY : e;
}

static struct page *private_page_new(const struct huge_fault *f)
{
	return huge_page_alloc(claim_use(f->a->private, f->index) ? HUGE_PROMISED : HUGE_SPARE);
}

/* No page for the owner of the claim to copy to: who shares `old` with it has to do without. */
static void page_take_from_others(const struct huge_fault *f, const struct page *old)
{
	struct vm_object *o = f->a->object;
	struct vm_area *b;

	GUARD(spin)(&o->mappings_lock);
	list_for_each (b, &o->mappings, mapping_link) {
		u64 at = b->start + (f->index - area_first(b)) * HUGE_PAGE_SIZE;
		if (b == f->a || !area_is_private(b) || b->private || f->index < area_first(b) ||
		    f->index >= area_end(b) ||
		    pte_phys(huge_entry(b->aspace, at)) != page_phys(old))
			continue;
		b->huge_lost = true;
		area_zap_pages(b, f->index << HUGE_PAGE_ORDER, (f->index + 1) << HUGE_PAGE_ORDER,
		               ZAP_ALL);
	}
}

static void entry_replace(const struct huge_fault *f, pte_t e)
{
	struct aspace *as = f->a->aspace;
	struct pte_span s;

	GUARD(spin)(&as->pte_lock);
	if (pte_lookup(&as->pt, f->base, &s))
		pte_replace(s.link, e | PTE_HUGE);
	huge_flush(f);
}

static int private_copy(const struct huge_fault *f, pte_t was)
{
	struct vm_area *a = f->a;
	struct page *old = phys_page(pte_phys(was)), *new;
	bool owned = was & PTE_OWNED;

	if (owned && refcount_read(&old->refs) == 1) {
		entry_replace(f, page_phys(old) | private_bits(a));
		return 0;
	}
	new = private_page_new(f);
	if (!new && a->private &&owned) {
		page_take_from_others(f, old);
		/* A fork under way has it too, but is on no list yet: the access faults again. */
		if (refcount_read(&old->refs) == 1)
			entry_replace(f, page_phys(old) | private_bits(a));
		return 0;
	}
	if (!new)
		return -ENXIO;
	huge_page_copy(new, old);
	entry_replace(f, page_phys(new) | private_bits(a));
	huge_page_put(old);
	return 0;
}

static int private_fault(const struct huge_fault *f, bool write)
{
	struct vm_area *a = f->a;
	pte_t was = huge_entry(a->aspace, f->base);

	if (was)
		return write && !(was & PTE_WRITE) ? private_copy(f, was) : 0;
	if (a->huge_lost)
		return -ENXIO;
	struct page *p = idmap_find(&a->object->pages, (u32)f->index);
	if (p && !write)
		return object_page_map(f, p);
	struct page *new = private_page_new(f);
	if (!new)
		return -ENXIO;
	if (p)
		huge_page_copy(new, p);
	return fill_or_put(f, new, private_bits(a));
}

static int shared_fault(const struct huge_fault *f)
{
	struct page *p;

	if (huge_entry(f->a->aspace, f->base)) {
		tlb_flush_local(f->a->aspace->pt.root, f->base, f->base + PAGE_SIZE);
		return 0;
	}
	int err = huge_object_page_locked(f->a->object, f->index, &p);
	if (err < 0)
		return err == -ENOSPC ? -ENXIO : err;
	return object_page_map(f, p);
}

int huge_fault(struct vm_area *a, u64 addr, bool write)
{
	struct huge_fault f = {a, ROUND_DOWN(addr, (u64)HUGE_PAGE_SIZE),
	                       area_index(a, addr) >> HUGE_PAGE_ORDER};

	GUARD(mutex)(&a->object->lock);
	if (f.index >= a->object->size / HUGE_PAGE_SIZE)
		return -ENXIO;
	return area_is_private(a) ? private_fault(&f, write) : shared_fault(&f);
}

/* --- what others do with them --- */

void huge_area_discard(struct vm_area *a, u64 start, u64 end)
{
	GUARD(mutex)(&a->object->lock);
	for (u64 at = start; at < end; at += HUGE_PAGE_SIZE) {
		bool owned = huge_entry(a->aspace, at) & PTE_OWNED;
		zap_range(a->aspace, at, at + HUGE_PAGE_SIZE, ZAP_ALL);
		if (owned && a->private)
			claim_renew(a->private, area_index(a, at) >> HUGE_PAGE_ORDER);
	}
}

int huge_span_fork(struct aspace *to, const struct pte_span *from, u64 *protected)
{
	pte_t e = *from->link, *link;

	if (!(e & PTE_OWNED))
		return 0;
	TRY(huge_make(&to->pt, from->base, &link));
	page_get(phys_page(pte_phys(e)));
	if (e & PTE_WRITE) {
		e &= ~(pte_t)PTE_WRITE;
		pte_replace(from->link, e);
		++*protected;
	}
	huge_set_new(link, e);
	to->huge_pages++;
	return 0;
}

void *huge_page_ready(struct vm_area *a, u64 addr, bool write)
{
	struct pte_span s;

	if (!pte_lookup(&a->aspace->pt, addr, &s))
		return NULL;
	pte_t e = *s.link;
	struct page *p = phys_page(pte_phys(e));
	if (write && area_is_private(a) && !(e & PTE_OWNED && refcount_read(&p->refs) == 1))
		return NULL;
	return (char *)page_virt(p) + (addr % HUGE_PAGE_SIZE & PAGE_MASK);
}

bool huge_page_resident(struct vm_area *a, u64 addr)
{
	return huge_entry(a->aspace, ROUND_DOWN(addr, (u64)HUGE_PAGE_SIZE)) ||
	       idmap_find(&a->object->pages, (u32)(area_index(a, addr) >> HUGE_PAGE_ORDER));
}
