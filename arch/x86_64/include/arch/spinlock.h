/*
 * The raw spinlock: fair queueing under contention, two instructions when free. Use
 * kernel/sync/spinlock.h, which adds the lock class.
 */
#pragma once
#include "kernel/lib/compiler.h"

struct raw_spinlock {
	u32 word; /* [a] low byte: locked; upper part: tail of the queue of waiters */
};

void raw_spin_lock_slow(struct raw_spinlock *l);

static ALWAYS_INLINE bool raw_spin_trylock(struct raw_spinlock *l)
{
	u32 free = 0;
	return __atomic_compare_exchange_n(&l->word, &free, 1, false, __ATOMIC_ACQUIRE,
	                                   __ATOMIC_RELAXED);
}
static ALWAYS_INLINE void raw_spin_lock(struct raw_spinlock *l)
{
	/* Keeps all registers, so that those who take a lock need not save theirs for a call that hardly ever comes. */
	if (unlikely(!raw_spin_trylock(l)))
		__asm__ volatile("call raw_spin_lock_thunk" : : "D"(l) : "rax", "memory", "cc");
}
static ALWAYS_INLINE void raw_spin_unlock(struct raw_spinlock *l)
{
	__atomic_store_n((u8 *)&l->word, 0, __ATOMIC_RELEASE);
}
static ALWAYS_INLINE bool raw_spin_is_locked(struct raw_spinlock *l)
{
	return load_relaxed(&l->word) != 0;
}
