/* Sleeping in a pipe. A wake-up means "look again". */
#include "kernel/ipc/pipe/internal.h"

static void wake_one(struct pipe *p, struct list *waiters, struct ipc_wake_list *wakes)
{
	struct list *node = list_pop(waiters);
	if (!node)
		return;
	p->waiting--;
	ipc_waiter_decide(&list_entry(node, struct pipe_waiter, link)->wait, 0, wakes);
}
void pipe_wake_all(struct pipe *p, struct list *waiters, struct ipc_wake_list *wakes)
{
	while (!list_empty(waiters))
		wake_one(p, waiters, wakes);
}

void pipe_wake_useful(struct pipe *p, struct ipc_wake_list *wakes)
{
	if (!pipe_is_empty(p))
		wake_one(p, &p->reading, wakes);
	if (!pipe_is_full(p))
		wake_one(p, &p->writing, wakes);
}

NOINLINE void pipe_wake_unlock(struct pipe *p, bool was_full)
{
	struct ipc_wake_list wakes = {0};
	pipe_read_wake(p, was_full, &wakes);
	port_mutex_unlock(&p->io);
	ipc_wake_flush(&wakes);
}

static bool withdraw(struct ipc_waiter *wait)
{
	struct pipe_waiter *w = container_of(wait, struct pipe_waiter, wait);
	GUARD(port_mutex)(&w->pipe->io);
	if (!ipc_waiter_pending(wait))
		return false;
	list_del(&w->link);
	w->pipe->waiting--;
	return true;
}

int pipe_sleep_relocked(struct pipe *p, struct list *queue, struct ipc_wake_list *wakes)
{
	struct pipe_waiter w = {.pipe = p};

	ipc_waiter_init(&w.wait);
	list_add_tail(queue, &w.link);
	p->waiting++;
	port_mutex_unlock(&p->io);
	ipc_wake_flush(wakes);
	int err = ipc_wait(&w.wait, PORT_FOREVER, withdraw);
	port_mutex_lock(&p->io);
	return err ? -ERESTARTSYS : 0;
}

NOINLINE int pipe_wait_for_data(struct pipe *p, u32 flags, struct ipc_wake_list *wakes)
{
	int err = 0;
	while (pipe_is_empty(p) && !pipe_has_ended(p) && !err)
		err = flags & PIPE_NONBLOCK ? -EAGAIN : pipe_sleep_relocked(p, &p->reading, wakes);
	return err;
}

int pipe_wait_for_room(struct pipe *p, u32 flags, struct ipc_wake_list *wakes)
{
	int err = 0;
	while (!err) {
		if (!p->readers)
			err = -EPIPE;
		else if (!pipe_is_full(p))
			return 0;
		else
			err = flags & PIPE_NONBLOCK ? -EAGAIN
			                            : pipe_sleep_relocked(p, &p->writing, wakes);
	}
	return err;
}
