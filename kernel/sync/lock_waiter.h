/* A thread in the queue of a sleeping lock. For mutex.c and rwlock.c. */
#pragma once
#include "kernel/lib/list.h"
#include "kernel/sched/thread.h"

struct lock_waiter {
	struct list link;
	struct thread *thread;
	bool writer;
	bool granted; /* [a] the lock is ours; after this store the record may vanish */
};

/* Sleeps until the lock has been handed over. */
static inline void lock_waiter_sleep(struct lock_waiter *w)
{
	/* Pairs with the release store in lock_waiter_grant: what the last owner did is seen. */
	while (!load_acquire(&w->granted))
		(void)park(PARK_FOREVER, PARK_UNINTERRUPTIBLE);
}

/* The thread outlives the record: its memory waits for a grace period, and we do not block in between. */
static inline void lock_waiter_grant(struct lock_waiter *w)
{
	struct thread *t = w->thread;

	store_release(&w->granted, true);
	unpark(t);
}
