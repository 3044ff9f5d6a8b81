#include "kernel/proc/posix_timer.h"
#include "arch/clock.h"
#include "arch/cpu.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/cpu_clock.h"
#include "kernel/proc/hooks.h"
#include "kernel/proc/task.h"

/* The shortest period in which one timer may signal: the rest counts as overruns, and the machine gets on. */
enum { MIN_PERIOD_NS = 100000, MAX_ID = INT32_MAX };

struct posix_timers {
	struct spinlock lock; /* class POSIX_TIMERS */
	struct idmap timers;  /* [l] */
	s32 next_id; /* [l] ids go round, so that a stale one is not soon somebody else's */
	struct list cpu_armed; /* [l] armed timers on processor time, by link */
};

struct posix_timer {
	struct posix_timers *owner;
	struct process *process; /* [I] which outlives it */
	struct task *task;       /* [I] a reference: whom SIGEV_THREAD_ID names; or NULL */
	struct cpu_clock cpu;    /* [I] what it counts, or empty: time that passes */
	s32 clock, notify;       /* [I] */
	struct sigqueue *signal; /* [I] NULL for SIGEV_NONE */
	struct timer timer;
	bool armed, on_wall; /* [l] on_wall: absolute on a clock that can be set */
	u64 expiry;          /* [l] on its clock; with on_wall on the wall clock, else monotonic */
	u64 interval;        /* [l] */
	struct list link;    /* [l] cpu_armed, or [WALL_TIMERS] wall.armed */
};

static struct {
	struct spinlock lock; /* class WALL_TIMERS */
	struct list armed;    /* [l] timers with on_wall */
	bool watching;        /* [a] */
} wall = {.lock = SPINLOCK_INIT(WALL_TIMERS), .armed = LIST_INIT(wall.armed)};

static void *ids_alloc(size_t size)
{
	return kzalloc(size);
}
static void ids_free(void *p, size_t size)
{
	kfree(p);
}
static const struct idmap_ops ids_ops = {ids_alloc, ids_free};

static bool on_cpu_time(const struct posix_timer *pt)
{
	return pt->cpu.task || pt->cpu.process;
}

/* The clock of another process: our own ticks tell nothing about it. */
static bool on_foreign_time(const struct posix_timer *pt)
{
	return pt->cpu.process && pt->cpu.process != pt->process;
}

static u64 now_of(const struct posix_timer *pt)
{
	if (on_cpu_time(pt))
		return cpu_clock_ns(&pt->cpu);
	return pt->on_wall ? realtime_ns() : clock_mono_ns();
}

/* Its clock's expiry as monotonic time. */
static u64 mono_expiry(const struct posix_timer *pt)
{
	u64 now = realtime_ns();

	if (!pt->on_wall)
		return pt->expiry;
	return clock_mono_ns() + (pt->expiry > now ? pt->expiry - now : 0);
}

static void wall_changed(struct realtime_watch *w)
{
	struct posix_timer *pt;

	GUARD(spin)(&wall.lock);
	list_for_each (pt, &wall.armed, link)
		timer_arm(&pt->timer, mono_expiry(pt));
}
static struct realtime_watch wall_watch = {.changed = wall_changed};

/* Owner locked. */
static void disarm_locked(struct posix_timer *pt)
{
	pt->armed = false;
	if (pt->on_wall) {
		GUARD(spin)(&wall.lock);
		list_del(&pt->link);
		(void)timer_cancel(&pt->timer);
	} else if (on_cpu_time(pt) && !on_foreign_time(pt)) {
		list_del(&pt->link);
	} else {
		(void)timer_cancel(&pt->timer);
	}
	pt->on_wall = false;
}

/* Processor time passes at most as fast as processors are many: look again when that much could have passed. */
static void arm_foreign_locked(struct posix_timer *pt)
{
	enum { SHORTEST_NS = 1000000 };
	u64 now = now_of(pt), left = pt->expiry > now ? pt->expiry - now : 0;

	/* The time of the dead stands still. */
	if (load_relaxed(&pt->cpu.process->live_count))
		timer_arm(&pt->timer, clock_mono_ns() + MAX(left / cpu_count, (u64)SHORTEST_NS));
}

static void arm_locked(struct posix_timer *pt)
{
	pt->armed = true;
	if (pt->on_wall) {
		GUARD(spin)(&wall.lock);
		if (!list_linked(&pt->link))
			list_add_tail(&wall.armed, &pt->link);
		timer_arm(&pt->timer, mono_expiry(pt));
	} else if (on_foreign_time(pt)) {
		arm_foreign_locked(pt);
	} else if (!on_cpu_time(pt)) {
		timer_arm(&pt->timer, pt->expiry);
	} else if (!list_linked(&pt->link)) {
		list_add_tail(&pt->owner->cpu_armed, &pt->link);
	}
}

