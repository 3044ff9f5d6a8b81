/*
 * Threads, as the scheduler sees them. kernel/proc embeds one at offset 0 of each task; kernel
 * threads stand alone.
 *
 * Blocking is by token: unpark(t) leaves a token, park() consumes one or sleeps until one comes. So
 * "check a condition; park; check again" loses no wake-up, and a wake-up may be spurious: every
 * park stands in a loop, and the caller's own state, never park's result alone, says what happened.
 *
 *	       thread_start            park: no token           unpark
 *	NEW ----------------> RUNNABLE --------------> parked --------------> RUNNABLE
 *	                         |  thread_exit: DEAD, freed after the switch by its release hook
 *
 * The token word of a thread (park_token), and who moves it:
 *
 *	NONE ---park---> PARKING ---the next thread, when the switch is done---> PARKED
 *	  \                 |                                                      |
 *	   unpark           unpark (the finished switch enqueues)                  unpark (enqueues)
 *	    \               v                                                      |
 *	     +---------> NOTIFIED <------------------------------------------------+
 *	                    park consumes it: NONE
 *
 * So nobody ever waits until a thread has left its processor: exactly one side sees the other's mark.
 *
 * Run queues: one for each processor, lock class RUNQ. Real-time threads (SCHED_FIFO, SCHED_RR) wait in one list
 * for each priority with a bitmap over them. Fair threads (the rest) have a slice for each epoch, charged by nice
 * weight: those with some left wait in the active list, those who used theirs up in the expired list; when
 * the active list is empty the lists change roles and a new epoch starts with fresh slices. Picking
 * and queueing are O(1). A woken thread preempts a running one of lower class or priority, or a fair one that
 * has used notably more of its slice.
 *
 * Real-time threads that keep the first fair thread waiting for 0.95 s are held back for 0.05 s, so that a runaway one
 * can be stopped (sched(7)).
 *
 * The tick: armed only while a thread waits behind the running one, so a lone thread and an idle
 * processor take no interrupts.
 *
 * struct thread memory is freed only after an RCU grace period (kernel/sched/rcu.h), so that an unpark
 * through a pointer found under rcu_read_lock is safe.
 */
#pragma once
#include "arch/clock.h"
#include "arch/context.h"
#include "arch/percpu.h"
#include "kernel/lib/list.h"
#include "kernel/sched/cpumask.h"
#include "kernel/sync/lockdep.h"

struct aspace;
struct thread;

enum { /* bits of thread.work: why the thread must not return straight to user space */
       THREAD_WORK_RESCHED = 1,
       THREAD_WORK_IRQ = 2,    /* this processor recorded interrupts: softirq_run() */
       THREAD_WORK_SIGNAL = 4, /* a signal or stop may be pending */
       THREAD_WORK_TASK = 8,   /* other duties of kernel/proc */
       THREAD_WORK_KILL = 16,  /* SIGKILL pending or group exit: interrupts PARK_KILLABLE too */
};

enum sched_class { SCHED_CLASS_FAIR, SCHED_CLASS_RT, SCHED_CLASS_IDLE };
enum { SCHED_OTHER = 0, SCHED_FIFO = 1, SCHED_RR = 2, SCHED_BATCH = 3, SCHED_IDLE = 5 };

struct thread {
	u32 work;       /* [a] THREAD_WORK_*; offset 0, entry.S tests it */
	u32 park_token; /* [a] enum park_token_state, above */
	struct arch_thread arch;
	struct aspace *
		aspace; /* [own] user address space, or NULL: kernel thread, borrows the last one */
	char name[16];  /* comm, proc(5) */
	/* scheduling: kernel/sched owns what follows, [r] = the run queue's lock */
	u8 park_kind; /* [own] enum park_kind: what /proc/PID/stat calls the sleep */
	u8 leaving;   /* [own] what the next thread does about this one after the switch */
	u8 state;     /* [a] enum thread_state */
	union {
		struct {
			u8 priority; /* [r] effective: 0 fair, else 1..99 as rt_priority, perhaps boosted */
			u8 policy; /* [r] SCHED_* */
		};
		u16 rank; /* 0: the ordinary case, fair and SCHED_OTHER */
	};
	u8 rt_priority;   /* [r] 1..99 for FIFO and RR, else 0 */
	u8 boost;         /* [r] lent by a waiter for a PI futex: 0 or 1..99 */
	s8 nice;          /* [r] -20..19 */
	u8 reset_on_fork; /* [own] SCHED_FLAG_RESET_ON_FORK */
	bool needs_tick; /* [r] a tick of its own: lighter than nice 0, or cpu_watch_cycles is set */
	u32 cpu;         /* [r] processor it runs or last ran on */
	u32 epoch;       /* [r] of its run queue, that slice belongs to */
	u32 charge; /* [r] slice units for each 2^16 cycles of running: the inverse of its weight */
	s64 slice;  /* [r] what is left: cycles at nice 0 */
	struct list run_link; /* [r] linked while it waits in a run queue */
	u64 last_in; /* [r] clock_cycles() when its present run, or the uncharged part, began */
	u64 total_cycles;        /* [r] of the processor, without the present run */
	u64 rt_since;            /* [r] total_cycles when it last woke, or turned, real-time */
	struct cpumask affinity; /* [r] */
	u64 switches_voluntary, switches_forced; /* [r] */
	struct {                                 /* [l] of account.c */
		u64 user_ns, system_ns;          /* last shown: what is shown never goes back */
	} shown;
	u32 samples_user, samples_system; /* [own] where ticks found it */
	u64 cpu_watch_cycles;   /* [own] total_cycles at which cpu_watch runs next; 0: never */
	u64 cpu_watch_every;    /* [own] cycles */
	u32 pagefault_disabled; /* [own] depth: user access must not sleep */
	void (*release)(
		struct thread *
			t); /* [I] called once, on another stack, after the thread is DEAD; must not block */
#if DEBUG_BUILD
	struct lockdep_state lockdep;
	u32 fail_countdown; /* [own] kernel/mm/fail.h; 0: off */
	bool fail_armed;    /* [own] */
#endif
};

