/* POSIX timers, timer_create(2): signals and their values, overruns, clocks of every kind. */
#include "harness.h"
#include <pthread.h>

enum { MS = 1000000 };

static void burn(void)
{
	for (volatile int i = 0; i < 100000; i++)
		;
}

static volatile int timer_value, timer_code, timer_overruns;
static void on_timer(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	timer_value = info->si_value.sival_int;
	timer_code = info->si_code;
	timer_overruns = info->si_overrun;
	signals_seen++;
}

static void catch_timer(int sig)
{
	struct sigaction action = {.sa_sigaction = on_timer, .sa_flags = SA_SIGINFO | SA_RESTART};
	signals_seen = 0;
	sigaction(sig, &action, NULL);
}

static timer_t timer_of(clockid_t clock, int notify, int signo, int value)
{
	struct sigevent e = {.sigev_notify = notify, .sigev_signo = signo, .sigev_value = {value}};
	int id = -1;
	OK(syscall(SYS_timer_create, clock, &e, &id));
	return (timer_t)(long)id;
}
#define ID(t) ((int)(long)(t))

static void timer_start(timer_t t, long ns, long interval_ns)
{
	struct itimerspec s = {{0, interval_ns}, {0, ns}};
	OK(syscall(SYS_timer_settime, ID(t), 0, &s, NULL));
}

TEST(posix_timer_signals_with_its_value)
{
	timer_t t = timer_of(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 4711);
	int64_t start = now_ns();
	catch_timer(SIGUSR1);
	timer_start(t, 5 * MS, 2 * MS);
	while (signals_seen < 3)
		pause();
	YES(now_ns() - start >= 9 * MS);
	EQ(timer_value, 4711);
	EQ(timer_code, SI_TIMER);
	struct itimerspec s;
	OK(syscall(SYS_timer_gettime, ID(t), &s));
	YES(s.it_value.tv_nsec > 0 && s.it_value.tv_nsec <= 2 * MS);
	EQ(s.it_interval.tv_nsec, 2 * MS);
	OK(syscall(SYS_timer_delete, ID(t)));
	FAILS(syscall(SYS_timer_delete, ID(t)), EINVAL);
}

TEST(posix_timer_counts_overruns)
{
	timer_t t = timer_of(CLOCK_REALTIME, SIGEV_SIGNAL, SIGRTMIN, 1);
	sigset_t set;
	siginfo_t info;
	struct timespec pause_for = {0, 20 * MS};
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	OK(sigprocmask(SIG_BLOCK, &set, NULL));
	timer_start(t, MS, MS);
	OK(nanosleep(&pause_for, NULL));
	EQ(sigwaitinfo(&set, &info), SIGRTMIN);
	YES(info.si_overrun >= 15);
	EQ(syscall(SYS_timer_getoverrun, ID(t)), info.si_overrun);
	OK(syscall(SYS_timer_delete, ID(t)));
}

TEST(posix_timer_without_a_signal)
{
	timer_t t = timer_of(CLOCK_BOOTTIME, SIGEV_NONE, 0, 0);
	struct itimerspec s = {{0, 0}, {100, 0}}, old;
	OK(syscall(SYS_timer_settime, ID(t), 0, &s, &old));
	EQ(old.it_value.tv_sec, 0);
	OK(syscall(SYS_timer_gettime, ID(t), &s));
	EQ(s.it_value.tv_sec, 99);
	timer_start(t, 1, 0);
	do
		OK(syscall(SYS_timer_gettime, ID(t), &s));
	while (s.it_value.tv_nsec);
	EQ(syscall(SYS_timer_getoverrun, ID(t)), 0);
}

TEST(posix_timer_on_processor_time)
{
	static const clockid_t clocks[] = {CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID};
	for (int i = 0; i < 2; i++) {
		timer_t t = timer_of(clocks[i], SIGEV_SIGNAL, SIGUSR2, i);
		catch_timer(SIGUSR2);
		timer_start(t, 5 * MS, 5 * MS);
		while (signals_seen < 2)
			burn();
		EQ(timer_value, i);
		OK(syscall(SYS_timer_delete, ID(t)));
	}
}

static void *burn_for_ever(void *unused)
{
	for (;;)
		burn();
	return unused;
}

/* Everything that clock_getcpuclockid(3) can give: the clocks of glibc's programs have these names. */
TEST(posix_timer_on_any_processor_clock)
{
	enum { SELF = -6, SELF_USER = -7, THREAD = -2, DESCRIPTOR = -5 };
	clockid_t clocks[4] = {SELF, SELF_USER, THREAD};
	OK(clock_getcpuclockid(getpid(), &clocks[3]));
	catch_timer(SIGUSR2);
	for (int i = 0; i < 4; i++) {
		timer_t t = timer_of(clocks[i], SIGEV_SIGNAL, SIGUSR2, i);
		int before = signals_seen;
		timer_start(t, 5 * MS, 0);
		while (signals_seen == before)
			burn();
		EQ(timer_value, i);
		OK(syscall(SYS_timer_delete, ID(t)));
	}
	struct sigevent e = {.sigev_notify = SIGEV_NONE};
	int id;
	YES(syscall(SYS_timer_create, DESCRIPTOR, &e, &id) == -1);
	FAILS(syscall(SYS_timer_create, -8 * 0x3fffff - 6, &e, &id), EINVAL);
	FAILS(syscall(SYS_timer_create, -8 * 2 + 6, &e, &id), EINVAL); /* a thread, not ours */
}

