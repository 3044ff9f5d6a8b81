#include "kernel/proc/itimer.h"
#include "abi/process.h"
#include "arch/clock.h"
#include "kernel/proc/hooks.h"
#include "kernel/proc/posix_timer.h"
#include "kernel/proc/task.h"
#include "kernel/sched/account.h"

/* The shortest period at which one process may be sent SIGALRM: signals merge anyway, and the machine must get on. */
enum { MIN_PERIOD_NS = 100000, WATCH_NS = 1000000 };

static void real_fired(struct timer *timer)
{
	struct process *p = container_of(timer, struct process, itimers.real);
	struct sighand *s = sighand_lock(p);
	u64 interval = p->itimers.real_interval_ns, now = clock_mono_ns(), next;
	bool late = timer_armed(timer); /* set anew since it went off: that setting counts */

	if (interval && !late) {
		/* Periods that have passed unseen are lost, as the signal would be. */
		next = timer->deadline_ns + interval;
		if (next <= now)
			next = now + interval - (now - timer->deadline_ns) % interval;
		timer_arm(timer, MAX(next, now + MIN_PERIOD_NS));
	}
	sighand_unlock(s);
	if (!late)
		(void)signal_send_process(p, SIGALRM, NULL);
}

void itimer_init(struct process *p)
{
	p->itimers = (struct process_itimers){};
	timer_init(&p->itimers.real, real_fired);
}

static u64 sum_ns(const struct process_times *t)
{
	return t->user_ns + t->system_ns;
}

static bool has_limit(const struct process *p)
{
	return load_relaxed(&p->rlimits.limit[RLIMIT_CPU].soft) != RLIM_INFINITY ||
	       load_relaxed(&p->rlimits.limit[RLIMIT_RTTIME].soft) != RLIM_INFINITY;
}

static bool needs_watch(const struct process *p)
{
	return posix_timers_need_watch(p) || p->itimers.virtual.deadline ||
	       p->itimers.prof.deadline || has_limit(p);
}

/* Under SIGHAND. */
static void watch_threads_locked(struct process *p)
{
	u64 every = needs_watch(p) ? WATCH_NS : 0;
	struct task *t;

	list_for_each (t, &p->threads, thread_link)
		if ((t->thread.cpu_watch_every != 0) != (every != 0))
			thread_watch_cpu(&t->thread, every);
}

void itimer_limit_changed(struct process *p)
{
	struct sighand *s = sighand_lock(p);

	watch_threads_locked(p);
	sighand_unlock(s);
}

static struct cpu_itimer *cpu_itimer(struct process *p, int which)
{
	return which == ITIMER_VIRTUAL ? &p->itimers.virtual : &p->itimers.prof;
}

/* What the timers of `which` count. */
static u64 clock_of(int which, const struct process_times *t)
{
	return which == ITIMER_VIRTUAL ? t->user_ns : sum_ns(t);
}

static void get_locked(struct process *p, int which, u64 now, struct itimer_setting *out)
{
	bool real = which == ITIMER_REAL;
	const struct cpu_itimer *c = cpu_itimer(p, which);
	u64 deadline =
		real ? timer_armed(&p->itimers.real) * p->itimers.real.deadline_ns : c->deadline;

	out->interval = real ? p->itimers.real_interval_ns : c->interval;
	/* Due but not yet gone off: 0 would say that it is off. */
	out->value = !deadline ? 0 : deadline > now ? deadline - now : 1000;
}

static u64 now_of(struct process *p, int which)
{
	struct process_times times;

	if (which == ITIMER_REAL)
		return clock_mono_ns();
	process_times(p, &times);
	return clock_of(which, &times);
}

void itimer_get(struct process *p, int which, struct itimer_setting *out)
{
	u64 now = now_of(p, which);
	struct sighand *s = sighand_lock(p);

	get_locked(p, which, now, out);
	sighand_unlock(s);
}

void itimer_set(struct process *p, int which, const struct itimer_setting *new,
                struct itimer_setting *out_old)
{
	u64 now = now_of(p, which);
	u64 deadline = new->value ? now + MIN(new->value, (u64)INT64_MAX) : 0;
	struct sighand *s = sighand_lock(p);

