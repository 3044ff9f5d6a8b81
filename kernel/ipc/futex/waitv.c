#include "kernel/ipc/futex/table.h"

/*
 * A thread that sleeps on several words has a waiter in the queue of each. The first waker ends the sleep; the sleeper then
 * withdraws from the others, some of which may have been decided meanwhile: each of those wakes is ours, and
 * only one can be reported, as on Linux.
 */
struct crowd {
	u32 count;
	struct futex_waiter waiter[];
};
DEFINE_GUARD(crowd, struct crowd *, port_free)

static int crowd_keys(struct crowd *c, const struct futex_want *wants)
{
	for (u32 i = 0; i < c->count; i++)
		TRY(futex_key_of(wants[i].word, wants[i].scope, &c->waiter[i].key));
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
static int crowd_withdraw(struct crowd *c, u32 n)
{
	int woken = -1;

	for (u32 i = 0; i < n; i++) {
		struct ipc_waiter *w = &c->waiter[i].wait;
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
static int crowd_queue(struct crowd *c, const struct futex_want *wants, u32 *out_index)
{
	for (u32 i = 0; i < c->count; i++) {
		struct futex_waiter *w = &c->waiter[i];
		ipc_waiter_init(&w->wait);
		int err = futex_queue_if(w, wants[i].word, wants[i].expected), woken;
		if (likely(!err))
			continue;
		woken = crowd_withdraw(c, i);
		*out_index = woken < 0 ? i : (u32)woken;
		return woken < 0 ? err : 1;
	}
	return 0;
}

static bool crowd_all_pending(const struct crowd *c)
{
	for (u32 i = 0; i < c->count; i++)
		if (!ipc_waiter_pending(&c->waiter[i].wait))
			return false;
	return true;
}

static int crowd_sleep(struct crowd *c, u64 deadline)
{
	enum port_wake why = PORT_WOKEN;

	while (crowd_all_pending(c) && why == PORT_WOKEN)
		why = port_park(deadline, PORT_INTERRUPTIBLE);
	int woken = crowd_withdraw(c, c->count);
	if (woken >= 0)
		return woken;
	return why == PORT_TIMEOUT ? -ETIMEDOUT : -EINTR;
}

int futex_wait_any(const struct futex_want *wants, u32 count, u64 deadline)
{
	AUTO_PUT(crowd)
	c = port_alloc(sizeof *c + count * sizeof c->waiter[0]);
	u32 index = 0;

	if (!c)
		return -ENOMEM;
	c->count = count;
	for (u32 i = 0; i < count; i++) {
		c->waiter[i].bitset = FUTEX_BITSET_MATCH_ANY;
		c->waiter[i].priority = port_base_priority(port_self());
	}
	for (;;) {
		TRY(crowd_keys(c, wants));
		int err = crowd_queue(c, wants, &index);
		if (!err)
			return crowd_sleep(c, deadline);
		if (err == 1)
			return (int)index;
		if (err != -EFAULT)
			return err;
		TRY(port_user_fault_in(wants[index].word, false));
	}
}
