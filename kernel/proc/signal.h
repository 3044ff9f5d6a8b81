/*
 * Signals: actions, pending sets and queues, delivery (signal(7)).
 *
 * Objects
 *	struct sighand	actions of a process; shared by CLONE_SIGHAND; its lock guards the signal state of
 *			every process that uses it. Freed by RCU.
 *	struct sigqueue	one pending instance with its siginfo, charged to the target's user
 *			(RLIMIT_SIGPENDING). A standard signal that cannot get one is pending without siginfo.
 *
 * Life of a signal
 *
 *	send --ignored?--> dropped
 *	  | not                                 thread takes it on its way to user space
 *	  v                                      ignore | stop | continue | exit | handler frame
 *	pending (task or process) --THREAD_WORK_SIGNAL on an eligible thread--^
 *
 * THREAD_WORK_SIGNAL is a hint that only user_return_work() takes back; so a system call that saw it in
 * park() always passes through delivery, and -ERESTART* never reaches user space.
 *
 * Locking: SIGHAND for all of it. Sending takes task_list_lock or RCU to find the target, never both
 * SIGHANDs at once. Files: signal_send.c, signal_queue.c, signal_deliver.c, signal_stop.c, signal_mask.c.
 */
#pragma once
#include "abi/signal.h"
#include "kernel/lib/list.h"
#include "kernel/lib/refcount.h"
#include "kernel/lib/result.h"
#include "kernel/lib/uptr.h"
#include "kernel/sched/rcu.h"
#include "kernel/sync/spinlock.h"

typedef u64 sigset_t; /* bit n-1: signal n */
#define SIGMASK(sig)    BIT((sig)-1)
#define SIGMASK_STOP    (SIGMASK(SIGSTOP) | SIGMASK(SIGTSTP) | SIGMASK(SIGTTIN) | SIGMASK(SIGTTOU))
#define SIGMASK_IGNORED (SIGMASK(SIGCONT) | SIGMASK(SIGCHLD) | SIGMASK(SIGWINCH) | SIGMASK(SIGURG))
#define SIGMASK_SYNCHRONOUS                                                                        \
	(SIGMASK(SIGSEGV) | SIGMASK(SIGBUS) | SIGMASK(SIGILL) | SIGMASK(SIGTRAP) |                 \
	 SIGMASK(SIGFPE) | SIGMASK(SIGSYS))
#define SIGMASK_CORE                                                                               \
	(SIGMASK(SIGQUIT) | SIGMASK(SIGILL) | SIGMASK(SIGTRAP) | SIGMASK(SIGABRT) |                \
	 SIGMASK(SIGFPE) | SIGMASK(SIGSEGV) | SIGMASK(SIGBUS) | SIGMASK(SIGSYS) |                  \
	 SIGMASK(SIGXCPU) | SIGMASK(SIGXFSZ))
#define SIGMASK_UNBLOCKABLE (SIGMASK(SIGKILL) | SIGMASK(SIGSTOP))

struct sigpending {
	sigset_t set;
	struct list queue; /* struct sigqueue, FIFO */
};
struct task;
struct process;
struct user;

struct sigqueue {
	struct list link;  /* [SIGHAND] self-linked while not pending */
	struct user *user; /* charged, or NULL */
	u32 flags;
	u32 overruns;      /* preallocated ones: sends while still pending */
	u32 overruns_told; /* what the last delivery said, timer_getoverrun(2) */
	union {
		struct siginfo info; /* the first SIGINFO_USED bytes count */
		struct rcu_head rcu;
	};
};

struct sighand {
	refcount_t refs;
	struct spinlock lock; /* class SIGHAND */
	struct sigaction_abi action[NSIG];
	struct rcu_head rcu;
};
/* sighand_lock(p) is in task.h. */
static inline void sighand_unlock(struct sighand *s)
{
	spin_unlock(&s->lock);
}

/* Sends with siginfo; permission is the caller's business. info NULL: SI_KERNEL. => 0 or -EAGAIN (queue limit,
 * realtime only). A target that has exited: 0. Any thread context; P locks below SIGHAND may be held. */
int signal_send_task(struct task *t, int sig, const struct siginfo *info);
int signal_send_process(struct process *p, int sig, const struct siginfo *info);
/* To every process of a group; no permission check. => 0 or -ESRCH. _locked: task_list_lock is held. */
int signal_send_pgrp(s32 pgid, int sig, const struct siginfo *info);
int signal_send_pgrp_locked(s32 pgid, int sig, const struct siginfo *info);
/* A signal that the thread cannot refuse: blocked or ignored becomes SIG_DFL. */
void signal_force(struct task *t, int sig, const struct siginfo *info);

/* Signals of POSIX timers, which must not fail later: allocated when the timer is made, at most once pending.
 * => NULL at RLIMIT_SIGPENDING or without memory. */
MUST_CHECK struct sigqueue *sigqueue_new_timer(void);
/* Queues q (its info is filled in by the caller beforehand) to the task, or to the process when t is NULL. Already
 * pending: counts an overrun instead. => true when it was queued. */
bool sigqueue_send(struct sigqueue *q, struct process *p, struct task *t, int sig);
void sigqueue_free_timer(struct process *p, struct sigqueue *q); /* unqueues it when pending */

/* => true when the current thread has an unblocked signal pending; may be true spuriously. */
bool signal_pending(void);
bool signal_pending_fatal(void);

/* signalfd(2), sigtimedwait(2): takes the next pending signal of `set`, blocked or not, off the current thread or its
 * process. => its number, or 0. info: all 128 bytes. */
int signal_dequeue(sigset_t set, struct siginfo *info);
/* => pending signals, thread and process, blocked or not. Wake-ups: process->signal_wait. */
sigset_t signal_pending_set(void);
void signal_pending_sets(struct task *t, sigset_t *thread,
                         sigset_t *process); /* /proc/PID/status */
void signal_action_sets(struct process *p, sigset_t *ignored, sigset_t *caught);

/* ppoll, pselect, epoll_pwait, sigsuspend: replaces the mask until the call returns through a handler or
 * signal_mask_restore(). set NULL: nothing. sigsetsize must be 8 else -EINVAL. */
MUST_CHECK int signal_mask_push_user(uptr_t set, size_t size);
void signal_mask_restore(void); /* call when the syscall does not return -EINTR/-ERESTART* */
/* Changes the blocked set of the current thread; SIGKILL and SIGSTOP stay unblocked. */
void signal_mask_set(sigset_t blocked);

/* tty: may a background process touch the terminal; => 0, -EIO, or -ERESTARTSYS after stopping itself. */
int signal_tty_check(struct process *p, int sig);
