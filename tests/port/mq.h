/* POSIX message queues in the test worlds: what tests may set and look at. */
#pragma once
#include "kernel/ipc/port.h"

struct test_notice {
	unsigned told, removed; /* [a] */
};
struct port_notice {
	s32 pid; /* who registered */
	struct test_notice *counts;
};
/* => a notice of the caller that ends in *counts, or NULL. */
struct port_notice *test_notice_new(struct test_notice *counts);

extern u64 test_mq_limit; /* RLIMIT_MSGQUEUE */
