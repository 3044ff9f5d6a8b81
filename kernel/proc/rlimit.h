/* Resource limits, getrlimit(2). */
#pragma once
#include "kernel/lib/result.h"

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
u64 rlimit(int which); /* soft limit of the current process */
extern const struct rlimit_set rlimit_defaults;
void rlimit_init(
	struct rlimit_set *s); /* limits of process 1: the defaults, and what memory allows */
/* prlimit(2), permission is the caller's business. new NULL: only asks. => 0, -EINVAL, -EPERM. */
MUST_CHECK int rlimit_change(struct process *p, int which, const struct rlimit_pair *new,
                             struct rlimit_pair *out_old);
