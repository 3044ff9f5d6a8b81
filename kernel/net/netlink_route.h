/*
 * NETLINK_ROUTE, rtnetlink(7), of a machine without network interfaces: dumps are empty, all else is refused, in
 * answers that are queued at the asker.
 *
 * Locking: system calls, no lock held; queueing an answer takes the queue's (class NETLINK).
 * What can fail: memory for an answer.
 */
#pragma once
#include "kernel/lib/result.h"

enum { NETLINK_ROUTE = 0 };
struct netlink;

/* One datagram of requests (a kernel copy) from l, which gets the answers. => 0 or -ENOMEM. */
MUST_CHECK int netlink_route_request(struct netlink *l, const void *text, size_t length);

/* Of netlink.c: queues a copy of an answer at l; when its queue is full, the answer is lost and l hears ENOBUFS. =>
 * 0 or -ENOMEM. */
MUST_CHECK int netlink_reply(struct netlink *l, const void *data, u32 length);
/* => the port id of l: 0, not bound yet. */
u32 netlink_port(const struct netlink *l);
