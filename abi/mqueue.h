/* POSIX message queues: mq_overview(7), and what Linux fixes beyond it. */
#pragma once
#include "abi/types.h"

struct mq_attr {
	s64 flags; /* O_NONBLOCK */
	s64 maxmsg, msgsize, curmsgs;
	s64 reserved[4];
};
_Static_assert(sizeof(struct mq_attr) == 64, "struct mq_attr");

enum {
	MQ_PRIO_MAX = 32768,
	MQ_FILE_SIZE = 80, /* st_size of a queue */

	/* Limits of a namespace, /proc/sys/fs/mqueue: what they begin with, and between which bounds they move. */
	MQ_QUEUES_MAX = 256,
	MQ_MSG_MAX = 10,
	MQ_MSG_MAX_LEAST = 1,
	MQ_MSG_MAX_MOST = 65536,
	MQ_MSGSIZE_MAX = 8192,
	MQ_MSGSIZE_MAX_LEAST = 128,
	MQ_MSGSIZE_MAX_MOST = 16 << 20,

	/* What RLIMIT_MSGQUEUE counts for each message, and for each priority in use, getrlimit(2). */
	MQ_MESSAGE_BYTES = 48,
	MQ_PRIORITY_BYTES = 48,

	/* SIGEV_THREAD is, to mq_notify(2), a datagram: value points to it, signo is a netlink socket. Its last byte: */
	MQ_COOKIE_BYTES = 32,
	MQ_COOKIE_WOKEN = 1,
	MQ_COOKIE_REMOVED = 2,
};
