/*
 * mremap(2): page-table entries go to another place. First all tables that they need there are made, which may fail and
 * is taken back; then the entries move, which cannot fail. Both under one hold of the PTE lock: nobody sees the tables
 * while they are empty. Each counts as one entry more what is about to come, so that it stays when the move empties it of
 * entries that go elsewhere: the two ranges do not overlap, but may well share a table.
 */
#include "kernel/mm/vm_internal.h"

struct move {
	struct aspace *as;
	u64 shift;
	u64 prepared; /* parts whose tables count them */
};

/* The part of a span whose entries go into one table. => false: nothing is in it. */
static bool part_of(const struct pte_span *s, u32 first, u32 last, struct pte_span *out)
{
	*out = *s;
	out->first = first;
	out->last = last;
	return first < last && pte_next(out, first) < last;
}

/* => the entry of s from which on the destinations are in the next table. */
static u32 part_border(const struct pte_span *s, u64 shift)
{
	u32 first = (u32)((s->base + shift) >> PAGE_SHIFT) % TABLE_ENTRIES;
	u32 border = first ? TABLE_ENTRIES - first : 0;

	return MIN(MAX(border, s->first), s->last);
}

static u64 part_to(const struct move *m, const struct pte_span *part)
{
	return part->base + ((u64)part->first << PAGE_SHIFT) + m->shift;
}

/* What is done to each part, or to the entry of a huge page. => 0 or -ENOMEM. */
typedef int part_fn(struct move *m, const struct pte_span *part, struct page **chain);

static int parts_visit(struct move *m, u64 start, u64 end, part_fn *fn, struct page **chain)
{
	struct pte_span s, part;

	for (u64 at = start; pte_span_next(&m->as->pt, &at, end, &s);) {
		if (unlikely(pte_span_huge(&s))) {
			TRY(fn(m, &s, chain));
			continue;
		}
		u32 border = part_border(&s, m->shift);
		bool upper = part_of(&s, border, s.last, &part);
		struct pte_span rest = part;
		if (part_of(&s, s.first, border, &part))
			TRY(fn(m, &part, chain));
		if (upper)
			TRY(fn(m, &rest, chain));
	}
	return 0;
}

/* => the page of the table into which the part goes; there is one. */
static struct page *part_table(struct move *m, const struct pte_span *part)
{
	struct pte_span to;
	pte_t *link;

	if (pte_span_huge(part)) {
		ASSERT(huge_make(&m->as->pt, part_to(m, part), &link) == 0);
		return virt_page(link);
	}
	ASSERT(pte_lookup(&m->as->pt, part_to(m, part), &to));
	return to.page;
}

static int part_prepare(struct move *m, const struct pte_span *part, struct page **chain)
{
	struct pte_span to;
	pte_t *link;

	TRY(pte_span_huge(part) ? huge_make(&m->as->pt, part_to(m, part), &link)
	                        : table_make(m->as, part_to(m, part), &to));
	part_table(m, part)->used++;
	m->prepared++;
	return 0;
}

/* Parts come in the same order as before, and the last ones were never prepared. */
static int part_give_up(struct move *m, const struct pte_span *part, struct page **chain)
{
	if (m->prepared) {
		part_table(m, part)->used--;
		m->prepared--;
	}
	*chain = pagetable_prune(&m->as->pt, part_to(m, part), *chain);
	return 0;
}

static int huge_move(struct move *m, const struct pte_span *s, struct page **chain)
{
	pte_t e = *s->link, *to;

	ASSERT(huge_make(&m->as->pt, part_to(m, s), &to) == 0);
	huge_set_new(to, e);
	virt_page(to)->used--;
	*chain = table_unhang(&m->as->pt, s, *chain);
	return 0;
}

static int part_move(struct move *m, const struct pte_span *part, struct page **chain)
{
	struct pte_span to;
	u32 taken = 0;

	if (unlikely(pte_span_huge(part)))
		return huge_move(m, part, chain);
	ASSERT(pte_lookup(&m->as->pt, part_to(m, part), &to));
	for (u32 i = pte_next(part, part->first); i < part->last; i = pte_next(part, i + 1)) {
		pte_set_new(&to, to.first + i - part->first, pte_take(&part->table[i]));
		taken++;
	}
	to.page->used--;
	*chain = pte_cleared(&m->as->pt, part, taken, *chain);
	return 0;
}

static int pages_move(struct move *m, u64 start, u64 end)
{
	struct page *chain = NULL;

	GUARD(spin)(&m->as->pte_lock);
	int err = parts_visit(m, start, end, part_prepare, &chain);
	(void)parts_visit(m, start, end, likely(err == 0) ? part_move : part_give_up, &chain);
	aspace_flush(m->as, start, end);
	pagetable_free_chain(chain);
	return err;
}

/* Truncation must not miss a page between its two places: the object's list is locked meanwhile. */
int area_move_pages(struct vm_area *a, u64 start, u64 end, u64 shift)
{
	struct move m = {.as = a->aspace, .shift = shift};

	if (!a->object)
		return pages_move(&m, start, end);
	GUARD(spin)(&a->object->mappings_lock);
	return pages_move(&m, start, end);
}
