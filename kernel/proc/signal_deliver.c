#include "abi/syscalls.h"
#include "arch/sigframe.h"
#include "arch/trap.h"
#include "arch/uaccess.h"
#include "kernel/proc/proc_internal.h"
#include "kernel/proc/rseq.h"
#include "kernel/sched/softirq.h"

bool signal_pending(void)
{
	return load_relaxed(&thread_current()->work) & (THREAD_WORK_SIGNAL | THREAD_WORK_KILL);
}

bool signal_pending_fatal(void)
{
	return load_relaxed(&thread_current()->work) & THREAD_WORK_KILL;
}

enum next { NEXT_NONE, NEXT_HANDLER, NEXT_AGAIN, NEXT_EXIT };

/* A default stop; the lock may have been dropped to look at the group, and a SIGCONT may have come meanwhile. */
static enum next default_stop(struct task *t, struct sighand *s, int sig)
{
	struct process *p = t->process;

	if (sig != SIGSTOP) {
		t->stop_dequeued = true;
		sighand_unlock(s);
		spin_lock(&task_list_lock);
		bool orphaned = pgrp_is_orphaned_locked(p->pgrp, NULL);
		spin_unlock(&task_list_lock);
		s = sighand_lock(p);
		if (orphaned || !t->stop_dequeued) {
			sighand_unlock(s);
			return NEXT_AGAIN;
		}
	}
	t->stop_dequeued = false;
	if (p->group_flags & GROUP_EXITING) {
		sighand_unlock(s);
		return NEXT_AGAIN;
	}
	if (!t->stop_pending)
		signal_stop_begin_locked(p, sig);
	signal_stop_current(s);
	return NEXT_AGAIN;
}

/* Decides about one signal; sighand held on entry, released unless the result is NEXT_NONE with the queue not yet empty. */
static enum next handle_one(struct task *t, struct sighand *s, int sig,
                            struct sigaction_abi *action)
{
	struct sigaction_abi *a = &s->action[sig - 1];

	if (a->handler == SIG_IGN)
		return NEXT_NONE;
	if (a->handler != SIG_DFL) {
		*action = *a;
		if (a->flags & SA_RESETHAND)
			a->handler = SIG_DFL;
		sighand_unlock(s);
		return NEXT_HANDLER;
	}
	if (SIGMASK(sig) & SIGMASK_IGNORED)
		return NEXT_NONE;
	if ((t->process->group_flags & GROUP_UNKILLABLE) && !(SIGMASK(sig) & SIGMASK_UNBLOCKABLE))
		return NEXT_NONE;
	if (SIGMASK(sig) & SIGMASK_STOP)
		return default_stop(t, s, sig);
	sighand_unlock(s);
	return NEXT_EXIT;
}

/* Duties that come before any signal. => false when there was none; else the lock was released. */
static bool handle_group_state(struct task *t, struct sighand *s)
{
	struct process *p = t->process;
	u32 notify = p->group_flags & (GROUP_NOTIFY_STOP | GROUP_NOTIFY_CONT);

	if (notify) {
		p->group_flags &= ~notify;
		sighand_unlock(s);
		process_notify_stop(p, notify & GROUP_NOTIFY_CONT ? CLD_CONTINUED : CLD_STOPPED);
		return true;
	}
	if (t->killed) {
		s32 code = p->group_flags & GROUP_EXITING ? p->group_exit_code : 0;
		sighand_unlock(s);
		task_exit(code);
	}
	if (t->stop_pending) {
		signal_stop_current(s);
		return true;
	}
	return false;
}

/* The next signal that the current thread has to handle in user space; the rest is done. */
static int signal_next(struct siginfo *info, struct sigaction_abi *action)
{
	struct task *t = task_current();

	for (;;) {
		struct sighand *s = sighand_lock(t->process);
		enum next next = NEXT_NONE;
		int sig;

		__atomic_fetch_and(&t->thread.work, ~(u32)THREAD_WORK_SIGNAL, __ATOMIC_RELAXED);
		if (handle_group_state(t, s))
			continue;
		do {
			sig = sigpending_take(&t->pending, ~t->blocked, info);
			if (!sig)
				sig = sigpending_take(&t->process->pending, ~t->blocked, info);
			if (sig)
				next = handle_one(t, s, sig, action);
		} while (sig && next == NEXT_NONE);
		if (!sig) {
			sighand_unlock(s);
			return 0;
		}
		if (next == NEXT_HANDLER)
			return sig;
		if (next == NEXT_EXIT)
			task_exit_group(sig);
	}
}

