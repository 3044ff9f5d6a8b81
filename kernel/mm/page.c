#include "kernel/mm/page.h"
#include "arch/cpu.h"
#include "kernel/lib/log.h"
#include "kernel/lib/string.h"
#include "kernel/mm/fail.h"
#include "kernel/sync/spinlock.h"

enum { CACHE_PAGES = 64, CACHE_BATCH = 32, CACHE_ORDER = 5 };
_Static_assert(CACHE_BATCH - 1 + (1 << CACHE_ORDER) <= CACHE_PAGES, "a block fits on top");
struct page_cache {
	u32 count;
	struct page *page[CACHE_PAGES];
};
static PERCPU(struct page_cache, page_cache);
PERCPU(struct page_counts, page_counts);

static struct spinlock page_lock = SPINLOCK_INIT(PAGE);
static struct list free_blocks[PAGE_ORDER_MAX + 1]; /* [page_lock] by order */
static u64 free_pages;                              /* [page_lock] in them */
static u64 user_reserve;                            /* [I] free pages that user memory must leave */
static u64 frame_limit;                             /* [I] frames in page_table_of_frames */
struct page *page_table_of_frames;
u64 page_total;

void page_zero(struct page *p)
{
	void *to = page_virt(p);
	u64 n = PAGE_SIZE / 8;
	__asm__ volatile("rep stosq" : "+D"(to), "+c"(n) : "a"(0ull) : "memory");
}

void page_copy(struct page *to, const struct page *from)
{
	void *d = page_virt(to);
	const void *s = page_virt(from);
	u64 n = PAGE_SIZE / 8;
	__asm__ volatile("rep movsq" : "+D"(d), "+S"(s), "+c"(n)::"memory");
}

static void block_add(struct page *p, unsigned order)
{
	p->flags = PAGE_FLAG_FREE;
	p->index = order;
	list_add(&free_blocks[order], &p->link);
	free_pages += 1ull << order;
}

static void block_del(struct page *p)
{
	list_del(&p->link);
	p->flags = 0;
	free_pages -= 1ull << p->index;
}

/* Joins the block with its buddies as long as they are free, too. */
static void block_free(struct page *p, unsigned order)
{
	u64 frame = page_frame(p);

	for (; order < PAGE_ORDER_MAX; order++) {
		u64 buddy = frame ^ 1ull << order;
		struct page *b = &page_table_of_frames[buddy];
		if (buddy >= frame_limit || !(b->flags & PAGE_FLAG_FREE) || b->index != order)
			break;
		block_del(b);
		frame &= ~(1ull << order);
	}
	block_add(&page_table_of_frames[frame], order);
}

/* Takes the smallest block that will do and gives back the halves too many. */
static struct page *block_alloc(unsigned order)
{
	unsigned have = order;

	while (have <= PAGE_ORDER_MAX && list_empty(&free_blocks[have]))
		have++;
	if (have > PAGE_ORDER_MAX)
		return NULL;
	struct page *p = list_first(&free_blocks[have], struct page, link);
	block_del(p);
	while (have > order) {
		have--;
		block_add(p + (1ull << have), have);
	}
	return p;
}

static bool may_take(u64 pages, unsigned flags)
{
	return !(flags & PAGE_USER) || free_pages >= user_reserve + pages;
}

/* Whole small blocks, the smallest first: cutting a large one page by page would cost more than it saves. */
static NOINLINE bool cache_refill(struct page_cache *c, unsigned flags)
{
	unsigned order = 0;

	GUARD(spin)(&page_lock);
	while (c->count < CACHE_BATCH && may_take(1, flags)) {
		while (order < CACHE_ORDER && list_empty(&free_blocks[order]))
			order++;
		struct page *p = block_alloc(order);
		if (!p)
			break;
		for (u32 i = 1u << order; i-- > 0;)
			c->page[c->count++] = p + i;
	}
	return c->count;
}

/* The largest aligned blocks that fill the frames [from, to). */
static void run_free(u64 from, u64 to)
{
	while (from < to) {
		unsigned order = from ? (unsigned)__builtin_ctzll(from) : PAGE_ORDER_MAX;
		order = MIN(order, (unsigned)PAGE_ORDER_MAX);
		while (1ull << order > to - from)
			order--;
		block_free(&page_table_of_frames[from], order);
		from += 1ull << order;
	}
}

/* Pages that came one behind the other were freed one behind the other, as a rule: such runs go as blocks. */
static NOINLINE void cache_drain(struct page_cache *c)
{
	GUARD(spin)(&page_lock);
	while (c->count > CACHE_PAGES - CACHE_BATCH) {
		struct page *last = c->page[--c->count], *first = last;
		last->flags = 0;
		while (c->count > CACHE_PAGES - CACHE_BATCH && c->page[c->count - 1] == first - 1) {
			first = c->page[--c->count];
			first->flags = 0;
		}
		run_free(page_frame(first), page_frame(last) + 1);
	}
}

static NOINLINE struct page *block_alloc_locked(unsigned order, unsigned flags)
{
	GUARD(spin)(&page_lock);
	return may_take(1ull << order, flags) ? block_alloc(order) : NULL;
}

