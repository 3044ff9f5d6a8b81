/* Who may change whose scheduling: shared by sched.c and priority.c. */
#pragma once
#include "kernel/proc/task.h"

struct task *sched_task(s32 tid); /* 0: the caller. => reference or NULL */
/* => RLIMIT_NICE of t's process or CAP_SYS_NICE allow that nice value. */
bool sched_may_nice(const struct task *t, s32 nice);
