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

static struct page *table_new(void)
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

static void table_free(struct page *p)
{
	struct spare_tables *s = this_cpu_ptr(spare_tables);

	DEBUG_ASSERT(p->flags == PAGE_FLAG_TABLE && p->used == 0);
	p->flags = 0;
	page_count(PAGES_TABLES, -1);
	if (s->tables < SPARE_TABLES)
		s->table[s->tables++] = p;
	else
		page_free(p, 0);
}

static struct page *root_make(void)
{
	struct page *p = table_new();

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
	table_free(p);
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

/* Hooks an empty table in; those above stay when one further down cannot be had: an empty chain of
 * tables is found and reused, or freed with the root's last entry. */
static NOINLINE pte_t *table_hook(pte_t *table, u32 i)
{
	struct page *below = table_new(), *page = virt_page(table);

	if (!below)
		return NULL;
	page->used++;
	page->occupied |= BIT(i >> 3);
	store_release(&table[i], page_phys(below) | LINK_BITS);
	return page_virt(below);
}

/* An interrupted pte_make() left tables without entries on the way to addr: unhooks them. */
static COLD void tables_prune(struct arch_pagetable *pt, u64 addr)
{
	pte_t *path[LEVELS + 1];
	unsigned level = LEVELS;

	path[LEVELS] = phys_to_virt(pt->root);
	for (; level > 1 && path[level][table_index(addr, level)]; level--)
		path[level - 1] = table_at(path[level][table_index(addr, level)]);
	for (; level < LEVELS && virt_page(path[level])->used == 0; level++) {
		path[level + 1][table_index(addr, level + 1)] = 0;
		virt_page(path[level + 1])->used--;
		table_free(virt_page(path[level]));
	}
}

int pte_make(struct arch_pagetable *pt, u64 addr, struct pte_span *out)
{
	pte_t *table = phys_to_virt(pt->root);

	for (unsigned level = LEVELS; level > 1; level--) {
		u32 i = table_index(addr, level);
		if (likely(table[i])) {
			table = table_at(table[i]);
			continue;
		}
		table = table_hook(table, i);
		if (unlikely(!table)) {
			tables_prune(pt, addr);
			return -ENOMEM;
		}
	}
	*out = (struct pte_span){
		.table = table,
		.page = virt_page(table),
		.base = ROUND_DOWN(addr, TABLE_SPAN),
		.first = table_index(addr, 1),
		.last = TABLE_ENTRIES,
	};
	return 0;
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
		table = table_at(table[table_index(addr, level)]);
	}
	u64 base = ROUND_DOWN(addr, TABLE_SPAN);
	*out = (struct pte_span){
		.table = table,
		.page = virt_page(table),
		.base = base,
		.first = table_index(addr, 1),
		.last = (u32)(MIN(end - base, TABLE_SPAN) >> PAGE_SHIFT),
	};
	*at = base + TABLE_SPAN;
	return true;
}

static NOINLINE struct page *tables_unhook(struct arch_pagetable *pt, u64 addr, struct page *chain)
{
	pte_t *path[LEVELS + 1] = {[LEVELS] = phys_to_virt(pt->root)};

	for (unsigned level = LEVELS; level > 1; level--)
		path[level - 1] = table_at(path[level][table_index(addr, level)]);
	for (unsigned level = 1; level < LEVELS && virt_page(path[level])->used == 0; level++) {
		struct page *empty = virt_page(path[level]);
		store_relaxed(&path[level + 1][table_index(addr, level + 1)], 0ull);
		virt_page(path[level + 1])->used--;
		empty->owner = chain;
		chain = empty;
	}
	return chain;
}

struct page *pte_cleared(struct arch_pagetable *pt, const struct pte_span *s, u32 n,
                         struct page *chain)
{
	s->page->used -= n;
	if (s->page->used)
		return chain;
	return tables_unhook(pt, s->base, chain);
}

void pagetable_free_chain(struct page *chain)
{
	while (chain) {
		struct page *next = chain->owner;
		chain->owner = NULL;
		table_free(chain);
		chain = next;
	}
}

int kernel_map(u64 addr, phys_t page, pte_t bits)
{
	pte_t *table = phys_to_virt(kernel_page_table);

	for (unsigned level = LEVELS; level > 1; level--) {
		pte_t *entry = &table[table_index(addr, level)];
		if (!*entry) {
			struct page *below = table_new();
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
	struct arch_pagetable pt = {kernel_page_table};
	pte_t *p = pte_find(&pt, addr);

	return p ? pte_phys(pte_take(p)) : 0;
}
