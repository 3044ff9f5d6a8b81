#include "abi/process.h"
#include "kernel/fs/context.h"
#include "kernel/lib/bug.h"
#include "kernel/mm/aspace.h"
#include "kernel/proc/fdtable.h"
#include "kernel/proc/poll.h"
#include "kernel/proc/proc_internal.h"
#include "kernel/proc/shutdown.h"

/*
 * The way out. A thread first becomes deaf to signals, then gives back what it shares (each giving may sleep), and
 * last, under task_list_lock, leaves the process; the last one to leave makes the process a zombie.
 */

/* => true for the last thread of the process that begins to exit. */
static bool exit_begin(struct task *t)
{
	struct process *p = t->process;
	struct sighand *s = sighand_lock(p);
	struct task *other;

	t->exiting = true;
	bool stop_complete = signal_stop_leave_locked(t);
	bool last = --p->live_count == 0;
	/* Process-directed signals that waited for this thread look for another one. */
	if (!last && p->pending.set)
		list_for_each (other, &p->threads, thread_link)
			if (!other->exiting)
				signal_recheck_locked(other);
	sighand_unlock(s);
	if (stop_complete)
		process_notify_stop(p, CLD_STOPPED);
	return last;
}

static void exit_resources(struct task *t)
{
	proc_hooks_for_each(h) if ((*h)->exit_mm)(*h)->exit_mm(t);
	task_drop_aspace(t);
	task_vfork_done(t);
	proc_hooks_for_each(h) if ((*h)->exit)(*h)->exit(t);
	task_set_files(t, NULL);
	task_set_fs(t, NULL);
}

/* Things of the process that end with its last thread, while it is still a member of its session. */
static void exit_process_resources(struct process *p)
{
	if (p->pid == 1 && !kernel_is_ending())
		panic("init exited with status %#x", p->group_flags & GROUP_EXITING
		                                             ? p->group_exit_code
		                                             : task_current()->exit_code);
	proc_hooks_for_each(h) if ((*h)->process_exit)(*h)->process_exit(p);
	if (p->sid == p->pid && p->tty)
		proc_hooks_for_each(h) if ((*h)->session_exit)(*h)->session_exit(p);
}

/* --- orphans --- */

static bool group_has_stopped(struct pid *group)
{
	struct process *p;

	list_for_each (p, &group->group, pgrp_link)
		if (load_relaxed(&p->group_flags) & GROUP_STOPPED)
			return true;
	return false;
}

/* Stopped members of a group that has just become orphaned would sleep for ever: POSIX, _exit(). */
static void hang_up_orphans(struct pid *group, struct process *ignored)
{
	if (!pgrp_is_orphaned_locked(group, ignored) || !group_has_stopped(group))
		return;
	(void)signal_send_pgrp_locked(group->nr, SIGHUP, NULL);
	(void)signal_send_pgrp_locked(group->nr, SIGCONT, NULL);
}

/* The link between p and this parent breaks or broke: was it what kept p's group from being an orphan? */
static void check_orphaned_group(struct process *p, struct process *parent, struct process *ignored)
{
	if (parent && parent->pgrp != p->pgrp && parent->session == p->session)
		hang_up_orphans(p->pgrp, ignored);
}

/* Nearest ancestor that collects orphans and lives, else init; prctl(2), PR_SET_CHILD_SUBREAPER. */
static struct process *find_reaper(struct process *dying)
{
	if (dying->below_subreaper)
		for (struct process *p = dying->parent; p && p->pid != 1; p = p->parent)
			if (p->is_subreaper && p->live_count)
				return p;
	return process_find(1);
}

static void send_parent_death(struct process *child)
{
	struct task *t;

	list_for_each (t, &child->threads, thread_link)
		if (t->pdeath_signal) {
			struct siginfo info;
			signal_fill_user(&info, t->pdeath_signal, SI_USER);
			signal_send_process(child, t->pdeath_signal, &info);
		}
}

static void child_set_creator(struct process *child, struct task *creator)
{
	child->creator->children_made--;
	child->creator = creator;
	creator->children_made++;
}

/* A thread of a process that lives on leaves: its children go to another thread. */
static void hand_children_to_sibling(struct task *t)
{
	struct process *p = t->process, *child;
	struct task *heir = list_first(&p->threads, struct task, thread_link);

	if (!t->children_made)
		return;
	list_for_each (child, &p->children, sibling)
		if (child->creator == t) {
			send_parent_death(child);
			child_set_creator(child, heir);
		}
	list_for_each (child, &p->zombies, sibling)
		if (child->creator == t)
			child_set_creator(child, heir);
}

/* The reaper's task that counts as the creator of what it inherits. */
static struct task *reaper_creator(struct process *reaper)
{
	return list_empty(&reaper->threads)
	               ? reaper->leader
	               : list_first(&reaper->threads, struct task, thread_link);
}

static void adopt(struct process *child, struct process *reaper)
{
	list_del(&child->sibling);
	child->parent = reaper;
	child_set_creator(child, reaper_creator(reaper));
	/* Nobody expects another signal of a child that it did not make. */
	child->exit_signal = SIGCHLD;
}

/* => processes that must be reaped at once, in *dead. */
static void reparent_children(struct process *p, struct list *dead)
{
	struct process *reaper, *child, *next;

	if (list_empty(&p->children) && list_empty(&p->zombies))
		return;
	reaper = find_reaper(p);
	list_for_each_safe (child, next, &p->children, sibling) {
		send_parent_death(child);
		adopt(child, reaper);
		list_add_tail(&reaper->children, &child->sibling);
		check_orphaned_group(child, p, NULL);
	}
	list_for_each_safe (child, next, &p->zombies, sibling) {
		adopt(child, reaper);
		list_add_tail(&reaper->zombies, &child->sibling);
		if (process_notify_exit_locked(child)) {
			process_reap_locked(child);
			list_add_tail(dead, &child->sibling);
		}
	}
}

