#include "kernel/sched/run_queue.h"
#include "kernel/lib/bug.h"

s64 sched_slice, sched_rr_slice;
u32 sched_preempt_margin;

/*
 * Shares: 1024 * 1.25^-nice, the weights that sched(7) promises about ten per cent of processor for each step.
 * SCHED_IDLE: 3.
 */
static const u32 nice_weight[40] = {
	88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
	9548,  7620,  6100,  4904,  3906,  3121,  2501,  1991,  1586,  1277,
	1024,  820,   655,   526,   423,   335,   272,   215,   172,   137,
	110,   87,    70,    56,    45,    36,    29,    23,    18,    15,
};
enum { WEIGHT_NICE_0 = 1024, WEIGHT_IDLE = 3, DEBT_SLICES = 32 };

void thread_weigh(struct thread *t)
{
	u32 weight = t->policy == SCHED_IDLE ? WEIGHT_IDLE : nice_weight[t->nice + 20];

	if (t->policy == SCHED_FIFO || t->policy == SCHED_RR)
		t->charge = t->policy == SCHED_RR ? CHARGE_ONE : 0;
	else
		t->charge = (u64)WEIGHT_NICE_0 * CHARGE_ONE / weight;
	t->priority = MAX(t->rt_priority, t->boost);
	t->needs_tick = t->cpu_watch_cycles || weight < WEIGHT_NICE_0;
}

struct run_queue *run_queue_lock_of(struct thread *t)
{
	for (;;) {
		u32 cpu = load_relaxed(&t->cpu);
		struct run_queue *rq = cpu_ptr(run_queue, cpu);

		run_queue_lock(rq);
		if (likely(load_relaxed(&t->cpu) == cpu))
			return rq;
		run_queue_unlock(rq);
	}
}

/* What a thread overran is held against it in the next epochs. */
void slice_refresh(struct run_queue *rq, struct thread *t)
{
	s64 debt = CLAMP(t->slice, -DEBT_SLICES * sched_slice, (s64)0);

	t->slice = sched_slice + debt;
	t->epoch = rq->epoch;
}

/* The active list is empty, or its first thread has not had its slice of this epoch yet. => the first that has some
 * slice left, perhaps of a later epoch, or the idle thread. */
static struct thread *fair_pick(struct run_queue *rq)
{
	/* Ends: each epoch adds a slice to everybody, and debts are bounded. */
	while (rq->waiting) {
		struct thread *t;

		if (list_empty(rq->active)) {
			struct list *empty = rq->active;

			rq->active = rq->expired;
			rq->expired = empty;
			rq->epoch++;
			continue;
		}
		t = list_first(rq->active, struct thread, run_link);
		list_del(&t->run_link);
		rq->waiting--;
		if (t->epoch != rq->epoch)
			slice_refresh(rq, t);
		if (t->slice > 0)
			return t;
		fair_enqueue(rq, t, false);
	}
	return rq->idle;
}

bool run_queue_preempts_slow(const struct run_queue *rq, const struct thread *t)
{
	const struct thread *r = rq->running;

	if (r == rq->idle || t->priority != r->priority)
		return r == rq->idle || t->priority > r->priority;
	if (t->priority || t->policy == SCHED_IDLE)
		return false;
	if (r->policy == SCHED_IDLE)
		return true;
	/* sched(7): a batch thread is taken for a hog, and disturbs nobody. */
	return t->policy != SCHED_BATCH &&
	       t->slice >
	               r->slice + sched_preempt_margin - slice_cost(r, clock_cycles() - r->last_in);
}

void rt_enqueue(struct run_queue *rq, struct thread *t, bool at_head)
{
	struct list *level = &rq->rt[t->priority];

	if (at_head)
		list_add(level, &t->run_link);
	else
		list_add_tail(level, &t->run_link);
	rq->rt_bits[t->priority / 64] |= BIT(t->priority % 64);
	rq->rt_waiting++;
	rq->waiting++;
}

static void rt_remove(struct run_queue *rq, struct thread *t)
{
	list_del(&t->run_link);
	if (list_empty(&rq->rt[t->priority]))
		rq->rt_bits[t->priority / 64] &= ~BIT(t->priority % 64);
	rq->rt_waiting--;
	rq->waiting--;
}

/* => NULL while real-time threads are held back. */
static struct thread *rt_pick(struct run_queue *rq)
{
	u32 level = rq->rt_bits[1] ? 127 - __builtin_clzll(rq->rt_bits[1])
	                           : 63 - __builtin_clzll(rq->rt_bits[0]);
	struct thread *t = list_first(&rq->rt[level], struct thread, run_link);

	if (unlikely(rq->rt_held_until_ns)) {
		if (rq->waiting > rq->rt_waiting && clock_mono_ns() < rq->rt_held_until_ns)
			return NULL;
		rq->rt_held_until_ns = 0;
	}
	rt_remove(rq, t);
	return t;
}

struct thread *run_queue_pick_slow(struct run_queue *rq)
{
	struct thread *t = rq->rt_waiting ? rt_pick(rq) : NULL;

	return t ? t : fair_pick(rq);
}

void run_queue_remove(struct run_queue *rq, struct thread *t)
{
	if (t->priority) {
		rt_remove(rq, t);
		return;
	}
	list_del(&t->run_link);
	rq->waiting--;
}

void run_queue_kick(struct run_queue *rq)
{
	u32 old;

	rq->preempt = true;
	if (rq->running == rq->idle)
		__atomic_fetch_and(&idle_cpus, ~BIT(rq->cpu), __ATOMIC_RELAXED);
	old = __atomic_fetch_or(&rq->running->work, THREAD_WORK_RESCHED, __ATOMIC_SEQ_CST);
	if (!(old & THREAD_WORK_RESCHED) && rq->cpu != cpu_id())
		rq->ipi_wanted = true;
}
