#include "kernel/sched/run_queue.h"
#include "kernel/lib/bug.h"
#include "kernel/mm/aspace.h"
#include "kernel/sched/realtime.h"
#include "kernel/sched/softirq.h"
#include "kernel/sched/timer.h"

PERCPU(struct thread *, current);
PERCPU(struct run_queue, run_queue);

/* What prev asked for when it left; the run queue is unlocked already. */
static NOINLINE void finish_leaving(struct thread *prev)
{
	if (prev->leaving == THREAD_MOVES)
		thread_place(prev);
	else
		prev->release(prev);
}

/* First code of a thread that has been switched to. */
#if DEBUG_BUILD
u32 sched_test_linger;
static ALWAYS_INLINE u32 sched_linger(void)
{
	return load_relaxed(&sched_test_linger);
}
#else
static ALWAYS_INLINE u32 sched_linger(void)
{
	return 0;
}
#endif

static ALWAYS_INLINE void finish_switch(struct thread *prev)
{
	u32 parking = PARK_PARKING;
	/* Read before the unlock: a prev that stays runnable may then be taken by another processor, run there, and be in
	 * the middle of parking, or be gone. */
	u8 leaving = prev->leaving;

	run_queue_unlock(this_cpu_ptr(run_queue));
	for (u32 i = sched_linger(); i; i--)
		cpu_relax();
	if (likely(leaving == THREAD_PARKS)) {
		/* From this store on, an unparker queues prev and it may run, or even be freed, elsewhere. When the token came
		 * first, queueing is up to us. */
		if (unlikely(!__atomic_compare_exchange_n(&prev->park_token, &parking, PARK_PARKED,
		                                          false, __ATOMIC_RELEASE,
		                                          __ATOMIC_RELAXED)))
			thread_place(prev);
	} else if (unlikely(leaving != THREAD_STAYS)) {
		finish_leaving(prev);
	}
}

void thread_switched_in(struct thread *prev)
{
	lockdep_acquire(this_cpu_ptr(run_queue), LOCK_CLASS_RUNQ);
	finish_switch(prev);
}

/* prev is charged up to `now`, and queued if it stays runnable here; next needs no tick, or it is armed; rq is locked, and
 * unlocked when this returns, which for prev is when it runs again, perhaps on another processor. */
static ALWAYS_INLINE void switch_ticking(struct run_queue *rq, struct thread *prev,
                                         struct thread *next, u64 now)
{
	next->last_in = now;
	/* Locked: thread_set_work() on another processor sets its bit, then looks here; we look at the bit later. */
	(void)__atomic_exchange_n(&rq->running, next, __ATOMIC_SEQ_CST);
	rq->switches++;
	if (next->aspace && next->aspace != prev->aspace)
		aspace_load(next->aspace);
	lockdep_release(rq);
	this_cpu(current) = next;
	compiler_barrier();
	/* An interrupt recorded before this line marked prev. */
	if (unlikely(this_cpu(irq_pending)))
		__atomic_fetch_or(&next->work, THREAD_WORK_IRQ, __ATOMIC_RELAXED);
	prev = arch_switch(prev, next);
	lockdep_acquire(this_cpu_ptr(run_queue), LOCK_CLASS_RUNQ);
	finish_switch(prev);
}

static ALWAYS_INLINE void switch_to(struct run_queue *rq, struct thread *prev, struct thread *next,
                                    u64 now)
{
	if (unlikely(next->needs_tick || (rq->waiting && !rq->tick_armed))) {
		rq->running = next; /* it is for next's sake */
		tick_start(rq);
	}
	switch_ticking(rq, prev, next, now);
}

/*
 *	park					unpark			thread_set_work
 *	park_kind = kind			condition = true	work |= bits
 *	token: NONE -> PARKING (locked)		token <- NOTIFIED	(locked)
 *	work? give up				(locked exchange)	token PARKING or PARKED? unpark
 *
 * Each side stores, with a locked instruction, before it looks: one of them sees the other.
 */
