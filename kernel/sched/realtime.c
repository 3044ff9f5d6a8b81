#include "kernel/sched/realtime.h"
#include "arch/clock.h"
#include "arch/cpu.h"
#include "arch/percpu.h"
#include "kernel/sched/thread.h"
#include "kernel/sched/vdso.h"
#include "kernel/sync/spinlock.h"

static struct {
	struct spinlock lock; /* class LEAF: changes */
	u32 generation;       /* [a] counts changes, for processors that fill their cache */
	struct list watches;  /* [lock] added for ever */
} wall = {.lock = SPINLOCK_INIT(LEAF), .generation = 1, .watches = LIST_INIT(wall.watches)};

s64 realtime_offset;
PERCPU(struct seconds_cache, seconds_cache);

/*
 * Setting the clock empties all caches. A processor that is just filling its own sees that:
 *
 *	setter					filler
 *	generation++				g = generation
 *	fence					compute with the old offset; until = later
 *	until = 0				fence
 *						generation != g: until = 0
 * If the filler's store comes last, its load of the generation comes after the setter's increment.
 */
u64 realtime_seconds_refresh(void)
{
	struct seconds_cache *c = this_cpu_ptr(seconds_cache);
	u32 generation = load_acquire(&wall.generation);
	u64 cycles = clock_cycles();
	u64 now = clock_cycles_to_ns(cycles - clock_scale.base_cycles) +
	          load_relaxed(&realtime_offset);

	c->seconds = now / NS_PER_SEC;
	/* Slightly early is harmless: it is looked up again. */
	store_relaxed(&c->until_cycles, cycles + (NS_PER_SEC - now % NS_PER_SEC) / 1000 *
	                                                 (clock_scale.hz / 1000) / 1000);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (load_relaxed(&wall.generation) != generation)
		store_relaxed(&c->until_cycles, 0);
	return now / NS_PER_SEC;
}

static void set_offset(u64 ns)
{
	GUARD(spin)(&wall.lock);
	store_relaxed(&realtime_offset, (s64)(ns - clock_mono_ns()));
	store_release(&wall.generation, wall.generation + 1);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for_each_cpu (cpu)
		store_relaxed(&cpu_ptr(seconds_cache, cpu)->until_cycles, 0);
	vdso_update_clock();
}

/* --- Sleepers: a list for each processor, so that those who sleep and wake do not meet. --- */

struct wall_sleepers {
	struct spinlock lock; /* class WALL_TIMERS */
	struct list list;     /* [lock] */
};
static PERCPU(struct wall_sleepers, wall_sleepers);

void wall_sleeper_add(struct wall_sleeper *s)
{
	s->in = this_cpu_ptr(wall_sleepers);
	GUARD(spin)(&s->in->lock);
	list_add_tail(&s->in->list, &s->link);
}

void wall_sleeper_del(struct wall_sleeper *s)
{
	GUARD(spin)(&s->in->lock);
	list_del(&s->link);
}

static void wake_sleepers(struct wall_sleepers *in)
{
	struct wall_sleeper *s;

	GUARD(spin)(&in->lock);
	list_for_each (s, &in->list, link)
		unpark(s->thread);
}

void realtime_init_cpu(void)
{
	struct wall_sleepers *in = this_cpu_ptr(wall_sleepers);

	spinlock_init(&in->lock, WALL_TIMERS);
	list_init(&in->list);
}

void realtime_set(u64 ns)
{
	struct realtime_watch *w;

	set_offset(ns);
	/* After the new offset can be seen: who adds itself later computes with that. */
	for_each_cpu (cpu)
		wake_sleepers(cpu_ptr(wall_sleepers, cpu));
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
	GUARD(spin)(&wall.lock);
	list_add_tail(&wall.watches, &w->link);
}
