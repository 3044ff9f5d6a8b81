#include "arch/pagetable.h"
#include "arch/cpu.h"
#include "kernel/lib/string.h"

/* Empty tables, all zeroes; roots with an empty user half. */
enum { SPARE_TABLES = 24, SPARE_ROOTS = 4, LEVELS = 4 };
struct spare_tables {
	u32 tables, roots;
	struct page *table[SPARE_TABLES], *root[SPARE_ROOTS];
};
static PERCPU(struct spare_tables, spare_tables);

/* The user half of a table that leads to other tables. */
static const pte_t LINK_BITS = PTE_PRESENT | PTE_WRITE | PTE_USER;

static u32 table_index(u64 addr, unsigned level)
{
	return addr >> (PAGE_SHIFT + 9 * (level - 1)) & (TABLE_ENTRIES - 1);
}

static pte_t *table_at(pte_t link)
{
	return phys_to_virt(pte_phys(link));
}

struct page *pagetable_table_new(void)
{
	struct spare_tables *s = this_cpu_ptr(spare_tables);
	struct page *p;

	if (likely(s->tables))
		p = s->table[--s->tables];
	else
		p = page_alloc(0, PAGE_ZERO);
	if (unlikely(!p))
		return NULL;
	p->flags = PAGE_FLAG_TABLE;
	p->used = p->occupied = 0;
	page_count(PAGES_TABLES, 1);
	return p;
}

void pagetable_table_free(struct page *p)
{
	struct spare_tables *s = this_cpu_ptr(spare_tables);

	DEBUG_ASSERT(p->flags == PAGE_FLAG_TABLE && p->used == 0);
	p->flags = 0;
	refcount_init(&p->refs, 1);
	page_count(PAGES_TABLES, -1);
	if (s->tables < SPARE_TABLES)
		s->table[s->tables++] = p;
	else
		page_free(p, 0);
}

static struct page *root_make(void)
{
	struct page *p = pagetable_table_new();

	if (p)
		memcpy((pte_t *)page_virt(p) + TABLE_ENTRIES / 2,
		       (pte_t *)phys_to_virt(kernel_page_table) + TABLE_ENTRIES / 2, PAGE_SIZE / 2);
	return p;
}

int pagetable_root_new(struct arch_pagetable *pt)
{
	struct spare_tables *s = this_cpu_ptr(spare_tables);
	struct page *p = s->roots ? s->root[--s->roots] : root_make();

	if (!p)
		return -ENOMEM;
	pt->root = page_phys(p);
	return 0;
}

void pagetable_root_free(struct arch_pagetable *pt)
{
	struct spare_tables *s = this_cpu_ptr(spare_tables);
	struct page *p = phys_page(pt->root);

	DEBUG_ASSERT(p->used == 0);
	pt->root = 0;
	if (s->roots < SPARE_ROOTS) {
		s->root[s->roots++] = p;
		return;
	}
	memset((pte_t *)page_virt(p) + TABLE_ENTRIES / 2, 0, PAGE_SIZE / 2);
	pagetable_table_free(p);
}

pte_t *pte_find(const struct arch_pagetable *pt, u64 addr)
{
	pte_t *table = phys_to_virt(pt->root);

	for (unsigned level = LEVELS; level > 1; level--) {
		pte_t link = load_relaxed(&table[table_index(addr, level)]);
		if (!link)
			return NULL;
		table = table_at(link);
	}
	return &table[table_index(addr, 1)];
}

static ALWAYS_INLINE void span_set(struct pte_span *out, pte_t *link, u64 addr)
{
	pte_t *table = table_at(*link);

	*out = (struct pte_span){
		.table = table,
		.page = virt_page(table),
		.link = link,
		.base = ROUND_DOWN(addr, TABLE_SPAN),
		.first = table_index(addr, 1),
		.last = TABLE_ENTRIES,
	};
}

bool pte_lookup(const struct arch_pagetable *pt, u64 addr, struct pte_span *out)
{
	pte_t *table = phys_to_virt(pt->root), *link;

	for (unsigned level = LEVELS;; level--) {
		link = &table[table_index(addr, level)];
		if (!*link)
			return false;
		if (level == 2)
			break;
		table = table_at(*link);
	}
	span_set(out, link, addr);
	return true;
}

static void link_set(pte_t *link, pte_t e)
{
	struct page *page = virt_page(link);

	page->used++;
	page->occupied |= BIT((u64)link % PAGE_SIZE / (8 * sizeof(pte_t)));
	store_release(link, e);
}

static NOINLINE bool table_hook(pte_t *link)
{
	struct page *below = pagetable_table_new();

	if (below)
		link_set(link, page_phys(below) | LINK_BITS);
	return below;
}

