/*
 * Saturating reference counts. Starts at 1 for the creator. The last put happens after unlock.
 * A count that overflows sticks and leaks its object rather than freeing it under a user.
 */
#pragma once
#include "kernel/lib/bug.h"

typedef struct {
	s32 n;
} refcount_t;

#define REFCOUNT_SATURATED (-0x40000000)

static inline void refcount_init(refcount_t *r, s32 n)
{
	store_relaxed(&r->n, n);
}
static inline s32 refcount_read(const refcount_t *r)
{
	return load_relaxed(&r->n);
}
static inline void refcount_get(refcount_t *r)
{
	s32 old = __atomic_fetch_add(&r->n, 1, __ATOMIC_RELAXED);
	DEBUG_ASSERT(old != 0);
	if (unlikely(old <= 0 || old == INT32_MAX))
		store_relaxed(&r->n, REFCOUNT_SATURATED);
}
/* Takes a reference unless the count is already 0: for lookups that race with the last put. */
static inline bool refcount_get_not_zero(refcount_t *r)
{
	s32 old = load_relaxed(&r->n);
	do {
		if (old == 0)
			return false;
	} while (!__atomic_compare_exchange_n(&r->n, &old, old + (old > 0), true, __ATOMIC_ACQUIRE,
	                                      __ATOMIC_RELAXED));
	return true;
}
/* => true when this was the last reference; the caller then frees. */
static inline MUST_CHECK bool refcount_put(refcount_t *r)
{
	s32 old = __atomic_fetch_sub(&r->n, 1, __ATOMIC_ACQ_REL);
	DEBUG_ASSERT(old != 0);
	if (unlikely(old <= 0)) {
		store_relaxed(&r->n, REFCOUNT_SATURATED);
		return false;
	}
	return old == 1;
}