/* The periods that have begun since the expiry, the first one not counted. */
static u64 periods_missed(const struct posix_timer *pt, u64 now)
{
	return now > pt->expiry ? (now - pt->expiry) / pt->interval : 0;
}

/* It has expired: signals, and arms it for its next period. Owner locked. */
static void expire_locked(struct posix_timer *pt, u64 now)
{
	u64 missed = 0;

	if (pt->interval) {
		missed = periods_missed(pt, now);
		pt->expiry += (missed + 1) * pt->interval;
		/* What would come too soon is counted now. */
		if (pt->expiry < now + MIN_PERIOD_NS && !on_cpu_time(pt)) {
			u64 soon = periods_missed(pt, now + MIN_PERIOD_NS);

			missed += soon;
			pt->expiry += soon * pt->interval;
		}
		arm_locked(pt);
	} else {
		disarm_locked(pt);
	}
	if (!pt->signal)
		return;
	__atomic_fetch_add(&pt->signal->overruns, (u32)MIN(missed, (u64)INT32_MAX),
	                   __ATOMIC_RELAXED);
	(void)sigqueue_send(pt->signal, pt->process,
	                    pt->notify == SIGEV_THREAD_ID ? pt->task : NULL,
	                    pt->signal->info.signo);
}

static void posix_timer_fired(struct timer *timer)
{
	struct posix_timer *pt = container_of(timer, struct posix_timer, timer);
	u64 now;

	GUARD(spin)(&pt->owner->lock);
	now = now_of(pt);
	/* Set anew, disarmed, or the wall clock was set back in the meantime. */
	if (!pt->armed || timer_armed(timer))
		return;
	if (now < pt->expiry)
		arm_locked(pt);
	else
		expire_locked(pt, now);
}

bool posix_timers_need_watch(const struct process *p)
{
	const struct posix_timers *pts = load_acquire(&p->posix_timers);

	/* Looked at without the lock: who changes the list asks for another look. */
	return pts && !list_empty(&pts->cpu_armed);
}

void posix_timers_cpu_tick(struct process *p)
{
	struct posix_timers *pts = load_acquire(&p->posix_timers);
	struct posix_timer *pt, *next;

	if (!pts)
		return;
	GUARD(spin)(&pts->lock);
	list_for_each_safe (pt, next, &pts->cpu_armed, link) {
		u64 now = now_of(pt);

		if (now >= pt->expiry)
			expire_locked(pt, now);
	}
}

/* The table of the current process, made at its first timer. */
static struct posix_timers *timers_of_current(void)
{
	struct process *p = process_current();
	struct posix_timers *pts = load_acquire(&p->posix_timers), *none = NULL;

	if (pts)
		return pts;
	pts = kzalloc(sizeof(*pts));
	if (!pts)
		return NULL;
	spinlock_init(&pts->lock, POSIX_TIMERS);
	idmap_init(&pts->timers, &ids_ops);
	list_init(&pts->cpu_armed);
	if (__atomic_compare_exchange_n(&p->posix_timers, &none, pts, false, __ATOMIC_ACQ_REL,
	                                __ATOMIC_ACQUIRE))
		return pts;
	kfree(pts); /* another thread was first */
	return none;
}

/* Out of its table already, or never in it. */
static void timer_free(struct posix_timer *pt)
{
	(void)timer_cancel_sync(&pt->timer);
	if (pt->signal)
		sigqueue_free_timer(pt->process, pt->signal);
	if (pt->task)
		task_put(pt->task);
	cpu_clock_put(&pt->cpu);
	kfree(pt);
}
DEFINE_GUARD(posix_timer, struct posix_timer *, timer_free)

/* What the timer is about: whom it signals, whose time it counts. => 0 or -EINVAL. */
static int timer_bind(struct posix_timer *pt, s32 tid)
{
	if (pt->notify == SIGEV_THREAD_ID) {
		pt->task = task_lookup(tid);
		if (!pt->task || pt->task->process != pt->process)
			return -EINVAL;
	}
	return clock_is_cpu(pt->clock) ? cpu_clock_get(pt->clock, &pt->cpu) : 0;
}

static s32 timer_publish(struct posix_timers *pts, struct posix_timer *pt)
{
	s64 id;

	GUARD(spin)(&pts->lock);
	id = idmap_find_free(&pts->timers, (u32)pts->next_id, MAX_ID);
	if (id < 0)
		id = idmap_find_free(&pts->timers, 0, MAX_ID);
	if (id < 0)
		return -EAGAIN;
	TRY(idmap_reserve(&pts->timers, (u32)id));
	idmap_set(&pts->timers, (u32)id, pt);
	pts->next_id = id == MAX_ID ? 0 : (s32)id + 1;
	if (pt->signal)
		pt->signal->info.timer_id = (s32)id;
	return (s32)id;
}

