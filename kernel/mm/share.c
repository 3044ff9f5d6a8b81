#include "kernel/mm/vm_internal.h"

/*
 * Page tables shared by fork. Where an anonymous private area covers all that a leaf table maps, fork
 * does not copy the table but hangs it into the child as well: fork and exec of a large process
 * cost per 2 MiB, not per page.
 *
 *	own		one address space; its link may write
 *	shared		links of all its address spaces lack PTE_WRITE, so every write faults. Its entries may
 *			still say PTE_WRITE: they do again when the table is own again
 *	leaving		table_own() copies the entries, each page with one more reference, without the right to
 *			write in both tables, and drops its reference of the old one
 *
 * Nobody changes a shared table but by taking rights away, which several may do at once; what it holds has one
 * reference for all its address spaces. The last one left finds a reference count of 1 and goes on
 * with the table as its own: all others, when they copied, took the rights of the entries first.
 *
 * Zero pages are taken out when a table becomes shared, so all its entries are owned pages, and `used` is
 * what each address space counts as resident.
 */
static u32 zero_pages(const struct pte_span *s)
{
	u32 i, n = 0;

	pte_for_each (s, i)
		n += pte_is_zero_page(s->table[i]);
	return n;
}

static void zero_pages_strip(const struct pte_span *s, u32 n)
{
	u32 i;

	pte_for_each (s, i)
		if (pte_is_zero_page(s->table[i]))
			pte_take(&s->table[i]);
	s->page->used -= n;
}

static void counts_add(struct aspace *as, s64 pages)
{
	as->resident_anon += (u64)pages;
	resident_add(as, (u64)pages);
	page_count(PAGES_ANONYMOUS, pages);
}

int table_share(struct aspace *to, struct aspace *from, const struct pte_span *s, bool *out_shared)
{
	u32 zeros = pte_span_shared(s) ? 0 : zero_pages(s);

	*out_shared = false;
	if (s->first || s->last < TABLE_ENTRIES || s->page->used - zeros < TABLE_SHARE_MIN)
		return 0;
	TRY(table_hang(&to->pt, s->base, s->page));
	if (zeros)
		zero_pages_strip(s, zeros);
	*s->link &= ~(pte_t)PTE_WRITE;
	page_get(s->page);
	counts_add(to, (s64)s->page->used);
	to->shares_tables = from->shares_tables = true;
	*out_shared = true;
	return 0;
}

void table_put(struct page *table)
{
	pte_t *entries = page_virt(table);

	if (!refcount_put(&table->refs))
		return;
	for (u32 i = 0; table->used; i++) {
		if (!entries[i])
			continue;
		page_put(phys_page(pte_phys(pte_take(&entries[i]))));
		table->used--;
	}
	pagetable_table_free(table);
}

/* Gives each entry to the new table, too. */
static void entries_copy(struct pte_span *s, struct page *new)
{
	pte_t *to = page_virt(new);
	u32 i;

	struct pte_span all = *s;
	all.first = 0, all.last = TABLE_ENTRIES;
	pte_for_each (&all, i) {
		pte_t e = all.table[i] & ~(pte_t)PTE_WRITE;
		page_get(phys_page(pte_phys(e)));
		pte_replace(&all.table[i], e);
		to[i] = e;
	}
	new->used = s->page->used;
	new->occupied = s->page->occupied;
}

int table_own(struct aspace *as, struct pte_span *s)
{
	struct page *old = s->page, *new;

	if (!pte_span_shared(s))
		return 0;
	if (__atomic_load_n(&old->refs.n, __ATOMIC_ACQUIRE) == 1) {
		*s->link |= PTE_WRITE;
		return 0;
	}
	new = pagetable_table_new();
	if (!new)
		return -ENOMEM;
	entries_copy(s, new);
	table_exchange(s, new);
	aspace_flush(as, s->base, s->base + TABLE_SPAN);
	table_put(old);
	return 0;
}

int table_make(struct aspace *as, u64 addr, struct pte_span *out)
{
	TRY(pte_make(&as->pt, addr, out));
	return likely(!pte_span_shared(out)) ? 0 : table_own(as, out);
}

int tables_own(struct aspace *as, u64 start, u64 end)
{
	struct pte_span s;

	if (likely(!as->shares_tables))
		return 0;
	GUARD(spin)(&as->pte_lock);
	for (u64 at = start; pte_span_next(&as->pt, &at, end, &s);)
		TRY(table_own(as, &s));
	return 0;
}

int tables_own_edges(struct aspace *as, u64 start, u64 end)
{
	if (start % TABLE_SPAN)
		TRY(tables_own(as, start, start + PAGE_SIZE));
	return end % TABLE_SPAN ? tables_own(as, end - PAGE_SIZE, end) : 0;
}
