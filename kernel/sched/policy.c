#include "kernel/sched/policy.h"
#include "kernel/sched/run_queue.h"

/* Changes fields of t that its place in the queue depends on: taken out, changed, put back. */
#define CHANGE_QUEUED(rq, t, at_head, change)                                                      \
	do {                                                                                       \
		bool queued_ = list_linked(&(t)->run_link);                                        \
		if (queued_)                                                                       \
			run_queue_remove(rq, t);                                                   \
		change;                                                                            \
		settle(rq, t, queued_, at_head);                                                   \
	} while (0)

/* After a change of t's parameters: queues it again, and looks who should run. Locked. */
static void settle(struct run_queue *rq, struct thread *t, bool queued, bool at_head)
{
	u32 old = t->priority;

	thread_weigh(t);
	if (queued) {
		if (t->priority) {
			rt_enqueue(rq, t, at_head);
		} else {
			if (t->epoch != rq->epoch)
				slice_refresh(rq, t);
			fair_enqueue(rq, t, false);
		}
		if (run_queue_preempts(rq, t))
			run_queue_kick(rq);
	} else if (rq->running == t && !t->priority && t->epoch != rq->epoch) {
		slice_refresh(rq, t);
	}
	if (rq->running == t && t->priority < old && rq->waiting) {
		run_queue_kick(rq);
	}
}

void thread_set_policy(struct thread *t, u8 policy, u8 rt_priority)
{
	struct run_queue *rq = run_queue_lock_of(t);

	if (rq->running == t)
		run_charge(t, clock_cycles());
	if (!t->rt_priority)
		t->rt_since = t->total_cycles;
	/* sched(7): raised goes to the tail of its new list, lowered to the head. */
	CHANGE_QUEUED(rq, t, rt_priority < t->priority, {
		t->policy = policy;
		t->rt_priority = rt_priority;
		t->slice = policy == SCHED_RR ? sched_rr_slice : sched_slice;
	});
	run_queue_unlock_send(rq);
}

void thread_set_nice(struct thread *t, s8 nice)
{
	struct run_queue *rq = run_queue_lock_of(t);

	if (rq->running == t)
		run_charge(t, clock_cycles());
	CHANGE_QUEUED(rq, t, true, t->nice = nice);
	run_queue_unlock_send(rq);
}

void thread_boost(struct thread *t, u8 priority)
{
	struct run_queue *rq = run_queue_lock_of(t);

	if (t->boost != priority)
		CHANGE_QUEUED(rq, t, priority < t->priority, t->boost = priority);
	run_queue_unlock_send(rq);
}

int thread_set_affinity(struct thread *t, struct cpumask mask)
{
	struct run_queue *rq;
	bool queued;

	mask.bits &= cpu_count == 64 ? UINT64_MAX : BIT(cpu_count) - 1;
	if (!mask.bits)
		return -EINVAL;
	rq = run_queue_lock_of(t);
	t->affinity = mask;
	if (cpumask_has(mask, rq->cpu)) {
		run_queue_unlock_send(rq);
		return 0;
	}
	queued = list_linked(&t->run_link);
	if (queued)
		run_queue_remove(rq, t); /* ours now: in no queue, as a thread that was woken */
	else if (rq->running == t)
		run_queue_kick(rq);
	run_queue_unlock_send(rq);
	if (queued)
		thread_place(t);
	else if (t == thread_current())
		schedule();
	return 0;
}

u64 thread_interval_ns(const struct thread *t)
{
	if (t->policy == SCHED_FIFO)
		return 0;
	if (t->policy == SCHED_RR)
		return RR_SLICE_NS;
	return (u64)SLICE_NS * 65536 / t->charge;
}
