/*
 * Polling: a file's poll operation reports its events now and tells the table which wait queues will
 * signal a change. poll(2) and select(2) make a table for one call, epoll(7) one that stays (kernel/port/watch.c).
 *
 * Two passes. The first asks every file with no table at all (pt NULL): when something is ready, or the
 * caller will not wait, that was all. Only then a table registers on the queues, a second pass finds
 * what changed in between, and the thread parks until one of its entries is woken.
 *
 * A poll operation must register before it looks at its state (a change between the two is then seen
 * as a wake-up), and whoever changes the state calls waitq_wake(q, events) after the change.
 * Entries hold a reference to their file, so the queues they stand in outlive them; epoll's end with the file. A queue
 * that belongs to something else (signalfd: the process that polls) is closed with waitq_close() by its owner.
 */
#pragma once
#include "abi/poll.h"
#include "kernel/lib/result.h"
#include "kernel/sync/waitq.h"

struct file;
struct poll_table {
	void (*add)(struct poll_table *pt, struct file *f, struct waitq *q);
	u32 events; /* what the caller waits for; a hint */
};
static inline void poll_wait(struct poll_table *pt, struct file *f, struct waitq *q)
{
	if (unlikely(pt))
		pt->add(pt, f, q);
}

enum { POLL_ALWAYS_READY = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM };
/* For files that never change but may be watched by epoll, which refuses those without a poll operation. */
u32 poll_always_ready(struct file *f, struct poll_table *pt);

/* The table of poll(2) and select(2): sleeps until any queue it stands in is woken. */
struct poll_entry;
struct poll_block;
enum { POLL_INLINE_ENTRIES = 8 };
struct poll_entry {
	struct waitq_entry wait;
	struct waitq *q;
	struct file *file; /* reference */
	struct poll_waiter *waiter;
	u32 events;
};
struct poll_waiter {
	struct poll_table table;
	struct thread *thread;
	u32 triggered;             /* [a] a queue was woken since the last poll_waiter_sleep */
	int error;                 /* -ENOMEM: could not register everywhere */
	u32 used;                  /* of the newest block, or of first[] */
	u32 expected;              /* files to come: size of the first block */
	struct poll_block *blocks; /* newest first */
	struct poll_entry first[POLL_INLINE_ENTRIES];
};
/* expected: number of files that will be polled, so that one allocation suffices. */
void poll_waiter_init(struct poll_waiter *w, u32 expected);
void poll_waiter_destroy(struct poll_waiter *w);
/* => 0 when something was triggered, -ETIMEDOUT, or -ERESTARTNOHAND. */
MUST_CHECK int poll_waiter_sleep(struct poll_waiter *w, u64 deadline_ns);

/*
 * poll(2) and select(2) without their copying. deadline_ns: 0 does not wait, PARK_FOREVER has no end.
 * => descriptors (select: bits) that are ready, 0 at the deadline, -ERESTARTNOHAND, -ENOMEM.
 */
MUST_CHECK int poll_fds(struct pollfd *fds, u32 n, u64 deadline_ns);
/* Six bitmaps of n bits, rounded up to words; out is zeroed by the caller. Also => -EBADF. */
struct select_sets {
	const u64 *in[3]; /* to read, to write, exceptional */
	u64 *out[3];
};
MUST_CHECK int select_fds(const struct select_sets *sets, u32 n, u64 deadline_ns);