static ALWAYS_INLINE void page_taken(struct page *p)
{
	if (DEBUG_BUILD) {
		ASSERT(!(p->flags & ~PAGE_FLAG_CACHED) && refcount_read(&p->refs) == 0);
		p->flags = 0;
	}
	refcount_init(&p->refs, 1);
}

static NOINLINE struct page *block_take(unsigned order, unsigned flags)
{
	struct page *p = block_alloc_locked(order, flags);

	if (!p)
		return NULL;
	page_taken(p);
	for (u64 i = 0; flags & PAGE_ZERO && i < 1ull << order; i++)
		page_zero(p + i);
	return p;
}

/* The newest page of c, which is not empty. */
static ALWAYS_INLINE struct page *cache_take(struct page_cache *c, unsigned flags)
{
	struct page *p = c->page[--c->count];

	page_taken(p);
	if (flags & PAGE_ZERO)
		page_zero(p);
	return p;
}

static NOINLINE struct page *cache_refill_take(struct page_cache *c, unsigned flags)
{
	return cache_refill(c, flags) ? cache_take(c, flags) : NULL;
}

struct page *page_alloc(unsigned order, unsigned flags)
{
	if (alloc_should_fail())
		return NULL;
	if (unlikely(order))
		return block_take(order, flags);
	struct page_cache *c = this_cpu_ptr(page_cache);
	return likely(c->count) ? cache_take(c, flags) : cache_refill_take(c, flags);
}

static bool poison_stopped; /* [a] */

void page_poison_stop(void)
{
	store_relaxed(&poison_stopped, true);
}

static void free_check(struct page *p, unsigned order)
{
	if (p->flags & (PAGE_FLAG_FREE | PAGE_FLAG_CACHED))
		panic("page %llu freed twice", (unsigned long long)page_frame(p));
	ASSERT(p->flags == 0);
	if (!load_relaxed(&poison_stopped))
		memset(page_virt(p), 0x5a, PAGE_SIZE << order);
}

void page_free(struct page *p, unsigned order)
{
	if (DEBUG_BUILD)
		free_check(p, order);
	refcount_init(&p->refs, 0);
	if (likely(order == 0)) {
		struct page_cache *c = this_cpu_ptr(page_cache);
		if (unlikely(c->count == CACHE_PAGES))
			cache_drain(c);
		if (DEBUG_BUILD)
			p->flags = PAGE_FLAG_CACHED;
		c->page[c->count++] = p;
		return;
	}
	GUARD(spin)(&page_lock);
	block_free(p, order);
}

static void frames_add(u64 from, u64 to)
{
	GUARD(spin)(&page_lock);
	page_total += to - from;
	run_free(from, to);
}

void page_add_range(phys_t start, phys_t end)
{
	u64 from = ROUND_UP(start, PAGE_SIZE) >> PAGE_SHIFT;
	u64 to = MIN(end >> PAGE_SHIFT, frame_limit);
	if (from < to)
		frames_add(from, to);
}

/* Cuts the array of struct page from the end of the largest range. */
static void frames_place(u64 bytes)
{
	struct boot_range *best = NULL;

	for (u32 i = 0; i < boot_info.ram_count; i++) {
		struct boot_range *r = &boot_info.ram[i];
		if (!best || r->end - r->start > best->end - best->start)
			best = r;
	}
	if (!best || best->end - best->start < bytes)
		panic("no room for the page array (%llu bytes)", (unsigned long long)bytes);
	best->end -= bytes;
	page_table_of_frames = phys_to_virt(best->end);
	memset(page_table_of_frames, 0, bytes);
}

void page_init(void)
{
	frame_limit = boot_info.highest_ram >> PAGE_SHIFT;
	for (unsigned i = 0; i <= PAGE_ORDER_MAX; i++)
		list_init(&free_blocks[i]);
	frames_place(ROUND_UP(frame_limit * sizeof(struct page), PAGE_SIZE));
	for (u32 i = 0; i < boot_info.ram_count; i++) {
		const struct boot_range *r = &boot_info.ram[i];
		log_info("memory: %#014llx .. %#014llx", (unsigned long long)r->start,
		         (unsigned long long)r->end);
		page_add_range(r->start, r->end);
	}
	user_reserve = CLAMP(page_total / 128, 256ull, 4096ull);
	log_info("memory: %llu MiB free, besides kernel and initramfs",
	         (unsigned long long)(page_total >> 8));
}

void page_stats(struct page_stats *out)
{
	s64 n[PAGE_COUNTERS] = {0};
	u64 cached = 0;

	for_each_cpu (cpu) {
		cached += load_relaxed(&cpu_ptr(page_cache, cpu)->count);
		for (int i = 0; i < PAGE_COUNTERS; i++)
			n[i] += load_relaxed(&cpu_ptr(page_counts, cpu)->n[i]);
	}
	*out = (struct page_stats){
		.total = page_total,
		.free = load_relaxed(&free_pages) + cached,
		.cached = cached,
		.anonymous = (u64)n[PAGES_ANONYMOUS],
		.object = (u64)n[PAGES_OBJECT],
		.slab = (u64)n[PAGES_SLAB],
		.tables = (u64)n[PAGES_TABLES],
		.stacks = (u64)n[PAGES_VMAP],
	};
}
