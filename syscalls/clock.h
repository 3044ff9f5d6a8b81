/* Clocks by their ABI number, for the system calls that take one: clock_gettime(2), clock_nanosleep(2), timerfd, timers. */
#pragma once
#include "abi/time.h"
#include "kernel/lib/result.h"
#include "kernel/sched/realtime.h"

/* => 0 and the clock's time, or -EINVAL: no such clock, or a CPU clock that the caller may not read. */
MUST_CHECK int clock_now_ns(s32 clock, u64 *out_ns);

static inline bool clock_is_alarm(s32 clock)
{
	return clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM;
}
/* => 0, -EPERM: waking a machine that sleeps is not for everybody. */
MUST_CHECK int clock_alarm_check(s32 clock);

static inline struct abi_timespec timespec_from_ns(u64 ns)
{
	return (struct abi_timespec){(s64)(ns / NS_PER_SEC), (s64)(ns % NS_PER_SEC)};
}
