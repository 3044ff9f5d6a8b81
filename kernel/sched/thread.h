/*
 * Threads, as the scheduler sees them. kernel/proc embeds one at offset 0 of each task; kernel
 * threads stand alone.
 *
 * Blocking is by token: unpark(t) leaves a token, park() consumes one or sleeps until one comes. So
 * "check a condition; park; check again" loses no wake-up, and a wake-up may be spurious: every
 * park stands in a loop.
 *
 *	       thread_start            park: no token           unpark
 *	NEW ----------------> RUNNABLE --------------> PARKED --------------> RUNNABLE
 *	                         |  thread_exit: DEAD, freed after the switch by its release hook
 *
 * struct thread memory is freed only after an RCU grace period (kernel/sched/rcu.h), so that an unpark
 * through a pointer found under rcu_read_lock is safe.
 */
#pragma once
#include "arch/context.h"
#include "arch/percpu.h"
#include "kernel/lib/list.h"
#include "kernel/sched/cpumask.h"
#include "kernel/sync/lockdep.h"

struct aspace;
struct thread;

enum { /* bits of thread.work: why the thread must not return straight to user space */
	THREAD_WORK_RESCHED = 1,
	THREAD_WORK_IRQ = 2,	/* this processor recorded interrupts: softirq_run() */
	THREAD_WORK_SIGNAL = 4, /* a signal or stop may be pending */
	THREAD_WORK_TASK = 8,	/* other duties of kernel/proc */
	THREAD_WORK_KILL = 16,	/* SIGKILL pending or group exit: interrupts PARK_KILLABLE too */
};

enum sched_class { SCHED_CLASS_FAIR, SCHED_CLASS_RT, SCHED_CLASS_IDLE };

struct thread {
	u32 work;		/* [a] THREAD_WORK_*; offset 0, entry.S tests it */
	u32 park_token;		/* [a] see sched.c */
	struct arch_thread arch;
	struct aspace *aspace;	/* [own] user address space, or NULL: kernel thread, borrows the last one */
	char name[16];		/* comm, proc(5) */
	u8 park_kind;		/* [own] enum park_kind: what /proc/PID/stat calls the sleep */
	/* scheduling: kernel/sched owns what follows, [r] = the run queue's lock */
	u8 class;		/* [r] enum sched_class */
	u8 policy;		/* [r] SCHED_OTHER 0, FIFO 1, RR 2, BATCH 3, IDLE 5 */
	u8 rt_priority;		/* [r] 1..99 */
	s8 nice;		/* [r] -20..19 */
	u8 state;		/* [a] enum thread_state */
	u8 reset_on_fork;
	u32 cpu;		/* [r] processor it runs or last ran on */
	struct cpumask affinity;/* [r] */
	struct list run_link;	/* [r] */
	u64 slice_ns;		/* [r] left of its time slice */
	u64 last_in;		/* [r] clock_cycles at switch-in */
	u64 user_cycles, kernel_cycles, total_cycles; /* [own] accounting, see sched/account.h */
	u64 switches_voluntary, switches_forced;
	u32 pagefault_disabled;	/* [own] depth: user access must not sleep */
	void (*release)(struct thread *t); /* [I] called once, on another stack, after the thread is DEAD */
#if DEBUG_BUILD
	struct lockdep_state lockdep;
#endif
};

EXTERN_PERCPU(struct thread *, current);
static ALWAYS_INLINE struct thread *thread_current(void) { return this_cpu(current); }

enum thread_state { THREAD_NEW, THREAD_RUNNABLE, THREAD_PARKED, THREAD_DEAD };

enum park_kind { PARK_UNINTERRUPTIBLE, PARK_KILLABLE, PARK_INTERRUPTIBLE, PARK_STOPPED };
enum park_result { PARK_WOKEN, PARK_TIMEOUT, PARK_SIGNAL };
#define PARK_FOREVER UINT64_MAX

/*
 * Sleeps until a token, a deadline, or (INTERRUPTIBLE: THREAD_WORK_SIGNAL or KILL; KILLABLE and STOPPED: KILL) a signal.
 * => PARK_SIGNAL without sleeping when one is already pending and there is no token.
 * deadline: clock_mono_ns() value or PARK_FOREVER. No P lock held.
 */
enum park_result park(u64 deadline_ns, enum park_kind kind);
/* Leaves a token and makes a parked thread runnable. Any thread context; P locks below RUNQ may be held. */
void unpark(struct thread *t);
/* Sets work bits and makes the thread see them: leaves park() if the bits interrupt it, leaves user mode. */
void thread_set_work(struct thread *t, u32 bits);

/* Initialises scheduling state, inheriting policy, nice and affinity from the current thread (sched(7)). */
void thread_init(struct thread *t, const char *name);
void thread_start(struct thread *t);
NORETURN void thread_exit(void);	/* current thread becomes DEAD; t->release(t) runs later */
/* => a started kernel thread or err_ptr. */
struct thread *kthread_start(void (*fn)(void *arg), void *arg, const char *name);

void schedule(void);			/* gives the processor away if somebody else should have it */
void sched_yield_current(void);		/* sched_yield(2) */
static inline void cond_resched(void)	/* for long loops in the kernel, no P lock held */
{
	if (unlikely(load_relaxed(&thread_current()->work) & (THREAD_WORK_RESCHED | THREAD_WORK_IRQ)))
		schedule();
}
/* Boot: turns the current flow of control into this processor's idle thread and never returns. */
NORETURN void sched_idle_loop(void);
void sched_init_cpu(void);		/* each processor, before interrupts are enabled */
