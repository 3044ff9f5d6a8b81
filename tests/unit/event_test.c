/* Event counters and timers: who gets what, and what races leave behind. */
#include <stdlib.h>
#include "abi/poll.h"
#include "kernel/ipc/event/eventfd.h"
#include "kernel/ipc/event/timerfd.h"
#include "tests/host/host.h"

static ssize put(struct eventfd *e, u64 value, bool nonblock)
{
	struct port_io io = {.base = (char *)&value, .left = sizeof value};
	return eventfd_write(e, &io, nonblock);
}
static ssize get(struct eventfd *e, u64 *value, bool nonblock)
{
	struct port_io io = {.base = (char *)value, .left = sizeof *value};
	return eventfd_read(e, &io, nonblock);
}

/* Against a counter and nothing else. */
TEST(eventfd_is_a_counter)
{
	for (int semaphore = 0; semaphore < 2; semaphore++) {
		struct eventfd *e = eventfd_new(0, semaphore);
		u64 model = 0, value;
		for (u32 i = 0; i < 5000; i++) {
			if (host_random(2)) {
				value = host_random(8) ? host_random(5)
				                       : UINT64_MAX - 1 - host_random(3);
				bool fits = value <= UINT64_MAX - 1 - model;
				CHECK_EQ(put(e, value, true), fits ? 8 : -EAGAIN);
				model += fits ? value : 0;
			} else {
				u64 want = semaphore ? model != 0 : model;
				CHECK_EQ(get(e, &value, true), model ? 8 : -EAGAIN);
				if (model)
					CHECK_EQ(value, want);
				model -= want;
			}
			CHECK_EQ(eventfd_events(e) & POLLIN, model ? POLLIN : 0);
			CHECK_EQ(eventfd_events(e) & POLLOUT, model < UINT64_MAX - 1 ? POLLOUT : 0);
		}
		CHECK_EQ(put(e, UINT64_MAX, true), -EINVAL);
		eventfd_free(e);
	}
}

struct taker {
	struct eventfd *e;
	u64 value;
	ssize result;
};
static void take_one(void *arg)
{
	struct taker *t = arg;
	t->result = get(t->e, &t->value, false);
}

/* A write wakes one reader and gives it everything; as a semaphore, one to each that waits. */
TEST(eventfd_write_serves_readers_in_order)
{
	for (int semaphore = 0; semaphore < 2; semaphore++) {
		struct eventfd *e = eventfd_new(0, semaphore);
		struct taker r[3] = {{.e = e}, {.e = e}, {.e = e}};
		struct host_thread *t[3];
		for (int i = 0; i < 3; i++) {
			t[i] = host_spawn(take_one, &r[i]);
			host_wait_asleep(t[i]);
		}
		CHECK_EQ(put(e, 2, false), 8);
		host_join(t[0]);
		CHECK_EQ(r[0].value, semaphore ? 1 : 2);
		if (!semaphore)
			CHECK_EQ(put(e, 1, false), 8);
		host_join(t[1]);
		CHECK_EQ(r[1].value, 1);
		host_signal(t[2]);
		host_join(t[2]);
		CHECK_EQ(r[2].result, -ERESTARTSYS);
		CHECK_EQ(eventfd_events(e) & POLLIN, 0);
		eventfd_free(e);
	}
}

static void put_max(void *arg)
{
	struct taker *t = arg;
	t->result = put(t->e, t->value, false);
}

/* A writer that gives up lets a smaller one behind it go on. */
TEST(eventfd_withdrawn_writer_blocks_nobody)
{
	struct eventfd *e = eventfd_new(0, false);
	struct taker big = {.e = e, .value = UINT64_MAX - 1}, small = {.e = e, .value = 1};
	CHECK_EQ(put(e, UINT64_MAX - 2, false), 8);
	struct host_thread *first = host_spawn(put_max, &big);
	host_wait_asleep(first);
	CHECK_EQ(put(e, 1, true), 8); /* fits, so it does not queue */
	struct host_thread *second = host_spawn(put_max, &small);
	host_wait_asleep(second);
	host_signal(first);
	host_join(first);
	CHECK_EQ(big.result, -ERESTARTSYS);
	u64 value;
	CHECK_EQ(get(e, &value, true), 8);
	CHECK_EQ(value, UINT64_MAX - 1);
	host_join(second);
	CHECK_EQ(small.result, 8);
	CHECK_EQ(get(e, &value, true), 8);
	CHECK_EQ(value, 1);
	eventfd_free(e);
}

static ssize ticks_of(struct timerfd *t, u64 *value)
{
	struct port_io io = {.base = (char *)value, .left = sizeof *value};
	return timerfd_read(t, &io, true);
}

TEST(timerfd_counts_missed_periods)
{
	struct timerfd *t = timerfd_new(false);
	struct timerfd_setting old, now;
	u64 ticks, start = port_mono_ns();
	struct timerfd_setting to = {.value = start - 995, .interval = 1000000000000};
	CHECK_EQ(timerfd_set(t, &to, TIMERFD_ABSOLUTE, &old), 0);
	CHECK_EQ(old.value, 0);
	CHECK_EQ(timerfd_events(t), POLLIN);
	CHECK_EQ(ticks_of(t, &ticks), 8);
	CHECK_EQ(ticks, 1);
	CHECK_EQ(ticks_of(t, &ticks), -EAGAIN);
	timerfd_get(t, &now);
	CHECK_EQ(now.interval, to.interval);
	CHECK(now.value > 0 && now.value <= to.interval);
	to = (struct timerfd_setting){.value = start - 1000000, .interval = 1000};
	CHECK_EQ(timerfd_set(t, &to, TIMERFD_ABSOLUTE, &old), 0);
	CHECK_EQ(ticks_of(t, &ticks), 8);
	CHECK(ticks >= 1000);
	to = (struct timerfd_setting){};
	CHECK_EQ(timerfd_set(t, &to, 0, &old), 0);
	CHECK_EQ(old.interval, 1000);
	CHECK_EQ(timerfd_alarm(t), PORT_FOREVER);
	timerfd_free(t);
}

/* Only absolute timers of the wall clock that asked for it hear that it was set; they say so once. */
TEST(timerfd_cancels_when_the_clock_is_set)
{
	struct timerfd *t[3] = {timerfd_new(true), timerfd_new(true), timerfd_new(false)};
	struct timerfd_setting to = {.value = port_real_ns() + 1000000000000}, old;
	static const u32 flags[] = {TIMERFD_ABSOLUTE | TIMERFD_CANCEL, TIMERFD_ABSOLUTE,
	                            TIMERFD_ABSOLUTE | TIMERFD_CANCEL};
	u64 ticks;
	for (int i = 0; i < 3; i++)
		CHECK_EQ(timerfd_set(t[i], &to, flags[i], &old), 0);
	timerfd_clock_set();
	CHECK_EQ(timerfd_events(t[0]), POLLIN);
	CHECK_EQ(ticks_of(t[0], &ticks), -ECANCELED);
	CHECK_EQ(ticks_of(t[0], &ticks), -EAGAIN);
	CHECK_EQ(ticks_of(t[1], &ticks), -EAGAIN);
	CHECK_EQ(ticks_of(t[2], &ticks), -EAGAIN);
	timerfd_clock_set();
	CHECK_EQ(timerfd_set(t[0], &to, flags[0], &old), -ECANCELED);
	CHECK_EQ(ticks_of(t[0], &ticks), -EAGAIN);
	for (int i = 0; i < 3; i++)
		timerfd_free(t[i]);
}
