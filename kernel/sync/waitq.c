#include "kernel/sync/waitq.h"
#include "arch/percpu.h"
#include "kernel/lib/bug.h"

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

static PERCPU(struct waitq_later *, later_list);

void waitq_wake_later(struct waitq_later *l)
{
	/* Orders the caller's change before the look at the mark. Partner: wake_later(), which takes the mark off and
	 * then wakes: who finds it set is served by that wake-up. */
	if (__atomic_exchange_n(&l->listed, 1, __ATOMIC_SEQ_CST))
		return;
	l->next = this_cpu(later_list);
	this_cpu(later_list) = l;
}

static void wake_entries(struct waitq *q, u64 key, bool all)
{
	struct waitq_entry *e, *next;
	GUARD(spin)(&q->lock);

	list_for_each_safe (e, next, &q->entries, link) {
		/* Asked before the call: the entry may be gone after it. */
		bool exclusive = e->exclusive;

		if (e->wake(e, key) && exclusive && !all)
			return;
	}
}

static NOINLINE void wake_later(void)
{
	struct waitq_later *l;

	while ((l = this_cpu(later_list))) {
		struct waitq *q = l->q;
		u64 key = l->key;

		this_cpu(later_list) = l->next;
		__atomic_exchange_n(&l->listed, 0, __ATOMIC_SEQ_CST);
		wake_entries(q, key, false);
	}
}

void waitq_wake_active(struct waitq *q, u64 key)
{
	wake_entries(q, key, false);
	if (unlikely(this_cpu(later_list)))
		wake_later();
}
static void wake_all_active(struct waitq *q, u64 key)
{
	wake_entries(q, key, true);
	if (unlikely(this_cpu(later_list)))
		wake_later();
}

/* Orders the waker's change of the condition before the look at the list. Partner: the locked instruction in
 * waitq_add, before the waiter looks at the condition. */
static inline bool active_after_change(struct waitq *q)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return unlikely(waitq_active(q));
}
void waitq_wake(struct waitq *q, u64 key)
{
	if (active_after_change(q))
		waitq_wake_active(q, key);
}
void waitq_wake_all(struct waitq *q, u64 key)
{
	if (active_after_change(q))
		wake_all_active(q, key);
}

void waitq_close(struct waitq *q)
{
	GUARD(spin)(&q->lock);
	while (!list_empty(&q->entries)) {
		struct waitq_entry *e = list_first(&q->entries, struct waitq_entry, link);

		(void)e->wake(e, WAITQ_GONE);
		DEBUG_ASSERT(list_first(&q->entries, struct waitq_entry, link) != e);
	}
}

bool waitq_wake_thread(struct waitq_entry *e, u64 key)
{
	struct thread *t = e->data;

	if (e->exclusive)
		list_del(&e->link);
	unpark(t);
	return true;
}
