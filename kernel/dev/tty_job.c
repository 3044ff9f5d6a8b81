/* Controlling terminals, foreground groups, hang-up: credentials(7), "Session ID", and termios(3). */
#include "kernel/dev/device.h"
#include "kernel/dev/tty.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/file.h"
#include "kernel/proc/hooks.h"
#include "kernel/proc/poll.h"
#include "kernel/proc/task.h"

struct tty *tty_current(void)
{
	return load_relaxed(&process_current()->tty);
}

struct tty *tty_current_get(void)
{
	GUARD(spin)(&task_list_lock);
	struct tty *t = process_current()->tty;
	return t && tty_get(t) ? t : NULL;
}

int tty_check_background(struct tty *t, int sig)
{
	struct process *p = process_current();
	if (load_relaxed(&p->tty) != t)
		return 0;
	s32 foreground = load_relaxed(&t->pgrp);
	if (!foreground || foreground == load_relaxed(&p->pgid))
		return 0;
	return signal_tty_check(p, sig);
}

void tty_signal_foreground(struct tty *t, int sig)
{
	s32 pgrp = load_relaxed(&t->pgrp);
	if (pgrp > 0)
		(void)signal_send_pgrp(pgrp, sig,
		                       NULL); /* -ESRCH: the group has gone, nobody to tell */
}

/* task_list_lock and t->lock held; the current process leads a session and has no terminal. */
static void tty_take_locked(struct tty *t)
{
	struct process *p = process_current();
	store_relaxed(&t->session, p->sid);
	store_relaxed(&t->pgrp, p->pgid);
	store_relaxed(&p->tty, t);
}

static bool leads_session(const struct process *p)
{
	return p->sid == p->pid;
}

void tty_adopt_at_open(struct tty *t, const struct file *f)
{
	struct process *p = process_current();
	/* Who may only write must not gain the rights over a terminal that controlling it gives. */
	if (!file_readable(f) || !leads_session(p) || load_relaxed(&p->tty))
		return;
	GUARD(spin)(&task_list_lock);
	GUARD(spin)(&t->lock);
	if (!p->tty && !t->session)
		tty_take_locked(t);
}

/* task_list_lock held. */
static void process_forget_tty(struct process *p, void *tty)
{
	if (p->tty == tty)
		store_relaxed(&p->tty, NULL);
}

int tty_set_controlling(struct tty *t, const struct file *f, u64 steal)
{
	struct process *p = process_current();
	GUARD(spin)(&task_list_lock);
	GUARD(spin)(&t->lock);
	if (leads_session(p) && p->sid == t->session)
		return 0;
	if (!leads_session(p) || p->tty)
		return -EPERM;
	if (t->session && !(steal == 1 && capable(CAP_SYS_ADMIN)))
		return -EPERM;
	if (!file_readable(f) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (t->session)
		session_for_each_locked(t->session, process_forget_tty, t);
	tty_take_locked(t);
	return 0;
}

s32 tty_get_foreground(struct tty *t)
{
	return tty_current() == t ? load_relaxed(&t->pgrp) : -ENOTTY;
}

s32 tty_get_session(struct tty *t)
{
	s32 session = load_relaxed(&t->session);
	return tty_current() == t && session ? session : -ENOTTY;
}

int tty_set_foreground(struct tty *t, s32 pgid)
{
	struct process *p = process_current();
	GUARD(spin)(&task_list_lock);
	if (p->tty != t || t->session != p->sid)
		return -ENOTTY;
	s32 session = pgrp_session_locked(pgid);
	if (!session)
		return pid_find(pgid) ? -EPERM : -ESRCH;
	if (session != p->sid)
		return -EPERM;
	GUARD(spin)(&t->lock);
	store_relaxed(&t->pgrp, pgid);
	return 0;
}

/* --- hang-up --- */

struct tty_owner {
	s32 session, pgrp;
};

/* Parts t and its session. => whose it was: 0 and 0 for nobody's. */
static struct tty_owner tty_disown(struct tty *t)
{
	GUARD(spin)(&task_list_lock);
	spin_lock(&t->lock);
	struct tty_owner was = {t->session, t->pgrp};
	store_relaxed(&t->session, 0);
	store_relaxed(&t->pgrp, 0);
	spin_unlock(&t->lock);
	if (was.session)
		session_for_each_locked(was.session, process_forget_tty, t);
	return was;
}

static void signal_leader(s32 session)
{
	AUTO_PUT(process) leader = session ? process_lookup(session) : NULL;
	if (!leader)
		return;
	(void)signal_send_process(leader, SIGHUP, NULL);
	(void)signal_send_process(leader, SIGCONT, NULL);
}

static void signal_former_foreground(s32 pgrp)
{
	if (pgrp > 0 && !signal_send_pgrp(pgrp, SIGHUP, NULL))
		(void)signal_send_pgrp(pgrp, SIGCONT, NULL);
}

static void hangup_reset(struct tty *t)
{
	GUARD(spin)(&t->lock);
	store_relaxed(&t->hangups, t->hangups + 1);
	ldisc_flush_input(&t->ld);
	ldisc_flush_output(&t->ld);
	t->ld.stopped = t->ld.stopped_by_ioctl = t->exclusive = false;
}

void tty_hangup(struct tty *t)
{
	hangup_reset(t);
	struct tty_owner was = tty_disown(t);
	signal_leader(was.session);
	signal_former_foreground(was.pgrp);
	waitq_wake_all(&t->read_wait, POLLIN | POLLOUT | POLLERR | POLLHUP);
	waitq_wake_all(&t->write_wait, POLLIN | POLLOUT | POLLERR | POLLHUP);
	waitq_wake_all(&t->claim_wait, 0);
}

/* A leader that gives up a real line hangs it up; a pseudo-terminal goes on working for who has it open. */
int tty_give_up(struct tty *t)
{
	struct process *p = process_current();
	if (load_relaxed(&p->tty) != t)
		return -ENOTTY;
	if (!leads_session(p)) {
		GUARD(spin)(&task_list_lock);
		process_forget_tty(p, t);
	} else if (t->driver->send) {
		tty_hangup(t);
	} else {
		signal_former_foreground(tty_disown(t).pgrp);
	}
	return 0;
}

/* Runs in the leader, whose last thread is on its way out. */
static void tty_session_exit(struct process *leader)
{
	AUTO_PUT(tty) t = tty_current_get();
	if (t)
		tty_hangup(t);
}

static const struct proc_hooks tty_hooks = {.name = "tty", .session_exit = tty_session_exit};
PROC_HOOKS(tty_hooks);

void tty_describe(struct process *p, u32 *out_number, s32 *out_pgrp)
{
	struct tty *t = load_relaxed(&p->tty);
	*out_number = t ? (u32)device_encode(t->number) : 0;
	*out_pgrp = t ? load_relaxed(&t->pgrp) : -1;
}