COLD struct page *pagetable_prune(struct arch_pagetable *pt, u64 addr, struct page *chain)
{
	pte_t *path[LEVELS + 1];
	unsigned level = LEVELS;

	pt->last_link = NULL;
	path[LEVELS] = phys_to_virt(pt->root);
	for (; level > 1; level--) {
		pte_t link = path[level][table_index(addr, level)];
		if (!link || (level == 2 && link & PTE_HUGE))
			break;
		path[level - 1] = table_at(link);
	}
	for (; level < LEVELS && virt_page(path[level])->used == 0; level++) {
		struct page *p = virt_page(path[level]);
		path[level + 1][table_index(addr, level + 1)] = 0;
		virt_page(path[level + 1])->used--;
		p->owner = chain;
		chain = p;
	}
	return chain;
}

/* An interrupted walk left tables without entries on the way to addr; no processor has met them yet. */
static COLD void tables_prune(struct arch_pagetable *pt, u64 addr)
{
	pagetable_free_chain(pagetable_prune(pt, addr, NULL));
}

static ALWAYS_INLINE bool table_ensure(pte_t *link)
{
	return likely(*link) || table_hook(link);
}

/* => the link to the leaf table of addr, with what is above it made; NULL: no memory. */
static ALWAYS_INLINE pte_t *link_make(struct arch_pagetable *pt, u64 addr)
{
	pte_t *link = (pte_t *)phys_to_virt(pt->root) + table_index(addr, 4);

	if (!table_ensure(link))
		return NULL;
	link = table_at(*link) + table_index(addr, 3);
	if (!table_ensure(link))
		return NULL;
	return table_at(*link) + table_index(addr, 2);
}

/* From the root; notes where it led. */
static NOINLINE int pte_make_walk(struct arch_pagetable *pt, u64 addr, struct pte_span *out)
{
	pte_t *link = link_make(pt, addr);

	if (unlikely(!link || !table_ensure(link))) {
		tables_prune(pt, addr);
		return -ENOMEM;
	}
	pt->last_base = ROUND_DOWN(addr, TABLE_SPAN);
	pt->last_link = link;
	span_set(out, link, addr);
	return 0;
}

int pte_make(struct arch_pagetable *pt, u64 addr, struct pte_span *out)
{
	if (unlikely(ROUND_DOWN(addr, TABLE_SPAN) != pt->last_base || !pt->last_link))
		return pte_make_walk(pt, addr, out);
	span_set(out, pt->last_link, addr);
	return 0;
}

int table_hang(struct arch_pagetable *pt, u64 base, struct page *table)
{
	pte_t *link = link_make(pt, base);

	if (!link) {
		tables_prune(pt, base);
		return -ENOMEM;
	}
	DEBUG_ASSERT(!*link);
	link_set(link, page_phys(table) | (LINK_BITS & ~(pte_t)PTE_WRITE));
	return 0;
}

int huge_make(struct arch_pagetable *pt, u64 addr, pte_t **out)
{
	*out = link_make(pt, addr);
	if (*out)
		return 0;
	tables_prune(pt, addr);
	return -ENOMEM;
}

void huge_set_new(pte_t *link, pte_t e)
{
	link_set(link, e | PTE_HUGE);
}

void table_exchange(struct pte_span *s, struct page *table)
{
	store_release(s->link, page_phys(table) | LINK_BITS);
	s->page = table;
	s->table = page_virt(table);
}

/* => the first address at or after `at` for which this table (of user addresses) has an entry, or where the
 * next table begins. */
static u64 entry_skip(pte_t *table, unsigned level, u64 at)
{
	unsigned shift = PAGE_SHIFT + 9 * (level - 1);
	u32 i = table_index(at, level);

	if (likely(table[i]))
		return at;
	struct pte_span whole = {.table = table, .page = virt_page(table), .last = TABLE_ENTRIES};
	u64 base = at >> (shift + 9) << (shift + 9);
	return base + ((u64)pte_next(&whole, i + 1) << shift);
}

bool pte_span_next(const struct arch_pagetable *pt, u64 *at, u64 end, struct pte_span *out)
{
	u64 addr = *at;
	pte_t *link = NULL;

restart:
	if (addr >= end)
		return false;
	pte_t *table = phys_to_virt(pt->root);
	for (unsigned level = LEVELS; level > 1; level--) {
		u64 next = entry_skip(table, level, addr);
		if (next >= end)
			return false;
		bool same_table = (addr ^ next) >> (PAGE_SHIFT + 9 * level) == 0;
		addr = next;
		if (!same_table)
			goto restart;
		link = &table[table_index(addr, level)];
		table = table_at(*link);
	}
	span_set(out, link, addr);
	out->last = (u32)(MIN(end - out->base, TABLE_SPAN) >> PAGE_SHIFT);
	*at = out->base + TABLE_SPAN;
	return true;
}

