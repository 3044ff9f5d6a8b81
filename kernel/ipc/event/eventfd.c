#include "kernel/ipc/event/eventfd.h"
#include "abi/poll.h"
#include "kernel/ipc/wait.h"

#define COUNTER_MAX (UINT64_MAX - 1)

struct eventfd_waiter {
	struct ipc_waiter wait;
	struct eventfd *e;
	struct list link; /* [l] */
	u64 value;        /* [l] reader: what it got; writer: what it brings */
};

struct eventfd *eventfd_new(u32 counter, bool semaphore)
{
	struct eventfd *e = port_alloc(sizeof *e);
	if (!e)
		return NULL;
	port_lock_init(&e->lock, LOCK_CLASS_EVENT);
	e->counter = counter;
	e->semaphore = semaphore;
	list_init(&e->reading);
	list_init(&e->writing);
	port_pollq_init(&e->poll);
	return e;
}

void eventfd_free(struct eventfd *e)
{
	port_free(e);
}

static u64 take_locked(struct eventfd *e)
{
	u64 value = e->semaphore ? 1 : e->counter;
	store_relaxed(&e->counter, e->counter - value);
	return value;
}

/* Completes every sleeper that can go on now: a reader frees room, a writer fills the counter again. */
static NOINLINE void settle_locked(struct eventfd *e, struct ipc_wake_list *wakes)
{
	for (;;) {
		struct list *queue = NULL;
		if (e->counter && !list_empty(&e->reading))
			queue = &e->reading;
		else if (!list_empty(&e->writing) &&
		         list_first(&e->writing, struct eventfd_waiter, link)->value <=
		                 COUNTER_MAX - e->counter)
			queue = &e->writing;
		if (!queue)
			return;
		struct eventfd_waiter *w = list_entry(list_pop(queue), struct eventfd_waiter, link);
		if (queue == &e->reading)
			w->value = take_locked(e);
		else
			store_relaxed(&e->counter, e->counter + w->value);
		ipc_waiter_decide(&w->wait, 0, wakes);
	}
}

static bool has_sleepers(const struct eventfd *e)
{
	return !list_empty(&e->reading) || !list_empty(&e->writing);
}

static bool withdraw(struct ipc_waiter *wait)
{
	struct eventfd_waiter *w = container_of(wait, struct eventfd_waiter, wait);
	struct ipc_wake_list wakes = {0};
	port_lock(&w->e->lock);
	bool pending = ipc_waiter_pending(wait);
	if (pending) {
		list_del(&w->link);
		settle_locked(w->e, &wakes); /* a smaller write may have stood behind this one */
	}
	port_unlock(&w->e->lock);
	ipc_wake_flush(&wakes);
	return pending;
}

/* The lock is held, and released. => 0: done by the waker; -ERESTARTSYS. */
static int sleep_unlocked(struct eventfd *e, struct list *queue, u64 *value)
{
	struct eventfd_waiter w = {.e = e, .value = *value};
	ipc_waiter_init(&w.wait);
	list_add_tail(queue, &w.link);
	port_unlock(&e->lock);
	int err = ipc_wait(&w.wait, PORT_FOREVER, withdraw);
	*value = w.value;
	return err ? -ERESTARTSYS : 0;
}

ssize eventfd_read(struct eventfd *e, struct port_io *io, bool nonblock)
{
	struct ipc_wake_list wakes = {0};
	u64 value = 0;

	if (port_io_left(io) < sizeof value)
		return -EINVAL;
	port_lock(&e->lock);
	if (likely(e->counter)) {
		value = take_locked(e);
		if (unlikely(has_sleepers(e)))
			settle_locked(e, &wakes);
		port_unlock(&e->lock);
		ipc_wake_flush(&wakes);
		port_poll_wake(&e->poll, POLLOUT | POLLWRNORM);
	} else if (nonblock) {
		port_unlock(&e->lock);
		return -EAGAIN;
	} else {
		TRY(sleep_unlocked(e, &e->reading, &value));
	}
	return port_io_put(io, &value, sizeof value) == sizeof value ? (ssize)sizeof value
	                                                             : -EFAULT;
}

ssize eventfd_write(struct eventfd *e, struct port_io *io, bool nonblock)
{
	struct ipc_wake_list wakes = {0};
	u64 value;

	if (port_io_left(io) < sizeof value)
		return -EINVAL;
	if (port_io_take(io, &value, sizeof value) < sizeof value)
		return -EFAULT;
	if (value == UINT64_MAX)
		return -EINVAL;
	port_lock(&e->lock);
	if (likely(value <= COUNTER_MAX - e->counter)) {
		store_relaxed(&e->counter, e->counter + value);
		if (unlikely(has_sleepers(e)))
			settle_locked(e, &wakes);
		bool readable = e->counter != 0;
		port_unlock(&e->lock);
		ipc_wake_flush(&wakes);
		if (readable)
			port_poll_wake(&e->poll, POLLIN | POLLRDNORM);
		return sizeof value;
	}
	if (nonblock) {
		port_unlock(&e->lock);
		return -EAGAIN;
	}
	TRY(sleep_unlocked(e, &e->writing, &value));
	port_poll_wake(&e->poll, POLLIN | POLLRDNORM);
	return sizeof value;
}

u32 eventfd_events(const struct eventfd *e)
{
	u64 counter = load_relaxed(&e->counter);
	return (counter ? POLLIN | POLLRDNORM : 0) |
	       (counter < COUNTER_MAX ? POLLOUT | POLLWRNORM : 0);
}
