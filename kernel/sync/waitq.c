#include "kernel/sync/waitq.h"

void waitq_init(struct waitq *q)
{
	spinlock_init(&q->lock, WAITQ);
	list_init(&q->entries);
}

/* Plain entries stand before exclusive ones, so that one pass wakes all of the former first. */
void waitq_add(struct waitq *q, struct waitq_entry *e)
{
	GUARD(spin)(&q->lock);
	list_add(&q->entries, &e->link);
}

void waitq_add_exclusive(struct waitq *q, struct waitq_entry *e)
{
	GUARD(spin)(&q->lock);
	e->exclusive = true;
	if (!list_linked(&e->link))
		list_add_tail(&q->entries, &e->link);
}

void waitq_del(struct waitq *q, struct waitq_entry *e)
{
	GUARD(spin)(&q->lock);
	list_del(&e->link);
}

static void wake(struct waitq *q, u64 key, bool all)
{
	struct waitq_entry *e, *next;

	/* Orders the waker's change of the condition before the look at the list. Partner: the locked instruction in
	 * waitq_add, before the waiter looks at the condition. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (likely(list_empty(&q->entries)))
		return;
	GUARD(spin)(&q->lock);
	list_for_each_safe (e, next, &q->entries, link) {
		/* Asked before the call: the entry may be gone after it. */
		bool exclusive = e->exclusive;

		if (e->wake(e, key) && exclusive && !all)
			return;
	}
}

void waitq_wake(struct waitq *q, u64 key)
{
	wake(q, key, false);
}

void waitq_wake_all(struct waitq *q, u64 key)
{
	wake(q, key, true);
}

bool waitq_wake_thread(struct waitq_entry *e, u64 key)
{
	struct thread *t = e->data;

	if (e->exclusive)
		list_del(&e->link);
	unpark(t);
	return true;
}
