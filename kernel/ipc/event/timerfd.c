#include "kernel/ipc/event/timerfd.h"
#include "abi/poll.h"
#include "kernel/ipc/wait.h"

struct timerfd_waiter {
	struct ipc_waiter wait;
	struct timerfd *t;
	struct list link; /* [l] */
};

static struct { /* timers that follow the wall clock */
	struct port_lock lock;
	struct list timers;
	u32 state; /* [a] 0 fresh, 1 being made, 2 ready */
} wall;

static void wall_ready(void)
{
	u32 fresh = 0;
	if (likely(load_acquire(&wall.state) == 2))
		return;
	if (!__atomic_compare_exchange_n(&wall.state, &fresh, 1, false, __ATOMIC_ACQUIRE,
	                                 __ATOMIC_RELAXED)) {
		while (load_acquire(&wall.state) != 2)
			port_yield();
		return;
	}
	port_lock_init(&wall.lock, LOCK_CLASS_TIMERFDS);
	list_init(&wall.timers);
	store_release(&wall.state, 2);
}

struct timerfd *timerfd_new(bool wall_clock)
{
	struct timerfd *t = port_alloc(sizeof *t);
	if (!t)
		return NULL;
	wall_ready();
	port_lock_init(&t->lock, LOCK_CLASS_EVENT);
	t->wall_clock = wall_clock;
	list_init(&t->sleepers);
	list_init(&t->link);
	port_pollq_init(&t->poll);
	return t;
}

void timerfd_free(struct timerfd *t)
{
	port_lock(&wall.lock);
	list_del(&t->link);
	port_unlock(&wall.lock);
	port_free(t);
}

static u64 now_locked(const struct timerfd *t)
{
	return t->follows ? port_real_ns() : port_mono_ns();
}

/* Counts what has expired by now, and moves `next` past it. */
static void advance_locked(struct timerfd *t)
{
	u64 now;
	if (!t->next || (now = now_locked(t)) < t->next)
		return;
	if (!t->interval) {
		t->ticks++;
		t->next = 0;
		return;
	}
	u64 periods = (now - t->next) / t->interval + 1;
	t->ticks += periods;
	if (__builtin_add_overflow(t->next, periods * t->interval, &t->next))
		t->next = 0;
}

static u64 alarm_locked(const struct timerfd *t)
{
	if (!t->next)
		return PORT_FOREVER;
	u64 at = t->next;
	if (t->follows) {
		u64 real = port_real_ns();
		at = port_mono_ns() + (t->next > real ? t->next - real : 0);
	}
	return at <= INT64_MAX ? at
	                       : PORT_FOREVER; /* centuries ahead; no such deadline can be said */
}

static void setting_locked(struct timerfd *t, struct timerfd_setting *out)
{
	advance_locked(t);
	u64 now = t->next ? now_locked(t) : 0;
	out->interval = t->interval;
	out->value = !t->next ? 0 : t->next > now ? t->next - now : 1;
}

static void wake_all_locked(struct timerfd *t, struct ipc_wake_list *wakes)
{
	struct list *node;
	while ((node = list_pop(&t->sleepers)))
		ipc_waiter_decide(&list_entry(node, struct timerfd_waiter, link)->wait, 0, wakes);
}

static int set_locked(struct timerfd *t, const struct timerfd_setting *to, u32 flags)
{
	bool cancelled = t->cancelled && flags & TIMERFD_CANCEL && flags & TIMERFD_ABSOLUTE;
	t->follows = t->wall_clock && flags & TIMERFD_ABSOLUTE;
	t->cancels = t->follows && flags & TIMERFD_CANCEL;
	t->cancelled = false;
	t->ticks = 0;
	t->interval = to->interval;
	t->next = to->value;
	if (to->value && !(flags & TIMERFD_ABSOLUTE) &&
	    __builtin_add_overflow(to->value, port_mono_ns(), &t->next))
		t->next = UINT64_MAX;
	return cancelled && to->value ? -ECANCELED : 0;
}

