#include "kernel/sched/run_queue.h"
#include "kernel/sched/tick.h"

u64 idle_cpus;
enum { MAX_LOOKS = 64 }; /* at threads that may be pinned, with a queue locked */

static u64 online_mask(void)
{
	return cpu_count == 64 ? UINT64_MAX : BIT(cpu_count) - 1;
}

/* => the allowed processor that runs the lowest priority below t's, or -1. */
static int cpu_with_lowest(const struct thread *t, u64 allowed)
{
	u32 lowest = t->priority;
	int best = -1;

	for (u64 left = allowed; left; left &= left - 1) {
		u32 cpu = __builtin_ctzll(left);
		u32 priority = load_relaxed(&cpu_ptr(run_queue, cpu)->running)->priority;

		if (priority < lowest || (priority == lowest && best >= 0 && cpu == t->cpu)) {
			lowest = priority;
			best = (int)cpu;
		}
	}
	return best;
}

static u32 cpu_with_fewest(u64 allowed)
{
	u32 best = __builtin_ctzll(allowed), fewest = UINT32_MAX;

	for (u64 left = allowed; left; left &= left - 1) {
		u32 cpu = __builtin_ctzll(left);
		u32 waiting = load_relaxed(&cpu_ptr(run_queue, cpu)->waiting);

		if (waiting < fewest) {
			fewest = waiting;
			best = cpu;
		}
	}
	return best;
}

u32 cpu_choose(struct thread *t)
{
	u64 allowed = t->affinity.bits & online_mask();
	u64 idle = load_relaxed(&idle_cpus) & allowed;
	int lowest;

	if (idle >> t->cpu & 1)
		return t->cpu;
	if (idle)
		return __builtin_ctzll(idle);
	if (t->priority && (lowest = cpu_with_lowest(t, allowed)) >= 0)
		return lowest;
	return allowed >> t->cpu & 1 ? t->cpu : cpu_with_fewest(allowed);
}

/* => a waiting thread that may run on `cpu`, the one that would run last here; locked. */
static struct thread *find_movable(struct run_queue *rq, u32 cpu)
{
	u32 looks = MAX_LOOKS;

	/* Expired ones first: they have longest to wait. */
	for (u32 i = 0; i < 2; i++) {
		struct list *list = i ? rq->active : rq->expired;

		for (struct list *l = list->prev; l != list && looks--; l = l->prev) {
			struct thread *t = list_entry(l, struct thread, run_link);

			if (cpumask_has(t->affinity, cpu))
				return t;
		}
	}
	for (u32 level = RT_LEVELS; rq->rt_waiting && level-- > 1;) {
		struct thread *t;

		list_for_each (t, &rq->rt[level], run_link)
			if (cpumask_has(t->affinity, cpu))
				return t;
	}
	return NULL;
}

/* Moves one waiting thread; no queue is locked. In between t is in no queue, and t->cpu says which lock guards it. */
static bool move_one(struct run_queue *from, u32 cpu)
{
	struct thread *t;

	run_queue_lock(from);
	t = find_movable(from, cpu);
	if (t) {
		run_queue_remove(from, t);
		thread_moved(t, cpu);
	}
	run_queue_unlock(from);
	if (t)
		thread_place(t);
	return t;
}

bool steal_work(void)
{
	struct run_queue *busiest = NULL;
	u32 most = 0;

	for_each_cpu (cpu) {
		struct run_queue *rq = cpu_ptr(run_queue, cpu);
		u32 waiting = load_relaxed(&rq->waiting);

		if (waiting > most && cpu != cpu_id()) {
			most = waiting;
			busiest = rq;
		}
	}
	return busiest && move_one(busiest, cpu_id());
}

void balance_tick(bool spread)
{
	struct run_queue *rq = this_cpu_ptr(run_queue);
	u64 idle = load_relaxed(&idle_cpus);
	u32 cpu;

	if (idle) {
		(void)move_one(rq, __builtin_ctzll(idle));
		return;
	}
	if (!spread)
		return;
	/* An odd thread over goes round, so that three hogs on two processors all get two thirds. */
	cpu = cpu_with_fewest(online_mask());
	if (load_relaxed(&cpu_ptr(run_queue, cpu)->waiting) < rq->waiting)
		(void)move_one(rq, cpu);
}
