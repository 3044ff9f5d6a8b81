#include "kernel/sched/realtime.h"
#include "arch/clock.h"
#include "arch/percpu.h"
#include "kernel/sched/vdso.h"
#include "kernel/sync/spinlock.h"

static struct {
	struct spinlock lock; /* class LEAF: changes */
	s64 offset;           /* [a] */
	u32 generation;       /* [a] counts changes, for caches */
	struct list watches;  /* [lock] added for ever */
} wall = {.lock = SPINLOCK_INIT(LEAF), .generation = 1, .watches = LIST_INIT(wall.watches)};

struct seconds_cache { /* of one processor */
	u64 seconds, until_cycles;
	u32 generation;
};
static PERCPU(struct seconds_cache, seconds_cache);

s64 realtime_offset_ns(void)
{
	return load_relaxed(&wall.offset);
}

u64 realtime_ns(void)
{
	return clock_mono_ns() + load_relaxed(&wall.offset);
}

static NOINLINE u64 seconds_refresh(struct seconds_cache *c)
{
	u64 now, cycles;

	c->generation = load_acquire(&wall.generation);
	cycles = clock_cycles();
	now = clock_cycles_to_ns(cycles - clock_scale.base_cycles) + load_relaxed(&wall.offset);
	c->seconds = now / NS_PER_SEC;
	/* Slightly early is harmless: it is looked up again. */
	c->until_cycles =
		cycles + (NS_PER_SEC - now % NS_PER_SEC) / 1000 * (clock_scale.hz / 1000) / 1000;
	return c->seconds;
}

u64 realtime_seconds(void)
{
	struct seconds_cache *c = this_cpu_ptr(seconds_cache);

	if (likely(clock_cycles() < c->until_cycles &&
	           c->generation == load_relaxed(&wall.generation)))
		return c->seconds;
	return seconds_refresh(c);
}

static void set_offset(u64 ns)
{
	GUARD(spin)
	(&wall.lock);
	store_relaxed(&wall.offset, (s64)(ns - clock_mono_ns()));
	store_release(&wall.generation, wall.generation + 1);
	vdso_update_clock();
}

void realtime_set(u64 ns)
{
	struct realtime_watch *w;

	set_offset(ns);
	/* Entries are only ever added, at the head's tail, and never leave. */
	list_for_each (w, &wall.watches, link)
		w->changed(w);
}

void realtime_init(void)
{
	set_offset(clock_rtc_seconds() * NS_PER_SEC + clock_mono_ns());
}

void realtime_watch_add(struct realtime_watch *w)
{
	GUARD(spin)
	(&wall.lock);
	list_add_tail(&wall.watches, &w->link);
}
