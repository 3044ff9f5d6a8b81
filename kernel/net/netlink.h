/*
 * AF_NETLINK, netlink(7), as far as the C libraries need it: the helper thread of mq_notify(3) with SIGEV_THREAD makes
 * a raw socket of it, and the kernel queues 32-byte cookies there.
 *
 * Objects and lifetimes. A notice is a cookie bound for one socket; it holds a reference to that socket, and all that
 * sending it needs was allocated when it was made. A socket that was closed meanwhile swallows it.
 *
 * Locking: class NETLINK, the queue of one socket.
 *
 * What can fail: making a notice. Sending never does.
 */
#pragma once
#include "kernel/lib/result.h"
#include "kernel/lib/uptr.h"

enum { NETLINK_COOKIE_BYTES = 32 };
enum {
	NETLINK_NOTIFY_WOKEN = 1,
	NETLINK_NOTIFY_REMOVED = 2
}; /* the cookie's last byte, mq_notify(3) */
struct netlink_notice;

/* A cookie (NETLINK_COOKIE_BYTES) for the netlink socket at descriptor fd of the caller; waits while that socket's receive
 * buffer is full. => a notice, or err_ptr: -EBADF, -ENOTSOCK, -EINVAL (of another family), -ENOMEM, -ERESTARTSYS. */
MUST_CHECK struct netlink_notice *netlink_notice_new(int fd, const void *cookie);
/* Queues it with `why` in its last byte, and is done with it. P locks of lower rank than NETLINK may be held; may drop the
 * socket's last reference, which does not sleep. */
void netlink_notice_send(struct netlink_notice *n, u8 why);
/* The same for one that is not to be sent. */
void netlink_notice_free(struct netlink_notice *n);
