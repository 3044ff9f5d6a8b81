#include "kernel/sched/timer.h"
#include "arch/clock.h"
#include "kernel/lib/test.h"
#include "kernel/sched/test_crew.h"

enum { COUNT = 60 };
struct probe {
	struct timer timer;
	u64 deadline, fired; /* fired: position in the order, 0 never */
	bool early;
};
static struct probe probes[COUNT];
static u64 fired; /* [a] */
static struct thread *waiter;

static void probe_fired(struct timer *t)
{
	struct probe *p = container_of(t, struct probe, timer);

	p->early = clock_mono_ns() < p->deadline;
	p->fired = __atomic_add_fetch(&fired, 1, __ATOMIC_RELAXED);
	unpark(waiter);
}

static void wait_fired(u64 count)
{
	while (load_acquire(&fired) < count)
		(void)park(PARK_FOREVER, PARK_UNINTERRUPTIBLE);
}

TEST(timers_fire_in_order_and_never_early)
{
	u64 start = clock_mono_ns() + 2000000;
	u32 cancelled = 0;

	fired = 0;
	waiter = thread_current();
	for (u32 i = 0; i < COUNT; i++) {
		struct probe *p = &probes[i];

		*p = (struct probe){.deadline = start + i * 7919 % COUNT * 20000};
		timer_init(&p->timer, probe_fired);
		timer_arm(&p->timer, p->deadline);
	}
	for (u32 i = 0; i < COUNT; i += 5)
		cancelled += timer_cancel_sync(&probes[i].timer);
	wait_fired(COUNT - cancelled);
	for (u32 i = 0; i < COUNT; i++) {
		CHECK(!probes[i].early);
		for (u32 j = 0; j < COUNT; j++)
			CHECK(!probes[i].fired || !probes[j].fired ||
			      probes[i].deadline >= probes[j].deadline ||
			      probes[i].timer.cpu != probes[j].timer.cpu ||
			      probes[i].fired < probes[j].fired);
	}
}

TEST(timer_re_arms_and_cancels)
{
	struct probe p = {};

	fired = 0;
	waiter = thread_current();
	timer_init(&p.timer, probe_fired);
	CHECK(!timer_cancel(&p.timer));
	timer_arm(&p.timer, clock_mono_ns() + 1000000000000);
	CHECK(timer_armed(&p.timer));
	p.deadline = clock_mono_ns() + 100000;
	timer_arm(&p.timer, p.deadline);
	wait_fired(1);
	CHECK(!p.early && !timer_armed(&p.timer));
	timer_arm(&p.timer, UINT64_MAX);
	CHECK(timer_cancel_sync(&p.timer));
	CHECK_EQ(fired, 1);
}

static struct timer storm_timer;
static u32 storm_runs;

static void storm_fired(struct timer *t)
{
	__atomic_fetch_add(&storm_runs, 1, __ATOMIC_RELAXED);
}

/* One arms, others cancel, on whichever processor: nothing may be lost from a tree or be in two. */
static void storm(u32 id)
{
	for (u32 i = 0; i < 300; i++) {
		if (id == 0)
			timer_arm(&storm_timer, clock_mono_ns() + i * 37 % 50000);
		else
			(void)timer_cancel_sync(&storm_timer);
		sched_yield_current();
	}
}

TEST(timer_cancel_races_with_arming)
{
	timer_init(&storm_timer, storm_fired);
	crew_run(3, storm);
	(void)timer_cancel_sync(&storm_timer);
	CHECK(!timer_armed(&storm_timer));
}
