#include "abi/errno.h"
#include "arch/trap.h"
#include "kernel/proc/proc_internal.h"

/* Is the signal worth queueing for this target? A blocked one is: its action may change before it is unblocked. */
static ALWAYS_INLINE bool signal_ignored(struct process *p, const struct task *t, int sig,
                                         u32 flags)
{
	if ((t->blocked | t->real_blocked) & SIGMASK(sig))
		return false;
	u64 handler = p->sighand->action[sig - 1].handler;
	/* init: what it does not handle does not reach it, kill(2); the kernel's own SIGKILL does. */
	if ((p->group_flags & GROUP_UNKILLABLE) && handler == SIG_DFL &&
	    !((flags & SIGNAL_FORCE) && (SIGMASK(sig) & SIGMASK_UNBLOCKABLE)))
		return true;
	return handler == SIG_IGN || (handler == SIG_DFL && (SIGMASK(sig) & SIGMASK_IGNORED));
}

static inline bool eligible(const struct task *t, int sig)
{
	if ((t->blocked & SIGMASK(sig)) || t->exiting)
		return false;
	if (sig == SIGKILL)
		return true;
	/* A thread that has something to handle already would make this signal wait. */
	return !t->stopped && (!(load_relaxed(&t->thread.work) & THREAD_WORK_SIGNAL) ||
	                       &t->thread == thread_current());
}

/* The main thread first, as Linux; then any that would take it. NULL: it waits until somebody unblocks it. */
static struct task *choose_thread(struct process *p, int sig)
{
	struct task *t;

	if (eligible(p->leader, sig))
		return p->leader;
	list_for_each (t, &p->threads, thread_link)
		if (eligible(t, sig))
			return t;
	/* All are busy: a stopped or interrupted one finds it when it looks. */
	list_for_each (t, &p->threads, thread_link)
		if (!(t->blocked & SIGMASK(sig)) && !t->exiting)
			return t;
	return NULL;
}

/* A default action that ends the process takes effect now, for all threads at once, without a detour through delivery. */
static bool signal_is_fatal(struct process *p, const struct task *t, int sig)
{
	sigset_t bit = SIGMASK(sig);

	return p->sighand->action[sig - 1].handler == SIG_DFL &&
	       !(bit & (SIGMASK_IGNORED | SIGMASK_STOP)) && !(p->group_flags & GROUP_EXITING) &&
	       !(t->real_blocked & bit) && !(bit & SIGMASK_CORE);
}

static void signal_complete(struct process *p, struct task *t, int sig)
{
	if (!t)
		t = choose_thread(p, sig);
	else if (!eligible(t, sig) && (t->blocked & SIGMASK(sig) || t->exiting))
		t = NULL;
	if (!t)
		return;
	if (signal_is_fatal(p, t, sig))
		process_kill_locked(p, sig);
	else
		thread_set_work(&t->thread, THREAD_WORK_SIGNAL);
}

/* sig is one of them. POSIX, 2.4.1: a stop signal discards pending SIGCONT and the other way round, handled, blocked or not. */
static NOINLINE void signal_cancel_opposite(struct process *p, int sig)
{
	sigset_t gone = sig == SIGCONT ? SIGMASK_STOP : SIGMASK(SIGCONT);
	struct task *t;

	sigpending_remove(&p->pending, gone);
	list_for_each (t, &p->threads, thread_link)
		sigpending_remove(&t->pending, gone);
	if (sig == SIGCONT)
		signal_continue_locked(p);
}

static void fill_info(struct siginfo *to, int sig, const struct siginfo *info)
{
	if (!info) {
		siginfo_clear_used(to);
		to->signo = sig;
		to->code = SI_KERNEL;
		return;
	}
	siginfo_copy_used(to, info);
	to->signo = sig;
}

/* => 0, or -EAGAIN: a realtime signal with information must not lose it, sigqueue(3). */
static int signal_enqueue(struct process *p, struct task *t, int sig, const struct siginfo *info)
{
	struct sigpending *pending = t ? &t->pending : &p->pending;

	if (sig < SIGRTMIN && (pending->set & SIGMASK(sig)))
		return 0;
	if (sig == SIGKILL) {
		pending->set |= SIGMASK(sig);
		return 0;
	}
	const struct task *account = t ? t : p->leader;
	struct sigqueue *q = sigqueue_new(p, rcu_dereference(account->cred), sig, info);
	if (q) {
		fill_info(&q->info, sig, info);
		list_add_tail(&pending->queue, &q->link);
	} else if (sig >= SIGRTMIN && info && info->code != SI_USER) {
		return -EAGAIN;
	}
	pending->set |= SIGMASK(sig);
	return 0;
}

