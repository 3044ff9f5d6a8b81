/*
 * Spinlocks with a class. In release builds a struct raw_spinlock and nothing else.
 * Nothing may block while one is held; interrupts stay on (see arch/cpu.h for why that is safe).
 */
#pragma once
#include "arch/spinlock.h"
#include "kernel/lib/guard.h"
#include "kernel/sync/lockdep.h"

struct spinlock {
	struct raw_spinlock raw;
#if DEBUG_BUILD
	u32 class;
#endif
};

#if DEBUG_BUILD
#define SPINLOCK_INIT(name)                                                                        \
	{                                                                                          \
		.class = LOCK_CLASS_##name                                                         \
	}
#define spinlock_init(l, name) (*(l) = (struct spinlock)SPINLOCK_INIT(name))
#define lockdep_class_of(l)    ((l)->class)
#else
#define SPINLOCK_INIT(name)                                                                        \
	{                                                                                          \
		.raw = { 0 }                                                                       \
	}
#define spinlock_init(l, name) (*(l) = (struct spinlock)SPINLOCK_INIT(name))
#define lockdep_class_of(l)    0
#endif

static ALWAYS_INLINE void spin_lock(struct spinlock *l)
{
	lockdep_acquire(l, lockdep_class_of(l));
	raw_spin_lock(&l->raw);
}
static ALWAYS_INLINE void spin_unlock(struct spinlock *l)
{
	raw_spin_unlock(&l->raw);
	lockdep_release(l);
}
/* Two locks of one class, in address order; a == b is taken once. */
void spin_lock2(struct spinlock *a, struct spinlock *b);
void spin_unlock2(struct spinlock *a, struct spinlock *b);
DEFINE_LOCK_GUARD(spin, struct spinlock *, spin_lock, spin_unlock)
