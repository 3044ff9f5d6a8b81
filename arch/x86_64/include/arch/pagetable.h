/*
 * Page tables: four levels of 512 entries (SDM volume 3, 4.5). kernel/mm decides what is mapped; this
 * is how an entry looks and how the tables around it come and go.
 *
 * A leaf entry is in one of three states:
 *
 *	none (0)	nothing is mapped
 *	present		bit P; grants what its other bits say
 *	reserved	nonzero without P: holds a page that PROT_NONE forbids to touch
 *
 * So a nonzero entry always holds a frame. PTE_OWNED (a software bit) marks a page that belongs to this
 * private mapping and its copy-on-write relatives, not to a memory object.
 *
 * Every table counts its nonzero entries in its struct page and notes which groups of eight may be
 * nonzero, so that walks skip what is empty and a table is freed with its last entry. A freed table is
 * all zeroes and is kept for each processor as the next table to hand out.
 *
 * Locking: everything below a root changes under the PTE lock of its address space (kernel tables: the
 * VMAP lock). No function here sleeps.
 * Failure: only pagetable_root_new(), pte_make(), pagetable_table_new(), table_hang() and kernel_map() allocate; they fail cleanly.
 */
#pragma once
#include "arch/boot.h"
#include "kernel/lib/result.h"
#include "kernel/mm/page.h"

typedef u64 pte_t;
enum {
	PTE_PRESENT = 1,
	PTE_WRITE = 2,
	PTE_USER = 4,
	PTE_CACHE_DISABLE = 16,
	PTE_ACCESSED = 32,
	PTE_DIRTY = 64,
	PTE_HUGE = 128,
	PTE_GLOBAL = 256,
	PTE_OWNED = 512
};
#define PTE_NX    (1ull << 63)
#define PTE_FRAME 0x000ffffffffff000ull
enum { TABLE_ENTRIES = 512, TABLE_SHIFT = 21 };
#define TABLE_SPAN (1ull << TABLE_SHIFT) /* bytes that one leaf table maps */

struct arch_pagetable {
	phys_t root;
	u64 last_base; /* what pte_make() made last, until some table goes: faults come in rows */
	u64 *last_link;
};

static inline phys_t pte_phys(pte_t e)
{
	return e & PTE_FRAME;
}
static inline bool pte_present(pte_t e)
{
	return e & PTE_PRESENT;
}

/* A root with the kernel's half. => 0 or -ENOMEM. */
MUST_CHECK int pagetable_root_new(struct arch_pagetable *pt);
/* The user half must be empty and no processor may use it. */
void pagetable_root_free(struct arch_pagetable *pt);

/* One leaf table, or the part of it that a range touches. */
struct pte_span {
	pte_t *table;      /* 512 entries */
	struct page *page; /* of the table */
	pte_t *link;       /* what leads to the table: without PTE_WRITE while it may be shared */
	u64 base;          /* address that entry 0 maps */
	u32 first, last;   /* entries of the range: [first, last) */
};
/* => the entry of addr, or NULL when there is no table for it. */
pte_t *pte_find(const struct arch_pagetable *pt, u64 addr);
/* The table of addr, with first the entry of addr and last 512. => false when there is none. */
bool pte_lookup(const struct arch_pagetable *pt, u64 addr, struct pte_span *out);
/* The same, made when absent. => 0 or -ENOMEM. */
MUST_CHECK int pte_make(struct arch_pagetable *pt, u64 addr, struct pte_span *out);
/* Finds the first leaf table that exists in [*at, end). => false when there is none; else *at is where
 * the search for the next one starts. */
bool pte_span_next(const struct arch_pagetable *pt, u64 *at, u64 end, struct pte_span *out);
/* => the first nonzero entry in [i, s->last), or s->last. */
static inline u32 pte_next(const struct pte_span *s, u32 i)
{
	while (i < s->last) {
		u64 groups = s->page->occupied >> (i >> 3);
		if (!groups)
			break;
		if (unlikely(!(groups & 1))) {
			i = ((i >> 3) + (u32)__builtin_ctzll(groups)) << 3;
			continue;
		}
		if (s->table[i])
			return i;
		i++;
	}
	return s->last;
}
/* The groups of eight that may have nonzero entries in [first, last). */
static inline u64 pte_groups(const struct pte_span *s)
{
	u64 to = ~0ull >> (63 - (s->last - 1) / 8), from = ~0ull << s->first / 8;

	return s->page->occupied & to & from;
}
static inline u32 pte_group_first(const struct pte_span *s, u64 groups)
{
	return MAX((u32)__builtin_ctzll(groups) * 8, s->first);
}
static inline u32 pte_group_end(const struct pte_span *s, u64 groups)
{
	return MIN((u32)__builtin_ctzll(groups) * 8 + 8, s->last);
}
/* The body runs for each nonzero entry; no `break`: it would leave only a group. */
#define pte_for_each(s, i)                                                                         \
	for (u64 groups_ = pte_groups(s); groups_; groups_ &= groups_ - 1)                         \
		for (u32 end_ = (i = pte_group_first(s, groups_), pte_group_end(s, groups_));      \
		     i < end_; i++)                                                                \
			if (!(s)->table[i]) {                                                      \
			} else
