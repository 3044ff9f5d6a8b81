/*
 * Processor time. The total of each thread is exact: cycles are charged at every switch. How it divides into
 * user and system time is estimated from where the tick found the thread (two clock reads in every system call would
 * double the price of the cheap ones); a thread that no tick ever met counts as user time. What is shown
 * never goes back, and user plus system is the exact total.
 */
#pragma once
#include "kernel/sched/thread.h"

/* The present run included. */
u64 thread_cpu_ns(const struct thread *t);
/* What a real-time thread has used without sleeping: what RLIMIT_RTTIME limits. */
u64 thread_rt_ns(const struct thread *t);
void thread_cpu_times(struct thread *t, u64 *out_user_ns, u64 *out_system_ns);

struct cpu_times { /* nanoseconds */
	u64 user, nice, system, idle;
};
void sched_cpu_times(u32 cpu, struct cpu_times *out);
u64 sched_idle_ns(u32 cpu);
u64 sched_switches(void); /* since boot */
u32 sched_running(void);  /* runnable threads now */
/* The averages of /proc/loadavg as fixed point with 11 fractional bits, over 1, 5 and 15 minutes. */
void sched_loadavg(u32 out[3]);

/* CPU-time limits and CPU-time interval timers: thread_cpu_watch_due(t), kernel/proc's, is called in thread t's own context
 * (no locks held, must not block) at the first tick after each `every_ns` of processor time; 0 ends it. A watched
 * thread takes ticks even when it runs alone. Callers serialise. */
void thread_watch_cpu(struct thread *t, u64 every_ns);
void thread_cpu_watch_due(struct thread *t);
