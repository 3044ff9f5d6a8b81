/*
 * Tasks and processes: what clone(2) makes. A task is a thread of user code; a process (thread group)
 * is what PIDs of getpid(2), signals of kill(2) and wait(2) are about. What CLONE_* flags share is a
 * reference-counted object of its own: address space, fdtable, fs_context, sighand, sem undo list.
 *
 * Objects and lifetimes
 *	struct pid	a number in use: by a task, as a process group, as a session. Lives in the pid table
 *			while any of the three uses it, so a number is never reused under a group.
 *	struct task	one reference while the thread runs (dropped after it is DEAD), one held by a process
 *			for its leader until it is reaped, others by lookups. Memory goes after a grace period.
 *	struct process	one reference per task, one by the process tree until it is reaped, others by
 *			lookups and pidfds. Memory goes after a grace period.
 *
 *	            task_commit             last thread exits          reaped by wait(2), or SIGCHLD ignored
 *	(private) -------------> live ------------------------> zombie ------------------------------> dead
 *	                          | ^
 *	            stop signal   v | SIGCONT
 *	                         stopped
 *
 * Locking
 * *	TASKLIST (task_list_lock): the pid table, parents and children, groups, sessions, thread lists.
 *	  SIGHAND (sighand_lock(p)): pending signals and group state of p, thread list of p, and the
 *	  pointers files, fs, aspace of its tasks when somebody else reads them.
 *	Without a lock, under RCU: task_find, process_find, ->cred of others.
 *
 * What can fail: making a task (-EAGAIN at RLIMIT_NPROC or when numbers run out, -ENOMEM). Nothing on the way out.
 */
#pragma once
#include "kernel/lib/guard.h"
#include "kernel/lib/idmap.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/itimer.h"
#include "kernel/proc/rlimit.h"
#include "kernel/proc/signal.h"
#include "kernel/sched/rcu.h"
#include "kernel/sched/thread.h"
#include "kernel/sched/timer.h"
#include "kernel/sync/spinlock.h"
#include "kernel/sync/waitq.h"

struct fdtable;
struct fs_context;    /* kernel/fs/context.h: cwd, root, umask */
struct ipc_namespace; /* kernel/ipc */
struct sem_undo_list; /* kernel/ipc/sem */
struct tty;
struct posix_timers;
struct process;
struct task;

struct restart_block {
	long (*fn)(struct restart_block *);
	u64 arg[6];
};

struct pid {
	s32 nr;
	u32 users;               /* [TASKLIST] task, group, session: bits PID_USE_* as counts */
	struct task *task;       /* [TASKLIST], RCU: thread with this tid, zombie leaders too */
	struct process *process; /* [TASKLIST], RCU: process with this pid until reaped */
	struct list group;       /* [TASKLIST] processes by pgrp_link */
	struct list session;     /* [TASKLIST] processes by session_link */
	struct rcu_head rcu;
};

struct task {
	struct thread thread;    /* offset 0 */
	const struct cred *cred; /* [own], others through RCU */
	struct process *process; /* [I] reference */
	s32 tid;                 /* [TASKLIST] changes when exec takes over the leader's */
	refcount_t refs;
	struct fdtable *files;     /* [own], written under SIGHAND */
	struct fs_context *fs;     /* [own], written under SIGHAND */
	struct pid *pid;           /* [TASKLIST] */
	struct list thread_link;   /* [TASKLIST and SIGHAND] process->threads */
	struct sigpending pending; /* [SIGHAND] thread-directed */
	sigset_t blocked;          /* [own] written under SIGHAND */
	sigset_t real_blocked;     /* [SIGHAND] mask underneath a sigtimedwait(2) */
	sigset_t
		saved_blocked; /* [own] put back after sigsuspend(2), ppoll(2) when restore_blocked */
	bool restore_blocked; /* [own] */
	bool exiting;         /* [SIGHAND] takes no more signals */
	bool killed;          /* [SIGHAND] must exit, or has been told to by exec */
	bool stop_pending;    /* [SIGHAND] has yet to join the group stop */
	bool stopped;         /* [SIGHAND] sleeps in a group stop */
	bool stop_dequeued;   /* [SIGHAND] took a stop signal, and no SIGCONT came since */
	bool nproc_exceeded; /* [own] set*uid(2) went over RLIMIT_NPROC: execve(2) fails while it is */
	bool no_new_privs; /* [own] */
	u32 altstack_flags;
	u64 altstack_base, altstack_size;
	struct ipc_namespace *ipc_ns;   /* [own] reference */
	struct sem_undo_list *sem_undo; /* [own] reference, NULL until first SEM_UNDO */
	struct restart_block restart;
	u64 clear_child_tid; /* set_tid_address(2) */
	u64 set_child_tid;   /* CLONE_CHILD_SETTID: the child writes its tid there, once */
	struct {
		u64 number, error, address;
	} trap;          /* [own] of the last fault, for sigcontext */
	u64 robust_list; /* set_robust_list(2) */
	void *waitv_room; /* [own] syscalls/futex_waitv.c: kept from its first use until exit or exec */
	struct thread *
		vfork_waiter; /* [a] parent that waits for exec or exit, exchanged with NULL once */
	s32 exit_signal;      /* 0 for threads */
	s32 exit_code;        /* wait(2) status */
	u32 children_made;    /* [TASKLIST] live children whose creator is this thread */
	s32 pdeath_signal;
	u64 timer_slack_ns;
	u64 faults_minor, faults_major; /* [own] */
	u64 start_ns;
	struct rcu_head rcu;
	struct {
		u64 ptr;
		u32 len, sig;
		u32 cpu; /* last one written to user memory */
	} rseq;          /* [own] rseq(2) registration */
	struct {
		u64 words[8];
	} futex_pi; /* struct port_pi, kernel/port */
};

