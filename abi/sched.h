/* Scheduling in the Linux x86-64 ABI: sched_setattr(2), sched(7), getpriority(2). SCHED_*: kernel/sched/thread.h. */
#pragma once
#include "abi/types.h"

struct abi_sched_attr {
	u32 size, policy;
	u64 flags;
	s32 nice;
	u32 priority;
	u64 runtime, deadline, period;
	u32 util_min, util_max;
};
_Static_assert(sizeof(struct abi_sched_attr) == 56, "sched_attr, version 1");
enum { SCHED_ATTR_SIZE_VER0 = 48, SCHED_ATTR_SIZE_VER1 = 56 };

enum {
	SCHED_DEADLINE = 6,
	SCHED_FLAG_RESET_ON_FORK = 1,
	SCHED_FLAG_KEEP_POLICY = 8,
	SCHED_FLAG_KEEP_PARAMS = 0x10,
	SCHED_FLAG_UTIL_CLAMP = 0x60,
	SCHED_FLAG_ALL = 0x7f,
	SCHED_RESET_ON_FORK = 0x40000000, /* in the policy of sched_setscheduler(2) */
	PRIO_PROCESS = 0,
	PRIO_PGRP = 1,
	PRIO_USER = 2,
};
