/*
 * One-shot timers in CLOCK_MONOTONIC nanoseconds, kept by the processor that armed them. Callbacks
 * run in softirq_run(): thread context, no locks held, may take P locks, must not block.
 */
#pragma once
#include "kernel/lib/compiler.h"
#include "kernel/lib/rbtree.h"

struct timer {
	struct rb_node node;
	u64 deadline_ns;
	void (*fn)(struct timer *t);
	u32 cpu;	/* [a] */
	u32 state;	/* idle, armed, running */
};

void timer_init(struct timer *t, void (*fn)(struct timer *t));
void timer_arm(struct timer *t, u64 deadline_ns);	/* re-arms if armed */
/* => true when the timer was armed and will not run. It may be running elsewhere. */
bool timer_cancel(struct timer *t);
/* Also waits until a running callback has finished: afterwards the timer may be freed. No lock that the callback takes is held. */
bool timer_cancel_sync(struct timer *t);

/* CLOCK_REALTIME = CLOCK_MONOTONIC + offset; clock_settime(2) moves the offset. */
s64 realtime_offset_ns(void);
u64 realtime_ns(void);
u64 realtime_seconds(void);	/* cheap: cached for each processor */
void realtime_set(u64 ns);
