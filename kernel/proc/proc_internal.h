/*
 * What the files of kernel/proc share among themselves; nothing here is for other rooms.
 */
#pragma once
#include "kernel/proc/cred.h"
#include "kernel/proc/hooks.h"
#include "kernel/proc/task.h"

void cred_init(void);
void users_init(struct user *root); /* the account that process 1 starts with */
void file_init(void);
void fdtable_init(void);
void pid_init(void);
void signal_init(void);
void groups_sort(u32 *g, u32 count);

/* --- pid.c: numbers --- */

MUST_CHECK struct pid *pid_new(void); /* unnumbered, one user; NULL: no memory */
void pid_discard(struct pid *p);      /* one that was never claimed */
/* task_list_lock held. => 0, -EAGAIN (all numbers in use), -ENOMEM. */
MUST_CHECK int pid_claim_locked(struct pid *p);
void pid_unuse_locked(struct pid *p); /* the last user frees the number */
void pgrp_join_locked(struct process *p, struct pid *group);
void pgrp_leave_locked(struct process *p);
void session_join_locked(struct process *p, struct pid *session);
void session_leave_locked(struct process *p);

/* --- task.c: memory of tasks and processes --- */

/* Zeroed but for references, lists and credentials (a reference of the current ones). => NULL: no memory */
MUST_CHECK struct task *task_new(const struct cred *cred);
MUST_CHECK struct process *process_new(void);
MUST_CHECK struct sighand *sighand_new(const struct sighand *from); /* from NULL: all SIG_DFL */
void sighand_put(struct sighand *s);
/* Replaces a pointer of the current task that others may read; drops the old object. */
void task_set_files(struct task *t, struct fdtable *files);
void task_set_fs(struct task *t, struct fs_context *fs);
void task_drop_aspace(struct task *t);
/* task_list_lock and p's sighand held: the thread is part of p, with a number of its own. */
void task_link_locked(struct task *t, struct process *p, struct pid *pid);
void task_unlink_locked(struct task *t);
/* task_list_lock held: t's number goes, and its charge to its user. */
void task_forget_locked(struct task *t);
void task_release_thread(struct thread *thread); /* thread.release */

/* --- exit.c --- */

/* task_list_lock held: takes a zombie out of every list. The caller drops the tree's reference afterwards. */
void process_reap_locked(struct process *p);
/* Tells the parent of a child's end, task_list_lock held. => true when the child is to be reaped at once. */
bool process_notify_exit_locked(struct process *p);
/* Drops the tree's references to what was reaped and linked into `dead` by sibling. No lock held. */
void process_drop_dead(struct list *dead);
/* vfork(2): the parent may go on. */
void task_vfork_done(struct task *t);
void process_times_add(struct process_times *to, const struct process_times *from);

/* --- signals --- */

struct siginfo;
/* p's sighand held. */
int signal_send_locked(struct process *p, struct task *t, int sig, const struct siginfo *info,
                       u32 flags);
enum { SIGNAL_FORCE = 1 /* from the kernel: reaches init, too */ };
void sigpending_init(struct sigpending *s);
void sigpending_flush(struct sigpending *s);
void sigpending_remove(struct sigpending *s, sigset_t set);
/* Fills the first SIGINFO_USED bytes of info. */
int sigpending_take(struct sigpending *s, sigset_t set, struct siginfo *info);
MUST_CHECK struct sigqueue *sigqueue_new(struct process *target, const struct cred *of, int sig,
                                         const struct siginfo *info);
/* Sets THREAD_WORK_SIGNAL of t when something unblocked is pending; sighand held. */
static inline void signal_recheck_locked(struct task *t)
{
	if (((t->pending.set | t->process->pending.set) & ~t->blocked) || t->stop_pending ||
	    t->killed)
		thread_set_work(&t->thread, THREAD_WORK_SIGNAL);
}
bool signal_ignored_by_parent(struct process *parent, int sig);
/* Every thread of p leaves with `code`; sighand held. Nothing happens when that has been decided already. */
void process_kill_locked(struct process *p, s32 code);
/* Stops, continuations. Sighand held. */
void signal_stop_begin_locked(struct process *p, int sig);
void signal_continue_locked(struct process *p);
/* A thread leaves while a stop waits for it. => true when that completed the stop: tell the parent. */
bool signal_stop_leave_locked(struct task *t);
void signal_stop_current(struct sighand *s); /* releases s */
/* The parent hears CLD_STOPPED or CLD_CONTINUED. No lock held. */
void process_notify_stop(struct process *p, int code);
void signal_fill_user(struct siginfo *info, int sig, int code); /* sender: the current process */
