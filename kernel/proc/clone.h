/*
 * Making tasks: clone(2), clone3(2), fork(2), vfork(2).
 *
 * First everything that can fail is made and hung on a task that nobody sees (task_new, what is shared or copied,
 * hooks, the pidfd); one section under task_list_lock then gives it a number and publishes it, or finds that a
 * signal came first (-ERESTARTNOINTR: delivered, then the call starts over). The child starts last.
 *
 * What can fail: -EINVAL (flags that contradict each other), -EAGAIN (RLIMIT_NPROC, numbers), -ENOMEM, -EPERM,
 * -EMFILE and -EFAULT (pidfd).
 */
#pragma once
#include "abi/process.h"
#include "kernel/lib/result.h"
#include "kernel/lib/uptr.h"

struct clone_request {
	u64 flags; /* CLONE_* without the exit signal */
	u64 stack; /* initial stack pointer, 0: the parent's */
	u64 tls;   /* CLONE_SETTLS */
	uptr_t pidfd, child_tid, parent_tid;
	s32 exit_signal;
};
/* => the child's tid, or -errno. */
MUST_CHECK long task_clone(const struct clone_request *r);

/* unshare(2), setns(2). */
MUST_CHECK int task_unshare(u64 flags);
MUST_CHECK int task_setns(int fd, int nstype);

/* => a file for the process, pidfd_open(2), or err_ptr. */
struct file;
struct process;
MUST_CHECK struct file *pidfd_new(struct process *p, u32 flags);
/* => the process of a pidfd with a reference, or err_ptr(-EBADF). flags: the file's O_NONBLOCK, may be NULL. */
struct process *pidfd_process_get(int fd, u32 *flags);
