/*
 * Queues of pollers, and what epoll watches, for both test worlds: the same rules as kernel/sync/waitq.c, in plain
 * code. What is watched is a queue and a word of events; test_file_set() is how a file changes.
 */
#pragma once
#include "abi/types.h"

struct epoll_item;
struct port_thread;
struct port_pollq {
	struct port_lock lock; /* class WAITQ */
	struct list watches;   /* [l] struct port_watch */
	unsigned wakes;        /* [a] calls of port_poll_wake */
	u32 events;            /* [a] of the last one */
};
struct port_poll_later {
	struct port_pollq q;
	struct port_poll_later *next;
	struct port_thread *owner; /* [a] who will wake for all that ask; NULL: not listed */
};
struct test_file {
	struct port_pollq q;
	u32 events; /* [a] POLL*, now */
};
struct epoll;
struct port_watched { /* one of the two */
	struct test_file *file;
	struct epoll *instance;
};
struct port_watch {
	struct list link; /* [q->lock] */
	struct port_pollq *q;
	struct epoll_item *item;
	bool exclusive;
};

void test_file_init(struct test_file *f);
/* The file's events are these from now on, and whoever watches hears of it. */
void test_file_set(struct test_file *f, u32 events);
u64 test_epoll_watches(void); /* charged to the only user there is */
