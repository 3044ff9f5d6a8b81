/*
 * CPU clocks, clock_getcpuclockid(3): the processor time of a process, or of one thread of the caller's process; user
 * time alone, or all of it. An id is CLOCK_PROCESS_CPUTIME_ID or CLOCK_THREAD_CPUTIME_ID, or negative: ~pid << 3, 4 for a
 * thread, and in the low two bits which time is meant; pid 0 is the caller.
 *
 * A struct cpu_clock holds a reference to the task or process that it reads; it stands still when that has exited.
 */
#pragma once
#include "abi/time.h"
#include "kernel/lib/guard.h"
#include "kernel/lib/result.h"

enum {
	CPU_CLOCK_WHICH = 3,
	CPU_CLOCK_VIRTUAL = 1,
	CPU_CLOCK_SCHEDULED = 2,
	CPU_CLOCK_DESCRIPTOR = 3, /* no CPU clock: a device's */
	CPU_CLOCK_OF_THREAD = 4,
	CPU_CLOCK_PID_SHIFT = 3
};

struct task;
struct process;
struct cpu_clock {
	struct task *task;       /* [I] a reference, or NULL: */
	struct process *process; /* [I] a reference, or NULL */
	bool user_only;          /* [I] */
};
static inline bool clock_is_cpu(s32 id)
{
	return id < 0 || id == CLOCK_PROCESS_CPUTIME_ID || id == CLOCK_THREAD_CPUTIME_ID;
}
static inline bool clock_is_descriptor(s32 id)
{
	return id < 0 && (id & CPU_CLOCK_WHICH) == CPU_CLOCK_DESCRIPTOR &&
	       !(id & CPU_CLOCK_OF_THREAD);
}
/* id < 0. Whether it counts nanoseconds: the others, on Linux, ticks. */
static inline bool clock_is_exact(s32 id)
{
	return (id & CPU_CLOCK_WHICH) == CPU_CLOCK_SCHEDULED;
}
/* clock_is_cpu(id) => 0 and the references, or -EINVAL: no such process, a thread of another one, no such clock. */
MUST_CHECK int cpu_clock_get(s32 id, struct cpu_clock *out);
bool clock_is_own_thread(s32 id);        /* id < 0 */
void cpu_clock_put(struct cpu_clock *c); /* zeroed allowed */
u64 cpu_clock_ns(const struct cpu_clock *c);
