/*
 * wait4(2), waitid(2): finding a child that changed state, and reaping it.
 *
 * The caller stands in process->child_wait before it looks, so a change between looking and sleeping is a
 * wake-up. What is found is taken (reaped, or its event cleared) under task_list_lock by exactly one waiter.
 */
#pragma once
#include "abi/process.h"
#include "kernel/lib/result.h"

struct process;
struct process_times;

struct wait_request {
	u32 type; /* P_* */
	s32 id;
	struct process *process; /* P_PIDFD: borrowed */
	u32 options;             /* WNOHANG, WEXITED ..., __WALL ... */
};
struct wait_result {
	s32 pid, status, code; /* status: as waitid shows it (CLD_EXITED: exit code); code: CLD_* */
	s32 wait_status;       /* as wait4 shows it */
	u32 uid;
	struct rusage_abi usage;
};
/* => pid, 0 (WNOHANG and nothing yet), -ECHILD, -ERESTARTSYS. */
MUST_CHECK long process_wait(const struct wait_request *r, struct wait_result *out);
void rusage_fill(struct rusage_abi *out, const struct process_times *t);
