#include "kernel/mm/vm_internal.h"
#include "kernel/sched/thread.h"

/*
 * Pages taken out of page tables, to be freed when no processor can reach them any more: one flush for as many as can be
 * noted. The first are noted on the stack, the others in pages of notes, as long as there is memory for those.
 */
enum { BATCH_FIRST = 64, BATCH_NOTES = PAGE_SIZE / sizeof(void *) - 1 };
struct notes {
	struct notes *before;
	struct page *page[BATCH_NOTES];
};
_Static_assert(sizeof(struct notes) == PAGE_SIZE, "a page of notes");
struct batch {
	u32 count, room;    /* of `page` */
	struct page **page; /* where notes are made: `first`, or the latest page of notes */
	struct notes *
		more; /* pages of notes, the latest first; those before it, and `first`, are full */
	struct page *tables;
	u64 low, high; /* addresses to flush */
	u64 resident, anon;
	struct page *first[BATCH_FIRST];
};

static void batch_init(struct batch *b)
{
	b->count = 0;
	b->room = BATCH_FIRST;
	b->page = b->first;
	b->more = NULL;
	b->tables = NULL;
	b->low = b->high = b->resident = b->anon = 0;
}

static bool batch_full(const struct batch *b)
{
	return b->count == b->room;
}

/* Full: room for more notes. => false: no memory. */
static NOINLINE bool batch_extend(struct batch *b)
{
	struct page *p = page_alloc(0, 0);
	if (!p)
		return false;
	struct notes *n = page_virt(p);
	n->before = b->more;
	b->more = n;
	b->page = n->page;
	b->count = 0;
	b->room = BATCH_NOTES;
	return true;
}

/* What is not an ordinary page in a batch is told by the low bits: a shared page table, a huge page. */
enum batch_kind { BATCH_PAGE, BATCH_TABLE, BATCH_HUGE, BATCH_KINDS };
static void batch_add_other(struct batch *b, struct page *p, enum batch_kind kind)
{
	b->page[b->count++] = (struct page *)((uintptr_t)p | kind);
}

static void other_put(uintptr_t tagged)
{
	struct page *p = (struct page *)ROUND_DOWN(tagged, BATCH_KINDS + 1);

	if (tagged & BATCH_TABLE)
		table_put(p);
	else
		huge_page_put(p);
}

static ALWAYS_INLINE void noted_put(struct page *const *page, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		if (unlikely((uintptr_t)page[i] & BATCH_KINDS))
			other_put((uintptr_t)page[i]);
		else
			page_put(page[i]);
	}
}

static NOINLINE void more_notes_put(struct batch *b)
{
	for (struct notes *n = b->more, *before; n; n = before) {
		before = n->before;
		noted_put(n->page, b->count);
		page_put(virt_page(n));
		b->count = before ? (u32)BATCH_NOTES : (u32)BATCH_FIRST;
	}
	b->more = NULL;
	b->page = b->first;
	b->room = BATCH_FIRST;
}

/* Empty again. */
static void batch_free(struct batch *b)
{
	if (unlikely(b->more))
		more_notes_put(b);
	noted_put(b->first, b->count);
	b->count = 0;
	pagetable_free_chain(b->tables);
	b->tables = NULL;
}

static void resident_drop(struct aspace *as, u64 pages, u64 anon)
{
	as->resident_pages -= pages;
	as->resident_anon -= anon;
	page_count(PAGES_ANONYMOUS, -(s64)anon);
}

static void batch_settle(struct aspace *as, struct batch *b)
{
	resident_drop(as, b->resident, b->anon);
	b->resident = b->anon = 0;
}

static void batch_flush(struct aspace *as, struct batch *b)
{
	batch_settle(as, b);
	if (b->high)
		aspace_flush(as, b->low, b->high);
	b->low = b->high = 0;
	batch_free(b);
}

static void batch_make_room(struct aspace *as, struct batch *b)
{
	if (batch_full(b) && !batch_extend(b))
		batch_flush(as, b);
}

static ALWAYS_INLINE void batch_add(struct batch *b, pte_t e)
{
	struct page *p = phys_page(pte_phys(e));

	if (p == zero_page)
		return;
	b->resident++;
	b->anon += (e & PTE_OWNED) != 0;
	b->page[b->count++] = p;
}

/* Takes entries of s from *i on until the batch is full. => taken; *i: where to go on. */
static ALWAYS_INLINE u32 span_take(const struct pte_span *s, u32 *i, enum zap_what what,
                                   struct batch *b)
{
	u32 taken = 0, at;

	for (at = *i; at < s->last && !batch_full(b); at++) {
		pte_t e = s->table[at];
		if (!e) {
			at = pte_next(s, at + 1) - 1;
			continue;
		}
		if (what == ZAP_OBJECT_ONLY && e & PTE_OWNED)
			continue;
		pte_take(&s->table[at]);
		batch_add(b, e);
		taken++;
	}
	*i = at;
	return taken;
}

static void span_note(struct batch *b, const struct pte_span *s, u32 from, u32 to)
{
	u64 low = s->base + ((u64)from << PAGE_SHIFT), high = s->base + ((u64)to << PAGE_SHIFT);

	if (!b->high)
		b->low = low;
	b->high = high;
}

/* A shared table goes as a whole: the address space's edges were made its own before (tables_own_edges). */
static void shared_zap(struct aspace *as, const struct pte_span *s, struct batch *b)
{
	DEBUG_ASSERT(!s->first && s->last == TABLE_ENTRIES);
	batch_make_room(as, b);
	b->resident += s->page->used;
	b->anon += s->page->used;
	batch_add_other(b, s->page, BATCH_TABLE);
	span_note(b, s, 0, TABLE_ENTRIES);
	b->tables = table_unhang(&as->pt, s, b->tables);
}

