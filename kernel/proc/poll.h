/*
 * Polling: a file's poll operation reports its events now and tells the table which wait queues will
 * signal a change. poll(2), select(2) and epoll(7) are three kinds of table.
 */
#pragma once
#include "kernel/sync/waitq.h"

enum {
	POLLIN = 1,
	POLLPRI = 2,
	POLLOUT = 4,
	POLLERR = 8,
	POLLHUP = 16,
	POLLNVAL = 32,
	POLLRDNORM = 64,
	POLLRDBAND = 128,
	POLLWRNORM = 256,
	POLLWRBAND = 512,
	POLLMSG = 1024,
	POLLRDHUP = 0x2000
};

struct file;
struct poll_table {
	void (*add)(struct poll_table *pt, struct file *f, struct waitq *q);
	u32 events; /* what the caller waits for; a hint */
};
static inline void poll_wait(struct poll_table *pt, struct file *f, struct waitq *q)
{
	if (pt)
		pt->add(pt, f, q);
}
