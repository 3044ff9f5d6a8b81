/*
 * Tasks and processes: what clone(2) makes. A task is a thread of user code; a process (thread group)
 * is what PIDs of getpid(2), signals of kill(2) and wait(2) are about. What CLONE_* flags share is a
 * reference-counted object of its own: address space, fdtable, fs_context, sighand, sem undo.
 *
 * Locks: TASKLIST (task_list_lock) for parent, children, groups, sessions; SIGHAND for signals.
 * Lifetime: task and process memory by reference count and RCU; a zombie keeps the process, not its resources.
 */
#pragma once
#include "kernel/lib/idmap.h"
#include "kernel/lib/guard.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/rlimit.h"
#include "kernel/proc/signal.h"
#include "kernel/sched/rcu.h"
#include "kernel/sched/thread.h"
#include "kernel/sched/timer.h"

struct fdtable;
struct fs_context;    /* kernel/fs/context.h: cwd, root, umask */
struct ipc_namespace; /* kernel/ipc */
struct sem_undo_list; /* kernel/ipc/sem */
struct tty;

struct restart_block {
	long (*fn)(struct restart_block *);
	u64 arg[6];
};

struct task {
	struct thread thread;    /* offset 0 */
	struct process *process; /* [I] reference */
	s32 tid;                 /* [I] */
	refcount_t refs;
	struct list thread_link; /* [TASKLIST] process->threads */
	const struct cred *cred; /* [own], others through RCU */
	struct fdtable *files;   /* [own], others under task_lock_others */
	struct fs_context *fs;
	struct sighand *sighand;
	struct sigpending pending; /* [SIGHAND] thread-directed */
	sigset_t blocked;          /* [own] written under SIGHAND */
	sigset_t
		saved_blocked; /* [own] to restore after sigsuspend, ppoll ... when restore_blocked */
	bool restore_blocked;
	u64 altstack_base, altstack_size;
	u32 altstack_flags;
	struct ipc_namespace *ipc_ns;   /* [own] reference */
	struct sem_undo_list *sem_undo; /* [own] reference, NULL until first SEM_UNDO */
	struct restart_block restart;
	u64 clear_child_tid; /* set_tid_address(2) */
	u64 robust_list;     /* set_robust_list(2) */
	u64 vfork_done;      /* struct vfork_wait * while the parent waits */
	s32 exit_signal;     /* 0 for threads */
	s32 exit_code;       /* wait(2) status */
	struct rcu_head rcu;
	struct {
		u64 ptr;
		u32 len, sig, flags;
	} rseq; /* rseq(2) registration */
};

struct process {
	refcount_t refs;
	s32 pid, pgid, sid;                  /* pgid, sid [TASKLIST] */
	struct process *parent;              /* [TASKLIST] */
	struct list children, sibling;       /* [TASKLIST] */
	struct list threads;                 /* [TASKLIST] live tasks */
	struct list pgrp_link, session_link; /* [TASKLIST] */
	u32 thread_count;                    /* [TASKLIST] */
	struct task *leader;       /* [TASKLIST] task with tid == pid, kept until reaped */
	struct sigpending pending; /* [SIGHAND] process-directed */
	u32 group_flags;           /* [SIGHAND] GROUP_* exiting, stopped, continued */
	s32 group_exit_code, stop_signal;
	u32 stopped_count;
	struct waitq child_wait;   /* wait(2) callers of this process */
	struct waitq exit_poll;    /* pidfd */
	struct rlimit_set rlimits; /* [a] */
	struct tty *tty;           /* [TASKLIST] controlling terminal of the session */
	bool is_subreaper, dumpable, did_exec;
	s32 pdeath_signal, exit_signal;
	u64 start_ns;
	u64 child_user_ns, child_system_ns, dead_user_ns, dead_system_ns;
	u64 max_rss, child_max_rss;
	u64 faults_minor, faults_major, child_faults_minor, child_faults_major;
	struct timer itimer_real;
	u64 itimer_real_interval;
	char zombie;        /* [TASKLIST] */
	void *posix_timers; /* signals room */
};

static ALWAYS_INLINE struct task *task_current(void)
{
	return (struct task *)thread_current();
}
static inline struct process *process_current(void)
{
	return task_current()->process;
}

extern struct spinlock task_list_lock;
/* Under task_list_lock or RCU, no reference given. */
struct task *task_find(s32 tid);
struct process *process_find(s32 pid);
struct process *process_lookup(s32 pid); /* with reference, or NULL */
struct task *task_lookup(s32 tid);
void process_put(struct process *p);
void task_put(struct task *t);
DEFINE_GUARD(process, struct process *, process_put)
DEFINE_GUARD(task, struct task *, task_put)
/* => next process with pid >= *pid with a reference, for /proc; NULL at the end. */
struct process *process_next(s32 *pid);
struct task *process_next_task(struct process *p, s32 *tid); /* with reference */
/* References to what another task shares, or NULL when it has exited. */
struct aspace *task_aspace_get(struct task *t);
struct fdtable *task_files_get(struct task *t);
struct fs_context *task_fs_get(struct task *t);

NORETURN void task_exit(s32 status); /* this thread; status as wait(2) encodes it */
NORETURN void task_exit_group(s32 status);
/* Boot: makes process 1 running `path` with argv and envp; panics when it dies. */
void init_start(const char *path, const char *const *argv, const char *const *envp);
/* Hooks by which rooms take part in fork and exit: kernel/proc/hooks.h */
