#include "abi/process.h"
#include "arch/clock.h"
#include "arch/uaccess.h"
#include "kernel/proc/cpu_clock.h"
#include "kernel/proc/task.h"
#include "kernel/sched/account.h"
#include "kernel/sched/realtime.h"
#include "kernel/sched/vdso.h"
#include "syscalls/clock.h"
#include "syscalls/syscall.h"
#include "syscalls/timespec.h"

static struct abi_timezone timezone; /* settimeofday(2): kept for whoever asks */

static int cpu_clock_read(s32 id, u64 *out_ns)
{
	struct cpu_clock c;

	TRY(cpu_clock_get(id, &c));
	*out_ns = cpu_clock_ns(&c);
	cpu_clock_put(&c);
	return 0;
}

int clock_now_ns(s32 clock, u64 *out_ns)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI: *out_ns = realtime_ns(); return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM: *out_ns = clock_mono_ns(); return 0;
	case CLOCK_THREAD_CPUTIME_ID: *out_ns = thread_cpu_ns(thread_current()); return 0;
	}
	return clock_is_cpu(clock) ? cpu_clock_read(clock, out_ns) : -EINVAL;
}

int clock_alarm_check(s32 clock)
{
	return clock_is_alarm(clock) && !capable(CAP_WAKE_ALARM) ? -EPERM : 0;
}

SYSCALL2(clock_gettime, s32, clock, uptr_t, tp)
{
	struct abi_timespec ts;
	u64 ns;

	TRY(clock_now_ns(clock, &ns));
	ts = timespec_from_ns(ns);
	return copy_to_user(tp, &ts, sizeof(ts));
}

SYSCALL2(clock_getres, s32, clock, uptr_t, res)
{
	struct abi_timespec ts = {0, 1};
	u64 ns;

	TRY(clock_now_ns(clock, &ns));
	if (clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE ||
	    (clock < 0 && !clock_is_exact(clock)))
		ts.nsec = COARSE_RESOLUTION_NS;
	return uptr_null(res) ? 0 : copy_to_user(res, &ts, sizeof(ts));
}

/* Linux keeps thirty years of room before its seconds overflow, and the wall clock after boot. */
static int wall_clock_set(const struct abi_timespec *ts)
{
	const s64 max = INT64_MAX / NS_PER_SECOND - 30ll * 365 * 24 * 3600;

	if (!timespec_valid(ts) || ts->sec >= max)
		return -EINVAL;
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	if (timespec_ns(ts) < clock_mono_ns())
		return -EINVAL;
	realtime_set(timespec_ns(ts));
	return 0;
}

SYSCALL2(clock_settime, s32, clock, uptr_t, tp)
{
	struct abi_timespec ts;
	u64 ns;

	if (clock < 0) {
		TRY(copy_from_user(&ts, tp, sizeof(ts)));
		TRY(clock_now_ns(clock, &ns));
		return -EPERM;
	}
	if (clock != CLOCK_REALTIME)
		return -EINVAL;
	TRY(copy_from_user(&ts, tp, sizeof(ts)));
	return wall_clock_set(&ts);
}

SYSCALL2(gettimeofday, uptr_t, tv, uptr_t, tz)
{
	u64 ns = realtime_ns();
	struct abi_timeval now = {ns / NS_PER_SEC, ns % NS_PER_SEC / 1000};

	if (!uptr_null(tv))
		TRY(copy_to_user(tv, &now, sizeof(now)));
	if (!uptr_null(tz))
		TRY(copy_to_user(tz, &timezone, sizeof(timezone)));
	return 0;
}

SYSCALL2(settimeofday, uptr_t, tv, uptr_t, tz)
{
	struct abi_timeval now;
	struct abi_timezone zone;
	struct abi_timespec ts;

	if (!uptr_null(tv)) {
		TRY(copy_from_user(&now, tv, sizeof(now)));
		if (now.usec < 0 || now.usec >= 1000000)
			return -EINVAL;
		ts = (struct abi_timespec){now.sec, now.usec * 1000};
		if (!timespec_valid(&ts))
			return -EINVAL;
	}
	if (!uptr_null(tz))
		TRY(copy_from_user(&zone, tz, sizeof(zone)));
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	if (!uptr_null(tz)) {
		if (zone.minutes_west > 15 * 60 || zone.minutes_west < -15 * 60)
			return -EINVAL;
		timezone = zone;
		vdso_set_timezone(zone.minutes_west, zone.dst_time);
	}
	return uptr_null(tv) ? 0 : wall_clock_set(&ts);
}

