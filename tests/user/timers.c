/* Interval timers, restarted sleeps, CPU clocks, scheduling attributes: orders of errors as Linux has them. */
#include "harness.h"
#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/timex.h>

enum { MS = 1000000, WAIT_BITSET = 9, CLOCK_REALTIME_FLAG = 256 /* futex(2) */ };

static void on_alarm_count(int flags)
{
	signals_seen = 0;
	on_signal(SIGALRM, count_signal, flags);
}

TEST(real_timer_goes_off_again_and_again)
{
	struct itimerval on = {{0, 5000}, {0, 5000}}, off = {{0, 0}, {0, 0}}, left;
	int64_t start = now_ns();
	on_alarm_count(0);
	OK(setitimer(ITIMER_REAL, &on, NULL));
	while (signals_seen < 3)
		pause();
	YES(now_ns() - start >= 15 * MS);
	OK(setitimer(ITIMER_REAL, &off, &left));
	EQ(left.it_interval.tv_usec, 5000);
	OK(getitimer(ITIMER_REAL, &left));
	EQ(left.it_value.tv_sec, 0);
	EQ(left.it_value.tv_usec, 0);
	/* Switched off it forgets its interval, too. */
	off.it_interval.tv_sec = 10;
	OK(setitimer(ITIMER_REAL, &off, NULL));
	OK(getitimer(ITIMER_REAL, &left));
	EQ(left.it_interval.tv_sec, 0);
}

TEST(alarm_reports_what_was_left)
{
	on_alarm_count(0);
	EQ(alarm(100), 0);
	EQ(alarm(50), 100);
	EQ(alarm(0), 50);
	EQ(alarm(0), 0);
}

TEST(real_timer_is_not_inherited)
{
	struct itimerval left;
	pid_t pid;
	EQ(alarm(100), 0);
	CHILD(pid)
	{
		OK(getitimer(ITIMER_REAL, &left));
		EQ(left.it_value.tv_sec, 0);
		EQ(alarm(0), 0);
	}
	REAP(pid);
	EQ(alarm(0), 100);
}

TEST(timer_arguments)
{
	struct itimerval v = {{0, 0}, {0, 0}};
	FAILS(setitimer(3, &v, NULL), EINVAL);
	FAILS(setitimer(-1, &v, NULL), EINVAL);
	FAILS(getitimer(7, &v), EINVAL);
	FAILS(syscall(SYS_setitimer, ITIMER_REAL, 8, NULL), EFAULT);
	FAILS(syscall(SYS_getitimer, ITIMER_REAL, 8), EFAULT);
	v.it_value.tv_usec = 1000000;
	FAILS(setitimer(ITIMER_REAL, &v, NULL), EINVAL);
	v.it_value.tv_usec = -1;
	FAILS(setitimer(ITIMER_REAL, &v, NULL), EINVAL);
	v.it_value.tv_usec = 0;
	v.it_interval.tv_sec = -1;
	FAILS(setitimer(ITIMER_REAL, &v, NULL), EINVAL);
	OK(syscall(SYS_setitimer, ITIMER_REAL, NULL, NULL));
}

static void burn(void)
{
	for (volatile int i = 0; i < 100000; i++)
		;
}

static void processor_timer(int which, int sig)
{
	struct itimerval on = {{0, 10000}, {0, 10000}};
	signals_seen = 0;
	on_signal(sig, count_signal, SA_RESTART);
	OK(setitimer(which, &on, NULL));
	while (signals_seen < 2)
		burn();
	struct itimerval off = {{0, 0}, {0, 0}};
	OK(setitimer(which, &off, NULL));
}

TEST(virtual_timer_counts_processor_time)
{
	processor_timer(ITIMER_VIRTUAL, SIGVTALRM);
}

TEST(profiling_timer_counts_processor_time)
{
	processor_timer(ITIMER_PROF, SIGPROF);
}

TEST(processor_limit_warns_then_kills)
{
	pid_t pid;
	CHILD(pid)
	{
		struct rlimit limit = {1, 2};
		signals_seen = 0;
		on_signal(SIGXCPU, count_signal, SA_RESTART);
		OK(setrlimit(RLIMIT_CPU, &limit));
		while (!signals_seen)
			burn();
		for (;;)
			burn();
	}
	EQ(reap(pid), SIGKILL);
}

