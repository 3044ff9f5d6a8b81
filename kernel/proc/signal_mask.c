#include "arch/uaccess.h"
#include "kernel/proc/proc_internal.h"

/*
 * Process-directed signals that this thread will no longer take are offered to its siblings: whoever sent them chose this
 * thread when it still listened.
 */
static NOINLINE void retarget_locked(struct task *t)
{
	struct task *other;

	list_for_each (other, &t->process->threads, thread_link)
		if (other != t && !other->exiting)
			signal_recheck_locked(other);
}

void signal_mask_set(sigset_t blocked)
{
	struct task *t = task_current();
	struct process *p = t->process;
	struct sighand *s = sighand_lock(p);
	sigset_t newly = blocked & ~t->blocked;

	t->blocked = blocked & ~SIGMASK_UNBLOCKABLE;
	signal_recheck_locked(t);
	if (unlikely(p->pending.set & newly))
		retarget_locked(t);
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