SYSCALL1(time, uptr_t, out)
{
	s64 now = (s64)realtime_seconds();

	if (!uptr_null(out))
		TRY(copy_to_user(out, &now, sizeof(now)));
	return now;
}

static s64 clock_ticks(u64 ns)
{
	return (s64)(ns / (NS_PER_SEC / USER_HZ));
}

SYSCALL1(times, uptr_t, out)
{
	struct process *p = process_current();
	struct process_times self, children;
	struct sighand *s;
	struct tms_abi tms;

	if (!uptr_null(out)) {
		process_times(p, &self);
		s = sighand_lock(p);
		children = p->children_times;
		sighand_unlock(s);
		tms = (struct tms_abi){clock_ticks(self.user_ns), clock_ticks(self.system_ns),
		                       clock_ticks(children.user_ns),
		                       clock_ticks(children.system_ns)};
		TRY(copy_to_user(out, &tms, sizeof(tms)));
	}
	return clock_ticks(clock_mono_ns());
}

/* The clock is never disciplined: what can be read says so, as on a Linux that nobody synchronises. */
static struct abi_timex clock_discipline(void)
{
	u64 ns = realtime_ns();

	return (struct abi_timex){
		.maxerror = 16000000,
		.esterror = 16000000,
		.status = STA_UNSYNC,
		.constant = 2,
		.precision = 1,
		.tolerance = 32768000,
		.time = {ns / NS_PER_SEC, ns % NS_PER_SEC / 1000},
		.tick = 10000,
	};
}

/* May this be written? In Linux' order; what would change something is refused as an invalid value. */
static int discipline_check(const struct abi_timex *to, const struct abi_timex *now)
{
	const u32 known = ADJ_OFFSET | ADJ_FREQUENCY | ADJ_MAXERROR | ADJ_ESTERROR | ADJ_STATUS |
	                  ADJ_TIMECONST | ADJ_MICRO | ADJ_TICK;
	u32 modes = to->modes;

	if (modes & ADJ_ADJTIME) {
		if ((modes & ADJ_OFFSET_SINGLESHOT) != ADJ_OFFSET_SINGLESHOT)
			return -EINVAL;
		if (modes & ADJ_OFFSET_READONLY)
			return 0;
		modes = ADJ_OFFSET;
	}
	if (modes && !capable(CAP_SYS_TIME))
		return -EPERM;
	bool same = (!(modes & ADJ_OFFSET) || to->offset == now->offset) &&
	            (!(modes & ADJ_FREQUENCY) || to->freq == now->freq) &&
	            (!(modes & ADJ_MAXERROR) || to->maxerror == now->maxerror) &&
	            (!(modes & ADJ_ESTERROR) || to->esterror == now->esterror) &&
	            (!(modes & ADJ_STATUS) || to->status == now->status) &&
	            (!(modes & ADJ_TIMECONST) || to->constant == now->constant) &&
	            (!(modes & ADJ_TICK) || to->tick == now->tick);
	return same && !(modes & ~known) ? 0 : -EINVAL;
}

static long adjust(uptr_t user)
{
	struct abi_timex tx, now = clock_discipline();

	TRY(copy_from_user(&tx, user, sizeof(tx)));
	TRY(discipline_check(&tx, &now));
	now.modes = tx.modes;
	TRY(copy_to_user(user, &now, sizeof(now)));
	return TIME_ERROR;
}

SYSCALL1(adjtimex, uptr_t, tx)
{
	return adjust(tx);
}

SYSCALL2(clock_adjtime, s32, clock, uptr_t, tx)
{
	u64 ns;

	if (clock == CLOCK_REALTIME)
		return adjust(tx);
	TRY(clock_now_ns(clock, &ns));
	return -EOPNOTSUPP;
}