s32 posix_timer_new(s32 clock, const struct abi_sigevent *event, bool value_is_id)
{
	struct posix_timers *pts = timers_of_current();
	AUTO_PUT(posix_timer) pt = pts ? kzalloc(sizeof(*pt)) : NULL;
	s32 id;

	if (!pt)
		return -ENOMEM;
	timer_init(&pt->timer, posix_timer_fired);
	list_init(&pt->link);
	pt->owner = pts;
	pt->process = process_current();
	pt->clock = clock;
	pt->notify = event->notify;
	TRY(timer_bind(pt, event->tid));
	if (event->notify != SIGEV_NONE) {
		pt->signal = sigqueue_new_timer();
		if (!pt->signal)
			return -EAGAIN;
		pt->signal->info.signo = event->signo;
		pt->signal->info.code = SI_TIMER;
		pt->signal->info.timer_value.ptr = event->value;
	}
	id = TRY(timer_publish(pts, pt));
	if (value_is_id && pt->signal)
		pt->signal->info.timer_value.i = id;
	(void)TAKE(pt);
	return id;
}

/* => the table, locked, and the timer; or NULL, nothing locked. */
static struct posix_timer *timer_lock(s32 id)
{
	struct posix_timers *pts = load_acquire(&process_current()->posix_timers);
	struct posix_timer *pt;

	if (!pts || id < 0)
		return NULL;
	spin_lock(&pts->lock);
	pt = idmap_find(&pts->timers, (u32)id);
	if (!pt)
		spin_unlock(&pts->lock);
	return pt;
}

static void setting_locked(const struct posix_timer *pt, struct posix_timer_setting *out)
{
	u64 now = now_of(pt), expiry = pt->expiry;

	*out = (struct posix_timer_setting){.interval = pt->interval};
	if (!pt->armed)
		return;
	/* Due, but not seen yet: the next period's end counts, or, without one, the shortest time. */
	if (expiry <= now && pt->interval)
		expiry += (periods_missed(pt, now) + 1) * pt->interval;
	out->value = expiry > now ? expiry - now : 1;
}

int posix_timer_get(s32 id, struct posix_timer_setting *out)
{
	struct posix_timer *pt = timer_lock(id);

	if (!pt)
		return -EINVAL;
	setting_locked(pt, out);
	spin_unlock(&pt->owner->lock);
	return 0;
}

int posix_timer_set(s32 id, s32 flags, const struct posix_timer_setting *new,
                    struct posix_timer_setting *out_old)
{
	struct posix_timer *pt = timer_lock(id);
	bool cpu;

	if (!pt)
		return -EINVAL;
	cpu = on_cpu_time(pt);
	setting_locked(pt, out_old);
	if (pt->armed)
		disarm_locked(pt);
	pt->interval = new->value ? new->interval : 0;
	if (new->value) {
		bool absolute = flags & TIMER_ABSTIME;

		pt->on_wall = absolute && clock_is_wall(pt->clock);
		pt->expiry = absolute ? new->value : now_of(pt) + MIN(new->value, (u64)INT64_MAX);
		arm_locked(pt);
	}
	spin_unlock(&pt->owner->lock);
	if (cpu)
		itimer_limit_changed(process_current());
	if (!__atomic_exchange_n(&wall.watching, true, __ATOMIC_ACQ_REL))
		realtime_watch_add(&wall_watch);
	return 0;
}

int posix_timer_overrun(s32 id)
{
	struct posix_timer *pt = timer_lock(id);
	int count;

	if (!pt)
		return -EINVAL;
	count = pt->signal ? (int)MIN(load_relaxed(&pt->signal->overruns_told), (u32)INT32_MAX) : 0;
	spin_unlock(&pt->owner->lock);
	return count;
}

int posix_timer_delete(s32 id)
{
	struct posix_timer *pt = timer_lock(id);
	struct posix_timers *pts;

	if (!pt)
		return -EINVAL;
	pts = pt->owner;
	if (pt->armed)
		disarm_locked(pt);
	idmap_clear(&pts->timers, (u32)id);
	spin_unlock(&pts->lock);
	timer_free(pt);
	return 0;
}

/* exec and exit: nobody else of the process is left. */
static void timers_end(struct process *p)
{
	struct posix_timers *pts = p->posix_timers;
	struct posix_timer *pt;
	u32 id;

	if (!pts)
		return;
	for (id = 0; (pt = idmap_next(&pts->timers, &id)); id++) {
		spin_lock(&pts->lock);
		if (pt->armed)
			disarm_locked(pt);
		idmap_clear(&pts->timers, id);
		spin_unlock(&pts->lock);
		timer_free(pt);
	}
	store_release(&p->posix_timers, (struct posix_timers *)NULL);
	idmap_destroy(&pts->timers);
	kfree(pts);
}

static void timers_exec(struct task *t)
{
	timers_end(t->process);
	itimer_limit_changed(t->process);
}

static const struct proc_hooks posix_timer_hooks = {
	.name = "posix_timer",
	.exec = timers_exec,
	.process_exit = timers_end,
};
PROC_HOOKS(posix_timer_hooks);
