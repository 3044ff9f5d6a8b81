#include "kernel/lib/string.h"
#include "kernel/lib/test.h"
#include "kernel/sched/account.h"
#include "kernel/sched/policy.h"
#include "kernel/sched/run_queue.h"
#include "kernel/sched/test_crew.h"

/* All of a crew on the processor of the test, so that who runs is this queue's decision alone. */
static void pin_here(void)
{
	static struct cpumask here;

	if (thread_current()->name[0] != 'c')
		here.bits = BIT(cpu_id());
	CHECK_EQ(thread_set_affinity(thread_current(), here), 0);
	CHECK(cpumask_has(here, cpu_id()));
}

static u32 order[8], order_count;
static u32 gate, helpers_done; /* [a] */

static void runs_by_priority(u32 id)
{
	static const u8 priority[] = {10, 50, 0, 99, 50};

	pin_here();
	thread_set_policy(thread_current(), priority[id] ? SCHED_FIFO : SCHED_OTHER, priority[id]);
	while (!load_acquire(&gate))
		(void)park(PARK_FOREVER, PARK_UNINTERRUPTIBLE);
	order[order_count++] = id;
}

TEST(sched_real_time_runs_by_priority_then_arrival)
{
	static const u32 want[] = {3, 1, 4, 0, 2};
	struct thread *crew[5];

	pin_here();
	thread_set_policy(thread_current(), SCHED_FIFO, 99);
	gate = order_count = 0;
	crew_start_keep(5, runs_by_priority, crew);
	thread_set_policy(thread_current(), SCHED_OTHER, 0);
	for (u32 i = 0; i < 5; i++)
		crew_wait_parked(crew[i]);
	thread_set_policy(thread_current(), SCHED_FIFO, 99);
	store_release(&gate, 1);
	for (u32 i = 0; i < 5; i++)
		unpark(crew[i]);
	crew_join();
	thread_set_policy(thread_current(), SCHED_OTHER, 0);
	CHECK_EQ(order_count, 5);
	for (u32 i = 0; i < 5; i++)
		CHECK_EQ(order[i], want[i]);
}

/* A run queue of threads that only exist on paper, and a clock that the test moves. */
static struct thread paper[5];
static struct run_queue desk;

static void desk_set_up(const s8 *nice, u32 count)
{
	memset(&desk, 0, sizeof(desk));
	list_init(&desk.fair[0]);
	list_init(&desk.fair[1]);
	desk.active = &desk.fair[0];
	desk.expired = &desk.fair[1];
	for (u32 i = 0; i < count; i++) {
		memset(&paper[i], 0, sizeof(paper[i]));
		paper[i].nice = nice[i];
		thread_weigh(&paper[i]);
		list_init(&paper[i].run_link);
		slice_refresh(&desk, &paper[i]);
		fair_enqueue(&desk, &paper[i], false);
	}
}

/* Runs whoever is picked until its slice is used up or the tick comes, `turns` times. */
static void desk_run(u32 turns)
{
	u64 now = 1000;

	for (u32 i = 0; i < turns; i++) {
		struct thread *t = run_queue_pick(&desk);
		u64 left = (u64)MAX(t->slice, 0) * 65536 / t->charge;

		t->last_in = now;
		now += CLAMP(left, (u64)sched_slice / 4, (u64)sched_slice);
		run_charge(t, now);
		if (t->epoch != desk.epoch)
			slice_refresh(&desk, t);
		fair_enqueue(&desk, t, false);
	}
}

TEST(sched_shares_follow_nice)
{
	static const s8 nice[5] = {0, 5, -5, 0, 15};
	static const u64 weight[5] = {1024, 335, 3121, 1024, 36};
	u64 sum = 0, weights = 0;

	desk_set_up(nice, 5);
	desk_run(40000);
	CHECK_EQ(desk.waiting, 5);
	for (u32 i = 0; i < 5; i++) {
		sum += paper[i].total_cycles;
		weights += weight[i];
	}
	for (u32 i = 0; i < 5; i++) {
		u64 permille = paper[i].total_cycles * 1000 / sum;
		u64 want = weight[i] * 1000 / weights;

		if (permille > want + 8 || permille + 8 < want)
			test_fail(__FILE__, __LINE__, "nice %d: expected %llu per mille, got %llu",
			          nice[i], (unsigned long long)want, (unsigned long long)permille);
	}
}

