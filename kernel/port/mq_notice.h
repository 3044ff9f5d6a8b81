/*
 * Notices of message queues: what mq_notify(2) asks for, port_notice of kernel/ipc/port.h.
 *
 * A notice knows its process by reference, so a number given out anew is nobody's, and how many programs that had
 * executed: a signal meant for one program does not reach the next.
 *
 * Locking: no lock held. port_notice_tell() and port_notice_remove() use a notice up, and neither sleep nor fail: all
 * that takes was allocated when it was made. What can fail: making one.
 */
#pragma once
#include "abi/time.h"
#include "kernel/lib/result.h"

struct port_notice;
/* => what `event` (a kernel copy) asks for on behalf of the current process, for the queue or mq_notice_free(); or
 * err_ptr: -EINVAL, -EFAULT, -ENOMEM; SIGEV_THREAD: -EBADF, -ENOTSOCK, -ERESTARTSYS, as netlink_notice_new(). */
MUST_CHECK struct port_notice *mq_notice_new(const struct abi_sigevent *event);
void mq_notice_free(struct port_notice *n); /* one that was never registered */