/* There is work to do before this thread sleeps: a signal, which ends the park, or interrupts. */
static NOINLINE enum park_result park_not_now(struct thread *t, enum park_kind kind)
{
	u32 token = PARK_PARKING;

	if (!__atomic_compare_exchange_n(&t->park_token, &token, PARK_NONE, false, __ATOMIC_SEQ_CST,
	                                 __ATOMIC_RELAXED)) {
		(void)__atomic_exchange_n(&t->park_token, PARK_NONE, __ATOMIC_SEQ_CST);
		return PARK_WOKEN;
	}
	if (load_relaxed(&t->work) & (u32)kind)
		return PARK_SIGNAL;
	softirq_run();
	return PARK_WOKEN;
}

/* t wakes up, or had a token and did not sleep. */
static ALWAYS_INLINE enum park_result park_over(struct thread *t)
{
	/* A locked exchange: a plain store could overtake the caller's next look at its condition and wipe out the
	 * token of somebody who changed it in between. */
	(void)__atomic_exchange_n(&t->park_token, PARK_NONE, __ATOMIC_SEQ_CST);
	return PARK_WOKEN;
}

/* Whom t gives way to takes a closer look. rq is locked. */
static NOINLINE enum park_result park_unusual(struct run_queue *rq, struct thread *t, u64 now)
{
	switch_to(rq, t, run_queue_pick(rq), now);
	t->leaving = THREAD_STAYS;
	return park_over(t);
}

/* The usual case calls nothing but arch_switch(), with nothing to be kept over that: no register is saved twice. */
static ALWAYS_INLINE enum park_result park_wait(struct thread *t, enum park_kind kind)
{
	struct run_queue *rq;
	u32 token = PARK_NONE;
	u64 now;

	t->park_kind = (u8)kind;
	if (unlikely(!__atomic_compare_exchange_n(&t->park_token, &token, PARK_PARKING, false,
	                                          __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)))
		return park_over(t);
	if (unlikely(load_relaxed(&t->work) & ((u32)kind | THREAD_WORK_IRQ)))
		return park_not_now(t, kind);
	t->leaving = THREAD_PARKS;
	rq = this_cpu_ptr(run_queue);
	DEBUG_ASSERT(t != rq->idle);
	run_queue_lock(rq);
	now = clock_cycles();
	run_charge(t, now);
	t->switches_voluntary++;
	rq->preempt = false;
	if (unlikely(!run_queue_is_plain(rq)) || unlikely(run_queue_first(rq)->needs_tick) ||
	    unlikely(!rq->tick_armed))
		return park_unusual(rq, t, now);
	switch_ticking(rq, t, run_queue_take_first(rq), now);
	t = thread_current();
	t->leaving = THREAD_STAYS;
	return park_over(t);
}

struct park_timer {
	struct timer timer;
	struct thread *thread;
};

static void park_timer_fired(struct timer *timer)
{
	unpark(container_of(timer, struct park_timer, timer)->thread);
}

static NOINLINE enum park_result park_until(struct thread *t, u64 deadline_ns, enum park_kind kind)
{
	struct park_timer pt = {.thread = t};
	enum park_result result;

	if (load_relaxed(&t->park_token) == PARK_NONE && clock_mono_ns() >= deadline_ns)
		return PARK_TIMEOUT;
	timer_init(&pt.timer, park_timer_fired);
	timer_arm(&pt.timer, deadline_ns);
	result = park(PARK_FOREVER, kind);
	if (!timer_cancel_sync(&pt.timer) && result == PARK_WOKEN)
		result = PARK_TIMEOUT;
	return result;
}

/* Setting the clock wakes us: spuriously, so that the caller parks again, with the same deadline at another distance. */
static NOINLINE enum park_result park_until_wall(struct thread *t, u64 wall_ns, enum park_kind kind)
{
	struct wall_sleeper s = {.thread = t};
	enum park_result result;
	s64 left;

	wall_sleeper_add(&s);
	left = (s64)(wall_ns - realtime_ns());
	result = park_until(t, left > 0 ? clock_mono_ns() + (u64)left : 0, kind);
	wall_sleeper_del(&s);
	if (result == PARK_TIMEOUT && realtime_ns() < wall_ns)
		return PARK_WOKEN;
	return result;
}

enum park_result park(u64 deadline_ns, enum park_kind kind)
{
	struct thread *t = thread_current();

