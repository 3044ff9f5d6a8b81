#include "arch/uaccess.h"
#include "kernel/proc/cpu_clock.h"
#include "kernel/proc/posix_timer.h"
#include "kernel/proc/task.h"
#include "syscalls/clock.h"
#include "syscalls/syscall.h"
#include "syscalls/timespec.h"

/* Whether there is such a clock at all. => 0, -EINVAL, -EOPNOTSUPP: one without timers. */
static int check_clock(s32 clock)
{
	u64 now;

	if (clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_REALTIME_COARSE ||
	    clock == CLOCK_MONOTONIC_COARSE || clock_is_descriptor(clock))
		return -EOPNOTSUPP;
	return clock < 0 ? 0 : clock_now_ns(clock, &now);
}

/* What Linux asks after the number of the timer was written. => 0, -EINVAL: no such process, -EPERM. */
static int check_owner(s32 clock)
{
	u64 now;

	return clock < 0 ? clock_now_ns(clock, &now) : clock_alarm_check(clock);
}

static bool event_valid(const struct abi_sigevent *e)
{
	if (e->notify == SIGEV_NONE)
		return true;
	return (e->notify == SIGEV_SIGNAL || e->notify == SIGEV_THREAD ||
	        e->notify == SIGEV_THREAD_ID) &&
	       e->signo > 0 && e->signo <= SIGRTMAX;
}

SYSCALL3(timer_create, s32, clock, uptr_t, event, uptr_t, out_id)
{
	struct abi_sigevent e = {.signo = SIGALRM, .notify = SIGEV_SIGNAL};
	s32 id;
	int result;

	if (!uptr_null(event))
		TRY(copy_from_user(&e, event, sizeof(e)));
	TRY(check_clock(clock));
	if (!event_valid(&e))
		return -EINVAL;
	result = check_owner(clock);
	if (result)
		return copy_to_user(out_id, &(s32){0}, sizeof(s32)) ?: result;
	id = TRY(posix_timer_new(clock, &e, uptr_null(event)));
	result = copy_to_user(out_id, &id, sizeof(id));
	if (result)
		(void)!posix_timer_delete(id);
	return result;
}

static int copy_setting_out(uptr_t out, const struct posix_timer_setting *setting)
{
	struct abi_itimerspec spec = {timespec_from_ns(setting->interval),
	                              timespec_from_ns(setting->value)};

	return copy_to_user(out, &spec, sizeof(spec));
}

SYSCALL4(timer_settime, s32, id, s32, flags, uptr_t, new, uptr_t, old)
{
	struct abi_itimerspec spec;
	struct posix_timer_setting setting, was;

	if (uptr_null(new))
		return -EINVAL;
	TRY(copy_from_user(&spec, new, sizeof(spec)));
	if (!timespec_valid(&spec.value) || !timespec_valid(&spec.interval))
		return -EINVAL;
	setting =
		(struct posix_timer_setting){timespec_ns(&spec.value), timespec_ns(&spec.interval)};
	TRY(posix_timer_set(id, flags, &setting, &was));
	return uptr_null(old) ? 0 : copy_setting_out(old, &was);
}

SYSCALL2(timer_gettime, s32, id, uptr_t, out)
{
	struct posix_timer_setting setting;

	TRY(posix_timer_get(id, &setting));
	return copy_setting_out(out, &setting);
}

SYSCALL1(timer_getoverrun, s32, id)
{
	return posix_timer_overrun(id);
}

SYSCALL1(timer_delete, s32, id)
{
	return posix_timer_delete(id);
}
