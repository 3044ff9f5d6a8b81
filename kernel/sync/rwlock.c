#include "kernel/sync/lock_waiter.h"
#include "kernel/sync/mutex.h"

void rwlock_init_class(struct rwlock *l, enum lock_class class)
{
	*l = (struct rwlock){.class = class};
	list_init(&l->waiters);
}

/* Queues the current thread and sleeps until it owns the lock. l->lock is held on entry, not on return. */
static NOINLINE void wait_unlock(struct rwlock *l, bool writer)
{
	struct lock_waiter w = {.thread = thread_current(), .writer = writer};

	list_add_tail(&l->waiters, &w.link);
	raw_spin_unlock(&l->lock);
	lock_waiter_sleep(&w);
}

/* Hands the lock to those in front: one writer, or all readers up to the next writer. l->lock is held on entry,
 * not on return. */
static NOINLINE void hand_over_unlock(struct rwlock *l)
{
	struct list granted = LIST_INIT(granted);
	struct list *node;

	while (!list_empty(&l->waiters)) {
		struct lock_waiter *w = list_first(&l->waiters, struct lock_waiter, link);

		if (l->count < 0 || (w->writer && l->count > 0))
			break;
		l->count = w->writer ? -1 : l->count + 1;
		store_release(&l->writes, l->writes + w->writer);
		list_del(&w->link);
		list_add_tail(&granted, &w->link);
	}
	raw_spin_unlock(&l->lock);
	while ((node = list_pop(&granted)))
		lock_waiter_grant(list_entry(node, struct lock_waiter, link));
}

void read_lock(struct rwlock *l)
{
	lockdep_acquire_at(l, l->class, __builtin_return_address(0));
	raw_spin_lock(&l->lock);
	if (unlikely(l->count < 0 || !list_empty(&l->waiters))) {
		wait_unlock(l, false);
		return;
	}
	l->count++;
	raw_spin_unlock(&l->lock);
}

void read_unlock(struct rwlock *l)
{
	raw_spin_lock(&l->lock);
	if (--l->count == 0 && unlikely(!list_empty(&l->waiters)))
		hand_over_unlock(l);
	else
		raw_spin_unlock(&l->lock);
	lockdep_release(l);
}

void write_lock(struct rwlock *l)
{
	lockdep_acquire_at(l, l->class, __builtin_return_address(0));
	raw_spin_lock(&l->lock);
	if (unlikely(l->count != 0)) {
		wait_unlock(l, true);
		return;
	}
	l->count = -1;
	store_release(&l->writes, l->writes + 1);
	raw_spin_unlock(&l->lock);
}

void write_unlock(struct rwlock *l)
{
	raw_spin_lock(&l->lock);
	l->count = 0;
	if (unlikely(!list_empty(&l->waiters)))
		hand_over_unlock(l);
	else
		raw_spin_unlock(&l->lock);
	lockdep_release(l);
}
