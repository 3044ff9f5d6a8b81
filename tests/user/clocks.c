/* Time, sleeping, scheduling, limits. */
#include "harness.h"
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>

TEST(clocks_advance)
{
	static const int clocks[] = {CLOCK_REALTIME,           CLOCK_MONOTONIC,
	                             CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID,
	                             CLOCK_MONOTONIC_RAW,      CLOCK_REALTIME_COARSE,
	                             CLOCK_MONOTONIC_COARSE,   CLOCK_BOOTTIME};
	for (size_t i = 0; i < sizeof(clocks) / sizeof(*clocks); i++) {
		struct timespec a, b, resolution;
		OK(clock_gettime(clocks[i], &a));
		OK(syscall(SYS_clock_gettime, clocks[i], &b));
		YES(b.tv_sec > a.tv_sec || (b.tv_sec == a.tv_sec && b.tv_nsec >= a.tv_nsec));
		YES(b.tv_nsec >= 0 && b.tv_nsec < 1000000000);
		OK(clock_getres(clocks[i], &resolution));
		EQ(resolution.tv_sec, 0);
	}
	struct timespec t;
	FAILS(syscall(SYS_clock_gettime, 99, &t), EINVAL);
	FAILS(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, 8), EFAULT);
}

TEST(clocks_agree)
{
	struct timespec t;
	struct timeval v;
	OK(clock_gettime(CLOCK_REALTIME, &t));
	OK(gettimeofday(&v, NULL));
	YES(v.tv_sec - t.tv_sec <= 1);
	YES(time(NULL) - t.tv_sec <= 1);
	YES(t.tv_sec > 1600000000);
}

TEST(monotonic_never_goes_back)
{
	int64_t *last = shared(4096);
	pid_t pids[2];
	for (int i = 0; i < 2; i++)
		CHILD(pids[i])
		{
			for (int n = 0; n < 5000; n++) {
				int64_t seen = __atomic_load_n(last, __ATOMIC_SEQ_CST),
					now = now_ns();
				if (now < seen)
					test_fail(__FILE__, __LINE__, "back by %lld ns",
					          (long long)(seen - now));
				while (now > seen && !__atomic_compare_exchange_n(
							     last, &seen, now, 0, __ATOMIC_SEQ_CST,
							     __ATOMIC_SEQ_CST))
					;
			}
		}
	REAP(pids[0]);
	REAP(pids[1]);
}

TEST(sleeps_last_long_enough)
{
	struct timespec t = {0, 15000000}, now;
	int64_t start = now_ns();
	OK(nanosleep(&t, NULL));
	YES(now_ns() - start >= 15000000);
	OK(clock_gettime(CLOCK_MONOTONIC, &now));
	now.tv_nsec += 15000000;
	if (now.tv_nsec >= 1000000000) {
		now.tv_nsec -= 1000000000;
		now.tv_sec++;
	}
	EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &now, NULL), 0);
	YES(now_ns() >= now.tv_sec * 1000000000LL + now.tv_nsec);
	EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &now, NULL), 0);
	t.tv_nsec = 1000000000;
	FAILS(nanosleep(&t, NULL), EINVAL);
	t.tv_nsec = -1;
	FAILS(nanosleep(&t, NULL), EINVAL);
	FAILS(syscall(SYS_nanosleep, 8, NULL), EFAULT);
	EQ(clock_nanosleep(99, 0, &now, NULL), EINVAL);
}

TEST(many_sleepers_wake_in_time)
{
	enum { N = 60 };
	pid_t pids[N];
	for (int i = 0; i < N; i++)
		CHILD(pids[i])
		{
			struct timespec t = {0, 1000000L * (1 + i * 7 % N)};
			int64_t start = now_ns();
			OK(nanosleep(&t, NULL));
			YES(now_ns() - start >= t.tv_nsec);
		}
	for (int i = 0; i < N; i++)
		REAP(pids[i]);
}

TEST(processor_time_is_counted)
{
	struct rusage usage;
	struct tms tms;
	volatile long x = 0;
	int64_t start = now_ns();
	while (now_ns() - start < 60000000)
		x++;
	OK(getrusage(RUSAGE_SELF, &usage));
	YES(usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec +
	            usage.ru_stime.tv_sec * 1000000 + usage.ru_stime.tv_usec >
	    1000);
	OK(times(&tms));
	FAILS(getrusage(77, &usage), EINVAL);
}

TEST(spinning_processes_share_the_processors)
{
	/* Nobody starves: each of eight spinners gets on, though none ever yields. */
	enum { N = 8 };
	volatile long *count = shared(4096);
	pid_t pids[N];
	for (int i = 0; i < N; i++)
		CHILD(pids[i])
		{
			for (;;)
				count[i]++;
		}
	for (int i = 0; i < N; i++)
		UNTIL(count[i] > 1000);
	for (int i = 0; i < N; i++) {
		kill(pids[i], SIGKILL);
		EQ(reap(pids[i]), SIGKILL);
	}
}

TEST(nice_values)
{
	pid_t pid;
	CHILD(pid)
	{
		OK(setpriority(PRIO_PROCESS, 0, 0));
		EQ(getpriority(PRIO_PROCESS, 0), 0);
		OK(setpriority(PRIO_PROCESS, 0, 5));
		EQ(getpriority(PRIO_PROCESS, 0), 5);
		OK(setpriority(PRIO_PROCESS, 0, 100));
		EQ(getpriority(PRIO_PROCESS, 0), 19);
		OK(setpriority(PRIO_PROCESS, 0, -100));
		EQ(syscall(SYS_getpriority, PRIO_PROCESS, 0), 40);
	}
	reap(pid);
	FAILS(getpriority(99, 0), EINVAL);
	FAILS(setpriority(PRIO_PROCESS, 0x3fffffff, 0), ESRCH);
}

