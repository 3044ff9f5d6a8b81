#include "kernel/ipc/wait.h"

void ipc_wake_flush_all(struct ipc_wake_list *list)
{
	/* The read section keeps a thread's memory although it may exit once its wait is over. */
	port_read_lock();
	for (struct ipc_waiter *w = list->first, *next; w; w = next) {
		struct port_thread *thread = w->thread;
		next = w->next;
		store_release(&w->state,
		              WAIT_OVER); /* pairs with ipc_wait(); w is gone from here on */
		port_unpark(thread);
	}
	port_read_unlock();
	list->first = NULL;
}

/* Decided but not yet flushed: the waker is between its unlock and its flush. */
static int result_when_over(struct ipc_waiter *w)
{
	while (!ipc_waiter_over(w))
		(void)port_park(PORT_FOREVER, PORT_UNINTERRUPTIBLE);
	return w->result;
}

static ALWAYS_INLINE int wait_by(enum port_wake (*park)(u64 deadline, enum port_sleep kind),
                                 struct ipc_waiter *w, u64 deadline,
                                 bool (*withdraw)(struct ipc_waiter *w))
{
	for (;;) {
		enum port_wake why = park(deadline, PORT_INTERRUPTIBLE);
		if (likely(ipc_waiter_over(w)))
			return w->result;
		if (why == PORT_WOKEN)
			continue;
		if (withdraw(w))
			return why == PORT_TIMEOUT ? -EAGAIN : -EINTR;
		return result_when_over(w);
	}
}

int ipc_wait(struct ipc_waiter *w, u64 deadline, bool (*withdraw)(struct ipc_waiter *w))
{
	return wait_by(port_park, w, deadline, withdraw);
}

int ipc_wait_real(struct ipc_waiter *w, u64 deadline, bool (*withdraw)(struct ipc_waiter *w))
{
	return wait_by(port_park_real, w, deadline, withdraw);
}
