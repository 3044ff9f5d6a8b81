/*
 * The lock-rank checker: a stack of held locks for each thread, checked against
 * kernel/lib/lock_class.h in debug builds, nothing at all in release builds.
 *
 * A violation panics with both sites, as function and offset: where the lock is being taken, and where the one that
 * stands above it in rank was. `addr2line -e build/debug/halyard -i ADDRESS` gives file and line.
 */
#pragma once
#include "kernel/lib/compiler.h"
#include "kernel/lib/lock_class.h"

struct held_lock {
	const void *lock;
	const void *site; /* code address */
	u32 class;
};
enum { LOCKDEP_DEPTH = 12 };
struct lockdep_state { /* one in each thread, debug builds only */
	struct held_lock held[LOCKDEP_DEPTH];
	u32 depth;
};

#define LOCKDEP_STR_(x) #x
#define LOCKDEP_STR(x)  LOCKDEP_STR_(x)
#define LOCKDEP_HERE    __FILE__ ":" LOCKDEP_STR(__LINE__)

#if DEBUG_BUILD
/* Called from where the lock is taken: their return address is the site. _nested: equal rank allowed, *_lock2. */
void lockdep_acquire(const void *lock, u32 class);
void lockdep_acquire_nested(const void *lock, u32 class);
/* For lock functions that are not inline. */
void lockdep_acquire_at(const void *lock, u32 class, const void *site);
void lockdep_release(const void *lock);
bool lockdep_holds(const void *lock);
void lockdep_assert_may_sleep(const char *site); /* panics when a P lock is held */
void lockdep_print_held(void);                   /* for panic */
#else
#define lockdep_acquire(lock, class)          ((void)0)
#define lockdep_acquire_nested(lock, class)   ((void)0)
#define lockdep_acquire_at(lock, class, site) ((void)0)
#define lockdep_release(lock)                 ((void)0)
#define lockdep_assert_may_sleep(site)        ((void)0)
#define lockdep_print_held()                  ((void)0)
#endif
#if DEBUG_BUILD
#define ASSERT_HELD(l) ASSERT(lockdep_holds(l))
#else
#define ASSERT_HELD(l) ((void)0)
#endif