EXTERN_PERCPU(struct thread *, current);
static ALWAYS_INLINE struct thread *thread_current(void)
{
	return this_cpu(current);
}

enum thread_state { THREAD_NEW, THREAD_RUNNABLE, THREAD_DEAD };
enum park_token_state { PARK_NONE, PARK_NOTIFIED, PARK_PARKING, PARK_PARKED };
static inline bool thread_is_parked(const struct thread *t)
{
	return load_relaxed(&t->park_token) >= PARK_PARKING;
}

/* The work bits that end the sleep; THREAD_STOPPED is none, and tells PARK_STOPPED from PARK_KILLABLE. */
enum { THREAD_STOPPED = 128 };
enum park_kind {
	PARK_UNINTERRUPTIBLE = 0,
	PARK_KILLABLE = THREAD_WORK_KILL,
	PARK_INTERRUPTIBLE = THREAD_WORK_SIGNAL | THREAD_WORK_KILL,
	PARK_STOPPED = THREAD_WORK_KILL | THREAD_STOPPED,
};
enum park_result { PARK_WOKEN, PARK_TIMEOUT, PARK_SIGNAL };
#define PARK_FOREVER UINT64_MAX
#define PARK_WALL    (1ull << 63) /* with a realtime_ns() value: the deadline follows the wall clock */

/* => the deadline that is ns (up to INT64_MAX) ahead; what is centuries ahead is for ever, not of the wall clock. */
static inline u64 deadline_in(u64 ns)
{
	u64 at = clock_mono_ns() + ns;
	return likely(at < PARK_WALL) ? at : PARK_FOREVER;
}

/*
 * Sleeps until a token, a deadline, or (INTERRUPTIBLE: THREAD_WORK_SIGNAL or KILL; KILLABLE and STOPPED: KILL) a signal.
 * => PARK_SIGNAL without sleeping when one is already pending and there is no token. PARK_TIMEOUT does not
 * exclude that a token came at the same time and was consumed.
 * deadline: clock_mono_ns() value, PARK_WALL and a realtime_ns() value, or PARK_FOREVER. No P lock held.
 */
enum park_result park(u64 deadline_ns, enum park_kind kind);
/* Leaves a token and makes a parked thread runnable. Any thread context; P locks below RUNQ may be held. */
void unpark(struct thread *t);
/* Sets work bits and makes the thread see them: leaves park() if the bits interrupt it, leaves user mode. Like unpark. */
void thread_set_work(struct thread *t, u32 bits);

/* Initialises scheduling state, inheriting policy, nice and affinity from the current thread (sched(7)). */
void thread_init(struct thread *t, const char *name);
void thread_start(struct thread *t);
NORETURN void thread_exit(void); /* current thread becomes DEAD; t->release(t) runs later */
/* => a started kernel thread or err_ptr. It ends when fn returns. */
struct thread *kthread_start(void (*fn)(void *arg), void *arg, const char *name);

void schedule(void);                  /* gives the processor away if somebody else should have it */
void sched_yield_current(void);       /* sched_yield(2) */
static inline void cond_resched(void) /* for long loops in the kernel, no P lock held */
{
	if (unlikely(load_relaxed(&thread_current()->work) &
	             (THREAD_WORK_RESCHED | THREAD_WORK_IRQ)))
		schedule();
}
/* Boot: turns the current flow of control into this processor's idle thread and never returns. */
NORETURN void sched_idle_loop(void);
void sched_init_cpu(void); /* each processor, before interrupts are enabled */
