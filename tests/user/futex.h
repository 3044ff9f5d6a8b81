/* futex(2): what its conformance programs share. */
#pragma once
#include "harness.h"

enum futex_op {
	WAIT = 0,
	WAKE = 1,
	REQUEUE = 3,
	CMP_REQUEUE = 4,
	WAKE_OP = 5,
	LOCK_PI = 6,
	UNLOCK_PI = 7,
	TRYLOCK_PI = 8,
	WAIT_BITSET = 9,
	WAKE_BITSET = 10,
	WAIT_REQUEUE_PI = 11,
	CMP_REQUEUE_PI = 12,
	LOCK_PI2 = 13,
	PRIVATE = 128,
	REALTIME = 256
};
/* In the word of a lock that inherits. */
static const unsigned __attribute__((unused)) WAITERS = 0x80000000, DIED = 0x40000000;

static inline unsigned me(void)
{
	return (unsigned)syscall(SYS_gettid);
}
