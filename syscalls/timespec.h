/* Times given by user space, turned into what the kernel counts in: nanoseconds that fit a u64. */
#pragma once
#include "abi/time.h"
#include "kernel/lib/checked.h"
#include "kernel/sched/thread.h"

#define NS_PER_SECOND 1000000000ll

/* As Linux judges time-outs: neither negative nor with a second's worth of nanoseconds. */
static inline bool timespec_valid(const struct abi_timespec *t)
{
	return t->sec >= 0 && (u64)t->nsec < NS_PER_SECOND;
}
/* => the time in nanoseconds, saturating: what is beyond 292 years is for ever. t valid. */
static inline u64 timespec_ns(const struct abi_timespec *t)
{
	s64 ns;
	if (mul_overflows(t->sec, NS_PER_SECOND, &ns) || add_overflows(ns, t->nsec, &ns))
		return INT64_MAX;
	return (u64)ns;
}
/* An absolute time as a deadline of park(); one of the wall clock moves when that is set. t valid. */
static inline u64 timespec_deadline(const struct abi_timespec *t, bool realtime)
{
	return timespec_ns(t) | (realtime ? PARK_WALL : 0);
}
