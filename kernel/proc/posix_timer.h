/*
 * POSIX timers of a process, timer_create(2): each counts on a clock and, when it expires, queues its one preallocated
 * signal, which therefore cannot fail; expirations while that signal still waits are counted as overruns.
 *
 * Lifetimes: a timer belongs to its process until timer_delete, exec or exit; a fork inherits none. It holds a reference to the
 * thread it signals (SIGEV_THREAD_ID), which may exit before it.
 *
 *	        timer_settime           expiry, one-shot
 *	DISARMED ----------> ARMED -------------------> DISARMED
 *	                      ^  | expiry, with interval
 *	                      +--+
 *
 * Clocks: wall and monotonic ones are kernel timers. An absolute time on the wall clock is armed again when the clock is set.
 * Processor-time clocks are looked at in the ticks of the process's threads (thread_watch_cpu); that of another process
 * whenever as much of it could have passed.
 *
 * Locking: POSIX_TIMERS of the process; under it SIGHAND to queue the signal, and WALL_TIMERS.
 */
#pragma once
#include "abi/time.h"
#include "kernel/lib/result.h"

struct process;
struct task;
struct posix_timer_setting { /* nanoseconds; value 0: disarmed */
	u64 value, interval;
};

/* Of the current process. event->tid names a thread of it for SIGEV_THREAD_ID. clock: one that can be read.
 * value_is_id: event->value shall be the new timer's id. => id, -EAGAIN (RLIMIT_SIGPENDING), -ENOMEM, -EINVAL (event). */
MUST_CHECK s32 posix_timer_new(s32 clock, const struct abi_sigevent *event, bool value_is_id);
/* The rest: => 0, or -EINVAL when the process has no such timer. flags: TIMER_ABSTIME. */
MUST_CHECK int posix_timer_set(s32 id, s32 flags, const struct posix_timer_setting *new,
                               struct posix_timer_setting *out_old);
MUST_CHECK int posix_timer_get(s32 id, struct posix_timer_setting *out);
MUST_CHECK int posix_timer_overrun(s32 id); /* => the count */
MUST_CHECK int posix_timer_delete(s32 id);

/* kernel/proc/itimer.c: */
bool posix_timers_need_watch(const struct process *p);
void posix_timers_cpu_tick(struct process *p);