enum {                         /* process.group_flags [SIGHAND] */
       GROUP_EXITING = 1,      /* group_exit_code is set, every thread leaves */
       GROUP_EXEC = 2,         /* exec_task waits for the others to leave */
       GROUP_STOPPED = 4,      /* every thread has stopped */
       GROUP_STOP_EVENT = 8,   /* ... and wait(2) has not reported it */
       GROUP_CONT_EVENT = 16,  /* continued, and wait(2) has not reported it */
       GROUP_NOTIFY_STOP = 32, /* the parent has to hear of a stop / of a continuation: */
       GROUP_NOTIFY_CONT = 64, /* the next thread on its way to user space tells */
       GROUP_UNKILLABLE = 128, /* init: only handled signals reach it from its own world */
       GROUP_STOPPING = 256,   /* some thread has yet to stop */
};
enum { /* personality(2): what a program with changed ids does not inherit */
       PERSONALITY_CLEARED_ON_SETID = 0x0040000 | 0x0400000 | 0x0200000 | 0x0100000,
};
enum process_state { PROCESS_LIVE, PROCESS_ZOMBIE, PROCESS_DEAD };

struct process_times {
	u64 user_ns, system_ns, faults_minor, faults_major, max_rss; /* pages */
	u64 switches_voluntary, switches_forced;
};

struct process {
	refcount_t refs;
	s32 pid, pgid, sid;                     /* pgid, sid [TASKLIST] */
	struct pid *pid_entry, *pgrp, *session; /* [TASKLIST] */
	struct process *parent;                 /* [TASKLIST] */
	struct task *creator; /* [TASKLIST] the parent's thread that made it, for __WNOTHREAD */
	struct list children,
		zombies;     /* [TASKLIST] by sibling: live ones, and those to be reaped */
	struct list sibling; /* [TASKLIST] */
	struct list threads; /* [TASKLIST and SIGHAND] tasks that have not exited */
	struct list pgrp_link, session_link; /* [TASKLIST] */
	u32 thread_count;                    /* [TASKLIST and SIGHAND] length of threads */
	u32 live_count;                      /* [SIGHAND] threads that have not begun to exit */
	struct task *leader; /* [TASKLIST] task with tid == pid, reference until reaped, then NULL;
				    * RCU: others load it once */
	struct task *buried; /* [own] leader's reference between reaping and dropping */
	struct sighand *sighand;          /* [a] reference; exec replaces it: sighand_lock() */
	struct sigpending pending;        /* [SIGHAND] process-directed */
	u32 group_flags;                  /* [SIGHAND] GROUP_* */
	s32 group_exit_code, stop_signal; /* [SIGHAND] */
	u32 stop_count;                   /* [SIGHAND] threads that have yet to stop */
	struct task *exec_task;           /* [SIGHAND] with GROUP_EXEC */
	struct waitq child_wait;          /* wait(2) callers of this process */
	struct waitq exit_poll;           /* pidfd */
	struct waitq signal_wait;         /* signalfd: a signal was queued */
	struct rlimit_set rlimits;        /* [a] each value by itself */
	struct tty *tty;                  /* [TASKLIST] controlling terminal of the session */
	bool is_subreaper;                /* [a] PR_SET_CHILD_SUBREAPER */
	bool below_subreaper;             /* [a] some ancestor is one */
	bool dumpable, did_exec;          /* [a] */
	u8 state;                         /* [TASKLIST] enum process_state */
	s32 oom_score_adj;                /* [a] /proc/PID/oom_score_adj; inherited */
	s32 exit_signal;                  /* to the parent; -1: reap at once, tell nobody */
	s32 exit_code;                    /* status of wait(2) */
	u32 personality;                  /* [a] personality(2) */
	u32 programs;                     /* [a] executed so far: kernel/port/mq_notice.h */
	u64 start_ns;
	struct process_times dead;           /* [SIGHAND] of threads that exited */
	struct process_times children_times; /* [SIGHAND] of reaped children */
	struct process_itimers itimers;      /* [SIGHAND] */
	struct posix_timers *posix_timers;   /* [a] made by the first timer_create(2) */
	struct rcu_head rcu;
};

