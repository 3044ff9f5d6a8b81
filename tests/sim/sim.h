/*
 * The simulation: the IPC module in a world where one host thread plays all tasks, time is a
 * variable, and who runs next is a choice. A test is run again and again until every choice has been
 * made every way; the schedule of a failure prints as a string that replays it.
 *
 *	SIM(two_waiters_one_post)
 *	{
 *		struct sem_world w = sem_world_new(1);		set up, outside any task
 *		sim_spawn(wait_one, &w);			tasks: coroutines
 *		sim_spawn(post_one, &w);
 *		sim_run();					until all have returned
 *		CHECK_EQ(w.value, 0);				in every interleaving
 *		sem_world_free(&w);
 *	}
 *
 * Where tasks interleave: before port_lock, port_mutex_lock, port_park, port_unpark, port_defer,
 * port_step and user copies. Code between two of these is one step; it touches only what the next
 * lock protects or the task owns, so finer steps would show nothing new.
 *
 * What is chosen at each point: go on (always choice 0, so the schedule of all zeroes is the plain
 * one), switch to another runnable task, let the earliest deadline expire, deliver a signal that
 * sim_signal_anytime() announced, or wake a parked task spuriously while sim_spurious() allows.
 *
 *	 spawn            park: no token                 unpark, deadline, signal
 *	READY ---> RUNNING ------------------> PARKED --------------------------> READY
 *	              | lock taken                                              ^
 *	              +------------> BLOCKED on the lock ----- its release -----+
 *	              | returns
 *	              +------------> DONE
 *
 * No task ready, no deadline, no signal to come, not all DONE: a deadlock, and the test fails.
 *
 * Bounds: a test is explored exhaustively unless it calls sim_preemptions(k): then only schedules in
 * which a task that could go on is left at most k times. A test that needs more than
 * SIM_MAX_SCHEDULES schedules fails and says so, rather than pretend.
 *
 * Faults: sim_fail_allocation(n) and sim_fail_copy(n) make the n-th one from now fail;
 * SIM_EACH_FAULT runs its body with n = 1, 2, ... until a round passes untouched.
 */
#pragma once
#include "kernel/ipc/port.h"
#include "kernel/lib/test.h"

enum { SIM_MAX_SCHEDULES = 2000000 };

struct sim_task;

#define SIM(fn)                                                                                    \
	static void fn(void);                                                                      \
	static const struct test sim_##fn = {#fn, __FILE__, fn};                                   \
	SECTION("sim_tests") USED static const struct test *const sim_ptr_##fn = &sim_##fn;        \
	static void fn(void)

/* A task that will run body(arg), as a process of its own. => handle, good until the test ends. */
struct sim_task *sim_spawn(void (*body)(void *arg), void *arg);
/* Plays all tasks to their end under the schedule being explored. */
void sim_run(void);

/* Lets this test leave a runnable task at most k times in one schedule. */
void sim_preemptions(unsigned k);
/* Up to n parks of each schedule may return PORT_WOKEN without a wake-up. */
void sim_spurious(unsigned n);
/* One signal for `t`, at whatever point the schedule chooses, or when nothing else can happen. */
void sim_signal_anytime(struct sim_task *t);
/* => one of 0 .. n - 1, each in some schedule: a choice of the test's own. */
unsigned sim_choose(unsigned n);

/* Notes that this schedule came to result n; the test fails unless its schedules together came to
 * exactly the results in `expected` (bit n). For "either may win, and each does". */
void sim_outcome(unsigned n, u64 expected);

/* Who a task, or the test itself (NULL), is. */
struct sim_identity {
	s32 pid;
	u32 priority; /* base, for futexes */
	u32 euid, egid;
	u32 groups[4], group_count;
	u64 capabilities; /* bit PORT_CAP_* */
	u32 urgency;      /* port_urgency() */
	struct ipc_namespace *ns;
	struct sem_undo_list *undo;
};
struct sim_identity *sim_identity(struct sim_task *t);
u32 sim_boost(struct sim_task *t); /* what it was lent */
bool sim_parked(struct sim_task *t);
/* Times the task has been sent `sig` by port_raise(). */
unsigned sim_raised(struct sim_task *t, int sig);

u64 sim_now(void); /* ns; moves only when a deadline expires, or by sim_advance() */
void sim_advance(u64 ns);

void sim_fail_allocation(unsigned n); /* 0: none fails */
void sim_fail_copy(unsigned n);
/* => true when the fault that was asked for has happened. */
bool sim_fault_happened(void);
#define SIM_EACH_FAULT(set_fault) EACH_FAULT(set_fault, sim_fault_happened)

/* Allocations of the module not yet freed: the runner checks that a test leaves none behind. */
long sim_live_allocations(void);
