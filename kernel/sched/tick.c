#include "kernel/sched/account.h"
#include "kernel/sched/run_queue.h"
#include "kernel/sched/tick.h"
#include "kernel/sched/timer.h"

enum { MIN_TICK_NS = 1000000, SPREAD_TICKS = 16 };
/* sched(7), "Limiting the CPU usage of real-time and deadline processes": a twentieth of each second is left to others. */
enum { RT_RUNTIME_NS = 950000000, RT_REST_NS = 50000000 };

void sched_init(void)
{
	sched_slice = (s64)(clock_scale.hz * (SLICE_NS / 1000) / 1000000);
	sched_preempt_margin = (u32)(sched_slice >> 3);
	sched_rr_slice = (s64)(clock_scale.hz * (RR_SLICE_NS / 1000) / 1000000);
}

/* => how long the running thread may go on before the tick has to look. */
static u64 tick_distance(const struct thread *t)
{
	u64 left = RR_SLICE_NS;

	if (t->charge)
		left = clock_cycles_to_ns((u64)MAX(t->slice, 0) * 65536 / t->charge);
	if (!t->priority)
		left = MIN(left, (u64)SLICE_NS);
	return MAX(left, (u64)MIN_TICK_NS);
}

void tick_start(struct run_queue *rq)
{
	u64 due;

	if (rq->cpu != cpu_id()) {
		/* Only a processor itself sets its alarm: schedule() over there does it. */
		u32 old = __atomic_fetch_or(&rq->running->work, THREAD_WORK_RESCHED,
		                            __ATOMIC_SEQ_CST);

		if (!(old & THREAD_WORK_RESCHED))
			rq->ipi_wanted = true;
		return;
	}
	if (!rq->waiting && !rq->running->cpu_watch_cycles)
		return;
	due = clock_mono_ns() + tick_distance(rq->running);
	if (rq->tick_armed && due >= rq->tick_ns)
		return;
	rq->tick_armed = true;
	rq->tick_ns = due;
	alarm_request(due);
}

/* Where did the interrupt find the thread? -1 in orig_rax: not in a system call. */
static void sample(struct run_queue *rq, struct thread *t)
{
	if (t == rq->idle)
		return;
	if (!t->aspace || arch_thread_regs(&t->arch)->orig_rax != (u64)-1) {
		t->samples_system++;
		rq->load_system++;
		return;
	}
	t->samples_user++;
	if (t->nice > 0)
		rq->load_nice++;
	else
		rq->load_user++;
}

static const struct thread *first_fair(const struct run_queue *rq)
{
	return list_first(list_empty(rq->active) ? rq->expired : rq->active, struct thread,
	                  run_link);
}

/* Real-time threads keep all others from this processor, or have been held back long enough. => true: think again. */
static bool watch_real_time(struct run_queue *rq, u64 now)
{
	const struct thread *first;

	if (rq->rt_held_until_ns) {
		if (now < rq->rt_held_until_ns)
			return false;
		rq->rt_held_until_ns = 0;
		return rq->rt_waiting;
	}
	if (!rq->running->priority || rq->waiting == rq->rt_waiting) {
		rq->starved = NULL;
		return false;
	}
	first = first_fair(rq);
	if (rq->starved != first || rq->starved_cycles != first->total_cycles) {
		rq->starved = first;
		rq->starved_cycles = first->total_cycles;
		rq->starved_since_ns = now;
	}
	if (now - rq->starved_since_ns < RT_RUNTIME_NS)
		return false;
	rq->rt_held_until_ns = now + RT_REST_NS;
	rq->starved = NULL;
	return true;
}

/* => true when the running thread has had its turn. */
static bool turn_is_over(const struct run_queue *rq, const struct thread *t)
{
	if (!rq->waiting)
		return false;
	if (t->priority)
		return t->policy == SCHED_RR && t->slice <= 0;
	return t->slice <= 0 || !list_empty(rq->active);
}

void sched_tick(void)
{
	struct run_queue *rq = this_cpu_ptr(run_queue);
	struct thread *t = thread_current();
	u64 now;

	if (!rq->tick_armed)
		return;
	now = clock_mono_ns();
	if (now < rq->tick_ns) {
		/* The alarm went off for a timer; timers_run() set it for the next timer only. */
		alarm_request(rq->tick_ns);
		return;
	}
	run_queue_lock(rq);
	rq->tick_armed = false;
	sample(rq, t);
	if (t != rq->idle) {
		run_charge(t, clock_cycles());
		if (watch_real_time(rq, now) || turn_is_over(rq, t))
			run_queue_kick(rq);
		else if (rq->waiting || t->cpu_watch_cycles)
			tick_start(rq);
	}
	rq->ticks++;
	run_queue_unlock(rq);
	if (t->cpu_watch_cycles && t->total_cycles >= t->cpu_watch_cycles) {
		t->cpu_watch_cycles = t->total_cycles + t->cpu_watch_every;
		thread_cpu_watch_due(t);
	}
	if (rq->waiting)
		balance_tick(rq->ticks % SPREAD_TICKS == 0);
	loadavg_tick();
}
