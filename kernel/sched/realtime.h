/*
 * The wall clock: CLOCK_REALTIME = CLOCK_MONOTONIC + offset. clock_settime(2) moves the offset; whoever holds
 * absolute wall-clock deadlines registers to hear of it (timerfd, timer_create).
 */
#pragma once
#include "abi/time.h"
#include "arch/clock.h"
#include "arch/percpu.h"
#include "arch/thunk.h"
#include "kernel/lib/list.h"

extern s64 realtime_offset; /* [a] ns */
static ALWAYS_INLINE u64 realtime_ns(void)
{
	return clock_mono_ns() + (u64)load_relaxed(&realtime_offset);
}

/* Whose absolute times move when the clock is set. */
static inline bool clock_is_wall(s32 clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_TAI || clock == CLOCK_REALTIME_ALARM;
}

struct seconds_cache {
	u64 seconds, until_cycles; /* until_cycles 0: look again */
};
EXTERN_PERCPU(struct seconds_cache, seconds_cache);
u64 realtime_seconds_refresh(void);
/* Cheap: cached for each processor until the second is over or the clock is set. */
static ALWAYS_INLINE u64 realtime_seconds(void)
{
	if (likely(clock_cycles() < this_cpu(seconds_cache).until_cycles))
		return this_cpu(seconds_cache).seconds;
	return CALL_KEEPING_REGISTERS(realtime_seconds_refresh_thunk);
}
/* Sets the clock and tells the watchers. */
void realtime_set(u64 ns);
void realtime_init(void);     /* boot: from the battery clock */
void realtime_init_cpu(void); /* each processor */

struct thread;
struct wall_sleepers;

struct realtime_watch {
	struct list link;
	/* Called after the change, in thread context, without locks; may take P locks, must not block. */
	void (*changed)(struct realtime_watch *w);
};
void realtime_watch_add(struct realtime_watch *w); /* for ever: static watchers */

/* A thread that sleeps until a time of the wall clock: setting the clock unparks it. On the sleeper's stack. */
struct wall_sleeper {
	struct thread *thread;
	struct list link;         /* [its processor's list] */
	struct wall_sleepers *in; /* [own] */
};
void wall_sleeper_add(struct wall_sleeper *s);
void wall_sleeper_del(struct wall_sleeper *s);

#define NS_PER_SEC 1000000000ull
