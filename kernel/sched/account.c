#include "kernel/sched/account.h"
#include "kernel/sched/policy.h"
#include "kernel/sched/run_queue.h"
#include "kernel/sched/tick.h"
#include "kernel/sync/spinlock.h"

/* A run in progress belongs to the processor it is on; read from afar it is right to within a switch. */
static u64 cycles_used(const struct thread *t)
{
	u64 total = load_relaxed(&t->total_cycles), last_in = load_relaxed(&t->last_in);
	u64 now = clock_cycles();
	u32 cpu = load_relaxed(&t->cpu);

	if (load_relaxed(&cpu_ptr(run_queue, cpu)->running) == t && now > last_in)
		total += now - last_in;
	return total;
}

/* => value * part / whole, for whole and part of 32 bits. */
static u64 share(u64 value, u64 part, u64 whole)
{
	return value / whole * part + value % whole * part / whole;
}

u64 thread_cpu_ns(const struct thread *t)
{
	return clock_cycles_to_ns(cycles_used(t));
}

u64 thread_rt_ns(const struct thread *t)
{
	return clock_cycles_to_ns(cycles_used(t) - load_relaxed(&t->rt_since));
}

static struct spinlock shown_lock = SPINLOCK_INIT(LEAF);

void thread_cpu_times(struct thread *t, u64 *out_user_ns, u64 *out_system_ns)
{
	u64 samples = t->samples_user + t->samples_system;
	u64 total, user;

	GUARD(spin)(&shown_lock);
	total = MAX(thread_cpu_ns(t), t->shown.user_ns + t->shown.system_ns);
	user = samples ? share(total, t->samples_user, samples) : total;
	user = CLAMP(user, t->shown.user_ns, total - t->shown.system_ns);
	*out_user_ns = t->shown.user_ns = user;
	*out_system_ns = t->shown.system_ns = total - user;
}

u64 sched_idle_ns(u32 cpu)
{
	return thread_cpu_ns(cpu_ptr(run_queue, cpu)->idle);
}

void sched_cpu_times(u32 cpu, struct cpu_times *out)
{
	const struct run_queue *rq = cpu_ptr(run_queue, cpu);
	u64 user = rq->load_user, nice = rq->load_nice, system = rq->load_system;
	u64 samples = user + nice + system, up = clock_mono_ns(), idle = sched_idle_ns(cpu);
	u64 busy = up > idle ? up - idle : 0;

	/* Kernel start-up and what no tick saw count as system time. */
	out->idle = idle;
	out->user = samples ? share(busy, user, samples) : 0;
	out->nice = samples ? share(busy, nice, samples) : 0;
	out->system = busy - out->user - out->nice;
}

u64 sched_switches(void)
{
	u64 sum = 0;

	for_each_cpu (cpu)
		sum += load_relaxed(&cpu_ptr(run_queue, cpu)->switches);
	return sum;
}

u32 sched_running(void)
{
	u32 sum = 0;

	for_each_cpu (cpu) {
		const struct run_queue *rq = cpu_ptr(run_queue, cpu);

		sum += load_relaxed(&rq->waiting) + (load_relaxed(&rq->running) != rq->idle);
	}
	return sum;
}

/*
 * Load averages decay by a fixed factor every five seconds, as everywhere; computed when somebody ticks or asks, for all
 * the periods that have passed, with the number of runnable threads found now.
 */
#define LOAD_PERIOD_NS (5 * 1000000000ull + 1)
enum { LOAD_BITS = 11, LOAD_ONE = 1 << LOAD_BITS };
static struct {
	struct spinlock lock; /* class LEAF */
	u64 due_ns;           /* [a] */
	u32 average[3];       /* [l] */
} load = {.lock = SPINLOCK_INIT(LEAF)};

static void load_step(u32 running)
{
	static const u32 decay[3] = {1884, 2014, 2037}; /* LOAD_ONE / exp(5 s / 1, 5, 15 min) */

	for (u32 i = 0; i < 3; i++) {
		u64 active = (u64)running << LOAD_BITS;
		u64 sum = load.average[i] * (u64)decay[i] + active * (LOAD_ONE - decay[i]);

		/* Rounded up while rising, so that it reaches its target. */
		if (active >= load.average[i])
			sum += LOAD_ONE - 1;
		load.average[i] = (u32)(sum >> LOAD_BITS);
	}
}

void loadavg_tick(void)
{
	u64 now = clock_mono_ns();
	u32 running;

	if (likely(now < load_relaxed(&load.due_ns)))
		return;
	running = sched_running();
	GUARD(spin)(&load.lock);
	/* After an hour without a look everything has decayed. */
	if (now > load.due_ns + 720 * LOAD_PERIOD_NS)
		load.due_ns = now - 720 * LOAD_PERIOD_NS;
	for (; load.due_ns <= now; store_relaxed(&load.due_ns, load.due_ns + LOAD_PERIOD_NS))
		load_step(running);
}

void sched_loadavg(u32 out[3])
{
	loadavg_tick();
	GUARD(spin)(&load.lock);
	for (u32 i = 0; i < 3; i++)
		out[i] = load.average[i];
}

void thread_watch_cpu(struct thread *t, u64 every_ns)
{
	u64 every = share(every_ns, clock_scale.hz / 1000, 1000000);

	t->cpu_watch_every = every;
	t->cpu_watch_cycles = every ? cycles_used(t) + every : 0;
	thread_set_nice(t, t->nice); /* weighs it again: needs_tick */
	/* A thread that runs alone at this moment has no tick: make its processor look. */
	if (every)
		thread_set_work(t, THREAD_WORK_RESCHED);
}
