/*
 * How other rooms take part in the life of tasks without this one knowing them.
 *
 *	static const struct proc_hooks sem_hooks = { .name = "sem", .fork = ..., .exit = ... };
 *	PROC_HOOKS(sem_hooks);
 *
 * A linker section collects them; every member may be NULL. All run in thread context of the task named, with no
 * lock held, and may sleep unless said otherwise. Order between hooks is unspecified.
 *
 *	clone      fork(child, flags) ... [later step fails: release(child)] ... child starts
 *	execve     exec(t): after the point of no return, in the new address space
 *	exit       exit_mm(t): user memory still mapped; address space dropped; exit(t)
 *	last ref   release(t): memory of the task goes; t may be any task, also one that never started
 */
#pragma once
#include "kernel/lib/result.h"

struct task;
struct file;
struct process;

struct proc_hooks {
	const char *name;
	/* The child is a zeroed-and-copied task that does not run yet; sets the hook's own fields of it.
	 * flags: CLONE_*. => 0 or the errno of clone(2), with the hook's fields in a state that release() accepts. */
	int (*fork)(struct task *child, u64 flags);
	void (*exec)(struct task *t);
	void (*exit_mm)(struct task *t); /* thread leaves its address space: exit and exec */
	void (*exit)(struct task *t);
	void (*process_exit)(struct process *p); /* the last thread leaves, after exit(t) */
	void (*release)(struct task *t);         /* must not sleep; drops references */
	/* unshare(2): the namespace part of flags, for the current task. => 0 or -errno; called after all that can fail
	 * in other parts of unshare(2). */
	int (*unshare)(u64 flags);
	/* setns(2): => 0; -EINVAL when the descriptor is not of this hook's kind. */
	int (*setns)(struct file *f, int nstype);
	/* The same with a pidfd: enter the namespaces `flags` that t is in. => 0; -ESRCH when t has left them. */
	int (*setns_of)(struct task *t, u64 flags);
	/* sched_setscheduler(2) and its kin changed the priority of t, which is any task that the caller holds. Must not sleep. */
	void (*priority_changed)(struct task *t);
	/* Debug builds, before the leak report: no process is left; give back what users left behind. Kernel thread. */
	void (*shutdown)(void);
	/* A session leader with a controlling terminal exits: hang it up. */
	void (*session_exit)(struct process *leader);
};

#define PROC_HOOKS(var)                                                                            \
	SECTION("proc_hooks")                                                                      \
	USED static const struct proc_hooks *const proc_hooks_ptr_##var = &(var)

extern const struct proc_hooks *const __start_proc_hooks[], *const __stop_proc_hooks[];
#define proc_hooks_for_each(h)                                                                     \
	for (const struct proc_hooks *const *h = __start_proc_hooks; h < __stop_proc_hooks; h++)
