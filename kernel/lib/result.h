/*
 * Results. A fallible function is `MUST_CHECK int f(...)` and returns 0 (or a count) or a negative
 * errno that rises unchanged to the system call. TRY passes a failure on; use it only where all
 * cleanup is scoped (see guard.h). Expected outcomes ("would block") are a small enum of the
 * function that has them, not errnos.
 */
#pragma once
#include "kernel/lib/compiler.h"
#include "abi/errno.h"

#define TRY(expr)                                                                                  \
	({                                                                                         \
		__typeof__(expr) try_ = (expr);                                                    \
		if (unlikely(try_ < 0))                                                            \
			return try_;                                                               \
		try_;                                                                              \
	})

/* Pointers that carry an errno, for constructors: the top page of the address space is never mapped. */
static inline bool is_err(const void *p)
{
	return (uintptr_t)p >= (uintptr_t)-4095;
}
static inline void *err_ptr(long err)
{
	return (void *)err;
}
static inline int ptr_err(const void *p)
{
	return (int)(intptr_t)p;
}
#define TRY_PTR(expr)                                                                              \
	({                                                                                         \
		__typeof__(expr) try_ = (expr);                                                    \
		if (unlikely(is_err(try_)))                                                        \
			return ptr_err(try_);                                                      \
		try_;                                                                              \
	})
