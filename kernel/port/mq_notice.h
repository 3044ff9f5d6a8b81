/*
 * Notices of message queues: what mq_notify(2) asks for, port_notice of kernel/ipc/port.h.
 *
 * A notice knows its process by reference, so a number given out anew is nobody's, and how many programs that had executed:
 * a signal meant for one program does not reach the next.
 */
#pragma once
#include "abi/time.h"
#include "kernel/lib/result.h"

struct port_notice;
/* => what `event` asks for on behalf of the current process, or err_ptr: -EINVAL, -EFAULT, -ENOMEM; SIGEV_THREAD: -EBADF,
 * -ENOTSOCK, -ERESTARTSYS. */
MUST_CHECK struct port_notice *mq_notice_new(const struct abi_sigevent *event);
void mq_notice_free(struct port_notice *n); /* one that was never registered */