TEST(profiling_timer_of_a_nice_process)
{
	OK(nice(5));
	processor_timer(ITIMER_PROF, SIGPROF);
}

static long processor_us(void)
{
	struct timespec t;
	OK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t));
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* getrlimit(2): what a real-time thread may compute without sleeping, in microseconds. */
TEST(realtime_limit_warns_then_kills)
{
	pid_t pid;
	CHILD(pid)
	{
		struct rlimit limit = {400000, 900000};
		struct timespec nap = {0, 1000000};
		struct sched_param param = {.sched_priority = 1};
		signals_seen = 0;
		on_signal(SIGXCPU, count_signal, SA_RESTART);
		OK(setrlimit(RLIMIT_RTTIME, &limit));
		/* It counts for real-time policies only, and each sleep begins anew. */
		for (long start = processor_us(); processor_us() - start < 420000;)
			burn();
		MUST(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &param));
		for (int i = 0; i < 3; i++) {
			for (long start = processor_us(); processor_us() - start < 160000;)
				burn();
			OK(nanosleep(&nap, NULL));
		}
		EQ(signals_seen, 0);
		while (!signals_seen)
			sched_yield(); /* no sleep */
		OK(getrlimit(RLIMIT_RTTIME, &limit));
		EQ(limit.rlim_cur, 1400000);
		for (;;)
			burn();
	}
	EQ(reap(pid), SIGKILL);
}

/* Times beyond what the kernel counts in. */
TEST(centuries_are_for_ever)
{
	const struct timespec centuries = {LONG_MAX, 0};
	struct timespec left = {0, 0};
	struct itimerval on = {{0, 5000}, {0, 5000}}, off = {{0, 0}, {0, 0}};
	int word = 0, ep = epoll_create1(0);
	struct epoll_event ready;
	sigset_t none;
	sigemptyset(&none);
	on_alarm_count(0);
	OK(setitimer(ITIMER_REAL, &on, NULL));
	FAILS(nanosleep(&centuries, &left), EINTR);
	YES(left.tv_sec > 1ll << 32);
	FAILS(ppoll(NULL, 0, &centuries, NULL), EINTR);
	FAILS(pselect(0, NULL, NULL, NULL, &centuries, NULL), EINTR);
	FAILS(syscall(SYS_rt_sigtimedwait, &none, NULL, &centuries, 8), EINTR);
	FAILS(syscall(SYS_epoll_pwait2, ep, &ready, 1, &centuries, NULL, 0), EINTR);
	FAILS(syscall(SYS_futex, &word, WAIT_BITSET, 0, &centuries, NULL, ~0), EINTR);
	FAILS(syscall(SYS_futex, &word, WAIT_BITSET | CLOCK_REALTIME_FLAG, 0, &centuries, NULL, ~0),
	      EINTR);
	OK(setitimer(ITIMER_REAL, &off, NULL));
	close(ep);
}

TEST(sleep_tells_what_was_left)
{
	struct timespec t = {100, 0}, left = {0, 0};
	struct itimerval soon = {{0, 0}, {0, 5000}};
	on_alarm_count(SA_RESTART);
	OK(setitimer(ITIMER_REAL, &soon, NULL));
	FAILS(nanosleep(&t, &left), EINTR);
	EQ(left.tv_sec, 99);
	OK(setitimer(ITIMER_REAL, &soon, NULL));
	EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &left), EINTR);
	EQ(left.tv_sec, 99);
	left.tv_sec = 7;
	OK(clock_gettime(CLOCK_MONOTONIC, &t));
	t.tv_sec += 100;
	OK(setitimer(ITIMER_REAL, &soon, NULL));
	EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, &left), EINTR);
	EQ(left.tv_sec, 7);
}

TEST(stopped_sleep_goes_on_by_itself)
{
	pid_t pid;
	CHILD(pid)
	{
		struct timespec t = {0, 60 * MS};
		int64_t start = now_ns();
		OK(nanosleep(&t, NULL));
		YES(now_ns() - start >= 60 * MS);
	}
	until_asleep(pid);
	OK(kill(pid, SIGSTOP));
	int status;
	EQ(waitpid(pid, &status, WUNTRACED), pid);
	OK(kill(pid, SIGCONT));
	REAP(pid);
}

