#include "kernel/ipc/wait.h"

/* w is gone from the store on, which pairs with ipc_wait(). */
static ALWAYS_INLINE void wake(struct ipc_waiter *w)
{
	struct port_thread *thread = w->thread;
	store_release(&w->state, WAIT_OVER);
	port_unpark(thread);
}

/* The read section keeps a thread's memory although it may exit once its wait is over. */
static NOINLINE void wake_several(struct ipc_waiter *w)
{
	port_read_lock();
	for (struct ipc_waiter *next; w; w = next) {
		next = w->next;
		wake(w);
	}
	port_read_unlock();
}

void ipc_wake_all(struct ipc_waiter *first)
{
	if (unlikely(first->next)) {
		wake_several(first);
		return;
	}
	port_read_lock();
	wake(first);
	port_read_unlock();
}

bool ipc_waiter_withdraw(struct ipc_waiter *w, struct port_lock *lock,
                         void (*dequeue)(struct ipc_waiter *w))
{
	bool pending = false;
	port_read_lock();
	if (!ipc_waiter_over(w)) {
		port_lock(lock);
		pending = ipc_waiter_pending(w);
		if (pending)
			dequeue(w);
		port_unlock(lock);
	}
	port_read_unlock();
	return pending;
}

/* Decided but not yet flushed: the waker is between its unlock and its flush. */
static int result_when_over(struct ipc_waiter *w)
{
	while (!ipc_waiter_over(w))
		(void)port_park(PORT_FOREVER, PORT_UNINTERRUPTIBLE);
	return w->result;
}

int ipc_wait_more(struct ipc_waiter *w, u64 deadline, bool (*withdraw)(struct ipc_waiter *w),
                  enum port_wake why)
{
	while (!ipc_waiter_over(w)) {
		if (why != PORT_WOKEN) {
			if (withdraw(w))
				return why == PORT_TIMEOUT ? -EAGAIN : -EINTR;
			return result_when_over(w);
		}
		why = port_park(deadline, PORT_INTERRUPTIBLE);
	}
	return w->result;
}
