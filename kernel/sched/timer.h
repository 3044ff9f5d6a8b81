/*
 * One-shot timers in CLOCK_MONOTONIC nanoseconds, kept by the processor that armed them, in a tree with its first
 * entry at hand. Callbacks run in softirq_run(): thread context, no locks held, may take P locks, must not block; they
 * may re-arm or free their timer.
 *
 *	       timer_arm            deadline
 *	IDLE -------------> ARMED -----------> callback runs (state IDLE again before it starts)
 *	  ^                   | timer_cancel
 *	  +-------------------+
 *
 * The hardware alarm is moved only forward in time: a cancelled timer costs at most one interrupt that finds nothing.
 *
 * Locking: a base lock for each processor, class TIMER. timer_cancel may race with the callback and with timer_arm;
 * two timer_arm of one timer are serialised by the caller.
 */
#pragma once
#include "kernel/lib/compiler.h"
#include "kernel/lib/rbtree.h"
#include "kernel/sched/realtime.h"

enum timer_state { TIMER_IDLE, TIMER_ARMED };
struct timer {
	struct rb_node node;         /* [base] */
	u64 deadline_ns;             /* [base] */
	void (*fn)(struct timer *t); /* [I] */
	u32 cpu;                     /* [base] whose base it is, or last was, in */
	u32 state;                   /* [base] enum timer_state */
};

void timer_init(struct timer *t, void (*fn)(struct timer *t));
void timer_arm(struct timer *t, u64 deadline_ns); /* re-arms if armed */
/* => true when the timer was armed and will not run. It may be running elsewhere. */
bool timer_cancel(struct timer *t);
/* Also waits until a running callback has finished: afterwards the timer may be freed. No lock that the callback takes is
 * held, and it is not the callback that calls. */
bool timer_cancel_sync(struct timer *t);
static inline bool timer_armed(const struct timer *t)
{
	return load_relaxed(&t->state) == TIMER_ARMED;
}

/* kernel/sched only: what softirq_run does for SOFTIRQ_TIMER; and a request that this processor be interrupted by `ns`. */
void timers_init_cpu(void);
void timers_run(void);
void alarm_request(u64 ns);
