/*
 * Signals: actions, pending sets and queues, delivery (signal(7)). This header has what other rooms
 * use; the machinery is in signal_send.c, signal_deliver.c, signal_stop.c.
 */
#pragma once
#include "abi/signal.h"
#include "kernel/lib/list.h"
#include "kernel/lib/result.h"
#include "kernel/lib/uptr.h"

typedef u64 sigset_t; /* bit n-1: signal n */
#define SIGMASK(sig) BIT((sig)-1)

struct sigpending {
	sigset_t set;
	struct list queue; /* struct sigqueue, FIFO */
};
struct siginfo; /* abi/signal.h */
struct sighand;
struct task;
struct process;

/* Sends with siginfo; permission is the caller's business. info NULL: SI_KERNEL. => 0 or -EAGAIN (queue limit, realtime only). */
int signal_send_task(struct task *t, int sig, const struct siginfo *info);
int signal_send_process(struct process *p, int sig, const struct siginfo *info);
/* To every process of a group; no permission check. => 0 or -ESRCH. */
int signal_send_pgrp(s32 pgid, int sig, const struct siginfo *info);
/* => true when the current thread has an unblocked signal pending. */
bool signal_pending(void);
/* ppoll, pselect, epoll_pwait, sigsuspend: replaces the mask until the call returns through a handler or
 * signal_mask_restore(). sigsetsize must be 8 else -EINVAL. */
MUST_CHECK int signal_mask_push_user(uptr_t set, size_t size);
void signal_mask_restore(void); /* call when the syscall does not return -EINTR/-ERESTART* */
/* tty: may a background process touch the terminal; => 0, -EIO, or -ERESTARTSYS after stopping itself. */
int signal_tty_check(struct process *p, int sig);
