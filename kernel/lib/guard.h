/*
 * Scope guards: Drop, in C. A guard is declared and assigned in one statement and runs its
 * destructor at the end of the scope, on every way out. Never `goto` in a function that has one.
 *
 *	DEFINE_GUARD(file, struct file *, file_put)		once, beside file_put
 *	AUTO_PUT(file) f = file_lookup(fd);			dropped at scope end, NULL and err_ptr allowed
 *	return TAKE(f);						moved out: returns f, leaves NULL
 *
 *	DEFINE_LOCK_GUARD(mutex, struct mutex *, mutex_lock, mutex_unlock)
 *	GUARD(mutex)(&m);					locked until the scope ends
 */
#pragma once
#include "kernel/lib/compiler.h"
#include "kernel/lib/result.h"

#define DEFINE_GUARD(name, type, drop)                                                             \
	typedef type name##_auto_t;                                                                \
	static inline void name##_auto_drop(type *p)                                               \
	{                                                                                          \
		if (*p && !is_err(*p))                                                             \
			drop(*p);                                                                  \
	}
#define AUTO_PUT(name) __attribute__((cleanup(name##_auto_drop))) name##_auto_t
#define TAKE(p)                                                                                    \
	({                                                                                         \
		__typeof__(p) take_ = (p);                                                         \
		(p) = NULL;                                                                        \
		take_;                                                                             \
	})

#define DEFINE_LOCK_GUARD(name, type, lock, unlock)                                                \
	static inline type name##_guard_enter(type p)                                              \
	{                                                                                          \
		lock(p);                                                                           \
		return p;                                                                          \
	}                                                                                          \
	typedef type name##_guard_t;                                                               \
	static inline void name##_guard_drop(type *p)                                              \
	{                                                                                          \
		unlock(*p);                                                                        \
	}
#define GUARD(name)                                                                                \
	UNUSED __attribute__((cleanup(name##_guard_drop))) name##_guard_t CONCAT(                  \
		guard_, __COUNTER__) = name##_guard_enter