static ALWAYS_INLINE struct task *task_current(void)
{
	return (struct task *)thread_current();
}
static ALWAYS_INLINE struct process *process_current(void)
{
	return task_current()->process;
}
/* Borrowed: good until the current thread changes it. */
static ALWAYS_INLINE const struct cred *cred_current(void)
{
	return task_current()->cred;
}
static inline bool capable(int cap)
{
	return cred_capable(cred_current(), cap);
}

extern struct spinlock task_list_lock;

/* Under task_list_lock or RCU, no reference given. */
struct task *task_find(s32 tid);
struct process *process_find(s32 pid);
/* Whose thread tid is: what kill(2), getpgid(2) and getsid(2) take instead of the leader's number. */
struct process *process_find_by_thread(s32 tid);
struct pid *pid_find(s32 nr);
/* With reference, or NULL. */
struct process *process_lookup(s32 pid);
struct task *task_lookup(s32 tid);
static inline void task_get(struct task *t)
{
	refcount_get(&t->refs);
}
static inline void process_get(struct process *p)
{
	refcount_get(&p->refs);
}
/* Locks the signal state of p: its sighand changes only at exec. => what to unlock. */
static inline struct sighand *sighand_lock(struct process *p)
{
	for (;;) {
		struct sighand *s = rcu_dereference(p->sighand);
		spin_lock(&s->lock);
		if (likely(load_relaxed(&p->sighand) == s))
			return s;
		spin_unlock(&s->lock);
	}
}

void process_put(struct process *p);
void task_put(struct task *t);
DEFINE_GUARD(process, struct process *, process_put)
DEFINE_GUARD(task, struct task *, task_put)
/* => next process with pid >= *pid with a reference, *pid updated, for /proc; NULL at the end. */
struct process *process_next(s32 *pid);
/* => next thread of p with tid >= *tid with a reference, *tid updated; a zombie leader included. NULL at the end. */
struct task *process_next_task(struct process *p, s32 *tid);
/* References to what another task shares, a pin of its descriptors; or NULL when it has exited. */
struct aspace *task_aspace_get(struct task *t); /* aspace_put */
struct fdtable *task_files_pin(struct task *t); /* fdtable_unpin */
struct fs_context *task_fs_get(struct task *t);
/* Credentials of another task: a reference. */
const struct cred *task_cred_get(struct task *t);

/* => number of tasks alive, of tasks ever made. */
extern u32 task_limit; /* [a] most tasks that may exist: /proc/sys/kernel/threads-max */
u32 task_count(void);
u64 task_count_ever(void);
s32 pid_last(void);

/* The state letter of /proc/PID/stat: R S D T Z X. */
char task_state_letter(const struct task *t);
/* Times and faults of one thread; of the whole process, exited threads included. */
void task_times(struct task *t, struct process_times *out);
void process_times(struct process *p, struct process_times *out);

/* Process groups and sessions: task_list_lock held. */
bool pgrp_is_orphaned_locked(struct pid *pgrp, struct process *ignored);
/* fn for each process of the session / the group (0: the caller's own); task_list_lock held by the caller. */
void session_for_each_locked(s32 sid, void (*fn)(struct process *p, void *arg), void *arg);
void pgrp_for_each_locked(s32 pgid, void (*fn)(struct process *p, void *arg), void *arg);
/* => session of a process group that has members, or 0. */
s32 pgrp_session_locked(s32 pgid);

NORETURN void task_exit(s32 status); /* this thread; status as wait(2) encodes it */
NORETURN void task_exit_group(s32 status);
/* Boot: makes process 1, which runs prepare() as a task (it may use files), then execs the first of `paths` that
 * works; panics when none does, and when process 1 dies. */
void init_start(void (*prepare)(void), const char *const *paths, const char *const *argv,
                const char *const *envp);
/* Boot, before anything else here: the credentials and tables that process 1 will start from. */
void proc_init(void);
