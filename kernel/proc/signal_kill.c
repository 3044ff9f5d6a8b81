#include "arch/clock.h"
#include "kernel/proc/kill.h"
#include "kernel/proc/proc_internal.h"

/* kill(2), "Permissions": real or effective uid of the sender against real or saved uid of the target. */
static int check_permission(struct process *p, int sig)
{
	const struct cred *me = cred_current();
	const struct task *leader = rcu_dereference(p->leader);

	if (!leader)
		return -ESRCH; /* reaped meanwhile */
	const struct cred *target = rcu_dereference(leader->cred);
	if (p == process_current() || me->euid == target->suid || me->euid == target->uid ||
	    me->uid == target->suid || me->uid == target->uid || capable(CAP_KILL))
		return 0;
	/* Members of a session may continue each other. */
	return sig == SIGCONT && p->session == process_current()->session ? 0 : -EPERM;
}

static int kill_checked(struct process *p, int sig, const struct siginfo *info)
{
	if (sig < 0 || sig > NSIG)
		return -EINVAL;
	TRY(check_permission(p, sig));
	return sig ? signal_send_process(p, sig, info) : 0;
}

int signal_kill_process(struct process *p, int sig, const struct siginfo *info)
{
	GUARD(spin)(&task_list_lock);

	if (p->state == PROCESS_DEAD)
		return -ESRCH;
	return kill_checked(p, sig, info);
}

static int kill_one(s32 pid, int sig, const struct siginfo *info)
{
	/* No lock: the process cannot be freed under RCU, and one that dies now ignores the signal. */
	rcu_read_lock();
	struct process *p = process_find_by_thread(pid);
	int err = p ? kill_checked(p, sig, info) : -ESRCH;
	rcu_read_unlock();
	return err;
}

/* pgid 0: the caller's own. One success makes the whole call succeed; else the last refusal counts. */
static int kill_group(s32 pgid, int sig, const struct siginfo *info)
{
	struct process *p;
	int err = -ESRCH;
	bool done = false;
	GUARD(spin)(&task_list_lock);
	struct pid *group = pgid ? pid_find(pgid) : process_current()->pgrp;

	if (!group)
		return -ESRCH;
	list_for_each (p, &group->group, pgrp_link) {
		int one = kill_checked(p, sig, info);
		done |= one == 0;
		err = one;
	}
	return done ? 0 : err;
}

/* kill(-1): everything but init and the sender. */
static int kill_all(int sig, const struct siginfo *info)
{
	struct process *me = process_current(), *p;
	int err = 0;
	bool any = false;

	for (s32 pid = 2; (p = process_next(&pid)); pid++) {
		if (p != me && p->state != PROCESS_DEAD) {
			int one = signal_kill_process(p, sig, info);
			any |= one != -ESRCH;
			if (one != -EPERM && one != -ESRCH)
				err = one;
		}
		process_put(p);
	}
	return any ? err : -ESRCH;
}

int signal_kill(s32 pid, int sig, const struct siginfo *info)
{
	if (pid > 0)
		return kill_one(pid, sig, info);
	if (pid == INT32_MIN)
		return -ESRCH;
	if (pid == -1)
		return kill_all(sig, info);
	return kill_group(-pid, sig, info);
}

int signal_kill_thread(s32 tgid, s32 tid, int sig, const struct siginfo *info)
{
	int err = -ESRCH;

	rcu_read_lock();
	struct task *t = task_find(tid);
	if (t && (!tgid || t->process->pid == tgid)) {
		err = sig < 0 || sig > NSIG ? -EINVAL : check_permission(t->process, sig);
		if (!err && sig)
			err = signal_send_task(t, sig, info);
	}
	rcu_read_unlock();
	return err;
}

/* While it waits, the thread accepts what it waits for; real_blocked remembers that it is only for the wait. */
int signal_wait(sigset_t set, struct siginfo *info, u64 deadline_ns)
{
	struct task *t = task_current();
	int sig = signal_dequeue(set, info);

	if (sig)
		return sig;
	if (deadline_ns <= clock_mono_ns())
		return -EAGAIN;
	struct sighand *s = sighand_lock(t->process);
	t->real_blocked = t->blocked;
	t->blocked &= ~set;
	signal_recheck_locked(t);
	sighand_unlock(s);

	enum park_result woken;
	do {
		woken = park(deadline_ns, PARK_INTERRUPTIBLE);
		sig = signal_dequeue(set, info);
	} while (!sig && woken == PARK_WOKEN);

	s = sighand_lock(t->process);
	t->blocked = t->real_blocked;
	t->real_blocked = 0;
	sighand_unlock(s);
	/* One more may have chosen this thread since. */
	if (!sig)
		sig = signal_dequeue(set, info);
	if (sig)
		return sig;
	return woken == PARK_TIMEOUT ? -EAGAIN : -EINTR;
}

/* POSIX, sigaction(): making a signal ignored discards what is pending of it. */
static void discard_ignored(struct process *p, int sig, const struct sigaction_abi *a)
{
	struct task *t;

	if (a->handler != SIG_IGN && !(a->handler == SIG_DFL && (SIGMASK(sig) & SIGMASK_IGNORED)))
		return;
	sigpending_remove(&p->pending, SIGMASK(sig));
	list_for_each (t, &p->threads, thread_link)
		sigpending_remove(&t->pending, SIGMASK(sig));
}

int signal_action(int sig, const struct sigaction_abi *new, struct sigaction_abi *old)
{
	/* sigaction(2), "Dynamically probing for flag bit support": unknown bits read back as zero. */
	const u64 known = SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_RESTORER | SA_ONSTACK |
	                  SA_RESTART | SA_NODEFER | SA_RESETHAND;
	struct process *p = process_current();

	if (sig < 1 || sig > NSIG || (new && (SIGMASK(sig) & SIGMASK_UNBLOCKABLE)))
		return -EINVAL;
	struct sighand *s = sighand_lock(p);
	if (old)
		*old = s->action[sig - 1];
	if (new) {
		s->action[sig - 1] = *new;
		s->action[sig - 1].flags &= known;
		s->action[sig - 1].mask &= ~SIGMASK_UNBLOCKABLE;
		discard_ignored(p, sig, new);
	}
	sighand_unlock(s);
	return 0;
}

int signal_suspend(void)
{
	while (!signal_pending())
		(void)park(PARK_FOREVER, PARK_INTERRUPTIBLE);
	return -ERESTARTNOHAND;
}
