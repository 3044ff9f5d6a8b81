/*
 * Tasks of the simulation: coroutines, switched as the kernel switches threads, and the choices between them. Private to
 * tests/sim.
 */
#pragma once
#include "tests/port/ranks.h"
#include "tests/sim/sim.h"

enum task_state { TASK_READY, TASK_PARKED, TASK_BLOCKED, TASK_DONE };
enum { MAX_TASKS = 8, TASK_STACK = 256 * 1024 };

struct sim_task {
	u64 rsp; /* while it does not run */
	void *stack;
	void *fake_stack; /* AddressSanitizer's shadow of it */
	void (*body)(void *arg);
	void *arg;
	enum task_state state;
	struct port_lock *waiting; /* BLOCKED: for this lock */
	bool token, signalled, interruptible, expired, signal_to_come;
	u64 deadline; /* PARKED: or PORT_FOREVER */
	unsigned read_depth;
	struct held_locks held;
	unsigned raised[65];
	struct sim_identity identity;
	s32 tid; /* pid of its first identity */
	struct port_pi pi;
	u32 boost;
	int index;
};

/* The task that runs now; the test's own flow of control is a task too, which never interleaves. */
extern struct sim_task *sim_self;

/* Where others may run before the current task goes on. */
void sim_point(void);
/* Gives control to the scheduler until the task is READY again and chosen. */
void sim_block(enum task_state state);
void sim_read_section_changed(int by);
void sim_defer_add(struct port_defer *d);

/* explore.c */
void explore_restart(void); /* forgets what one schedule left behind */
extern unsigned preemptions_left, spurious_left;
