/*
 * The run queue of one processor: for kernel/sched only. See the essay in thread.h.
 *
 * Locking: `lock` (class RUNQ) guards the queue, the [r] fields of threads whose `cpu` is this one, and is held over a
 * context switch: the thread switched to releases it, so a thread found in a queue is never still on its stack.
 * The queue is filled and emptied by its own processor, by wakers and thieves on others.
 */
#pragma once
#include "arch/clock.h"
#include "arch/cpu.h"
#include "arch/spinlock.h"
#include "kernel/sched/thread.h"

enum { RT_LEVELS = 100 };

struct run_queue {
	struct raw_spinlock lock;
	u32 cpu;         /* [I] */
	u32 waiting;     /* [lock] threads queued; read by thieves without */
	u32 rt_waiting;  /* [lock] of them real-time */
	u32 epoch;       /* [lock] counts exchanges of active and expired */
	bool preempt;    /* [lock] somebody queued should run now: what RESCHED asks for */
	bool tick_armed; /* [lock] */
	bool ipi_wanted; /* [lock] its processor must be interrupted: run_queue_unlock_send() */
	struct thread *running;        /* [lock] the thread this processor runs */
	struct thread *idle;           /* [I] */
	struct list *active, *expired; /* [lock] the two of fair[] */
	struct list fair[2];           /* [lock] */
	u64 switches;                  /* [own] */
	u64 ticks;                     /* [own] */
	u64 passes;  /* [own] visits to schedule(): quiescent states that were no switch */
	u64 tick_ns; /* [own] when the armed tick is due */
	u64 load_user, load_nice, load_system; /* [own] ticks by what they interrupted */
	/* [lock] A fair thread that stood first while real-time ones ran, its total then and since when; and until when
	 * real-time threads are held back for its sake. */
	const struct thread *starved;
	u64 starved_cycles, starved_since_ns, rt_held_until_ns;
	u64 rt_bits[2];            /* [lock] levels whose list is not empty */
	struct list rt[RT_LEVELS]; /* [lock] */
} ALIGNED(CACHE_LINE);

EXTERN_PERCPU(struct run_queue, run_queue);
extern u64 idle_cpus; /* [a] bit for each processor that sleeps in its idle thread */

enum { THREAD_STAYS, THREAD_PARKS, THREAD_MOVES, THREAD_DIES }; /* thread.leaving */

extern s64 sched_slice;          /* [I] cycles of a fair thread at nice 0 for each epoch */
extern u32 sched_preempt_margin; /* [I] cycles that are notably more: an eighth of a slice */
extern s64 sched_rr_slice;       /* [I] cycles of a SCHED_RR thread */
enum { CHARGE_ONE = 1 << 16 };   /* thread.charge at nice 0 */
enum { SLICE_NS = 4000000, RR_SLICE_NS = 100000000 };

static ALWAYS_INLINE void run_queue_lock(struct run_queue *rq)
{
	lockdep_acquire(rq, LOCK_CLASS_RUNQ);
	raw_spin_lock(&rq->lock);
}
static ALWAYS_INLINE void run_queue_unlock(struct run_queue *rq)
{
	raw_spin_unlock(&rq->lock);
	lockdep_release(rq);
}
/* Unlocks, and only then sends the interrupt that run_queue_kick() or tick_start() wants: its receiver takes the lock
 * first thing. */
static inline void run_queue_unlock_send(struct run_queue *rq)
{
	bool send = rq->ipi_wanted;

	rq->ipi_wanted = false;
	run_queue_unlock(rq);
	if (send)
		ipi_kick(rq->cpu);
}
/* t, in no queue and not running, will run on `cpu`; the lock of its old queue is held. */
static inline void thread_moved(struct thread *t, u32 cpu)
{
	store_relaxed(&t->cpu, cpu);
	/* kernel/proc tells user space (rseq). */
	if (t->aspace)
		__atomic_fetch_or(&t->work, THREAD_WORK_TASK, __ATOMIC_RELAXED);
}
/* Locks the queue that t belongs to, wherever it moves. */
struct run_queue *run_queue_lock_of(struct thread *t);

