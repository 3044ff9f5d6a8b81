/*
 * mremap(2): page-table entries go to another place. First all tables that they need there are made, which may fail and
 * is taken back; then the entries move, which cannot fail. Both under one hold of the PTE lock: nobody sees the tables
 * while they are empty, or empties one that is counted upon.
 */
#include "kernel/mm/vm_internal.h"

struct move {
	struct aspace *as;
	u64 shift;
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

static int part_prepare(struct move *m, const struct pte_span *part, struct page **chain)
{
	struct pte_span to;
	pte_t *link;

	return pte_span_huge(part) ? huge_make(&m->as->pt, part_to(m, part), &link)
	                           : table_make(m->as, part_to(m, part), &to);
}

static int part_give_up(struct move *m, const struct pte_span *part, struct page **chain)
{
	*chain = pagetable_prune(&m->as->pt, part_to(m, part), *chain);
	return 0;
}

static int huge_move(struct move *m, const struct pte_span *s, struct page **chain)
{
	pte_t e = *s->link, *to;

	TRY(huge_make(&m->as->pt, part_to(m, s), &to));
	huge_set_new(to, e);
	*chain = table_unhang(&m->as->pt, s, *chain);
	return 0;
}

static int part_move(struct move *m, const struct pte_span *part, struct page **chain)
{
	struct pte_span to;
	u32 taken = 0;

	if (unlikely(pte_span_huge(part)))
		return huge_move(m, part, chain);
	if (!pte_lookup(&m->as->pt, part_to(m, part), &to))
		return -ENOMEM;
	for (u32 i = pte_next(part, part->first); i < part->last; i = pte_next(part, i + 1)) {
		pte_set_new(&to, to.first + i - part->first, pte_take(&part->table[i]));
		taken++;
	}
	*chain = pte_cleared(&m->as->pt, part, taken, *chain);
	return 0;
}

static int pages_move(struct move *m, u64 start, u64 end)
{
	struct page *chain = NULL;

	GUARD(spin)(&m->as->pte_lock);
	int err = parts_visit(m, start, end, part_prepare, &chain);
	if (likely(err == 0))
		ASSERT(parts_visit(m, start, end, part_move, &chain) == 0);
	else
		(void)parts_visit(m, start, end, part_give_up, &chain);
	aspace_flush(m->as, start, end);
	pagetable_free_chain(chain);
	return err;
}

/* Truncation must not miss a page between its two places: the object's list is locked meanwhile. */
int area_move_pages(struct vm_area *a, u64 start, u64 end, u64 shift)
{
	struct move m = {a->aspace, shift};

	if (!a->object)
		return pages_move(&m, start, end);
	GUARD(spin)(&a->object->mappings_lock);
	return pages_move(&m, start, end);
}
