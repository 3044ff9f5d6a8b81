/*
 * Sleeping locks with a class: struct mutex, and struct rwlock (many readers or one writer, writers
 * not starved). Waiters queue FIFO and sleep; no spinning. Uninterruptible.
 */
#pragma once
#include "kernel/lib/list.h"
#include "kernel/sync/spinlock.h"

struct thread;
struct mutex {
	u32 state; /* [a] 0 free, 1 held, 2 held with waiters */
	u32 class;
	struct raw_spinlock lock; /* guards waiters */
	struct list waiters;
};
struct rwlock {
	s32 count; /* [l] readers, or -1 for a writer */
	u32 class;
	struct raw_spinlock lock;
	struct list waiters; /* [l] FIFO of readers and writers */
};

void mutex_init_class(struct mutex *m, enum lock_class class);
#define mutex_init(m, name) mutex_init_class(m, LOCK_CLASS_##name)
#define MUTEX_INIT(var, name)                                                                      \
	{                                                                                          \
		.class = LOCK_CLASS_##name, .waiters = LIST_INIT((var).waiters)                    \
	}
void mutex_lock(struct mutex *m);
MUST_CHECK bool mutex_trylock(struct mutex *m);
void mutex_unlock(struct mutex *m);
/* Two of one class, in address order. */
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
