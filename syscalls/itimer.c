#include "arch/uaccess.h"
#include "kernel/proc/task.h"
#include "syscalls/clock.h"
#include "syscalls/syscall.h"

static bool timeval_valid(const struct abi_timeval *tv)
{
	return tv->sec >= 0 && tv->usec >= 0 && tv->usec < 1000000;
}

/* Saturates: what is beyond 292 years is for ever. */
static u64 timeval_ns(const struct abi_timeval *tv)
{
	if (tv->sec >= (s64)(INT64_MAX / NS_PER_SEC))
		return INT64_MAX;
	return (u64)tv->sec * NS_PER_SEC + (u64)tv->usec * 1000;
}

static struct abi_timeval timeval_from_ns(u64 ns)
{
	/* Rounded up: something that is left is not nothing. */
	ns += 999;
	return (struct abi_timeval){(s64)(ns / NS_PER_SEC), (s64)(ns % NS_PER_SEC / 1000)};
}

static int copy_setting_out(uptr_t out, const struct itimer_setting *setting)
{
	struct abi_itimerval v = {timeval_from_ns(setting->interval),
	                          timeval_from_ns(setting->value)};

	return copy_to_user(out, &v, sizeof(v));
}

SYSCALL2(getitimer, s32, which, uptr_t, value)
{
	struct itimer_setting setting;

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	itimer_get(process_current(), which, &setting);
	return copy_setting_out(value, &setting);
}

SYSCALL3(setitimer, s32, which, uptr_t, value, uptr_t, old)
{
	struct abi_itimerval v = {};
	struct itimer_setting setting, was;

	/* A NULL value turns the timer off, a Linux habit. */
	if (!uptr_null(value))
		TRY(copy_from_user(&v, value, sizeof(v)));
	if (!timeval_valid(&v.value) || !timeval_valid(&v.interval))
		return -EINVAL;
	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	setting = (struct itimer_setting){timeval_ns(&v.value), timeval_ns(&v.interval)};
	itimer_set(process_current(), which, &setting, &was);
	return uptr_null(old) ? 0 : copy_setting_out(old, &was);
}

SYSCALL1(alarm, u32, seconds)
{
	/* As a signed number of seconds on Linux, so that what is left fits the result. */
	struct itimer_setting setting = {MIN(seconds, (u32)INT32_MAX) * NS_PER_SEC, 0}, was;

	itimer_set(process_current(), ITIMER_REAL, &setting, &was);
	if (!was.value)
		return 0;
	/* alarm(2): to the nearest second, but never 0 while one was set. */
	return MAX((s64)((was.value + NS_PER_SEC / 2) / NS_PER_SEC), (s64)1);
}
