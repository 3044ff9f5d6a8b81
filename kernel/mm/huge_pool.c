#include "kernel/lib/checked.h"
#include "kernel/mm/huge.h"
#include "kernel/sched/thread.h"
#include "kernel/sync/mutex.h"
#include "kernel/sync/spinlock.h"

static struct spinlock pool_lock = SPINLOCK_INIT(HUGE_POOL);
static struct huge_stats pool; /* [pool_lock] free >= reserved, total >= surplus */
static struct list pool_free = LIST_INIT(pool_free); /* [pool_lock] */
static struct mutex resize_lock = MUTEX_INIT(resize_lock, HUGE_RESIZE);
s32 huge_shm_group;

void huge_pool_stats(struct huge_stats *out)
{
	GUARD(spin)(&pool_lock);
	*out = pool;
}

static struct page *memory_take(void)
{
	struct page *p = page_alloc(HUGE_PAGE_ORDER, PAGE_USER);

	if (p)
		p->flags = PAGE_FLAG_HUGE;
	return p;
}

static void memory_give(struct page *p)
{
	p->flags = 0;
	page_free(p, HUGE_PAGE_ORDER);
}

static void free_add_locked(struct page *p)
{
	list_add(&pool_free, &p->link);
	pool.free++;
}

static struct page *free_take_locked(void)
{
	struct page *p = list_first(&pool_free, struct page, link);

	list_del(&p->link);
	pool.free--;
	return p;
}

static u64 persistent(void)
{
	return pool.total - pool.surplus;
}

/* One page more or less in the pool. => false: that is all. */
static bool pool_grow(u64 wanted)
{
	{
		GUARD(spin)(&pool_lock);
		u64 missing = wanted > persistent() ? wanted - persistent() : 0;
		pool.surplus -= MIN(pool.surplus, missing);
		if (persistent() >= wanted)
			return false;
	}
	struct page *p = memory_take();
	if (!p)
		return false;
	GUARD(spin)(&pool_lock);
	pool.total++;
	free_add_locked(p);
	return true;
}

static bool pool_shrink(u64 wanted)
{
	struct page *p;

	{
		GUARD(spin)(&pool_lock);
		if (persistent() <= wanted || pool.free == pool.reserved)
			return false;
		p = free_take_locked();
		pool.total--;
	}
	memory_give(p);
	return true;
}

void huge_pool_resize(u64 wanted)
{
	GUARD(mutex)(&resize_lock);
	while (pool_grow(wanted))
		cond_resched();
	while (pool_shrink(wanted))
		cond_resched();
	GUARD(spin)(&pool_lock);
	if (persistent() > wanted)
		pool.surplus += persistent() - wanted;
}

void huge_pool_set_overcommit(u64 pages)
{
	GUARD(spin)(&pool_lock);
	pool.overcommit = pages;
}

u64 huge_pool_shutdown(void)
{
	huge_pool_resize(0);
	GUARD(spin)(&pool_lock);
	return pool.total + pool.reserved;
}

/* Counted first, so that several together do not pass the limit. => false: the limit, or no memory. */
static bool surplus_add(void)
{
	{
		GUARD(spin)(&pool_lock);
		if (pool.surplus >= pool.overcommit)
			return false;
		pool.surplus++;
		pool.total++;
	}
	struct page *p = memory_take();
	GUARD(spin)(&pool_lock);
	if (p) {
		free_add_locked(p);
	} else {
		pool.surplus--;
		pool.total--;
	}
	return p;
}

/* Gives back up to n surplus pages that are free and not promised. */
static void surplus_trim(u64 n)
{
	while (n--) {
		struct page *p;
		{
			GUARD(spin)(&pool_lock);
			if (!pool.surplus || pool.free == pool.reserved)
				return;
			p = free_take_locked();
			pool.surplus--;
			pool.total--;
		}
		memory_give(p);
	}
}

/* => 1: done, 0: some surplus pages first, -ENOMEM: could never be. */
static int reserve_try(u64 n)
{
	u64 wanted;

	GUARD(spin)(&pool_lock);
	if (add_overflows(pool.reserved, n, &wanted))
		return -ENOMEM;
	if (wanted <= pool.free) {
		pool.reserved = wanted;
		return 1;
	}
	u64 room = pool.overcommit > pool.surplus ? pool.overcommit - pool.surplus : 0;
	return wanted - pool.free <= room ? 0 : -ENOMEM;
}

int huge_reserve(u64 n)
{
	int done;

	while (!(done = reserve_try(n)))
		if (!surplus_add()) {
			done = -ENOMEM;
			break;
		}
	if (done < 0)
		surplus_trim(n);
	return MIN(done, 0);
}

void huge_unreserve(u64 n)
{
	if (!n)
		return;
	{
		GUARD(spin)(&pool_lock);
		ASSERT(pool.reserved >= n);
		pool.reserved -= n;
	}
	surplus_trim(n);
}

static struct page *page_take(enum huge_source from)
{
	GUARD(spin)(&pool_lock);
	if (from == HUGE_PROMISED) {
		ASSERT(pool.reserved && pool.free);
		pool.reserved--;
	} else if (pool.free == pool.reserved) {
		return NULL;
	}
	return free_take_locked();
}

static void huge_page_zero(struct page *p)
{
	for (u32 i = 0; i < 1 << HUGE_PAGE_ORDER; i++)
		page_zero(p + i);
}

void huge_page_copy(struct page *to, const struct page *from)
{
	for (u32 i = 0; i < 1 << HUGE_PAGE_ORDER; i++)
		page_copy(to + i, from + i);
}

struct page *huge_page_alloc(enum huge_source from)
{
	struct page *p;

	/* A surplus page may be taken by somebody else between the two. */
	while (!(p = page_take(from)))
		if (!surplus_add())
			return NULL;
	refcount_init(&p->refs, 1);
	huge_page_zero(p);
	return p;
}

void huge_page_put(struct page *p)
{
	DEBUG_ASSERT(p->flags == PAGE_FLAG_HUGE);
	if (!refcount_put(&p->refs))
		return;
	{
		GUARD(spin)(&pool_lock);
		if (!pool.surplus) {
			free_add_locked(p);
			return;
		}
		pool.surplus--;
		pool.total--;
	}
	memory_give(p);
}

bool huge_size_known(u32 flags)
{
	enum { SIZE_SHIFT = 26, SIZE_MASK = 0x3f };
	u32 log = flags >> SIZE_SHIFT & SIZE_MASK;

	return log == 0 || log == PAGE_SHIFT + HUGE_PAGE_ORDER;
}
