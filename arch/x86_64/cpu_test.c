/* What only several processors can test: the queue of a spinlock, calls between processors, clocks. */
#include "arch/clock.h"
#include "arch/cpu.h"
#include "arch/spinlock.h"
#include "arch/x86_64/internal.h"
#include "kernel/lib/result.h"
#include "kernel/lib/test.h"
#include "kernel/sched/policy.h"
#include "kernel/sched/thread.h"

/* Runs fn on every processor at once and waits for all. */
struct crowd {
	void (*fn)(u32 cpu);
	struct thread *runner;
	u32 next_cpu, running; /* [a] */
};
static void crowd_thread(void *arg)
{
	struct crowd *c = arg;
	struct thread *runner = c->runner;
	u32 cpu = __atomic_fetch_add(&c->next_cpu, 1, __ATOMIC_RELAXED);
	CHECK_EQ(thread_set_affinity(thread_current(), (struct cpumask){BIT(cpu)}), 0);
	CHECK_EQ(cpu_id(), cpu);
	c->fn(cpu);
	__atomic_fetch_sub(&c->running, 1, __ATOMIC_RELEASE);
	unpark(runner);
}
static void on_every_cpu(void (*fn)(u32 cpu))
{
	struct crowd c = {.fn = fn, .runner = thread_current(), .running = cpu_count};
	for_each_cpu (i) {
		if (is_err(kthread_start(crowd_thread, &c, "crowd"))) {
			CHECK(!"a thread");
			__atomic_fetch_sub(&c.running, 1, __ATOMIC_RELAXED);
		}
	}
	while (load_acquire(&c.running))
		park(PARK_FOREVER, PARK_UNINTERRUPTIBLE);
}

/* Of the queue fewer: each hand-over to a processor that the host has not scheduled waits for the host. */
enum { ROUNDS = 2000, QUEUE_ROUNDS = 100 };

static struct raw_spinlock contended;
static u32 counter, inside;

static void lock_many_times(void (*lock)(struct raw_spinlock *l), int rounds)
{
	for (int i = 0; i < rounds; i++) {
		lock(&contended);
		CHECK_EQ(__atomic_exchange_n(&inside, 1, __ATOMIC_RELAXED), 0);
		counter++;
		store_relaxed(&inside, 0);
		raw_spin_unlock(&contended);
	}
}
static void lock_as_machine_wants(u32 cpu)
{
	lock_many_times(raw_spin_lock, ROUNDS);
}
static void lock_queued(u32 cpu)
{
	lock_many_times(raw_spin_lock_queued, QUEUE_ROUNDS);
}
TEST(spinlock_excludes_and_ends_free)
{
	counter = 0;
	on_every_cpu(lock_as_machine_wants);
	CHECK_EQ(counter, ROUNDS * cpu_count);
	CHECK_EQ(contended.word, 0);
}
TEST(spinlock_queue_excludes_and_ends_free)
{
	counter = 0;
	on_every_cpu(lock_queued);
	CHECK_EQ(counter, QUEUE_ROUNDS * cpu_count);
	CHECK_EQ(contended.word, 0);
}

TEST(spinlock_trylock_refuses_a_held_lock)
{
	struct raw_spinlock l = {0};
	CHECK(raw_spin_trylock(&l));
	CHECK(!raw_spin_trylock(&l));
	raw_spin_unlock(&l);
	CHECK(raw_spin_trylock(&l));
}

static u64 called; /* [a] */
static void record_call(void *arg)
{
	__atomic_fetch_or(&called, BIT(cpu_id()), __ATOMIC_RELAXED);
	__atomic_fetch_add((u32 *)arg, 1, __ATOMIC_RELAXED);
}
static u64 all_cpus(void)
{
	return cpu_count == 64 ? ~0ull : BIT(cpu_count) - 1;
}
TEST(ipi_call_runs_once_on_each_processor)
{
	u32 times = 0;
	called = 0;
	ipi_call(all_cpus(), record_call, &times);
	CHECK_EQ(times, cpu_count);
	CHECK_EQ(called, all_cpus());
	ipi_call(0, record_call, &times);
	CHECK_EQ(times, cpu_count);
}

static u32 calls_all; /* [a] */
static void call_everyone(u32 cpu)
{
	for (int i = 0; i < 100; i++)
		ipi_call(all_cpus(), record_call, &calls_all);
}
TEST(ipi_call_from_all_at_once_does_not_deadlock)
{
	calls_all = 0;
	on_every_cpu(call_everyone);
	CHECK_EQ(calls_all, 100 * cpu_count * cpu_count);
}

static u64 latest; /* [l] contended: the latest time that anybody saw */
static void watch_clock(u32 cpu)
{
	for (int i = 0; i < ROUNDS; i++) {
		raw_spin_lock(&contended);
		u64 now = clock_mono_ns();
		if (now < latest)
			test_fail(__FILE__, __LINE__, "clock went back by %llu ns",
			          (unsigned long long)(latest - now));
		latest = now;
		raw_spin_unlock(&contended);
	}
}
TEST(clock_is_monotonic_over_processors)
{
	on_every_cpu(watch_clock);
}

TEST(clock_scale_converts_without_overflow)
{
	u64 year = clock_scale.hz * 86400 * 365;
	u64 ns = clock_cycles_to_ns(year), want = 86400ull * 365 * 1000000000;
	CHECK(ns > want - want / 1000000 && ns < want + want / 1000000);
	CHECK_EQ(mul_div_u64(1ull << 63, 6, 12), 1ull << 62);
}

TEST(clock_battery_shows_this_century)
{
	CHECK(clock_rtc_seconds() > 1577836800ull); /* 2020 */
	CHECK(clock_rtc_seconds() < 4102444800ull); /* 2100 */
}
