#include "kernel/ipc/event/eventfd.h"
#include "kernel/ipc/wait.h"

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
static void settle_locked(struct eventfd *e, struct ipc_wake_list *wakes)
{
	for (;;) {
		struct list *queue = NULL;
		if (e->counter && !list_empty(&e->reading))
			queue = &e->reading;
		else if (!list_empty(&e->writing) &&
		         list_first(&e->writing, struct eventfd_waiter, link)->value <=
		                 EVENTFD_MAX - e->counter)
			queue = &e->writing;
		if (!queue)
			return;
		struct eventfd_waiter *w = list_entry(list_pop(queue), struct eventfd_waiter, link);
		if (queue == &e->reading)
			w->value = take_locked(e);
		else
			store_relaxed(&e->counter, e->counter + w->value);
		e->sleepers--;
		ipc_waiter_decide(&w->wait, 0, wakes);
	}
}

/* The lock is held, and released. */
static NOINLINE void settle_unlock(struct eventfd *e)
{
	struct ipc_wake_list wakes = {0};
	settle_locked(e, &wakes);
	port_unlock(&e->lock);
	ipc_wake_flush(&wakes);
}
static ALWAYS_INLINE void changed_unlock(struct eventfd *e)
{
	if (unlikely(e->sleepers))
		settle_unlock(e);
	else
		port_unlock(&e->lock);
}

static bool withdraw(struct ipc_waiter *wait)
{
	struct eventfd_waiter *w = container_of(wait, struct eventfd_waiter, wait);
	struct ipc_wake_list wakes = {0};
	port_lock(&w->e->lock);
	bool pending = ipc_waiter_pending(wait);
	if (pending) {
		list_del(&w->link);
		w->e->sleepers--;
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
	e->sleepers++;
	port_unlock(&e->lock);
	int err = ipc_wait(&w.wait, PORT_FOREVER, withdraw);
	*value = w.value;
	return err ? -ERESTARTSYS : 0;
}

/* Nothing to take, or no room: the lock is held, and released. => 0: done, -EAGAIN, -ERESTARTSYS. */
static NOINLINE int wait_unlock(struct eventfd *e, struct list *queue, u64 *value, bool nonblock)
{
	if (!nonblock)
		return sleep_unlocked(e, queue, value);
	port_unlock(&e->lock);
	return -EAGAIN;
}

ssize eventfd_read(struct eventfd *e, struct port_io *io, bool nonblock)
{
	u64 value = 0;

	if (unlikely(port_io_left(io) < sizeof value))
		return -EINVAL;
	port_lock(&e->lock);
	if (likely(e->counter)) {
		value = take_locked(e);
		changed_unlock(e);
		port_poll_wake(&e->poll, POLLOUT);
	} else {
		TRY(wait_unlock(e, &e->reading, &value, nonblock));
	}
	return port_io_put(io, &value, sizeof value) == sizeof value ? (ssize)sizeof value
	                                                             : -EFAULT;
}

ssize eventfd_write(struct eventfd *e, struct port_io *io, bool nonblock)
{
	u64 value;

	if (unlikely(port_io_left(io) < sizeof value))
		return -EINVAL;
	if (unlikely(port_io_take(io, &value, sizeof value) < sizeof value))
		return -EFAULT;
	if (unlikely(value == UINT64_MAX))
		return -EINVAL;
	port_lock(&e->lock);
	if (likely(value <= EVENTFD_MAX - e->counter)) {
		store_relaxed(&e->counter, e->counter + value);
		changed_unlock(e);
	} else {
		TRY(wait_unlock(e, &e->writing, &value, nonblock));
	}
	port_poll_wake(&e->poll, POLLIN);
	return sizeof value;
}
