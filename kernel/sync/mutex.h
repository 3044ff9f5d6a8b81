/*
 * Sleeping locks with a class: struct mutex, and struct rwlock (many readers or one writer). Uninterruptible.
 *
 * Waiters queue FIFO and sleep; nobody spins for longer than it takes to look at the queue. Release hands the lock to the
 * first waiter instead of freeing it, so nobody overtakes and nobody starves: a writer waits only for the
 * readers before it, and readers queue behind a waiting writer.
 *
 * Mutex state: 0 free -> 1 held -> 2 held with waiters; 2 -> 1 when the last waiter becomes the owner. A waiter's record is on
 * its own stack and is touched by the owner for the last time when it stores `granted`.
 *
 * What can fail: nothing. The holder may sleep, copy to and from user space, and allocate.
 */
#pragma once
#include "kernel/lib/list.h"
#include "kernel/sync/spinlock.h"

struct thread;
struct mutex {
	u32 state;                /* [a] 0 free, 1 held, 2 held with waiters */
	u32 class;                /* [I] */
	struct raw_spinlock lock; /* guards waiters, and state 1 <-> 2 */
	struct list waiters;      /* [lock] FIFO */
};
struct rwlock {
	s32 count;                /* [lock] readers, or -1 for a writer */
	u32 class;                /* [I] */
	struct raw_spinlock lock; /* innermost of all: nothing is taken under it */
	u32 writes; /* [lock, a] write sections begun: what was read before is still true while it is the same */
	struct list waiters; /* [lock] FIFO of readers and writers */
};

void mutex_init_class(struct mutex *m, enum lock_class class);
#define mutex_init(m, name) mutex_init_class(m, LOCK_CLASS_##name)
#define MUTEX_INIT(var, name)                                                                      \
	{                                                                                          \
		.class = LOCK_CLASS_##name, .waiters = LIST_INIT((var).waiters)                    \
	}
void mutex_lock_slow(struct mutex *m);
void mutex_unlock_slow(struct mutex *m);
static ALWAYS_INLINE void mutex_take_(struct mutex *m)
{
	u32 free = 0;

	if (unlikely(!__atomic_compare_exchange_n(&m->state, &free, 1, false, __ATOMIC_ACQUIRE,
	                                          __ATOMIC_RELAXED)))
		mutex_lock_slow(m);
}
static ALWAYS_INLINE void mutex_lock(struct mutex *m)
{
	lockdep_acquire(m, m->class);
	mutex_take_(m);
}
/* With others of its class held: the caller has an order of its own for them. */
static ALWAYS_INLINE void mutex_lock_nested(struct mutex *m)
{
	lockdep_acquire_nested(m, m->class);
	mutex_take_(m);
}
static ALWAYS_INLINE void mutex_unlock(struct mutex *m)
{
	u32 held = 1;

	if (unlikely(!__atomic_compare_exchange_n(&m->state, &held, 0, false, __ATOMIC_RELEASE,
	                                          __ATOMIC_RELAXED)))
		mutex_unlock_slow(m);
	lockdep_release(m);
}
/* Two of one class, in address order; a == b is taken once. */
void mutex_lock2(struct mutex *a, struct mutex *b);
void mutex_unlock2(struct mutex *a, struct mutex *b);
DEFINE_LOCK_GUARD(mutex, struct mutex *, mutex_lock, mutex_unlock)

void rwlock_init_class(struct rwlock *l, enum lock_class class);
#define rwlock_init(l, name) rwlock_init_class(l, LOCK_CLASS_##name)
#define RWLOCK_INIT(var, name)                                                                     \
	{                                                                                          \
		.class = LOCK_CLASS_##name, .waiters = LIST_INIT((var).waiters)                    \
	}
void read_lock(struct rwlock *l);
void read_unlock(struct rwlock *l);
void write_lock(struct rwlock *l);
void write_unlock(struct rwlock *l);
DEFINE_LOCK_GUARD(read, struct rwlock *, read_lock, read_unlock)
DEFINE_LOCK_GUARD(write, struct rwlock *, write_lock, write_unlock)
