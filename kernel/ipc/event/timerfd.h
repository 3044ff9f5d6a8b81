/*
 * Timers as descriptors, timerfd_create(2).
 *
 * A timer is three numbers: when it next goes off, how often after that, and on which time line. Nothing
 * runs when it goes off unless somebody waits: a read works out from the clock how many expirations
 * there were, and sleeps with the next one as its deadline. Who polls is told by the world, which keeps an
 * alarm at timerfd_alarm() while anybody is registered.
 *
 *	            settime, value > 0                 clock passes `next`
 *	DISARMED ------------------------> ARMED -------------------------> expired: read gives the count
 *	    ^   settime, value 0             ^ interval: next += k * interval      |
 *	    +--------------------------------+------- one-shot: next = 0 ----------+
 *
 * Time lines: absolute timers of CLOCK_REALTIME follow the wall clock, and with TIMERFD_CANCEL fail the
 * next read with ECANCELED when it is set; everything else is kept in monotonic time.
 *
 * Locking: t->lock for one timer. The list of those that follow the wall clock has its own lock (class
 * TIMERFDS), taken outside t->lock.
 *
 * What can fail: -EINVAL (less than 8 bytes), -EAGAIN, -ERESTARTSYS, -ECANCELED, -EFAULT.
 */
#pragma once
#include "kernel/ipc/port.h"
#include "kernel/lib/list.h"

enum timerfd_flags { TIMERFD_ABSOLUTE = 1, TIMERFD_CANCEL = 2 };

struct timerfd_setting { /* nanoseconds; value 0: disarmed */
	u64 value, interval;
};
struct timerfd {
	struct port_lock lock;
	bool wall_clock;      /* [I] CLOCK_REALTIME, CLOCK_REALTIME_ALARM */
	bool follows;         /* [l] `next` is on the wall clock */
	bool cancels;         /* [l] TIMERFD_CANCEL in force */
	bool cancelled;       /* [l] the clock was set since */
	u64 next, interval;   /* [l] 0: not armed; 0: one-shot */
	u64 ticks;            /* [l] expirations counted and not yet read */
	struct list sleepers; /* [l] struct timerfd_waiter */
	struct list link;     /* [wall list] */
	struct port_pollq poll;
};

MUST_CHECK struct timerfd *timerfd_new(bool wall_clock); /* or NULL */
void timerfd_free(struct timerfd *t);
/* *out_old: what was set before, value relative. => 0, or -ECANCELED (the timer is set nevertheless). */
int timerfd_set(struct timerfd *t, const struct timerfd_setting *to, u32 flags,
                struct timerfd_setting *out_old);
void timerfd_get(struct timerfd *t, struct timerfd_setting *out);
MUST_CHECK ssize timerfd_read(struct timerfd *t, struct port_io *io, bool nonblock);
/* As if it had expired so often. => 0, -EINVAL: 0 times; -ECANCELED: the clock was set. */
MUST_CHECK int timerfd_set_ticks(struct timerfd *t, u64 ticks);
u32 timerfd_events(struct timerfd *t);
/* => when to look at it again, in port_mono_ns() time, or PORT_FOREVER. */
u64 timerfd_alarm(struct timerfd *t);
/* For the world: the wall clock was set. */
void timerfd_clock_set(void);
