/* Resource limits, getrlimit(2). */
#pragma once
#include "kernel/lib/compiler.h"

enum {
	RLIMIT_CPU,
	RLIMIT_FSIZE,
	RLIMIT_DATA,
	RLIMIT_STACK,
	RLIMIT_CORE,
	RLIMIT_RSS,
	RLIMIT_NPROC,
	RLIMIT_NOFILE,
	RLIMIT_MEMLOCK,
	RLIMIT_AS,
	RLIMIT_LOCKS,
	RLIMIT_SIGPENDING,
	RLIMIT_MSGQUEUE,
	RLIMIT_NICE,
	RLIMIT_RTPRIO,
	RLIMIT_RTTIME,
	RLIMIT_COUNT
};
#define RLIM_INFINITY UINT64_MAX
struct rlimit_pair {
	u64 soft, hard;
};
struct rlimit_set {
	struct rlimit_pair limit[RLIMIT_COUNT];
};
struct process;
u64 rlimit(int which);                          /* soft limit of the current process */
extern const struct rlimit_set rlimit_defaults; /* of process 1 */
