#include "kernel/sync/mutex.h"
#include "kernel/sync/lock_waiter.h"

enum { FREE = 0, HELD = 1, CONTENDED = 2 };

void mutex_init_class(struct mutex *m, enum lock_class class)
{
	*m = (struct mutex){.class = class};
	list_init(&m->waiters);
}

/* The fast path failed: the mutex was held. */
void mutex_lock_slow(struct mutex *m)
{
	struct lock_waiter w = {.thread = thread_current()};
	u32 old;

	lockdep_assert_may_sleep(LOCKDEP_HERE);
	raw_spin_lock(&m->lock);
	/* Whatever it was, CONTENDED makes the owner's unlock come through m->lock and see our record. */
	old = __atomic_exchange_n(&m->state, CONTENDED, __ATOMIC_ACQUIRE);
	if (old == FREE) {
		/* Freed since; nobody can be queued, for then it would have been handed over. */
		store_relaxed(&m->state, HELD);
		raw_spin_unlock(&m->lock);
		return;
	}
	list_add_tail(&m->waiters, &w.link);
	raw_spin_unlock(&m->lock);
	lock_waiter_sleep(&w);
}

void mutex_unlock_slow(struct mutex *m)
{
	struct lock_waiter *w;

	raw_spin_lock(&m->lock);
	w = list_entry(list_pop(&m->waiters), struct lock_waiter, link);
	if (list_empty(&m->waiters))
		store_relaxed(&m->state, HELD);
	raw_spin_unlock(&m->lock);
	lock_waiter_grant(w);
}

void mutex_lock2(struct mutex *a, struct mutex *b)
{
	struct mutex *first = a < b ? a : b, *second = a < b ? b : a;
	u32 free = FREE;

	mutex_lock(first);
	if (first == second)
		return;
	lockdep_acquire_nested(second, second->class);
	if (!__atomic_compare_exchange_n(&second->state, &free, HELD, false, __ATOMIC_ACQUIRE,
	                                 __ATOMIC_RELAXED))
		mutex_lock_slow(second);
}

void mutex_unlock2(struct mutex *a, struct mutex *b)
{
	mutex_unlock(a);
	if (a != b)
		mutex_unlock(b);
}