int timerfd_set(struct timerfd *t, const struct timerfd_setting *to, u32 flags,
                struct timerfd_setting *out_old)
{
	struct ipc_wake_list wakes = {0};
	bool listed = t->wall_clock;
	if (listed)
		port_lock(&wall.lock);
	port_lock(&t->lock);
	setting_locked(t, out_old);
	int err = set_locked(t, to, flags);
	bool list = t->follows && (t->next || t->cancels);
	wake_all_locked(t, &wakes); /* their deadline has changed */
	port_unlock(&t->lock);
	if (listed) {
		list_del(&t->link);
		if (list)
			list_add_tail(&wall.timers, &t->link);
		port_unlock(&wall.lock);
	}
	ipc_wake_flush(&wakes);
	return err;
}

void timerfd_get(struct timerfd *t, struct timerfd_setting *out)
{
	GUARD(port)
	(&t->lock);
	setting_locked(t, out);
}

static bool withdraw(struct ipc_waiter *wait)
{
	struct timerfd_waiter *w = container_of(wait, struct timerfd_waiter, wait);
	GUARD(port)
	(&w->t->lock);
	if (!ipc_waiter_pending(wait))
		return false;
	list_del(&w->link);
	return true;
}

/* The lock is held, and held again. => 0: look again; -ERESTARTSYS. */
static int sleep_relocked(struct timerfd *t)
{
	struct timerfd_waiter w = {.t = t};
	u64 deadline = alarm_locked(t);
	ipc_waiter_init(&w.wait);
	list_add_tail(&t->sleepers, &w.link);
	port_unlock(&t->lock);
	int err = ipc_wait(&w.wait, deadline, withdraw);
	port_lock(&t->lock);
	return err == -EINTR ? -ERESTARTSYS : 0;
}

/* => 0 and the count, or -errno. */
static int take(struct timerfd *t, bool nonblock, u64 *out)
{
	GUARD(port)
	(&t->lock);
	for (;;) {
		if (unlikely(t->cancelled)) {
			t->cancelled = false;
			t->ticks = 0;
			return -ECANCELED;
		}
		advance_locked(t);
		if (t->ticks)
			break;
		if (nonblock)
			return -EAGAIN;
		TRY(sleep_relocked(t));
	}
	*out = t->ticks;
	t->ticks = 0;
	return 0;
}

ssize timerfd_read(struct timerfd *t, struct port_io *io, bool nonblock)
{
	u64 ticks;
	if (port_io_left(io) < sizeof ticks)
		return -EINVAL;
	TRY(take(t, nonblock, &ticks));
	return port_io_put(io, &ticks, sizeof ticks) == sizeof ticks ? (ssize)sizeof ticks
	                                                             : -EFAULT;
}

int timerfd_set_ticks(struct timerfd *t, u64 ticks)
{
	struct ipc_wake_list wakes = {0};
	if (!ticks)
		return -EINVAL;
	port_lock(&t->lock);
	int err = t->cancelled ? -ECANCELED : 0;
	if (!err) {
		t->ticks = ticks;
		wake_all_locked(t, &wakes);
	}
	port_unlock(&t->lock);
	if (!err)
		port_poll_wake(&t->poll, POLLIN);
	ipc_wake_flush(&wakes);
	return err;
}

u32 timerfd_events(struct timerfd *t)
{
	GUARD(port)
	(&t->lock);
	advance_locked(t);
	return t->ticks || t->cancelled ? POLLIN : 0;
}

u64 timerfd_alarm(struct timerfd *t)
{
	GUARD(port)
	(&t->lock);
	advance_locked(t);
	return alarm_locked(t);
}

void timerfd_clock_set(void)
{
	struct ipc_wake_list wakes = {0};
	struct timerfd *t;
	wall_ready();
	port_lock(&wall.lock);
	list_for_each (t, &wall.timers, link) {
		port_lock(&t->lock);
		t->cancelled = t->cancels;
		wake_all_locked(t, &wakes);
		port_unlock(&t->lock);
		port_poll_wake(&t->poll, POLLIN);
	}
	port_unlock(&wall.lock);
	ipc_wake_flush(&wakes);
}
