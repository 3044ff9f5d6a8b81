/*
 * Interval timers of a process, getitimer(2): ITIMER_REAL on the wall, ITIMER_VIRTUAL and ITIMER_PROF on the processor time
 * of all its threads; and RLIMIT_CPU and RLIMIT_RTTIME, which are judged at the same places.
 *
 * Expiry sends SIGALRM, SIGVTALRM, SIGPROF to the process. The real timer is a kernel timer. The other two are
 * compared with the process's time at the ticks of its running threads, which are watched (thread_watch_cpu) for
 * as long as a CPU-time timer or limit is set: a few milliseconds late at worst, never early.
 *
 * Locking: the process's SIGHAND lock. Lifetime: made and ended with the process (proc hooks).
 */
#pragma once
#include "abi/time.h"
#include "kernel/sched/timer.h"

struct process;
struct cpu_itimer { /* nanoseconds of processor time; 0: off */
	u64 deadline, interval;
};
struct process_itimers {
	struct timer real;
	u64 real_interval_ns;
	struct cpu_itimer virtual, prof;
	u64 limit_warned_ns; /* processor time at the last SIGXCPU */
};

struct itimer_setting { /* nanoseconds; value 0: off */
	u64 value, interval;
};
void itimer_init(struct process *p); /* a new process: all off */
/* which: ITIMER_*. */
void itimer_get(struct process *p, int which, struct itimer_setting *out);
void itimer_set(struct process *p, int which, const struct itimer_setting *new,
                struct itimer_setting *out_old);
void itimer_process_exit(
	struct process *p); /* the process is a zombie; sleeps not, frees nothing */
/* RLIMIT_CPU or RLIMIT_RTTIME of p was set, or inherited, or its POSIX timers on processor time came or went. */
void itimer_limit_changed(struct process *p);
