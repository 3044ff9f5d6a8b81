#include "arch/uaccess.h"
#include "kernel/proc/proc_internal.h"

static void mask_set_locked(struct task *t, sigset_t blocked)
{
	t->blocked = blocked & ~SIGMASK_UNBLOCKABLE;
	signal_recheck_locked(t);
}

/*
 * Process-directed signals that this thread will no longer take are offered to its siblings: whoever sent them chose this
 * thread when it still listened.
 */
static void retarget_locked(struct task *t, sigset_t newly_blocked)
{
	struct process *p = t->process;
	struct task *other;

	if (!(p->pending.set & newly_blocked) || p->thread_count == 1)
		return;
	list_for_each (other, &p->threads, thread_link)
		if (other != t && !other->exiting)
			signal_recheck_locked(other);
}

void signal_mask_set(sigset_t blocked)
{
	struct task *t = task_current();
	struct sighand *s = sighand_lock(t->process);
	sigset_t newly = blocked & ~t->blocked;

	mask_set_locked(t, blocked);
	retarget_locked(t, newly);
	sighand_unlock(s);
}

int signal_mask_push_user(uptr_t set, size_t size)
{
	struct task *t = task_current();
	sigset_t blocked;

	if (uptr_null(set))
		return 0;
	if (size != sizeof(sigset_t))
		return -EINVAL;
	TRY(copy_from_user(&blocked, set, sizeof(blocked)));
	t->saved_blocked = t->blocked;
	t->restore_blocked = true;
	signal_mask_set(blocked);
	return 0;
}

void signal_mask_restore(void)
{
	struct task *t = task_current();

	if (!t->restore_blocked)
		return;
	t->restore_blocked = false;
	signal_mask_set(t->saved_blocked);
}