/* => the next nonzero entry of a table that has one at i or behind. */
static ALWAYS_INLINE u32 table_seek(const pte_t *table, u64 occupied, u32 i)
{
	for (;;) {
		if (!(i & 7))
			i = ((i >> 3) + (u32)__builtin_ctzll(occupied >> (i >> 3))) << 3;
		do {
			if (table[i])
				return i;
		} while (++i & 7);
	}
}
/* The same for a whole table, which ends with the last of its entries. The body may empty its entry and clear `used`. */
#define table_for_each(page, table, i)                                                             \
	for (u32 left_ = (i = 0, (page)->used);                                                    \
	     left_ && (i = table_seek(table, (page)->occupied, i), true); left_--, i++)
/* Fills an entry that was none. */
static inline void pte_set_new(const struct pte_span *s, u32 i, pte_t e)
{
	__atomic_store_n(&s->table[i], e, __ATOMIC_RELAXED);
	s->page->used++;
	s->page->occupied |= BIT(i >> 3);
}
/* Replaces a nonzero entry by a nonzero one; translations are the caller's to flush. */
static inline void pte_replace(pte_t *p, pte_t e)
{
	__atomic_store_n(p, e, __ATOMIC_RELAXED);
}
/* Empties an entry. => what it held. The table is accounted by pte_cleared() once for many. */
static inline pte_t pte_take(pte_t *p)
{
	return __atomic_exchange_n(p, 0, __ATOMIC_RELAXED);
}
/* n entries of s were taken. When the table is empty now, unhooks it and those above that it empties:
 * they come back as a chain (struct page *, through owner) to be freed after the flush. */
struct page *pte_cleared(struct arch_pagetable *pt, const struct pte_span *s, u32 n,
                         struct page *chain);
void pagetable_free_chain(struct page *chain);
/* Unhooks the tables on the way to addr that have no entries; they come back likewise. */
struct page *pagetable_prune(struct arch_pagetable *pt, u64 addr, struct page *chain);

/*
 * Sharing. A leaf table may hang in several address spaces, one reference (struct page) each. All links to it
 * lack PTE_WRITE then, and nobody changes its entries but by taking away rights. kernel/mm/share.c.
 */
static inline bool pte_span_shared(const struct pte_span *s)
{
	return !(*s->link & (PTE_WRITE | PTE_HUGE));
}

/*
 * Huge pages. Where a table would hang, an entry may hold a page of TABLE_SPAN bytes itself; it is in one of the three
 * states of a leaf entry, and has PTE_HUGE. Walks meet it as a span of which pte_span_huge() is true: `link` is
 * the entry, `table` and `page` mean nothing. table_unhang() empties it.
 */
static inline bool pte_span_huge(const struct pte_span *s)
{
	return *s->link & PTE_HUGE;
}
/* => 0 and the entry where the huge page of addr belongs, empty or not, the tables above made; or -ENOMEM. */
MUST_CHECK int huge_make(struct arch_pagetable *pt, u64 addr, pte_t **out);
/* Fills an entry that was none. */
void huge_set_new(pte_t *link, pte_t e);

/* Hangs an existing leaf table in at base, where none is. The reference is the caller's. => 0 or -ENOMEM. */
MUST_CHECK int table_hang(struct arch_pagetable *pt, u64 base, struct page *table);
/* Unhooks a whole leaf table, which goes on to be the caller's, and what is empty above it (=> chain). */
struct page *table_unhang(struct arch_pagetable *pt, const struct pte_span *s, struct page *chain);
/* Puts an empty table of the caller's in the place of s->table. */
void table_exchange(struct pte_span *s, struct page *table);
/* Calls leaf() for each leaf table in ascending order, the PTE lock held throughout; it may not change the
 * tables above. => the first nonzero answer, or 0. */
int pagetable_visit(const struct arch_pagetable *pt,
                    int (*leaf)(const struct pte_span *s, void *arg), void *arg);
/* The end of an address space that no processor uses and nobody else reaches: takes the leaf tables out one
 * by one and hands them to leaf(), which empties and frees or puts them; frees all above but the root. */
void pagetable_dismantle(struct arch_pagetable *pt,
                         void (*leaf)(const struct pte_span *s, void *arg), void *arg);
struct page *pagetable_table_new(void);        /* all zeroes, one reference, or NULL */
void pagetable_table_free(struct page *table); /* all zeroes, no other reference */

/* Kernel half, VMAP lock held: maps or unmaps single pages with supervisor rights, never executable. */
MUST_CHECK int kernel_map(u64 addr, phys_t page, pte_t bits);
phys_t kernel_unmap(u64 addr); /* => what was mapped, or 0; flush before reuse */

static inline u64 cr3_read(void)
{
	u64 v;
	__asm__ volatile("mov %%cr3, %0" : "=r"(v));
	return v;
}
static inline void cr3_write(u64 v)
{
	__asm__ volatile("mov %0, %%cr3" ::"r"(v) : "memory");
}

/* This processor forgets its translations of [start, end) if it runs on `root`. Interrupt context too. */
void tlb_flush_local(phys_t root, u64 start, u64 end);
/* Every processor, the whole kernel half. */
void tlb_flush_kernel(void);
