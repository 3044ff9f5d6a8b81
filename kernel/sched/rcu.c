#include "kernel/sched/rcu.h"
#include "arch/clock.h"
#include "kernel/sched/run_queue.h"
#include "kernel/sched/softirq.h"
#include "kernel/sched/timer.h"
#include "kernel/sync/spinlock.h"

/*
 * One grace period at a time, numbered. Each processor keeps its callbacks in two lists: `waiting` for a numbered
 * grace period, `fresh` for one not yet asked for. A timer on each processor that has callbacks moves
 * things on; with none anywhere nothing runs.
 *
 * A processor has passed a quiescent state when its count of switches and schedule() calls has moved since the
 * grace period began, or when it is seen asleep:
 *
 *	updater				reader's processor
 *	unlink				idle bit off (locked), or switch count up
 *	count snapshot (after fence)	rcu_dereference
 *	look at idle bit, counts
 *
 * A reader that begins after the look sees the unlink; one that began before keeps its processor from passing.
 */
enum { POLL_NS = 1000000, BATCH_DELAY_NS = 2000000, MANY = 2000 };

struct rcu_list {
	struct rcu_head *first, **tail;
	u32 count;
};
struct rcu_cpu {
	struct rcu_list fresh, waiting;
	u64 waiting_for; /* grace period that frees `waiting` */
	struct timer timer;
	bool started; /* the timer is armed, or its callback runs */
};
static PERCPU(struct rcu_cpu, rcu_cpu);

static struct {
	struct spinlock lock; /* class RCU */
	u64 current;          /* [l] grace period that runs, or ran last */
	u64 completed;        /* [l] <= current */
	u64 wanted;           /* [l] highest number anybody waits for */
	u64 missing;          /* [l] processors that have not passed */
	u64 seen[MAX_CPUS];   /* [l] their counts when it began */
} gp = {.lock = SPINLOCK_INIT(RCU)};

static void list_take(struct rcu_list *to, struct rcu_list *from)
{
	*to = *from;
	*from = (struct rcu_list){};
}

static u64 quiescent_count(u32 cpu)
{
	struct run_queue *rq = cpu_ptr(run_queue, cpu);

	return load_relaxed(&rq->switches) + load_relaxed(&rq->passes);
}

static void gp_begin_locked(void)
{
	gp.current++;
	gp.missing = cpu_count == 64 ? UINT64_MAX : BIT(cpu_count) - 1;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for_each_cpu (cpu)
		gp.seen[cpu] = quiescent_count(cpu);
}

/* => processors that still have to pass. */
static u64 gp_look_locked(void)
{
	u64 idle;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	idle = load_relaxed(&idle_cpus);
	for (u64 left = gp.missing; left; left &= left - 1) {
		u32 cpu = __builtin_ctzll(left);

		/* We ourselves are between two pieces of work: nothing here is reading. */
		if (cpu == cpu_id() || idle >> cpu & 1 || quiescent_count(cpu) != gp.seen[cpu])
			gp.missing &= ~BIT(cpu);
	}
	if (!gp.missing)
		gp.completed = gp.current;
	return gp.missing;
}

/* => processors that keep a grace period from ending. */
static u64 gp_advance(struct rcu_cpu *rc)
{
	GUARD(spin)(&gp.lock);
	if (gp.completed != gp.current)
		(void)gp_look_locked();
	if (!rc->waiting.first && rc->fresh.first) {
		list_take(&rc->waiting, &rc->fresh);
		rc->waiting_for = gp.current + 1;
		gp.wanted = MAX(gp.wanted, rc->waiting_for);
	}
	if (gp.completed == gp.current && gp.wanted > gp.current) {
		gp_begin_locked();
		return gp_look_locked();
	}
	return gp.completed != gp.current ? gp.missing : 0;
}

/* Makes processors that stay in user mode, or run long in the kernel, pass soon. */
static void nudge(u64 cpus)
{
	for (; cpus; cpus &= cpus - 1) {
		struct run_queue *rq = cpu_ptr(run_queue, __builtin_ctzll(cpus));

		run_queue_lock(rq);
		tick_start(rq);
		run_queue_unlock_send(rq);
	}
}

static void run_callbacks(struct rcu_cpu *rc)
{
	struct rcu_list done;

	if (!rc->waiting.first || load_relaxed(&gp.completed) < rc->waiting_for)
		return;
	list_take(&done, &rc->waiting);
	for (struct rcu_head *h = done.first, *next; h; h = next) {
		next = h->next;
		h->fn(h);
	}
}

void rcu_advance(void)
{
	struct rcu_cpu *rc = this_cpu_ptr(rcu_cpu);
	u64 missing = gp_advance(rc);

	run_callbacks(rc);
	if (missing)
		nudge(missing);
	if (rc->waiting.first || rc->fresh.first)
		timer_arm(&rc->timer, clock_mono_ns() + POLL_NS);
	else
		rc->started = false;
}

static void rcu_timer_fired(struct timer *t)
{
	rcu_advance();
}

void rcu_init_cpu(void)
{
	timer_init(&this_cpu_ptr(rcu_cpu)->timer, rcu_timer_fired);
}

void rcu_call(struct rcu_head *head, void (*fn)(struct rcu_head *head))
{
	struct rcu_cpu *rc = this_cpu_ptr(rcu_cpu);

	head->next = NULL;
	head->fn = fn;
	if (!rc->fresh.first)
		rc->fresh.tail = &rc->fresh.first;
	*rc->fresh.tail = head;
	rc->fresh.tail = &head->next;
	if (unlikely(!rc->started)) {
		rc->started = true;
		timer_arm(&rc->timer, clock_mono_ns() + BATCH_DELAY_NS);
	}
	/* Memory comes back before the timer when there is much of it. */
	if (unlikely(++rc->fresh.count % MANY == 0))
		softirq_raise(SOFTIRQ_RCU);
}

struct synchronizer {
	struct rcu_head head;
	struct thread *thread;
	bool done; /* [a] */
};

static void synchronize_done(struct rcu_head *head)
{
	struct synchronizer *s = container_of(head, struct synchronizer, head);
	struct thread *t = s->thread;

	store_release(&s->done, true);
	unpark(t);
}

void rcu_synchronize(void)
{
	struct synchronizer s = {.thread = thread_current()};

	rcu_call(&s.head, synchronize_done);
	while (!load_acquire(&s.done))
		(void)park(PARK_FOREVER, PARK_UNINTERRUPTIBLE);
}
