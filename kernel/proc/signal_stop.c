#include "abi/process.h"
#include "kernel/proc/proc_internal.h"

/*
 * Job control. A group stop is agreed on under SIGHAND: stop_count threads have yet to reach signal_stop_current(), each
 * on its way to user space; the last one tells the parent. SIGCONT ends it at any point.
 *
 *	            stop signal taken                last thread stops
 *	RUNNING ------------------------> STOPPING -------------------> STOPPED
 *	   ^                                  | SIGCONT                    | SIGCONT: parent hears CLD_CONTINUED
 *	   +----------------------------------+----------------------------+
 */
void signal_stop_begin_locked(struct process *p, int sig)
{
	struct task *t;

	p->stop_signal = sig;
	p->stop_count = 0;
	p->group_flags = (p->group_flags & ~(GROUP_CONT_EVENT | GROUP_STOPPED)) | GROUP_STOPPING;
	list_for_each (t, &p->threads, thread_link) {
		if (t->exiting || t->stopped)
			continue;
		t->stop_pending = true;
		p->stop_count++;
		if (&t->thread != thread_current())
			thread_set_work(&t->thread, THREAD_WORK_SIGNAL);
	}
}

void signal_continue_locked(struct process *p)
{
	struct task *t;
	u32 told = 0;

	if (p->group_flags & GROUP_STOPPED)
		told = GROUP_NOTIFY_CONT;
	else if (p->group_flags & GROUP_STOPPING)
		told = GROUP_NOTIFY_STOP;
	p->group_flags &= ~(GROUP_STOPPED | GROUP_STOPPING | GROUP_STOP_EVENT);
	p->stop_count = 0;
	if (told)
		p->group_flags |= told | GROUP_CONT_EVENT;
	list_for_each (t, &p->threads, thread_link) {
		t->stop_dequeued = t->stop_pending = false;
		if (told)
			thread_set_work(&t->thread, THREAD_WORK_SIGNAL);
		if (t->stopped) {
			store_release(&t->stopped, false);
			unpark(&t->thread);
		}
	}
}

/* => true when this was the last thread that the stop waited for. */
static bool stop_arrive(struct process *p)
{
	if (--p->stop_count)
		return false;
	p->group_flags = (p->group_flags & ~GROUP_STOPPING) | GROUP_STOPPED | GROUP_STOP_EVENT;
	return true;
}

bool signal_stop_leave_locked(struct task *t)
{
	if (!t->stop_pending)
		return false;
	t->stop_pending = false;
	return stop_arrive(t->process);
}

void signal_stop_current(struct sighand *s)
{
	struct task *t = task_current();
	struct process *p = t->process;

	t->stop_pending = false;
	t->stopped = true;
	bool complete = stop_arrive(p);
	sighand_unlock(s);
	if (complete)
		process_notify_stop(p, CLD_STOPPED);
	while (load_acquire(&t->stopped))
		if (park(PARK_FOREVER, PARK_STOPPED) == PARK_SIGNAL)
			break;
	store_relaxed(&t->stopped, false);
}

/* sigaction(2): SA_NOCLDSTOP silences the signal, never wait(2). */
static void notify_stop_locked(struct process *p, int code)
{
	struct process *parent = p->parent;
	struct siginfo info = {.signo = SIGCHLD, .code = code, .child_pid = p->pid};
	struct process_times times;

	if (!parent)
		return;
	process_times(p, &times);
	info.child_uid = p->leader->cred->uid;
	info.utime = times.user_ns / (1000000000 / USER_HZ);
	info.stime = times.system_ns / (1000000000 / USER_HZ);
	info.status = code == CLD_CONTINUED ? SIGCONT : p->stop_signal;
	struct sighand *s = sighand_lock(parent);
	const struct sigaction_abi *action = &s->action[SIGCHLD - 1];
	if (action->handler != SIG_IGN && !(action->flags & SA_NOCLDSTOP))
		(void)signal_send_locked(parent, NULL, SIGCHLD, &info, 0);
	sighand_unlock(s);
	waitq_wake_all(&parent->child_wait, 0);
}

void process_notify_stop(struct process *p, int code)
{
	GUARD(spin)(&task_list_lock);
	notify_stop_locked(p, code);
}

/* termios(3), job control of background processes. An orphaned group gets EIO, since nobody could continue it. */
int signal_tty_check(struct process *p, int sig)
{
	struct task *t = task_current();
	struct sighand *s = sighand_lock(p);
	bool deaf = (t->blocked & SIGMASK(sig)) || s->action[sig - 1].handler == SIG_IGN;
	sighand_unlock(s);

	if (deaf)
		return sig == SIGTTIN ? -EIO : 0;
	GUARD(spin)(&task_list_lock);
	if (pgrp_is_orphaned_locked(p->pgrp, NULL))
		return -EIO;
	(void)signal_send_pgrp_locked(p->pgid, sig, NULL);
	thread_set_work(&t->thread, THREAD_WORK_SIGNAL);
	return -ERESTARTSYS;
}
