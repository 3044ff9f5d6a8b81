/* Who sleeps at a queue, and how. */
#include "kernel/ipc/mq/queue.h"

/* One comes that is more, or less, urgent than the others. */
NOINLINE void mq_crowd_mix(struct mq_crowd *c)
{
	struct mq_waiter *w;
	c->mixed = true;
	c->tree = (struct rb_root){0};
	list_for_each (w, &c->waiters, link)
		typed_add(&c->tree, &w->typed);
}

struct mq_waiter *mq_crowd_most_urgent(const struct mq_crowd *c)
{
	return rb_entry(rb_first(&c->tree), struct mq_waiter, typed.node);
}

void mq_crowd_leave_tree(struct mq_crowd *c, struct mq_waiter *w)
{
	typed_del(&c->tree, &w->typed);
	c->mixed = !mq_crowd_empty(c);
}

/* ipc_wait() asks: the sleeper gives up, unless its outcome is decided. */
static bool withdraw(struct ipc_waiter *wait)
{
	struct mq_waiter *w = container_of(wait, struct mq_waiter, wait);
	GUARD(port)(&w->queue->lock);
	if (!ipc_waiter_pending(wait))
		return false;
	mq_crowd_del(w->crowd, w);
	return true;
}

int mq_sleep_unlock(struct mq_queue *q, struct mq_waiter *w, struct mq_crowd *c, u64 deadline)
{
	ipc_waiter_init(&w->wait);
	w->queue = q;
	w->crowd = c;
	w->typed.type = -(s64)port_urgency();
	w->typed.age = q->next_age++;
	mq_crowd_add(c, w);
	port_unlock(&q->lock);
	int result = likely(deadline == PORT_FOREVER)
	                     ? ipc_wait(&w->wait, PORT_FOREVER, withdraw)
	                     : ipc_wait(&w->wait, PORT_WALL | deadline, withdraw);
	return result == -EAGAIN ? -ETIMEDOUT : result == -EINTR ? -ERESTARTSYS : result;
}