TEST(nice_values_of_ordinary_users)
{
	pid_t pid;
	CHILD(pid)
	{
		OK(setresuid(1000, 1000, 1000));
		OK(setpriority(PRIO_PROCESS, 0, 5));
		FAILS(setpriority(PRIO_PROCESS, 0, 0), EACCES);
		FAILS(setpriority(PRIO_PROCESS, getppid(), 3), EPERM);
	}
	REAP(pid);
}

TEST(policies)
{
	struct sched_param param = {.sched_priority = 10};
	pid_t pid;
	CHILD(pid)
	{
		EQ(syscall(SYS_sched_getscheduler, 0), SCHED_OTHER);
		OK(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &param));
		EQ(syscall(SYS_sched_getscheduler, 0), SCHED_FIFO);
		param.sched_priority = 0;
		OK(syscall(SYS_sched_getparam, 0, &param));
		EQ(param.sched_priority, 10);
		param.sched_priority = 0;
		FAILS(syscall(SYS_sched_setscheduler, 0, SCHED_RR, &param), EINVAL);
		param.sched_priority = 100;
		FAILS(syscall(SYS_sched_setscheduler, 0, SCHED_RR, &param), EINVAL);
		FAILS(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &param), EINVAL);
		FAILS(syscall(SYS_sched_setscheduler, 0, 77, &param), EINVAL);
		FAILS(syscall(SYS_sched_setscheduler, 0, SCHED_RR, NULL), EINVAL);
		FAILS(syscall(SYS_sched_setscheduler, 0x3fffffff, SCHED_OTHER, &param), ESRCH);
		param.sched_priority = 0;
		OK(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &param));
		OK(setresuid(1000, 1000, 1000));
		param.sched_priority = 5;
		FAILS(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &param), EPERM);
	}
	REAP(pid);
	EQ(sched_get_priority_max(SCHED_FIFO), 99);
	EQ(sched_get_priority_min(SCHED_RR), 1);
	EQ(sched_get_priority_max(SCHED_OTHER), 0);
	FAILS(sched_get_priority_max(99), EINVAL);
}

TEST(affinity)
{
	cpu_set_t all, one;
	CPU_ZERO(&all);
	OK(sched_getaffinity(0, sizeof(all), &all));
	YES(CPU_COUNT(&all) >= 1);
	for (int cpu = 0; cpu < 64; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		OK(sched_setaffinity(0, sizeof(one), &one));
		unsigned where = 99;
		OK(syscall(SYS_getcpu, &where, NULL, NULL));
		EQ(where, cpu);
		EQ(sched_getcpu(), cpu);
	}
	CPU_ZERO(&one);
	FAILS(sched_setaffinity(0, sizeof(one), &one), EINVAL);
	FAILS(syscall(SYS_sched_getaffinity, 0, 1, &one), EINVAL);
	FAILS(syscall(SYS_sched_setaffinity, 0, 8, 8), EFAULT);
	OK(sched_setaffinity(0, sizeof(all), &all));
}

TEST(resource_limits)
{
	struct rlimit limit, old;
	OK(getrlimit(RLIMIT_NOFILE, &old));
	limit = (struct rlimit){100, old.rlim_max};
	OK(setrlimit(RLIMIT_NOFILE, &limit));
	OK(getrlimit(RLIMIT_NOFILE, &limit));
	EQ(limit.rlim_cur, 100);
	limit = (struct rlimit){200, 100};
	FAILS(setrlimit(RLIMIT_NOFILE, &limit), EINVAL);
	FAILS(syscall(SYS_getrlimit, 99, &limit), EINVAL);
	FAILS(syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, 8, NULL), EFAULT);
	FAILS(syscall(SYS_prlimit64, 0x3fffffff, RLIMIT_NOFILE, NULL, &limit), ESRCH);
	pid_t pid;
	CHILD(pid)
	{
		OK(getrlimit(RLIMIT_NOFILE, &limit));
		EQ(limit.rlim_cur, 100);
		OK(setresuid(1000, 1000, 1000));
		limit = (struct rlimit){50, 50};
		OK(setrlimit(RLIMIT_NOFILE, &limit));
		limit = (struct rlimit){50, 60};
		FAILS(setrlimit(RLIMIT_NOFILE, &limit), EPERM);
		FAILS(syscall(SYS_prlimit64, getppid(), RLIMIT_NOFILE, NULL, &limit), EPERM);
	}
	REAP(pid);
}

TEST(randomness)
{
	unsigned long a[4] = {0}, b[4] = {0};
	EQ(syscall(SYS_getrandom, a, sizeof(a), 0), sizeof(a));
	EQ(syscall(SYS_getrandom, b, sizeof(b), 1 /* GRND_NONBLOCK */), sizeof(b));
	YES(memcmp(a, b, sizeof(a)) != 0);
	FAILS(syscall(SYS_getrandom, a, sizeof(a), 0x100), EINVAL);
	FAILS(syscall(SYS_getrandom, 8, 8, 0), EFAULT);
}