	lockdep_assert_may_sleep(LOCKDEP_HERE);
	if (likely(deadline_ns == PARK_FOREVER))
		return park_wait(t, kind);
	if (unlikely(deadline_ns & PARK_WALL))
		return park_until_wall(t, deadline_ns & ~PARK_WALL, kind);
	return park_until(t, deadline_ns, kind);
}

/* Queues t, which is in no queue and not running, on the processor that it belongs to. rq, locked, is that one's;
 * unlocked when this returns. */
static void queue_woken_unlock(struct run_queue *rq, struct thread *t)
{
	bool preempts;

	if (likely(!t->priority)) {
		if (unlikely(t->epoch != rq->epoch))
			slice_refresh(rq, t);
		preempts = run_queue_preempts_slow(rq, t);
		fair_enqueue(rq, t, preempts);
	} else {
		t->rt_since = t->total_cycles;
		rt_enqueue(rq, t, false);
		preempts = run_queue_preempts_slow(rq, t);
	}
	if (preempts)
		run_queue_kick(rq);
	else if (unlikely(!rq->tick_armed))
		tick_start(rq);
	run_queue_unlock_send(rq);
}

/* t may have to run on another processor than its last. Whoever changes t's parameters locks the queue of t->cpu, so t->cpu
 * changes under that lock, and what was decided before the next one is locked is checked again. */
void thread_place(struct thread *t)
{
	struct run_queue *rq = run_queue_lock_of(t);
	u32 cpu = cpu_choose(t);

	while (cpu != t->cpu) {
		thread_moved(t, cpu);
		run_queue_unlock(rq);
		rq = run_queue_lock_of(t);
		if (unlikely(!cpumask_has(t->affinity, cpu)))
			cpu = cpu_choose(t);
	}
	queue_woken_unlock(rq, t);
}

/* t was woken, on the processor of rq, locked, and must be thought about. */
static NOINLINE void wake_unusual_unlock(struct run_queue *rq, struct thread *t)
{
	if (!t->priority && cpumask_has(t->affinity, rq->cpu)) {
		queue_woken_unlock(rq, t);
		return;
	}
	run_queue_unlock(rq);
	thread_place(t);
}

/*
 * t was parked and is ours to queue. Nearly always no processor idles, it is an ordinary thread, may stay where it ran
 * last, has some of its slice left and disturbs nobody: that way calls nothing, so no register is saved.
 */
static ALWAYS_INLINE void wake(struct thread *t)
{
	u32 cpu = t->cpu;
	struct run_queue *rq = cpu_ptr(run_queue, cpu);

	if (unlikely(load_relaxed(&idle_cpus) & t->affinity.bits)) {
		thread_place(t);
		return;
	}
	run_queue_lock(rq);
	if (unlikely(!cpumask_has(t->affinity, cpu)) || unlikely(t->epoch != rq->epoch) ||
	    unlikely(!run_queue_is_calm(rq, t)) || unlikely(t->slice <= 0) ||
	    unlikely(!rq->tick_armed)) {
		wake_unusual_unlock(rq, t);
		return;
	}
	list_add_tail(rq->active, &t->run_link);
	rq->waiting++;
	run_queue_unlock(rq);
}

void unpark(struct thread *t)
{
	if (__atomic_exchange_n(&t->park_token, PARK_NOTIFIED, __ATOMIC_SEQ_CST) == PARK_PARKED)
		wake(t);
}

void thread_set_work(struct thread *t, u32 bits)
{
	u32 old = __atomic_fetch_or(&t->work, bits, __ATOMIC_SEQ_CST);
	u32 cpu = load_relaxed(&t->cpu);

	if (load_relaxed(&t->park_token) >= PARK_PARKING) {
		if (bits & load_relaxed(&t->park_kind))
			unpark(t);
	} else if ((old & bits) != bits && cpu != cpu_id() &&
	           load_relaxed(&cpu_ptr(run_queue, cpu)->running) == t) {
		ipi_kick(cpu);
	}
}

/* The running thread, charged up to `now`, gives way: queued again behind its equals, or, when it was preempted,
 * real-time ones before them (sched(7)). rq is locked; unlocked when this returns. */