TEST(sleep_clocks)
{
	struct timespec zero = {0, 0};
	static const int fine[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI,
	                           CLOCK_PROCESS_CPUTIME_ID};
	for (size_t i = 0; i < sizeof(fine) / sizeof(*fine); i++) {
		OK(syscall(SYS_clock_nanosleep, fine[i], 0, &zero, NULL));
		OK(syscall(SYS_clock_nanosleep, fine[i], TIMER_ABSTIME, &zero, NULL));
	}
	FAILS(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &zero, NULL), EOPNOTSUPP);
	FAILS(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC_RAW, 0, &zero, NULL), EOPNOTSUPP);
	FAILS(syscall(SYS_clock_nanosleep, CLOCK_REALTIME_COARSE, 0, &zero, NULL), EOPNOTSUPP);
	FAILS(syscall(SYS_clock_nanosleep, 12, 0, &zero, NULL), EINVAL);
	FAILS(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, 8, NULL), EFAULT);
}

TEST(clocks_of_others)
{
	struct timespec t;
	clockid_t clock;
	pid_t pid;
	CHILD(pid) pause();
	EQ(clock_getcpuclockid(pid, &clock), 0);
	OK(clock_gettime(clock, &t));
	FAILS(clock_settime(clock, &t), EPERM);
	kill(pid, SIGKILL);
	EQ(reap(pid), SIGKILL);
	FAILS(clock_gettime(clock, &t), EINVAL);
	clock = (clockid_t)(~(unsigned)getpid() << 3 | 4 | 2); /* a thread's */
	OK(clock_gettime(clock, &t));
	clock = (clockid_t)(~(unsigned)getppid() << 3 | 4 | 2);
	FAILS(clock_gettime(clock, &t), EINVAL);
	clock = (clockid_t)(~0u << 3 | 3);
	FAILS(clock_gettime(clock, &t), EINVAL);
}

TEST(setting_the_clock)
{
	struct timespec t;
	struct timeval v;
	OK(clock_gettime(CLOCK_REALTIME, &t));
	FAILS(clock_settime(CLOCK_MONOTONIC, &t), EINVAL);
	FAILS(clock_settime(CLOCK_BOOTTIME, &t), EINVAL);
	FAILS(clock_settime(99, &t), EINVAL);
	FAILS(syscall(SYS_clock_settime, CLOCK_REALTIME, 8), EFAULT);
	FAILS(syscall(SYS_settimeofday, 8, NULL), EFAULT);
	t.tv_nsec = 1000000000;
	FAILS(clock_settime(CLOCK_REALTIME, &t), EINVAL);
	pid_t pid;
	CHILD(pid)
	{
		OK(setresuid(1000, 1000, 1000));
		FAILS(clock_settime(CLOCK_REALTIME, &t), EINVAL);
		t.tv_nsec = 0;
		FAILS(clock_settime(CLOCK_REALTIME, &t), EPERM);
		OK(gettimeofday(&v, NULL));
		FAILS(syscall(SYS_settimeofday, &v, NULL), EPERM);
		v.tv_usec = 1000001;
		FAILS(syscall(SYS_settimeofday, &v, NULL), EINVAL);
		struct timex tx = {.modes = 0};
		YES(syscall(SYS_adjtimex, &tx) >= 0);
		tx.modes = ADJ_FREQUENCY;
		FAILS(syscall(SYS_adjtimex, &tx), EPERM);
		tx.modes = ADJ_OFFSET_SINGLESHOT;
		FAILS(syscall(SYS_adjtimex, &tx), EPERM);
		tx.modes = ADJ_OFFSET_SS_READ;
		YES(syscall(SYS_adjtimex, &tx) >= 0);
	}
	REAP(pid);
}

