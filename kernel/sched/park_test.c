#include "arch/clock.h"
#include "kernel/lib/test.h"
#include "kernel/sched/test_crew.h"

enum { TURNS = 2000, PAIRS = 3 };

/* Pairs hand a turn back and forth: one lost wake-up and the test hangs. */
static struct pair {
	struct thread *thread[2];
	u32 turn; /* [a] */
} pairs[PAIRS];

static void ping_pong(u32 id)
{
	struct pair *p = &pairs[id / 2];
	u32 me = id % 2;

	store_release(&p->thread[me], thread_current());
	while (!load_acquire(&p->thread[!me]))
		sched_yield_current();
	for (u32 turn = me; turn < TURNS; turn += 2) {
		while (load_acquire(&p->turn) != turn)
			(void)park(PARK_FOREVER, PARK_UNINTERRUPTIBLE);
		store_release(&p->turn, turn + 1);
		unpark(p->thread[!me]);
	}
}

TEST(park_loses_no_wake_up)
{
	for (u32 i = 0; i < PAIRS; i++)
		pairs[i] = (struct pair){};
	crew_run(2 * PAIRS, ping_pong);
	for (u32 i = 0; i < PAIRS; i++)
		CHECK_EQ(pairs[i].turn, TURNS);
}

/* Parks may end for nothing: until it is something. */
static enum park_result park_until_result(u64 deadline, enum park_kind kind)
{
	enum park_result result;

	while ((result = park(deadline, kind)) == PARK_WOKEN)
		;
	return result;
}

TEST(park_takes_a_token_left_before)
{
	unpark(thread_current());
	CHECK_EQ(park(PARK_FOREVER, PARK_UNINTERRUPTIBLE), PARK_WOKEN);
	unpark(thread_current());
	unpark(thread_current());
	CHECK_EQ(park(0, PARK_UNINTERRUPTIBLE), PARK_WOKEN);
	CHECK_EQ(park_until_result(0, PARK_UNINTERRUPTIBLE), PARK_TIMEOUT);
}

TEST(park_times_out_not_before_the_deadline)
{
	for (u64 ns = 1; ns < 5000000; ns *= 7) {
		u64 deadline = clock_mono_ns() + ns;

		while (park(deadline, PARK_UNINTERRUPTIBLE) != PARK_TIMEOUT)
			;
		CHECK(clock_mono_ns() >= deadline);
	}
}

TEST(park_kinds_are_interrupted_by_their_bits)
{
	struct thread *t = thread_current();

	thread_set_work(t, THREAD_WORK_SIGNAL);
	CHECK_EQ(park_until_result(PARK_FOREVER, PARK_INTERRUPTIBLE), PARK_SIGNAL);
	CHECK_EQ(park_until_result(clock_mono_ns() + 1000, PARK_KILLABLE), PARK_TIMEOUT);
	unpark(t);
	CHECK_EQ(park(PARK_FOREVER, PARK_INTERRUPTIBLE), PARK_WOKEN);
	thread_set_work(t, THREAD_WORK_KILL);
	CHECK_EQ(park_until_result(PARK_FOREVER, PARK_STOPPED), PARK_SIGNAL);
	CHECK_EQ(park_until_result(clock_mono_ns() + 1000, PARK_UNINTERRUPTIBLE), PARK_TIMEOUT);
	__atomic_fetch_and(&t->work, ~(u32)(THREAD_WORK_SIGNAL | THREAD_WORK_KILL),
	                   __ATOMIC_RELAXED);
}

/* Deadlines, wake-ups and signals race: whatever wins, the sleeper comes back and its timer is gone. */
static struct thread *sleeper;
static u32 stop, wakes;

static void racer(u32 id)
{
	if (id == 0) {
		store_release(&sleeper, thread_current());
		for (u32 i = 0; i < 500; i++) {
			(void)park(clock_mono_ns() + i * 100, PARK_INTERRUPTIBLE);
			__atomic_fetch_and(&thread_current()->work, ~(u32)THREAD_WORK_SIGNAL,
			                   __ATOMIC_RELAXED);
		}
		store_release(&stop, 1);
		return;
	}
	while (!load_acquire(&sleeper))
		sched_yield_current();
	while (!load_acquire(&stop)) {
		if (id == 1)
			unpark(sleeper);
		else
			thread_set_work(sleeper, THREAD_WORK_SIGNAL);
		wakes++;
		sched_yield_current();
	}
}

TEST(park_survives_racing_outcomes)
{
	sleeper = NULL;
	stop = wakes = 0;
	crew_start(3, racer);
	crew_join();
	CHECK(stop == 1);
}

/*
 * A thread that gives its processor away stays in the queue: another processor may take it at once and have it park while
 * the first one is still leaving it (finish_switch). Taken for parked too early, it would run on two processors.
 */
enum { RING = 8, LAPS = 100 };
static struct thread *ring[RING];
static u32 ring_laps[RING], ring_done;

static void ring_runs(u32 id)
{
	store_release(&ring[id], thread_current());
	for (u32 i = 0; i < RING; i++)
		while (!load_acquire(&ring[i]))
			sched_yield_current();
	for (u32 lap = 0; lap < LAPS; lap++) {
		volatile u32 mine = id << 16 | lap; /* on the stack that two would share */

		sched_yield_current();
		unpark(ring[(id + 1) % RING]);
		(void)park(clock_mono_ns() + 1000000, PARK_UNINTERRUPTIBLE);
		sched_yield_current();
		unpark(ring[(id + 3) % RING]);
		ring_laps[id] += mine == (id << 16 | lap);
	}
	/* Nobody leaves while others may still wake it. */
	__atomic_fetch_add(&ring_done, 1, __ATOMIC_RELEASE);
	while (load_acquire(&ring_done) < RING)
		sched_yield_current();
}

TEST(park_after_giving_way_runs_on_one_processor)
{
	ring_done = 0;
	for (u32 i = 0; i < RING; i++) {
		ring[i] = NULL;
		ring_laps[i] = 0;
	}
#if DEBUG_BUILD
	store_relaxed(&sched_test_linger, 300u);
	crew_run(RING, ring_runs);
	store_relaxed(&sched_test_linger, 0u);
#else
	crew_run(RING, ring_runs);
#endif
	for (u32 i = 0; i < RING; i++)
		CHECK_EQ(ring_laps[i], LAPS);
}