static pte_t *table_above(struct arch_pagetable *pt, u64 addr, unsigned level)
{
	pte_t *table = phys_to_virt(pt->root);

	for (unsigned at = LEVELS; at > level + 1; at--)
		table = table_at(table[table_index(addr, at)]);
	return table;
}

struct page *table_unhang(struct arch_pagetable *pt, const struct pte_span *s, struct page *chain)
{
	pte_t *link = s->link;

	pt->last_link = NULL;
	for (unsigned level = 2;; level++) {
		struct page *page = virt_page(link);
		store_relaxed(link, 0ull);
		if (--page->used || level == LEVELS)
			return chain;
		link = &table_above(pt, s->base, level)[table_index(s->base, level + 1)];
		page->owner = chain;
		chain = page;
	}
}

struct page *pte_cleared(struct arch_pagetable *pt, const struct pte_span *s, u32 n,
                         struct page *chain)
{
	s->page->used -= n;
	if (s->page->used)
		return chain;
	s->page->owner = chain;
	return table_unhang(pt, s, s->page);
}

struct visit {
	int (*leaf)(const struct pte_span *s, void *arg);
	void *arg;
};

static int link_visit(pte_t *link, unsigned level, u64 base, const struct visit *v);

/* Entries of a table that leads to others, the first of which maps `base`; in a root those of the user's half are
 * the ones that are counted. */
static int links_visit(struct page *page, unsigned level, u64 base, const struct visit *v)
{
	pte_t *table = page_virt(page);
	u32 i;

	table_for_each(page, table, i)
	{
		u64 at = base + ((u64)i << (PAGE_SHIFT + 9 * (level - 1)));
		int answer = link_visit(&table[i], level, at, v);
		if (unlikely(answer))
			return answer;
	}
	return 0;
}

static int link_visit(pte_t *link, unsigned level, u64 base, const struct visit *v)
{
	struct page *below = phys_page(pte_phys(*link));

	if (level > 2)
		return links_visit(below, level - 1, base, v);
	struct pte_span leaf = {.table = page_virt(below),
	                        .page = below,
	                        .link = link,
	                        .base = base,
	                        .last = TABLE_ENTRIES};
	return v->leaf(&leaf, v->arg);
}

int pagetable_visit(const struct arch_pagetable *pt,
                    int (*leaf)(const struct pte_span *s, void *arg), void *arg)
{
	struct visit v = {leaf, arg};

	return links_visit(phys_page(pt->root), LEVELS, 0, &v);
}

struct dismantle {
	void (*leaf)(const struct pte_span *s, void *arg);
	void *arg;
};

static void link_dismantle(pte_t *link, unsigned level, const struct dismantle *d);

/* Entries of a table that leads to others. */
static void links_dismantle(struct page *page, unsigned level, const struct dismantle *d)
{
	pte_t *table = page_virt(page);
	u32 i;

	table_for_each(page, table, i) link_dismantle(&table[i], level, d);
	page->used = 0;
}

static void link_dismantle(pte_t *link, unsigned level, const struct dismantle *d)
{
	struct page *below = phys_page(pte_phys(*link));

	if (level == 2) {
		d->leaf(&(struct pte_span){.table = page_virt(below),
		                           .page = below,
		                           .link = link,
		                           .last = TABLE_ENTRIES},
		        d->arg);
	} else {
		links_dismantle(below, level - 1, d);
		pagetable_table_free(below);
	}
	*link = 0;
}

void pagetable_dismantle(struct arch_pagetable *pt,
                         void (*leaf)(const struct pte_span *s, void *arg), void *arg)
{
	struct dismantle d = {leaf, arg};

	links_dismantle(phys_page(pt->root), LEVELS, &d);
}

void pagetable_free_chain(struct page *chain)
{
	while (chain) {
		struct page *next = chain->owner;
		chain->owner = NULL;
		pagetable_table_free(chain);
		chain = next;
	}
}

int kernel_map(u64 addr, phys_t page, pte_t bits)
{
	pte_t *table = phys_to_virt(kernel_page_table);

	for (unsigned level = LEVELS; level > 1; level--) {
		pte_t *entry = &table[table_index(addr, level)];
		if (!*entry) {
			struct page *below = pagetable_table_new();
			if (!below)
				return -ENOMEM;
			store_release(entry, page_phys(below) | PTE_PRESENT | PTE_WRITE);
		}
		table = table_at(*entry);
	}
	store_release(&table[table_index(addr, 1)], page | bits | PTE_PRESENT | PTE_NX);
	return 0;
}

phys_t kernel_unmap(u64 addr)
{
	struct arch_pagetable pt = {.root = kernel_page_table};
	pte_t *p = pte_find(&pt, addr);

	return p ? pte_phys(pte_take(p)) : 0;
}
