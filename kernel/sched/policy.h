/*
 * Who gets the processor: policies, priorities, nice values, affinity (sched(7)). Mechanism only; permissions and the
 * ABI are in syscalls/sched.c. `t`: any live thread, kept alive by the caller (RCU or a reference).
 */
#pragma once
#include "kernel/lib/result.h"
#include "kernel/sched/thread.h"

/* policy SCHED_*, rt_priority 1..99 for FIFO and RR else 0: checked by the caller. Keeps nice. */
void thread_set_policy(struct thread *t, u8 policy, u8 rt_priority);
void thread_set_nice(struct thread *t, s8 nice);
/* Priority inheritance: t runs at least at real-time `priority`; 0 ends it. */
void thread_boost(struct thread *t, u8 priority);
/* Restricts t to `mask`, moving it off a processor that is not in it; for the current thread before returning.
 * => -EINVAL when no processor that exists is in it. Sleeps only when t is the current thread. */
MUST_CHECK int thread_set_affinity(struct thread *t, struct cpumask mask);
/* sched_rr_get_interval(2), nanoseconds; 0 for SCHED_FIFO. */
u64 thread_interval_ns(const struct thread *t);