static NOINLINE void give_way(struct run_queue *rq, struct thread *t, bool at_head, u64 now)
{
	struct thread *next;

	if (unlikely(!cpumask_has(t->affinity, rq->cpu)))
		t->leaving = THREAD_MOVES;
	else if (t->priority)
		rt_enqueue(rq, t, at_head);
	else
		fair_enqueue(rq, t, false);
	next = run_queue_pick(rq);
	if (next != t) {
		switch_to(rq, t, next, now);
		t->leaving = THREAD_STAYS;
		return;
	}
	if (rq->waiting && !rq->tick_armed)
		tick_start(rq);
	run_queue_unlock(rq);
}

void schedule(void)
{
	struct thread *t = thread_current();
	struct run_queue *rq = this_cpu_ptr(run_queue);
	bool at_head;
	u64 now;

	rq->passes++;
	__atomic_fetch_and(&t->work, ~(u32)THREAD_WORK_RESCHED, __ATOMIC_SEQ_CST);
	if (load_relaxed(&t->work) & THREAD_WORK_IRQ)
		softirq_run();
	if (t == rq->idle)
		return;
	run_queue_lock(rq);
	if (!rq->preempt && cpumask_has(t->affinity, rq->cpu)) {
		if ((rq->waiting || t->needs_tick) && !rq->tick_armed)
			tick_start(rq);
		run_queue_unlock(rq);
		return;
	}
	rq->preempt = false;
	now = clock_cycles();
	run_charge(t, now);
	t->switches_forced++;
	at_head = t->policy != SCHED_RR || t->slice > 0;
	if (t->policy == SCHED_RR && t->slice <= 0)
		t->slice = sched_rr_slice;
	give_way(rq, t, at_head, now);
}

void sched_yield_current(void)
{
	struct thread *t = thread_current(), *next;
	struct run_queue *rq;
	u64 now;

	/* Kernel threads have no return to user space where this would happen. */
	cond_resched();
	rq = this_cpu_ptr(run_queue);
	run_queue_lock(rq);
	if (!rq->waiting) {
		run_queue_unlock(rq);
		return;
	}
	now = clock_cycles();
	run_charge(t, now);
	t->switches_voluntary++;
	rq->preempt = false;
	next = list_first(rq->active, struct thread, run_link);
	if (unlikely(rq->rt_waiting | t->priority || t->slice <= 0 || list_empty(rq->active) ||
	             next->epoch != rq->epoch)) {
		/* Nobody else has any slice left: those who used theirs up get a turn for what is left of ours. */
		if (!t->priority && list_empty(rq->active))
			t->slice = MIN(t->slice, 0);
		give_way(rq, t, false, now);
		return;
	}
	/* The common case of give_way(). Ours is the processor: a change of affinity would have called for schedule(). */
	list_del(&next->run_link);
	list_add_tail(rq->active, &t->run_link);
	switch_to(rq, t, next, now);
}

void thread_exit(void)
{
	struct thread *t = thread_current();
	struct run_queue *rq = this_cpu_ptr(run_queue);
	u64 now;

	t->leaving = THREAD_DIES;
	store_relaxed(&t->state, THREAD_DEAD);
	run_queue_lock(rq);
	now = clock_cycles();
	run_charge(t, now);
	rq->preempt = false;
	switch_to(rq, t, run_queue_pick(rq), now);
	UNREACHABLE();
}

/* => true when somebody else ran. */
static bool idle_switch(struct run_queue *rq)
{
	struct thread *next;
	u64 now;

	run_queue_lock(rq);
	next = run_queue_pick(rq);
	rq->preempt = false;
	if (next == rq->idle) {
		run_queue_unlock(rq);
		return false;
	}
	now = clock_cycles();
	run_charge(rq->idle, now);
	switch_to(rq, rq->idle, next, now);
	return true;
}

void sched_idle_loop(void)
{
	struct run_queue *rq = this_cpu_ptr(run_queue);
	u64 bit = BIT(rq->cpu);

	irq_enable();
	for (;;) {
		schedule(); /* clears our work word and runs what interrupts recorded */
		if (idle_switch(rq) || (steal_work() && idle_switch(rq)))
			continue;
		/* Whoever queues something here after our look at the queue sets RESCHED, and cpu_idle_wait() returns. */
		__atomic_fetch_or(&idle_cpus, bit, __ATOMIC_SEQ_CST);
		cpu_idle_wait();
		__atomic_fetch_and(&idle_cpus, ~bit, __ATOMIC_SEQ_CST);
	}
}
