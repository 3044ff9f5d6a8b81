#include "arch/clock.h"
#include "arch/cpu.h"
#include "arch/uaccess.h"
#include "kernel/proc/cpu_clock.h"
#include "kernel/proc/task.h"
#include "syscalls/clock.h"
#include "syscalls/syscall.h"
#include "syscalls/timespec.h"

static int sleep_mono(u64 deadline)
{
	while (clock_mono_ns() < deadline)
		if (park(MIN(deadline, (u64)INT64_MAX), PARK_INTERRUPTIBLE) == PARK_SIGNAL)
			return -EINTR;
	return 0;
}

static int sleep_wall(u64 target)
{
	while (realtime_ns() < target)
		if (park(PARK_WALL | target, PARK_INTERRUPTIBLE) == PARK_SIGNAL)
			return -EINTR;
	return 0;
}

/* Processor time passes at most as fast as processors are many; look again when that much could have passed. */
static int sleep_cpu(s32 clock, u64 target)
{
	enum { SHORTEST_NS = 1000000 };
	u64 now;

	for (;;) {
		TRY(clock_now_ns(clock, &now));
		if (now >= target)
			return 0;
		u64 ahead = MIN((target - now) / cpu_count, (u64)INT64_MAX);
		if (park(deadline_in(MAX(ahead, (u64)SHORTEST_NS)), PARK_INTERRUPTIBLE) ==
		    PARK_SIGNAL)
			return -EINTR;
	}
}

static bool is_cpu_clock(s32 clock)
{
	return clock < 0 || clock == CLOCK_PROCESS_CPUTIME_ID;
}

static int sleep_until(s32 clock, bool absolute, u64 target)
{
	if (is_cpu_clock(clock))
		return sleep_cpu(clock, target);
	if (absolute && clock_is_wall(clock))
		return sleep_wall(target);
	return sleep_mono(target);
}

/* What a relative sleep counts on: setting the wall clock does not change its length. */
static int relative_now(s32 clock, u64 *out_ns)
{
	if (is_cpu_clock(clock))
		return clock_now_ns(clock, out_ns);
	*out_ns = clock_mono_ns();
	return 0;
}

/* arg: clock, end of the sleep, where to write what was left. */
static long sleep_relative(struct restart_block *rb)
{
	s32 clock = (s32)rb->arg[0];
	u64 end = rb->arg[1], now;
	struct abi_timespec left;
	int result = sleep_until(clock, false, end);

	if (result != -EINTR)
		return result;
	TRY(relative_now(clock, &now));
	if (now >= end)
		return 0;
	left = timespec_from_ns(end - now);
	if (rb->arg[2])
		TRY(copy_to_user(UPTR(rb->arg[2]), &left, sizeof(left)));
	return -ERESTART_RESTARTBLOCK;
}

static long start_relative(s32 clock, const struct abi_timespec *length, uptr_t remaining)
{
	struct restart_block *rb = &task_current()->restart;
	u64 now;

	TRY(relative_now(clock, &now));
	/* timespec_ns() is at most INT64_MAX: the sum fits. */
	*rb = (struct restart_block){
		.fn = sleep_relative,
		.arg = {(u64)(s64)clock, now + timespec_ns(length), remaining.addr}};
	return sleep_relative(rb);
}

SYSCALL2(nanosleep, uptr_t, length, uptr_t, remaining)
{
	struct abi_timespec ts;

	TRY(copy_from_user(&ts, length, sizeof(ts)));
	if (!timespec_valid(&ts))
		return -EINVAL;
	return start_relative(CLOCK_MONOTONIC, &ts, remaining);
}

/* Whether there is such a clock at all. => 0, -EINVAL, -EOPNOTSUPP: a clock nobody can sleep on. */
static int check_sleep_clock(s32 clock)
{
	u64 now;

	if (clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_REALTIME_COARSE ||
	    clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_THREAD_CPUTIME_ID ||
	    clock_is_descriptor(clock))
		return -EOPNOTSUPP;
	return clock < 0 ? 0 : clock_now_ns(clock, &now);
}

/* What is asked after the time was read: nobody waits for time that passes only while he runs. */
static int check_sleeper(s32 clock, s32 flags)
{
	u64 now;

	if (clock < 0)
		return clock_is_own_thread(clock) ? -EINVAL : clock_now_ns(clock, &now);
	if (clock_is_alarm(clock) && flags & ~TIMER_ABSTIME)
		return -EINVAL;
	return clock_alarm_check(clock);
}

SYSCALL4(clock_nanosleep, s32, clock, s32, flags, uptr_t, length, uptr_t, remaining)
{
	struct abi_timespec ts;
	int result;

	TRY(check_sleep_clock(clock));
	TRY(copy_from_user(&ts, length, sizeof(ts)));
	if (!timespec_valid(&ts))
		return -EINVAL;
	TRY(check_sleeper(clock, flags));
	if (!(flags & TIMER_ABSTIME))
		return start_relative(clock, &ts, remaining);
	result = sleep_until(clock, true, timespec_ns(&ts));
	return result == -EINTR ? -ERESTARTNOHAND : result;
}