	get_locked(p, which, now, out_old);
	if (which == ITIMER_REAL) {
		(void)timer_cancel(&p->itimers.real);
		p->itimers.real_interval_ns = deadline ? new->interval : 0;
		if (deadline)
			timer_arm(&p->itimers.real, deadline);
	} else {
		*cpu_itimer(p, which) = (struct cpu_itimer){deadline, new->interval};
		watch_threads_locked(p);
	}
	sighand_unlock(s);
}

/* => the signal to send, or 0; under SIGHAND. */
static int expire_locked(struct cpu_itimer *c, u64 now, int sig)
{
	if (!c->deadline || now < c->deadline)
		return 0;
	c->deadline = c->interval ? MAX(c->deadline + c->interval, now + MIN_PERIOD_NS) : 0;
	return sig;
}

/* RLIMIT_CPU, getrlimit(2): SIGXCPU at the soft limit and each second after it, SIGKILL at the hard limit. */
static int limit_locked(struct process *p, u64 now)
{
	u64 soft = load_relaxed(&p->rlimits.limit[RLIMIT_CPU].soft);
	u64 hard = load_relaxed(&p->rlimits.limit[RLIMIT_CPU].hard);
	u64 seconds = now / NS_PER_SEC;

	if (hard != RLIM_INFINITY && seconds >= hard)
		return SIGKILL;
	if (soft == RLIM_INFINITY || seconds < soft)
		return 0;
	if (p->itimers.limit_warned_ns && now < p->itimers.limit_warned_ns + NS_PER_SEC)
		return 0;
	p->itimers.limit_warned_ns = now;
	return SIGXCPU;
}

/* RLIMIT_RTTIME, getrlimit(2), in microseconds: SIGXCPU at the soft limit, which then moves on by a second, SIGKILL at the
 * hard limit. */
static int rt_limit(struct process *p, const struct thread *t)
{
	u64 *limit = &p->rlimits.limit[RLIMIT_RTTIME].soft, soft = load_relaxed(limit);
	u64 hard = load_relaxed(&p->rlimits.limit[RLIMIT_RTTIME].hard);
	u64 used;

	if (soft == RLIM_INFINITY || (t->policy != SCHED_FIFO && t->policy != SCHED_RR))
		return 0;
	used = thread_rt_ns(t) / 1000;
	if (hard != RLIM_INFINITY && used >= hard)
		return SIGKILL;
	if (used < soft)
		return 0;
	/* Unless setrlimit(2) has just changed it. */
	(void)__atomic_compare_exchange_n(limit, &soft, soft + 1000000, false, __ATOMIC_RELAXED,
	                                  __ATOMIC_RELAXED);
	return SIGXCPU;
}

void thread_cpu_watch_due(struct thread *thread)
{
	struct process *p = ((struct task *)thread)->process;
	struct process_times times;
	struct sighand *s;
	int signals[4];

	process_times(p, &times);
	s = sighand_lock(p);
	signals[0] = expire_locked(&p->itimers.virtual, times.user_ns, SIGVTALRM);
	signals[1] = expire_locked(&p->itimers.prof, sum_ns(&times), SIGPROF);
	signals[2] = limit_locked(p, sum_ns(&times));
	signals[3] = rt_limit(p, thread);
	watch_threads_locked(p);
	sighand_unlock(s);
	for (u32 i = 0; i < ARRAY_SIZE(signals); i++)
		if (signals[i])
			(void)signal_send_process(p, signals[i], NULL);
	posix_timers_cpu_tick(p);
}

/* A new thread of a process with limits or timers is watched from its start. */
static int itimer_fork(struct task *child, u64 flags)
{
	struct process *p = process_current();

	if (flags & CLONE_THREAD ? needs_watch(p) : has_limit(p))
		thread_watch_cpu(&child->thread, WATCH_NS);
	return 0;
}

void itimer_process_exit(struct process *p)
{
	struct sighand *s = sighand_lock(p);

	p->itimers.real_interval_ns = 0;
	p->itimers.virtual = p->itimers.prof = (struct cpu_itimer){};
	sighand_unlock(s);
	(void)timer_cancel_sync(&p->itimers.real);
}

static const struct proc_hooks itimer_hooks = {
	.name = "itimer",
	.fork = itimer_fork,
	.process_exit = itimer_process_exit,
};
PROC_HOOKS(itimer_hooks);
