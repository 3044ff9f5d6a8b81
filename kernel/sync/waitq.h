/*
 * Wait queues: a list of entries, each with a callback that runs, under the queue's lock, when the
 * queue is woken. A sleeping thread is one kind of entry (waitq_wait), a poll registration another.
 *
 *	WAITQ_WAIT(&q, flags, deadline, cond)	sleeps until cond is true;
 *						=> 0, -ERESTARTSYS (signal), -ETIMEDOUT
 * The condition is evaluated without locks; whoever makes it true calls waitq_wake_*() afterwards.
 */
#pragma once
#include "kernel/lib/list.h"
#include "kernel/sched/thread.h"
#include "kernel/sync/spinlock.h"

struct waitq {
	struct spinlock lock; /* class WAITQ */
	struct list entries;  /* [l] FIFO; exclusive entries at the tail */
};
struct waitq_entry {
	struct list link;
	/* => true when the entry consumed the wake-up (counts for exclusive ones); key: the poll events, or 0. May
	 * unlink its own entry, no other; must on WAITQ_GONE. */
	bool (*wake)(struct waitq_entry *e, u64 key);
	void *data;
	bool exclusive; /* [l] set by waitq_add_exclusive */
};

void waitq_init(struct waitq *q);
#define WAITQ_INIT(var)                                                                            \
	{                                                                                          \
		.lock = SPINLOCK_INIT(WAITQ), .entries = LIST_INIT((var).entries)                  \
	}
void waitq_add(struct waitq *q, struct waitq_entry *e);
void waitq_add_exclusive(struct waitq *q, struct waitq_entry *e);
void waitq_del(struct waitq *q, struct waitq_entry *e); /* idempotent */
static inline bool waitq_active(struct waitq *q)
{
	return !list_empty(&q->entries);
}
/* Wakes all plain entries and at most one exclusive entry. P locks below WAITQ may be held. */
void waitq_wake(struct waitq *q, u64 key);
void waitq_wake_all(struct waitq *q, u64 key);
/* The same for callers that have ordered their change before a look at waitq_active(), and found it true. */
void waitq_wake_active(struct waitq *q, u64 key);

/* The queue's memory is about to go: every entry is told, with WAITQ_GONE, and unlinks itself. Whoever may still come with
 * waitq_del() does so in an RCU read section, and the memory goes after a grace period. */
#define WAITQ_GONE (1ull << 32)
void waitq_close(struct waitq *q);

/*
 * A queue that a callback of another queue wants to wake: two queues must not be locked at once, so that is done when
 * the other one has been unlocked, on the same processor, before waitq_wake() of the other returns. Queues
 * woken in this way may ask for further ones: they form a list, there is no recursion.
 */
struct waitq_later {
	struct waitq *q;
	u64 key;
	struct waitq_later *next; /* [own processor] */
	u32 listed;               /* [a] on some processor's list: that one will wake for us, too */
};
void waitq_wake_later(struct waitq_later *l); /* from a callback only */

/* A thread as an entry: wakes `data` (struct thread *). An exclusive one leaves the queue when it is woken, so that the next
 * wake-up goes to another: add it again (harmless when still there) before each look at the condition. */
bool waitq_wake_thread(struct waitq_entry *e, u64 key);
#define WAITQ_THREAD_ENTRY(e)                                                                      \
	struct waitq_entry e = {                                                                   \
		.link = LIST_INIT(e.link), .wake = waitq_wake_thread, .data = thread_current()}

#define WAITQ_WAIT(q, flags, deadline, cond)                                                       \
	({                                                                                         \
		int wait_result_ = 0;                                                              \
		WAITQ_THREAD_ENTRY(wait_entry_);                                                   \
		waitq_add(q, &wait_entry_);                                                        \
		while (!(cond)) {                                                                  \
			enum park_result park_ = park(deadline, flags);                            \
			if (park_ == PARK_WOKEN || (cond))                                         \
				continue;                                                          \
			wait_result_ = park_ == PARK_SIGNAL ? -ERESTARTSYS : -ETIMEDOUT;           \
			break;                                                                     \
		}                                                                                  \
		waitq_del(q, &wait_entry_);                                                        \
		wait_result_;                                                                      \
	})