/* Of adjtimex(2) what leaves the clock as it is; a container may not even do that. */
TEST(clock_adjustments_of_nothing)
{
	struct timex tx = {.modes = 0x8000}, before = {.modes = 0};
	FAILS(syscall(SYS_adjtimex, &tx), EINVAL);
	FAILS(syscall(SYS_adjtimex, 8), EFAULT);
	long state = MUST(syscall(SYS_adjtimex, &before));
	tx = before;
	tx.modes = ADJ_OFFSET_SINGLESHOT;
	tx.offset = 0;
	if (syscall(SYS_adjtimex, &tx) < 0) {
		EQ(errno, EPERM);
		return;
	}
	EQ(tx.offset, 0);
	tx.modes = ADJ_TICK;
	tx.tick = 1;
	FAILS(syscall(SYS_adjtimex, &tx), EINVAL);
	tx.modes = ADJ_TICK | ADJ_FREQUENCY | ADJ_STATUS;
	tx.tick = before.tick;
	EQ(syscall(SYS_adjtimex, &tx), state);
	EQ(tx.tick, before.tick);
	EQ(tx.status, before.status);
}

TEST(resolutions)
{
	struct timespec t;
	OK(syscall(SYS_clock_getres, CLOCK_MONOTONIC, NULL));
	OK(syscall(SYS_clock_getres, CLOCK_MONOTONIC, &t));
	EQ(t.tv_nsec, 1);
	FAILS(syscall(SYS_clock_getres, 99, NULL), EINVAL);
	FAILS(syscall(SYS_clock_getres, CLOCK_REALTIME, 8), EFAULT);
	FAILS(syscall(SYS_time, 8), EFAULT);
	FAILS(syscall(SYS_times, 8), EFAULT);
	FAILS(syscall(SYS_gettimeofday, 8, NULL), EFAULT);
}

struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t more[16];
};
#define GETATTR(a, size) syscall(SYS_sched_getattr, 0, a, size, 0)
#define SETATTR(a)       syscall(SYS_sched_setattr, 0, a, 0)

TEST(attributes)
{
	struct attr a = {0};
	OK(GETATTR(&a, 48));
	EQ(a.size, 48);
	EQ(a.policy, SCHED_OTHER);
	FAILS(GETATTR(&a, 47), EINVAL);
	FAILS(GETATTR(&a, 4097), EINVAL);
	FAILS(syscall(SYS_sched_getattr, 0, &a, 48, 1), EINVAL);
	FAILS(syscall(SYS_sched_getattr, -1, &a, 48, 0), EINVAL);
	FAILS(syscall(SYS_sched_getattr, 0x3fffffff, &a, 48, 0), ESRCH);
	FAILS(syscall(SYS_sched_setattr, 0, NULL, 0), EINVAL);
	a.size = 47;
	FAILS(SETATTR(&a), E2BIG);
	EQ(a.size, 56);
	a = (struct attr){.size = 48, .nice = 7};
	OK(SETATTR(&a));
	EQ(getpriority(PRIO_PROCESS, 0), 7);
	a = (struct attr){.size = 48, .policy = SCHED_FIFO, .priority = 3, .flags = 1};
	OK(SETATTR(&a));
	EQ(syscall(SYS_sched_getscheduler, 0), SCHED_FIFO | 0x40000000);
	OK(GETATTR(&a, sizeof(a)));
	EQ(a.priority, 3);
	EQ(a.flags, 1);
	a = (struct attr){.size = 48, .policy = SCHED_RR};
	FAILS(SETATTR(&a), EINVAL);
	a = (struct attr){.size = 48, .policy = 4};
	FAILS(SETATTR(&a), EINVAL);
	a = (struct attr){.size = 48, .flags = 0x80};
	FAILS(SETATTR(&a), EINVAL);
	a = (struct attr){.size = sizeof(a)};
	a.more[15] = 1;
	FAILS(SETATTR(&a), E2BIG);
}

TEST(reset_on_fork)
{
	struct sched_param param = {.sched_priority = 5};
	pid_t pid;
	OK(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO | 0x40000000, &param));
	CHILD(pid) EQ(syscall(SYS_sched_getscheduler, 0), SCHED_OTHER);
	REAP(pid);
	EQ(syscall(SYS_sched_getscheduler, 0), SCHED_FIFO | 0x40000000);
}

