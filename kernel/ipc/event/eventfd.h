/*
 * Event counters, eventfd(2): a 64-bit counter that writes add to and reads take from.
 *
 * Objects and lifetimes
 *	struct eventfd	made by eventfd_new(), freed by eventfd_free() when its last file goes; whoever sleeps in it
 *			holds that file.
 *
 *	                      write
 *	counter 0 <-----------------------> 1 ... MAX-1      a write that would pass MAX-1 sleeps in `writing`
 *	reads sleep     read: takes all,                     until reads have made room
 *	in `reading`    or 1 (semaphore)
 *
 * The waker does the work: a write gives its sum to the first reader (as a semaphore, one to each), and a read
 * completes the writers that now fit, in order. So a write wakes one reader, not the herd.
 *
 * Locking: e->lock protects all; user memory is copied outside of it. Polling reads the counter alone.
 *
 * What can fail: -EINVAL (fewer than 8 bytes, or UINT64_MAX written), -EAGAIN, -ERESTARTSYS, -EFAULT; a value that was
 * taken when the copy to the user faults is lost, as on Linux.
 */
#pragma once
#include "abi/poll.h"
#include "kernel/ipc/port.h"
#include "kernel/lib/list.h"

#define EVENTFD_MAX (UINT64_MAX - 1)
struct eventfd {
	struct port_lock lock;
	u64 counter;                  /* [l, a] */
	bool semaphore;               /* [I] EFD_SEMAPHORE */
	u32 sleepers;                 /* [l] in the two lists */
	struct list reading, writing; /* [l] struct eventfd_waiter, FIFO */
	struct port_pollq poll;
};

MUST_CHECK struct eventfd *eventfd_new(u32 counter, bool semaphore); /* or NULL */
void eventfd_free(struct eventfd *e);
MUST_CHECK ssize eventfd_read(struct eventfd *e, struct port_io *io, bool nonblock);
MUST_CHECK ssize eventfd_write(struct eventfd *e, struct port_io *io, bool nonblock);
/* => POLLIN, POLLOUT and, as Linux, none of their kin. Any context. */
static ALWAYS_INLINE u32 eventfd_events(const struct eventfd *e)
{
	u64 counter = load_relaxed(&e->counter);
	if (likely(!counter))
		return POLLOUT;
	return POLLIN | (counter < EVENTFD_MAX ? POLLOUT : 0);
}
