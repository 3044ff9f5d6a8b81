#include "kernel/sched/timer.h"
#include "arch/clock.h"
#include "arch/cpu.h"
#include "kernel/lib/bug.h"
#include "kernel/sync/spinlock.h"

struct timer_base {
	struct spinlock lock; /* class TIMER */
	struct rb_root tree;  /* [l] by deadline */
	struct timer *running;
	u64 alarm_ns; /* [own] what the hardware is set to; 0: nothing */
};
static PERCPU(struct timer_base, timer_base);

void timers_init_cpu(void)
{
	spinlock_init(&this_cpu_ptr(timer_base)->lock, TIMER);
}

void timer_init(struct timer *t, void (*fn)(struct timer *t))
{
	t->fn = fn;
	t->cpu = cpu_id();
	t->state = TIMER_IDLE;
	t->deadline_ns = 0;
}

void alarm_request(u64 ns)
{
	struct timer_base *base = this_cpu_ptr(timer_base);

	if (base->alarm_ns && base->alarm_ns <= ns)
		return;
	base->alarm_ns = ns;
	clock_set_alarm(ns);
}

static bool timer_before(const struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct timer, node)->deadline_ns <
	       rb_entry(b, struct timer, node)->deadline_ns;
}

static struct timer_base *base_lock_of(struct timer *t)
{
	for (;;) {
		u32 cpu = load_relaxed(&t->cpu);
		struct timer_base *base = cpu_ptr(timer_base, cpu);

		spin_lock(&base->lock);
		if (likely(load_relaxed(&t->cpu) == cpu))
			return base;
		spin_unlock(&base->lock);
	}
}

/* Out of the tree, if it is in it. base->lock held. */
static bool disarm_locked(struct timer_base *base, struct timer *t)
{
	if (t->state != TIMER_ARMED)
		return false;
	rb_erase(&base->tree, &t->node);
	store_relaxed(&t->state, TIMER_IDLE);
	return true;
}

void timer_arm(struct timer *t, u64 deadline_ns)
{
	struct timer_base *base = base_lock_of(t), *here = this_cpu_ptr(timer_base);
	bool first;

	(void)disarm_locked(base, t);
	if (unlikely(base != here)) {
		/* The timer follows its user; idle in between, and arming is serialised. */
		store_relaxed(&t->cpu, cpu_id());
		spin_unlock(&base->lock);
		spin_lock(&here->lock);
	}
	t->deadline_ns = deadline_ns;
	store_relaxed(&t->state, TIMER_ARMED);
	rb_insert(&here->tree, &t->node, timer_before);
	first = rb_first(&here->tree) == &t->node;
	spin_unlock(&here->lock);
	if (first)
		alarm_request(deadline_ns);
}

bool timer_cancel(struct timer *t)
{
	struct timer_base *base = base_lock_of(t);
	bool armed = disarm_locked(base, t);

	spin_unlock(&base->lock);
	return armed;
}

bool timer_cancel_sync(struct timer *t)
{
	for (;;) {
		struct timer_base *base = base_lock_of(t);
		bool armed = disarm_locked(base, t), running = base->running == t;

		spin_unlock(&base->lock);
		if (likely(!running))
			return armed;
		/* On another processor: callbacks do not block, so this is as short as a contended spinlock. */
		DEBUG_ASSERT(base != this_cpu_ptr(timer_base));
		while (load_acquire(&base->running) == t)
			cpu_relax();
		if (armed)
			return true;
	}
}

void timers_run(void)
{
	struct timer_base *base = this_cpu_ptr(timer_base);
	u64 next = 0;

	base->alarm_ns = 0; /* it has gone off, or we look early */
	spin_lock(&base->lock);
	for (struct rb_node *n; (n = rb_first(&base->tree));) {
		struct timer *t = rb_entry(n, struct timer, node);

		if (t->deadline_ns > clock_mono_ns()) {
			next = t->deadline_ns;
			break;
		}
		(void)disarm_locked(base, t);
		store_relaxed(&base->running, t);
		spin_unlock(&base->lock);
		t->fn(t);
		spin_lock(&base->lock);
		/* Pairs with the load in timer_cancel_sync: the callback's stores are seen. */
		store_release(&base->running, (struct timer *)NULL);
	}
	spin_unlock(&base->lock);
	if (next)
		alarm_request(next);
}
