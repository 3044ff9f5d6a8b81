/* Setting the clock: what has a time of CLOCK_REALTIME follows it. (Futexes: futex.c.) */
#include "mq.h"
#include <sys/timerfd.h>

#ifndef TFD_TIMER_CANCEL_ON_SET
#define TFD_TIMER_CANCEL_ON_SET 2
#endif

/* A machine booted for the tests; the clock of another is not ours to set. */
static int is_ours(void)
{
	return access("/tests/all", F_OK) == 0;
}
static struct timespec wall_in(time_t seconds)
{
	struct timespec t;
	OK(clock_gettime(CLOCK_REALTIME, &t));
	t.tv_sec += seconds;
	return t;
}
static void turn(time_t seconds)
{
	struct timespec t = wall_in(seconds);
	OK(clock_settime(CLOCK_REALTIME, &t));
}
static short polled(int fd, int ms)
{
	struct pollfd one = {fd, POLLIN, 0};
	poll(&one, 1, ms);
	return one.revents;
}
static uint64_t value;

TEST(deadlines_of_message_queues)
{
	int empty = queue_of(0, 1, 8), full = queue_of(0, 1, 8);
	pid_t pids[2];
	if (!is_ours())
		return;
	SEND(full, 0, "x");
	for (int i = 0; i < 2; i++) {
		CHILD(pids[i])
		{
			struct timespec t = wall_in(3600);
			if (i)
				FAILS(sys_send(full, "y", 1, 0, &t), ETIMEDOUT);
			else
				FAILS(sys_receive(empty, got, 8, NULL, &t), ETIMEDOUT);
		}
		until_asleep(pids[i]);
	}
	turn(1800);
	for (int i = 0; i < 2; i++)
		until_asleep(pids[i]);
	turn(-1800);
	for (int i = 0; i < 2; i++)
		until_asleep(pids[i]);
	turn(3601);
	for (int i = 0; i < 2; i++)
		REAP(pids[i]);
	turn(-3601);
}

static int timer_at(int flags, time_t seconds, time_t interval)
{
	struct itimerspec s = {.it_interval = {interval, 0}};
	int t = OK(timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK));
	if (flags & TFD_TIMER_ABSTIME)
		s.it_value = wall_in(seconds);
	else
		s.it_value.tv_sec = seconds;
	OK(timerfd_settime(t, flags, &s, NULL));
	return t;
}
static time_t left(int t)
{
	struct itimerspec s;
	OK(timerfd_gettime(t, &s));
	return s.it_value.tv_sec;
}

TEST(timerfd_is_armed_anew)
{
	if (!is_ours())
		return;
	int absolute = timer_at(TFD_TIMER_ABSTIME, 3600, 0), relative = timer_at(0, 3600, 0);
	turn(1800);
	YES(left(absolute) <= 1800 && left(absolute) > 1700);
	YES(left(relative) <= 3600 && left(relative) > 3500);
	turn(-3600);
	YES(left(absolute) <= 5400 && left(absolute) > 5300);
	FAILS(read(absolute, &value, 8), EAGAIN);
	pid_t pid;
	CHILD(pid)
	{
		EQ(polled(absolute, 20000), POLLIN);
	}
	until_asleep(pid);
	turn(5401);
	REAP(pid);
	EQ(read(absolute, &value, 8), 8);
	EQ(value, 1);
	FAILS(read(relative, &value, 8), EAGAIN);
	YES(left(relative) > 3500);
	turn(-3601);
}

TEST(timerfd_counts_the_intervals_of_a_jump)
{
	if (!is_ours())
		return;
	int t = timer_at(TFD_TIMER_ABSTIME, 60, 60);
	turn(600);
	EQ(polled(t, 20000), POLLIN);
	EQ(read(t, &value, 8), 8);
	EQ(value, 10);
	YES(left(t) <= 60);
	turn(-600);
	YES(left(t) > 600);
}

TEST(timerfd_may_ask_to_be_told)
{
	const int flags = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET;
	struct itimerspec s = {.it_value = wall_in(7200)};
	pid_t pid;
	if (!is_ours())
		return;
	int t = timer_at(flags, 3600, 0), untold = timer_at(TFD_TIMER_ABSTIME, 3600, 0);
	CHILD(pid)
	{
		EQ(polled(t, 20000), POLLIN);
	}
	until_asleep(pid);
	turn(10);
	REAP(pid);
	FAILS(read(t, &value, 8), ECANCELED);
	FAILS(read(t, &value, 8), EAGAIN);
	FAILS(read(untold, &value, 8), EAGAIN);
	YES(left(t) > 3500); /* still armed */
	/* One that did not hear of it by reading is told when it arms anew, which happens all the same. */
	turn(-10);
	FAILS(timerfd_settime(t, flags, &s, NULL), ECANCELED);
	YES(left(t) > 7000);
	FAILS(read(t, &value, 8), EAGAIN);
	CHILD(pid)
	{
		OK(fcntl(t, F_SETFL, 0));
		FAILS(read(t, &value, 8), ECANCELED);
	}
	until_asleep(pid);
	turn(10);
	REAP(pid);
	turn(-10);
}
