/* Locks, ranks, read sections. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include "tests/host/thread.h"
#include "tests/port/ranks.h"

static _Thread_local struct held_locks held;
static _Thread_local unsigned read_depth;

void host_may_sleep(void)
{
	ranks_check_no_spinlock(&held, "the thread sleeps");
	if (read_depth)
		panic("sleeps in a read section");
}
void host_may_allocate(void)
{
	ranks_check_no_spinlock(&held, "memory is allocated");
}

void port_lock_init(struct port_lock *l, enum lock_class class)
{
	pthread_mutex_init(&l->mutex, NULL);
	l->class = class;
}
void port_lock(struct port_lock *l)
{
	ranks_check(&held, l->class, RANK_ABOVE_ALL);
	pthread_mutex_lock(&l->mutex);
	ranks_taken(&held, l, l->class);
}
void port_unlock(struct port_lock *l)
{
	ranks_released(&held, l);
	pthread_mutex_unlock(&l->mutex);
}
void port_lock2(struct port_lock *a, struct port_lock *b)
{
	port_lock(MIN(a, b));
	if (a == b)
		return;
	struct port_lock *second = MAX(a, b);
	ranks_check(&held, second->class, RANK_EQUAL_ALLOWED);
	pthread_mutex_lock(&second->mutex);
	ranks_taken(&held, second, second->class);
}
void port_unlock2(struct port_lock *a, struct port_lock *b)
{
	port_unlock(a);
	if (a != b)
		port_unlock(b);
}
void port_assert_held(const struct port_lock *l)
{
	for (unsigned i = 0; i < held.count; i++)
		if (held.held[i].lock == l)
			return;
	panic("lock %s is not held", lock_class_facts(l->class)->name);
}

void port_mutex_init(struct port_mutex *m, enum lock_class class)
{
	port_lock_init(&m->lock, class);
}
void port_mutex_lock(struct port_mutex *m)
{
	host_may_sleep();
	port_lock(&m->lock);
}
void port_mutex_lock2(struct port_mutex *a, struct port_mutex *b)
{
	host_may_sleep();
	port_lock2(&a->lock, &b->lock);
}
void port_mutex_unlock2(struct port_mutex *a, struct port_mutex *b)
{
	port_unlock2(&a->lock, &b->lock);
}
void port_mutex_lock_nested(struct port_mutex *m)
{
	host_may_sleep();
	ranks_check(&held, m->lock.class, RANK_EQUAL_ALLOWED);
	pthread_mutex_lock(&m->lock.mutex);
	ranks_taken(&held, &m->lock, m->lock.class);
}
void port_mutex_unlock(struct port_mutex *m)
{
	port_unlock(&m->lock);
}

/* --- Read sections: readers share a lock; what is deferred is freed by whoever gets it alone. --- */

static pthread_rwlock_t readers = PTHREAD_RWLOCK_INITIALIZER;
static pthread_mutex_t deferred_lock = PTHREAD_MUTEX_INITIALIZER;
static struct port_defer *deferred;

static void reclaim(bool wait)
{
	pthread_mutex_lock(&deferred_lock);
	struct port_defer *d = TAKE(deferred);
	pthread_mutex_unlock(&deferred_lock);
	if (!d)
		return;
	if (wait) {
		pthread_rwlock_wrlock(&readers);
		pthread_rwlock_unlock(&readers);
	} else if (pthread_rwlock_trywrlock(&readers) == 0) {
		pthread_rwlock_unlock(&readers);
	} else {
		for (struct port_defer *next; d; d = next) {
			next = d->next;
			port_defer(d, d->fn);
		}
		return;
	}
	for (struct port_defer *next; d; d = next) {
		next = d->next;
		d->fn(d);
	}
}

void host_settle(void)
{
	reclaim(true);
}

void port_read_lock(void)
{
	if (!read_depth++)
		pthread_rwlock_rdlock(&readers);
}
void port_read_unlock(void)
{
	ASSERT(read_depth);
	if (--read_depth)
		return;
	pthread_rwlock_unlock(&readers);
	if (!held.count)
		reclaim(false);
}
void port_defer(struct port_defer *d, void (*fn)(struct port_defer *d))
{
	d->fn = fn;
	pthread_mutex_lock(&deferred_lock);
	d->next = deferred;
	deferred = d;
	pthread_mutex_unlock(&deferred_lock);
}

void port_step(void) {}
void port_yield(void)
{
	host_may_sleep();
	sched_yield();
}