int signal_send_locked(struct process *p, struct task *t, int sig, const struct siginfo *info,
                       u32 flags)
{
	ASSERT_HELD(&p->sighand->lock);
	if (!p->live_count || (t && t->exiting))
		return 0;
	if (!info)
		flags |= SIGNAL_FORCE;
	if (unlikely(SIGMASK(sig) & (SIGMASK_STOP | SIGMASK(SIGCONT))))
		signal_cancel_opposite(p, sig);
	if (signal_ignored(p, t ? t : p->leader, sig, flags))
		return 0;
	TRY(signal_enqueue(p, t, sig, info));
	if (waitq_active(&p->signal_wait))
		waitq_wake_all(&p->signal_wait, 0);
	signal_complete(p, t, sig);
	return 0;
}

int signal_send_task(struct task *t, int sig, const struct siginfo *info)
{
	struct sighand *s = sighand_lock(t->process);
	int err = signal_send_locked(t->process, t, sig, info, 0);

	sighand_unlock(s);
	return err;
}

int signal_send_process(struct process *p, int sig, const struct siginfo *info)
{
	struct sighand *s = sighand_lock(p);
	int err = signal_send_locked(p, NULL, sig, info, 0);

	sighand_unlock(s);
	return err;
}

int signal_send_pgrp_locked(s32 pgid, int sig, const struct siginfo *info)
{
	struct pid *group = pid_find(pgid);
	struct process *p;

	if (!group || list_empty(&group->group))
		return -ESRCH;
	list_for_each (p, &group->group, pgrp_link)
		(void)signal_send_process(p, sig, info);
	return 0;
}

int signal_send_pgrp(s32 pgid, int sig, const struct siginfo *info)
{
	GUARD(spin)(&task_list_lock);
	return signal_send_pgrp_locked(pgid, sig, info);
}

bool sigqueue_send(struct sigqueue *q, struct process *p, struct task *t, int sig)
{
	struct sighand *s = sighand_lock(p);
	bool queued = false;

	if (list_linked(&q->link)) {
		q->overruns++;
	} else if (p->live_count && !(t && t->exiting) &&
	           !signal_ignored(p, t ? t : p->leader, sig, 0)) {
		struct sigpending *pending = t ? &t->pending : &p->pending;
		q->info.signo = sig;
		list_add_tail(&pending->queue, &q->link);
		pending->set |= SIGMASK(sig);
		if (waitq_active(&p->signal_wait))
			waitq_wake_all(&p->signal_wait, 0);
		signal_complete(p, t, sig);
		queued = true;
	}
	sighand_unlock(s);
	return queued;
}

/* A fault must not loop for ever in a blocked or ignored signal: it becomes the default action, which kills. */
void signal_force(struct task *t, int sig, const struct siginfo *info)
{
	struct process *p = t->process;
	struct sighand *s = sighand_lock(p);
	struct sigaction_abi *action = &s->action[sig - 1];
	bool blocked = t->blocked & SIGMASK(sig);

	if (blocked || action->handler == SIG_IGN) {
		action->handler = SIG_DFL;
		t->blocked &= ~SIGMASK(sig);
	}
	if (action->handler == SIG_DFL)
		p->group_flags &= ~GROUP_UNKILLABLE;
	(void)signal_send_locked(p, t, sig, info, SIGNAL_FORCE);
	thread_set_work(&t->thread, THREAD_WORK_SIGNAL);
	sighand_unlock(s);
}

void signal_fault(int sig, int code, u64 addr)
{
	struct siginfo info = {.signo = sig, .code = code, .addr = addr};

	if (code == SI_KERNEL)
		info.addr = 0;
	signal_force(task_current(), sig, &info);
}

void signal_trap(u64 number, u64 error, u64 address)
{
	struct task *t = task_current();

	t->trap.number = number;
	t->trap.error = error;
	if (address)
		t->trap.address = address;
}

void signal_fill_user(struct siginfo *info, int sig, int code)
{
	*info = (struct siginfo){
		.signo = sig,
		.code = code,
		.pid = process_current()->pid,
		.uid = cred_current()->uid,
	};
}