TEST(intervals_and_bounds)
{
	struct sched_param param = {.sched_priority = 5};
	struct timespec t;
	OK(syscall(SYS_sched_rr_get_interval, 0, &t));
	EQ(t.tv_sec, 0);
	FAILS(syscall(SYS_sched_rr_get_interval, -1, &t), EINVAL);
	FAILS(syscall(SYS_sched_rr_get_interval, 0x3fffffff, &t), ESRCH);
	FAILS(syscall(SYS_sched_rr_get_interval, 0, 8), EFAULT);
	OK(syscall(SYS_sched_setscheduler, 0, SCHED_RR, &param));
	OK(syscall(SYS_sched_rr_get_interval, 0, &t));
	EQ(t.tv_nsec, 100 * MS);
	OK(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &param));
	OK(syscall(SYS_sched_rr_get_interval, 0, &t));
	EQ(t.tv_nsec, 0);
	EQ(sched_get_priority_max(6), 0);
	EQ(sched_get_priority_max(SCHED_IDLE), 0);
	FAILS(sched_get_priority_min(4), EINVAL);
	FAILS(syscall(SYS_sched_getscheduler, -1), EINVAL);
	FAILS(syscall(SYS_sched_getparam, 0, NULL), EINVAL);
	FAILS(syscall(SYS_sched_getparam, 0, 8), EFAULT);
	FAILS(syscall(SYS_sched_setparam, 0, 8), EFAULT);
	FAILS(syscall(SYS_sched_setparam, -1, &param), EINVAL);
}

TEST(limits_of_ordinary_users)
{
	struct rlimit rt = {10, 10}, nice = {25, 25};
	struct sched_param param = {.sched_priority = 10};
	pid_t pid;
	/* In a container root may not raise them: nothing to see then. */
	if (setrlimit(RLIMIT_RTPRIO, &rt) || setrlimit(RLIMIT_NICE, &nice))
		return;
	CHILD(pid)
	{
		OK(setresuid(1000, 1000, 1000));
		OK(setpriority(PRIO_PROCESS, 0, -5));
		FAILS(setpriority(PRIO_PROCESS, 0, -6), EACCES);
		OK(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &param));
		param.sched_priority = 11;
		FAILS(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &param), EPERM);
		param.sched_priority = 3;
		OK(syscall(SYS_sched_setscheduler, 0, SCHED_RR, &param));
		param.sched_priority = 0;
		OK(syscall(SYS_sched_setscheduler, 0, SCHED_IDLE, &param));
		OK(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &param));
		FAILS(sched_setaffinity(getppid(), sizeof(cpu_set_t), &(cpu_set_t){{1}}), EPERM);
	}
	REAP(pid);
}

TEST(groups_of_priorities)
{
	pid_t pid;
	CHILD(pid)
	{
		OK(setpgid(0, 0));
		OK(setpriority(PRIO_PGRP, 0, 3));
		EQ(getpriority(PRIO_PGRP, getpid()), 3);
		FAILS(getpriority(PRIO_PGRP, 0x3fffffff), ESRCH);
		FAILS(getpriority(PRIO_USER, 54321), ESRCH);
		OK(setresuid(4321, 4321, 4321));
		EQ(getpriority(PRIO_USER, 0), 3);
		OK(setpriority(PRIO_USER, 4321, 8));
		EQ(getpriority(PRIO_PROCESS, 0), 8);
	}
	REAP(pid);
}

TEST(affinity_sizes)
{
	unsigned long mask[128] = {0};
	long size = OK(syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask));
	YES(size >= 8 && size % 8 == 0);
	FAILS(syscall(SYS_sched_getaffinity, 0, 9, mask), EINVAL);
	FAILS(syscall(SYS_sched_getaffinity, 0, 128, 8), EFAULT);
	FAILS(syscall(SYS_sched_getaffinity, 0x3fffffff, sizeof(mask), mask), ESRCH);
	FAILS(syscall(SYS_sched_setaffinity, 0x3fffffff, sizeof(mask), mask), ESRCH);
	FAILS(syscall(SYS_sched_setaffinity, 0, 0, mask), EINVAL);
	mask[0] = ~0ul;
	OK(syscall(SYS_sched_setaffinity, 0, 8, mask));
}
