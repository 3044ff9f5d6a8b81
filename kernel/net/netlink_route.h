/* NETLINK_ROUTE, rtnetlink(7), of a machine without network interfaces: dumps are empty, all else is refused. */
#pragma once
#include "kernel/lib/result.h"

enum { NETLINK_ROUTE = 0 };
struct netlink;

/* One datagram of requests from l, which gets the answers. => 0 or -ENOMEM. */
MUST_CHECK int netlink_route_request(struct netlink *l, const void *text, size_t length);

/* Of netlink.c: queues an answer at l. => 0 or -ENOMEM. */
MUST_CHECK int netlink_reply(struct netlink *l, const void *data, u32 length);
u32 netlink_port(const struct netlink *l);