TEST(posix_timer_on_the_time_of_another_process)
{
	clockid_t clock;
	sigset_t set;
	siginfo_t info;
	pid_t pid;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	OK(sigprocmask(SIG_BLOCK, &set, NULL));
	CHILD(pid) burn_for_ever(NULL);
	OK(clock_getcpuclockid(pid, &clock));
	timer_t t = timer_of(clock, SIGEV_SIGNAL, SIGUSR2, 3);
	timer_start(t, 5 * MS, 5 * MS);
	for (int i = 0; i < 3; i++) {
		EQ(sigwaitinfo(&set, &info), SIGUSR2);
		EQ(info.si_value.sival_int, 3);
	}
	kill(pid, SIGKILL);
	reap(pid);
	OK(syscall(SYS_timer_delete, ID(t)));
}

/* The thread that is told and the thread that is counted are two things. */
TEST(posix_timer_counts_its_maker_and_tells_another)
{
	pthread_t thread;
	struct itimerspec s;
	struct sigevent e = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR2};
	int id;
	OK(pthread_create(&thread, NULL, burn_for_ever, NULL));
	pid_t other = 0;
	for (int64_t tid = getpid() + 1; !other; tid++)
		if (syscall(SYS_tgkill, getpid(), tid, 0) == 0)
			other = (pid_t)tid;
	memcpy((char *)&e + 16, &other, sizeof(other));
	OK(syscall(SYS_timer_create, CLOCK_THREAD_CPUTIME_ID, &e, &id));
	s = (struct itimerspec){{0, 0}, {1000, 0}};
	OK(syscall(SYS_timer_settime, id, 0, &s, NULL));
	for (struct timespec t = {0, 0}; t.tv_sec == 0 && t.tv_nsec < 100 * MS;)
		OK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t));
	struct timespec mine;
	OK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &mine));
	OK(syscall(SYS_timer_gettime, id, &s));
	int64_t left = s.it_value.tv_sec * 1000000000 + s.it_value.tv_nsec;
	YES(left >= 1000000000000 - mine.tv_nsec);
}

TEST(posix_timer_absolute)
{
	timer_t t = timer_of(CLOCK_REALTIME, SIGEV_SIGNAL, SIGUSR1, 1);
	struct itimerspec s = {{0, 0}, {1, 0}}; /* long ago */
	catch_timer(SIGUSR1);
	OK(syscall(SYS_timer_settime, ID(t), TIMER_ABSTIME, &s, NULL));
	UNTIL(signals_seen);
	OK(clock_gettime(CLOCK_REALTIME, &s.it_value));
	s.it_value.tv_sec += 50;
	OK(syscall(SYS_timer_settime, ID(t), TIMER_ABSTIME, &s, NULL));
	OK(syscall(SYS_timer_gettime, ID(t), &s));
	EQ(s.it_value.tv_sec, 49);
}

TEST(posix_timers_are_not_inherited)
{
	timer_t t = timer_of(CLOCK_MONOTONIC, SIGEV_NONE, 0, 0);
	struct itimerspec s;
	pid_t pid;
	CHILD(pid) FAILS(syscall(SYS_timer_gettime, ID(t), &s), EINVAL);
	REAP(pid);
	OK(syscall(SYS_timer_gettime, ID(t), &s));
}

TEST(posix_timer_arguments)
{
	struct sigevent e = {.sigev_notify = 3};
	struct itimerspec s = {{0, 0}, {0, 1000000000}};
	int id;
	FAILS(syscall(SYS_timer_create, CLOCK_MONOTONIC, &e, &id), EINVAL);
	e.sigev_notify = SIGEV_SIGNAL;
	FAILS(syscall(SYS_timer_create, CLOCK_MONOTONIC, &e, &id), EINVAL);
	e.sigev_signo = 65;
	FAILS(syscall(SYS_timer_create, CLOCK_MONOTONIC, &e, &id), EINVAL);
	FAILS(syscall(SYS_timer_create, 99, NULL, &id), EINVAL);
	FAILS(syscall(SYS_timer_create, CLOCK_MONOTONIC_RAW, NULL, &id), EOPNOTSUPP);
	FAILS(syscall(SYS_timer_create, CLOCK_MONOTONIC, 8, &id), EFAULT);
	FAILS(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, 8), EFAULT);
	timer_t t = timer_of(CLOCK_MONOTONIC, SIGEV_NONE, 0, 0);
	FAILS(syscall(SYS_timer_settime, ID(t), 0, NULL, NULL), EINVAL);
	FAILS(syscall(SYS_timer_settime, ID(t), 0, 8, NULL), EFAULT);
	FAILS(syscall(SYS_timer_settime, ID(t), 0, &s, NULL), EINVAL);
	FAILS(syscall(SYS_timer_gettime, ID(t), 8), EFAULT);
	FAILS(syscall(SYS_timer_gettime, 12345, &s), EINVAL);
	FAILS(syscall(SYS_timer_getoverrun, -1), EINVAL);
}
