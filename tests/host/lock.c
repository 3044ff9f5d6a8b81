/* Locks, ranks, read sections. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include "tests/host/thread.h"

static const struct {
	const char *name;
	int rank;
	bool spins;
} classes[] = {
#define S                                  false
#define P                                  true
#define LOCK_CLASS(name, rank, kind, what) {#name, rank, kind},
	LOCK_CLASSES(LOCK_CLASS)
#undef LOCK_CLASS
#undef S
#undef P
};

static _Thread_local const struct port_lock *held[16];
static _Thread_local unsigned held_count, read_depth;

static void check_rank(const struct port_lock *l, bool equal_allowed)
{
	for (unsigned i = 0; i < held_count; i++) {
		int above = classes[held[i]->class].rank, rank = classes[l->class].rank;
		if (above > rank || (above == rank && !equal_allowed))
			panic("lock %s (rank %d) taken while holding %s (rank %d)",
			      classes[l->class].name, rank, classes[held[i]->class].name, above);
	}
}

static void note_held(const struct port_lock *l)
{
	ASSERT(held_count < ARRAY_SIZE(held));
	held[held_count++] = l;
}

static void note_released(const struct port_lock *l)
{
	for (unsigned i = 0; i < held_count; i++)
		if (held[i] == l) {
			held[i] = held[--held_count];
			return;
		}
	panic("lock %s released but not held", classes[l->class].name);
}

void host_may_sleep(void)
{
	for (unsigned i = 0; i < held_count; i++)
		if (classes[held[i]->class].spins)
			panic("sleeps while holding %s", classes[held[i]->class].name);
	if (read_depth)
		panic("sleeps in a read section");
}
void host_may_allocate(void)
{
	for (unsigned i = 0; i < held_count; i++)
		if (classes[held[i]->class].spins)
			panic("allocates while holding %s", classes[held[i]->class].name);
}

void port_lock_init(struct port_lock *l, enum lock_class class)
{
	pthread_mutex_init(&l->mutex, NULL);
	l->class = class;
}
void port_lock(struct port_lock *l)
{
	check_rank(l, false);
	pthread_mutex_lock(&l->mutex);
	note_held(l);
}
void port_unlock(struct port_lock *l)
{
	note_released(l);
	pthread_mutex_unlock(&l->mutex);
}
void port_lock2(struct port_lock *a, struct port_lock *b)
{
	port_lock(MIN(a, b));
	if (a == b)
		return;
	check_rank(MAX(a, b), true);
	pthread_mutex_lock(&MAX(a, b)->mutex);
	note_held(MAX(a, b));
}
void port_unlock2(struct port_lock *a, struct port_lock *b)
{
	port_unlock(a);
	if (a != b)
		port_unlock(b);
}
void port_assert_held(const struct port_lock *l)
{
	for (unsigned i = 0; i < held_count; i++)
		if (held[i] == l)
			return;
	panic("lock %s is not held", classes[l->class].name);
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
	if (!held_count)
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