static void huge_zap(struct aspace *as, const struct pte_span *s, enum zap_what what,
                     struct batch *b)
{
	pte_t e = *s->link;

	DEBUG_ASSERT(!s->first && s->last == TABLE_ENTRIES);
	if (what == ZAP_OBJECT_ONLY && e & PTE_OWNED)
		return;
	batch_make_room(as, b);
	batch_add_other(b, phys_page(pte_phys(e)), BATCH_HUGE);
	as->huge_pages--;
	span_note(b, s, 0, TABLE_ENTRIES);
	b->tables = table_unhang(&as->pt, s, b->tables);
}

static void span_zap(struct aspace *as, const struct pte_span *s, enum zap_what what,
                     struct batch *b)
{
	u32 i = s->first;

	if (unlikely(pte_span_huge(s))) {
		huge_zap(as, s, what, b);
		return;
	}
	if (unlikely(pte_span_shared(s))) {
		shared_zap(as, s, b);
		return;
	}

	while (i < s->last) {
		u32 from = i, taken = span_take(s, &i, what, b);
		if (taken) {
			span_note(b, s, from, MIN(i + 1, (u32)TABLE_ENTRIES));
			b->tables = pte_cleared(&as->pt, s, taken, b->tables);
		}
		if (!s->page->used) /* the table is gone, too */
			break;
		batch_make_room(as, b);
	}
}

/* How many page tables are done under one hold of the PTE lock. */
enum { SPANS_AT_ONCE = 8 };

/* => where to go on; end when done. *took grows when something was taken out. */
static u64 zap_some(struct aspace *as, u64 start, u64 end, enum zap_what what, u32 *took)
{
	struct batch b;
	struct pte_span s;
	u64 at = start;

	batch_init(&b);
	spin_lock(&as->pte_lock);
	for (u32 n = 0;; n++) {
		if (n == SPANS_AT_ONCE)
			break;
		if (!pte_span_next(&as->pt, &at, end, &s)) {
			at = end;
			break;
		}
		span_zap(as, &s, what, &b);
	}
	batch_settle(as, &b);
	if (b.high) {
		aspace_flush(as, b.low, b.high);
		++*took;
	}
	spin_unlock(&as->pte_lock);
	batch_free(&b);
	return MIN(at, end);
}

void zap_range(struct aspace *as, u64 start, u64 end, enum zap_what what)
{
	u32 took = 0;

	while (start < end) {
		start = zap_some(as, start, end, what, &took);
		cond_resched();
	}
}

/* One page table of a dead address space. */
static void span_zap_final(const struct pte_span *s, void *arg)
{
	struct aspace *as = arg;
	u64 resident = 0, anon = 0;
	u32 i;

	cond_resched();
	if (unlikely(pte_span_huge(s))) {
		huge_page_put(phys_page(pte_phys(*s->link)));
		as->huge_pages--;
		return;
	}
	if (pte_span_shared(s)) {
		resident_drop(as, s->page->used, s->page->used);
		table_put(s->page);
		return;
	}
	table_for_each(s->page, s->table, i)
	{
		pte_t e = s->table[i];
		struct page *p = phys_page(pte_phys(e));
		s->table[i] = 0;
		if (unlikely(p == zero_page))
			continue;
		resident++;
		anon += (e & PTE_OWNED) != 0;
		page_put(p);
	}
	s->page->used = 0;
	pagetable_table_free(s->page);
	resident_drop(as, resident, anon);
}

void zap_final(struct aspace *as)
{
	pagetable_dismantle(&as->pt, span_zap_final, as);
}

/* => false: `most` rounds have taken something out, and there may be more. */
static bool area_zap_some(struct vm_area *a, u64 first, u64 last, enum zap_what what, u32 most,
                          u32 *took)
{
	u64 from = a->offset >> PAGE_SHIFT, to = from + area_pages(a);
	u64 low = MAX(first, from), high = MIN(last, to);

	if (low >= high)
		return true;
	u64 end = a->start + ((high - from) << PAGE_SHIFT);
	for (u64 at = a->start + ((low - from) << PAGE_SHIFT); at < end;) {
		if (*took == most)
			return false;
		at = zap_some(a->aspace, at, end, what, took);
	}
	return true;
}

void area_zap_pages(struct vm_area *a, u64 first, u64 last, enum zap_what what)
{
	u32 took = 0;
	(void)area_zap_some(a, first, last, what, UINT32_MAX, &took);
}

/* How much is done under one hold of the mappings lock: 64 MiB at most. */
enum { ROUNDS_AT_ONCE = 4 };

/* => false: not all is done. The list goes round, so that the next call begins where this one has ended. */
static bool object_unmap_some(struct vm_object *o, u64 first, u64 last, enum zap_what what)
{
	struct vm_area *a;
	u32 took = 0;

	GUARD(spin)(&o->mappings_lock);
	list_for_each (a, &o->mappings, mapping_link) {
		if (area_zap_some(a, first, last, what, ROUNDS_AT_ONCE, &took))
			continue;
		list_del(&o->mappings);
		list_add_tail(&a->mapping_link, &o->mappings);
		return false;
	}
	return true;
}

/*
 * The last call walks the whole list under one hold of its lock, so nobody is forgotten who came or moved meanwhile. There is an
 * end to it: the object's pages are gone from its map, and who wants them back waits for object->lock.
 */
void object_unmap(struct vm_object *o, u64 first, u64 last, enum zap_what what)
{
	while (!object_unmap_some(o, first, last, what))
		cond_resched();
}