/* => what running `cycles` costs this thread of its slice. */
static ALWAYS_INLINE s64 slice_cost(const struct thread *t, u64 cycles)
{
	return likely(t->charge == CHARGE_ONE) ? (s64)cycles
	                                       : (s64)mul_shift_u64(cycles, t->charge, 16);
}

/* Charges the run up to `now`. */
static ALWAYS_INLINE void run_charge(struct thread *t, u64 now)
{
	u64 used = now - t->last_in;

	t->total_cycles += used;
	t->slice -= slice_cost(t, used);
	t->last_in = now;
}

/* A fair thread gets its slice of the queue's present epoch. */
void slice_refresh(struct run_queue *rq, struct thread *t);
void rt_enqueue(struct run_queue *rq, struct thread *t, bool at_head);

/* Queues t, whose slice is of the present epoch: behind those of its list, or to be picked next. */
static ALWAYS_INLINE void fair_enqueue(struct run_queue *rq, struct thread *t, bool next)
{
	struct list *list = likely(t->slice > 0) ? rq->active : rq->expired;

	if (unlikely(next))
		list_add(list, &t->run_link);
	else
		list_add_tail(list, &t->run_link);
	rq->waiting++;
}

bool run_queue_preempts_slow(const struct run_queue *rq, const struct thread *t);

/* => true when t surely does not preempt the running thread. Nearly always both are ordinary and that one has only just
 * begun: 32 bits tell. An ordinary thread never preempts a real-time one. */
static ALWAYS_INLINE bool run_queue_is_calm(const struct run_queue *rq, const struct thread *t)
{
	const struct thread *r = rq->running;

	if (unlikely(t->rank | r->rank))
		return r->priority && !t->rank;
	return likely((u32)clock_cycles() - (u32)r->last_in < sched_preempt_margin) &&
	       likely(t->slice <= r->slice + sched_preempt_margin);
}
/* => true when t, with fresh slice, should run instead of the running thread: of higher class or priority, or the running
 * one has used notably more of its slice. */
static ALWAYS_INLINE bool run_queue_preempts(const struct run_queue *rq, const struct thread *t)
{
	return unlikely(!run_queue_is_calm(rq, t)) && run_queue_preempts_slow(rq, t);
}

static ALWAYS_INLINE struct thread *run_queue_first(const struct run_queue *rq)
{
	return list_first(rq->active, struct thread, run_link);
}
/* => true when the first of the active list should run next; else that takes a closer look. */
static ALWAYS_INLINE bool run_queue_is_plain(const struct run_queue *rq)
{
	return likely(!rq->rt_waiting) && likely(!list_empty(rq->active)) &&
	       likely(run_queue_first(rq)->epoch == rq->epoch);
}
static ALWAYS_INLINE struct thread *run_queue_take_first(struct run_queue *rq)
{
	struct thread *t = run_queue_first(rq);

	list_del(&t->run_link);
	rq->waiting--;
	return t;
}
struct thread *run_queue_pick_slow(struct run_queue *rq);
/* Takes the thread that should run out of the queue. => the idle thread when there is none. */
static ALWAYS_INLINE struct thread *run_queue_pick(struct run_queue *rq)
{
	return run_queue_is_plain(rq) ? run_queue_take_first(rq) : run_queue_pick_slow(rq);
}

void run_queue_remove(struct run_queue *rq, struct thread *t);
/* Sets weight and slice fields from policy and nice. */
void thread_weigh(struct thread *t);
/* Tells the processor of rq to call schedule(). Lock held; unlock with run_queue_unlock_send() when it may be another one. */
void run_queue_kick(struct run_queue *rq);
/* The tick is needed and not armed. Lock held, as above. */
void tick_start(struct run_queue *rq);
void sched_tick(void); /* softirq */
void sched_init(void); /* once, clock calibrated */

/* Puts a runnable thread that is in no queue and on no processor where it should run. No queue locked. */
void thread_place(struct thread *t);
/* => the processor where t should run, having become runnable. */
u32 cpu_choose(struct thread *t);
/* Takes work from the busiest other queue. => true when something was queued here. */
bool steal_work(void);
