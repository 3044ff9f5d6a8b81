#include "kernel/ipc/futex/table.h"

/*
 * A thread that sleeps on several words has a waiter in the queue of each. The first waker ends the sleep; the sleeper then
 * withdraws from the others, some of which may have been decided meanwhile: each of those wakes is ours, and
 * only one can be reported, as on Linux.
 */

static int crowd_keys(const struct futex_want *wants, struct futex_waiter *crowd, u32 count)
{
	for (u32 i = 0; i < count; i++)
		TRY(futex_key_of(wants[i].word, wants[i].scope, &crowd[i].key));
	return 0;
}

/* The bucket of a waiter whose wait is over may be gone; as long as it is not, its waker's read section keeps it. */
static bool withdraw_unless_over(struct ipc_waiter *w)
{
	port_read_lock();
	bool withdrawn = !ipc_waiter_over(w) && futex_withdraw(w);
	port_read_unlock();
	return withdrawn;
}

/* Takes the first `n` off their words. => the index of one that had been woken, or -1. */
static int crowd_withdraw(struct futex_waiter *crowd, u32 n)
{
	int woken = -1;

	for (u32 i = 0; i < n; i++) {
		struct ipc_waiter *w = &crowd[i].wait;
		if (withdraw_unless_over(w))
			continue;
		/* Its waker is between unlock and flush, and still needs the record. */
		while (!ipc_waiter_over(w))
			(void)port_park(PORT_FOREVER, PORT_UNINTERRUPTIBLE);
		woken = (int)i;
	}
	return woken;
}

/* => 0 when all are queued; else none is: 1 and the index of one that was woken, -EAGAIN, or -EFAULT at *out_index. */
static int crowd_queue(const struct futex_want *wants, struct futex_waiter *crowd, u32 count,
                       u32 *out_index)
{
	for (u32 i = 0; i < count; i++) {
		struct futex_waiter *w = &crowd[i];
		ipc_waiter_init(&w->wait);
		w->bitset = FUTEX_BITSET_MATCH_ANY;
		w->priority = port_base_priority(port_self());
		int err = futex_queue_if(w, wants[i].word, wants[i].expected), woken;
		if (likely(!err))
			continue;
		woken = crowd_withdraw(crowd, i);
		*out_index = woken < 0 ? i : (u32)woken;
		return woken < 0 ? err : 1;
	}
	return 0;
}

static bool crowd_all_pending(const struct futex_waiter *crowd, u32 count)
{
	for (u32 i = 0; i < count; i++)
		if (!ipc_waiter_pending(&crowd[i].wait))
			return false;
	return true;
}

static int crowd_sleep(struct futex_waiter *crowd, u32 count, u64 deadline)
{
	enum port_wake why = PORT_WOKEN;

	while (crowd_all_pending(crowd, count) && why == PORT_WOKEN)
		why = port_park(deadline, PORT_INTERRUPTIBLE);
	int woken = crowd_withdraw(crowd, count);
	if (woken >= 0)
		return woken;
	return why == PORT_TIMEOUT ? -ETIMEDOUT : -EINTR;
}

int futex_wait_any(const struct futex_want *wants, struct futex_waiter *crowd, u32 count,
                   u64 deadline)
{
	u32 index = 0;

	for (;;) {
		TRY(crowd_keys(wants, crowd, count));
		int err = crowd_queue(wants, crowd, count, &index);
		if (!err)
			return crowd_sleep(crowd, count, deadline);
		if (err == 1)
			return (int)index;
		if (err != -EFAULT)
			return err;
		TRY(port_user_fault_in(wants[index].word, false));
	}
}