TEST(sched_all_in_debt_get_on)
{
	static const s8 nice[5] = {19, 19, 19, 19, 19};

	desk_set_up(nice, 5);
	desk_run(1000);
	for (u32 i = 0; i < 5; i++)
		CHECK(paper[i].total_cycles > 0 &&
		      paper[i].total_cycles < 2 * paper[(i + 1) % 5].total_cycles);
}

static void real_time_hog(u32 id)
{
	pin_here();
	if (id == 0) {
		thread_set_policy(thread_current(), SCHED_FIFO, 50);
		while (!load_acquire(&gate))
			cond_resched();
		return;
	}
	store_release(&gate, 1);
}

TEST(sched_real_time_hog_leaves_a_rest)
{
	pin_here();
	gate = 0;
	crew_run(2, real_time_hog);
	CHECK_EQ(gate, 1);
}

static void sleepy_or_hog(u32 id)
{
	pin_here();
	if (id) {
		while (!load_acquire(&gate))
			cond_resched();
		return;
	}
	/* Hogs all around, and it still gets its turns. */
	for (u32 i = 0; i < 30; i++)
		while (park(clock_mono_ns() + 1000000, PARK_UNINTERRUPTIBLE) != PARK_TIMEOUT)
			;
	store_release(&gate, 1);
}

TEST(sched_sleeper_is_not_starved_by_hogs)
{
	pin_here();
	gate = 0;
	crew_run(4, sleepy_or_hog);
}

static u32 visited[MAX_CPUS];

static void wanders(u32 id)
{
	for (u32 i = 0; i < 100; i++) {
		u32 cpu = (i + id) % cpu_count;

		CHECK_EQ(thread_set_affinity(thread_current(), (struct cpumask){BIT(cpu)}), 0);
		CHECK_EQ(cpu_id(), cpu);
		visited[cpu]++;
		sched_yield_current();
		CHECK_EQ(cpu_id(), cpu);
	}
}

TEST(sched_affinity_moves_at_once)
{
	crew_run(4, wanders);
	for_each_cpu (cpu)
		CHECK(visited[cpu] > 0);
	CHECK_EQ(thread_set_affinity(thread_current(), (struct cpumask){0}), -EINVAL);
}

/* Somebody else's policy and affinity change under a thread that sleeps, waits and runs. */
static struct thread *victim;

static void meddles(u32 id)
{
	if (id == 0) {
		store_release(&victim, thread_current());
		for (u32 i = 0; i < 400; i++)
			(void)park(clock_mono_ns() + 20000, PARK_UNINTERRUPTIBLE);
		store_release(&gate, 1);
		/* Perhaps a real-time thread by now: the others run only while it sleeps. */
		while (load_acquire(&helpers_done) < 2)
			(void)park(clock_mono_ns() + 1000000, PARK_UNINTERRUPTIBLE);
		return;
	}
	while (!load_acquire(&victim))
		sched_yield_current();
	for (u32 i = 0; !load_acquire(&gate); i++) {
		if (id == 1)
			CHECK_EQ(thread_set_affinity(victim, (struct cpumask){BIT(i % cpu_count)}),
			         0);
		else if (i % 4 < 2)
			thread_set_policy(victim, i % 2 ? SCHED_RR : SCHED_FIFO, 1 + i % 90);
		else
			thread_set_policy(victim, SCHED_OTHER, 0);
		unpark(victim);
		sched_yield_current();
	}
	thread_set_policy(victim, SCHED_OTHER, 0);
	__atomic_fetch_add(&helpers_done, 1, __ATOMIC_RELEASE);
}

TEST(sched_survives_changes_from_outside)
{
	victim = NULL;
	gate = helpers_done = 0;
	crew_run(3, meddles);
	CHECK_EQ(helpers_done, 2);
}

TEST(sched_accounts_what_was_used)
{
	struct thread *t = thread_current();
	u64 before = thread_cpu_ns(t), start = clock_mono_ns(), user, system, again, again_system;

	while (clock_mono_ns() - start < 3000000)
		cpu_relax();
	CHECK(thread_cpu_ns(t) > before);
	thread_cpu_times(t, &user, &system);
	thread_cpu_times(t, &again, &again_system);
	CHECK(again >= user && again_system >= system);
}