/* signal(7), "Interruption of system calls": what a call returns or whether it starts over, now that a handler runs. */
static void restart_for_handler(struct regs *regs, const struct sigaction_abi *action)
{
	switch ((long)regs->rax) {
	case -ERESTARTSYS:
		if (action->flags & SA_RESTART)
			break;
		/* fall through */
	case -ERESTARTNOHAND:
	case -ERESTART_RESTARTBLOCK: regs->rax = -EINTR; return;
	case -ERESTARTNOINTR: break;
	default: return;
	}
	sigframe_restart(regs, regs->orig_rax);
}

static void restart_without_handler(struct regs *regs)
{
	switch ((long)regs->rax) {
	case -ERESTARTSYS:
	case -ERESTARTNOHAND:
	case -ERESTARTNOINTR: sigframe_restart(regs, regs->orig_rax); break;
	case -ERESTART_RESTARTBLOCK: sigframe_restart(regs, NR_restart_syscall); break;
	default: break;
	}
}

/* The handler's frame could not be written: SIGSEGV, and the default one when it was SIGSEGV's own, sigaction(2). */
static void force_segv(struct task *t, int sig)
{
	if (sig == SIGSEGV) {
		struct sighand *s = sighand_lock(t->process);
		s->action[SIGSEGV - 1].handler = SIG_DFL;
		sighand_unlock(s);
	}
	signal_force(t, SIGSEGV, NULL);
}

static void run_handler(struct regs *regs, int sig, const struct siginfo *info,
                        const struct sigaction_abi *action)
{
	struct task *t = task_current();

	if ((s64)regs->orig_rax >= 0)
		restart_for_handler(regs, action);
	rseq_before_handler(regs);
	sigset_t saved = t->restore_blocked ? t->saved_blocked : t->blocked;
	if (sigframe_setup(regs, sig, info, action, saved) < 0) {
		force_segv(t, sig);
		return;
	}
	t->restore_blocked = false;
	sigset_t blocked = t->blocked | action->mask;
	if (!(action->flags & SA_NODEFER))
		blocked |= SIGMASK(sig);
	signal_mask_set(blocked);
}

static void deliver(struct regs *regs)
{
	struct sigaction_abi action;
	struct siginfo info;
	int sig = signal_next(&info, &action);

	if (sig) {
		run_handler(regs, sig, &info, &action);
		/* The call has been dealt with: a second handler must not restart it again. */
		regs->orig_rax = -1;
		return;
	}
	if ((s64)regs->orig_rax >= 0) {
		restart_without_handler(regs);
		regs->orig_rax = -1;
	}
	signal_mask_restore();
}

/* CLONE_CHILD_SETTID: a bad address is not an error, clone(2). */
static void write_child_tid(struct task *t)
{
	uptr_t to = UPTR(t->set_child_tid);

	t->set_child_tid = 0;
	(void)!copy_to_user(to, &t->tid, sizeof(t->tid));
}

static void task_work(void)
{
	struct task *t = task_current();

	__atomic_fetch_and(&t->thread.work, ~(u32)THREAD_WORK_TASK, __ATOMIC_RELAXED);
	if (t->set_child_tid)
		write_child_tid(t);
}

void user_return_work(struct regs *regs)
{
	struct thread *me = thread_current();
	u32 work;

	while ((work = load_acquire(&me->work))) {
		if (work & THREAD_WORK_IRQ)
			softirq_run();
		if (work & THREAD_WORK_RESCHED)
			schedule();
		if (work & THREAD_WORK_TASK)
			task_work();
		if (work & (THREAD_WORK_SIGNAL | THREAD_WORK_KILL))
			deliver(regs);
		if (work & (THREAD_WORK_RESCHED | THREAD_WORK_TASK))
			rseq_before_return(regs);
	}
}