/* --- leaving --- */

static void exit_siginfo(struct process *p, struct siginfo *info)
{
	*info = (struct siginfo){
		.signo = p->exit_signal,
		.child_pid = p->pid,
		.child_uid = p->leader->cred->uid,
		.utime = p->dead.user_ns / (1000000000 / USER_HZ),
		.stime = p->dead.system_ns / (1000000000 / USER_HZ),
	};
	if (p->exit_code & 0x7f) {
		info->status = p->exit_code & 0x7f;
		info->code = p->exit_code & 0x80 ? CLD_DUMPED : CLD_KILLED;
	} else {
		info->status = p->exit_code >> 8 & 0xff;
		info->code = CLD_EXITED;
	}
}

/* sigaction(2): a parent that ignores SIGCHLD, or asks for SA_NOCLDWAIT, has no zombies. */
bool process_notify_exit_locked(struct process *p)
{
	struct process *parent = p->parent;
	int sig = p->exit_signal;
	bool reap = false;
	struct siginfo info;

	exit_siginfo(p, &info);
	struct sighand *s = sighand_lock(parent);
	if (sig == SIGCHLD) {
		const struct sigaction_abi *action = &s->action[SIGCHLD - 1];
		reap = action->handler == SIG_IGN || (action->flags & SA_NOCLDWAIT);
		if (action->handler == SIG_IGN)
			sig = 0;
	}
	if (sig > 0)
		(void)signal_send_locked(parent, NULL, sig, &info, 0);
	sighand_unlock(s);
	waitq_wake_all(&parent->child_wait, 0);
	return reap;
}

void process_reap_locked(struct process *p)
{
	store_release(&p->state, PROCESS_DEAD);
	list_del(&p->sibling);
	if (p->creator)
		p->creator->children_made--;
	p->creator = NULL;
	pgrp_leave_locked(p);
	session_leave_locked(p);
	rcu_assign(p->pid_entry->process, NULL);
	p->pid_entry = NULL;
	task_forget_locked(p->leader);
	p->buried = p->leader;
	rcu_assign(p->leader, NULL);
	waitq_wake_all(&p->exit_poll, POLLIN | POLLRDNORM);
}

static void become_zombie(struct process *p, struct list *dead)
{
	reparent_children(p, dead);
	check_orphaned_group(p, p->parent, p);
	if (p->group_flags & GROUP_EXITING)
		p->exit_code = p->group_exit_code;
	else
		p->exit_code = p->leader->exit_code;
	store_release(&p->state, PROCESS_ZOMBIE);
	waitq_wake_all(&p->exit_poll, POLLIN | POLLRDNORM);
	list_del(&p->sibling);
	if (p->parent)
		list_add_tail(&p->parent->zombies, &p->sibling);
	/* Only process 1 has no parent, and it ends with the system. */
	if (!p->parent || process_notify_exit_locked(p)) {
		process_reap_locked(p);
		list_add_tail(dead, &p->sibling);
	}
}

/* exec by another thread waits until it is alone. */
static void wake_exec(struct process *p)
{
	if ((p->group_flags & GROUP_EXEC) && p->exec_task)
		unpark(&p->exec_task->thread);
}

static void exit_leave(struct task *t, struct list *dead)
{
	struct process *p = t->process;
	struct process_times times;
	GUARD(spin)(&task_list_lock);

	task_times(t, &times);
	struct sighand *s = sighand_lock(p);
	process_times_add(&p->dead, &times);
	sigpending_flush(&t->pending);
	task_unlink_locked(t);
	wake_exec(p);
	sighand_unlock(s);
	bool leader = t == p->leader;
	if (p->thread_count)
		hand_children_to_sibling(t);
	else
		become_zombie(p, dead);
	/* The leader's number stays until the process is reaped. */
	if (!leader)
		task_forget_locked(t);
}

void process_drop_dead(struct list *dead)
{
	for (struct list *node; (node = list_pop(dead));) {
		struct process *p = list_entry(node, struct process, sibling);
		task_put(TAKE(p->buried));
		process_put(p);
	}
}

void task_exit(s32 status)
{
	struct task *t = task_current();
	struct list dead = LIST_INIT(dead);

	t->exit_code = status;
	bool last = exit_begin(t);
	if (last)
		exit_process_resources(t->process);
	exit_resources(t);
	exit_leave(t, &dead);
	process_drop_dead(&dead);
	thread_exit();
}

void process_kill_locked(struct process *p, s32 code)
{
	struct task *t;

	if (p->group_flags & GROUP_EXITING)
		return;
	p->group_flags = (p->group_flags & ~(GROUP_STOPPED | GROUP_STOPPING)) | GROUP_EXITING;
	p->group_exit_code = code;
	list_for_each (t, &p->threads, thread_link) {
		t->killed = true;
		t->stop_pending = false;
		thread_set_work(&t->thread, THREAD_WORK_SIGNAL | THREAD_WORK_KILL);
	}
}

void task_exit_group(s32 status)
{
	struct process *p = process_current();
	struct sighand *s = sighand_lock(p);

	process_kill_locked(p, status);
	status = p->group_exit_code;
	sighand_unlock(s);
	task_exit(status);
}
