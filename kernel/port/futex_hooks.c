/* A thread leaves its address space: robust futexes, and the word that pthread_join(3) waits on. */
#include "kernel/ipc/futex/futex.h"
#include "kernel/ipc/futex/pi.h"
#include "kernel/mm/aspace.h"
#include "kernel/proc/hooks.h"
#include "kernel/proc/task.h"

/* set_tid_address(2), CLONE_CHILD_CLEARTID: only if somebody is left who could look. */
static void clear_child_tid(struct task *t)
{
	uptr_t word = UPTR(t->clear_child_tid);
	u32 zero = 0;

	t->clear_child_tid = 0;
	if (uptr_null(word) || refcount_read(&t->thread.aspace->users) <= 1)
		return;
	if (copy_to_user(word, &zero, sizeof zero) == 0)
		(void)!futex_wake(word, FUTEX_SHARED, 1, FUTEX_BITSET_MATCH_ANY);
}

static void futex_exit_mm(struct task *t)
{
	uptr_t robust = UPTR(t->robust_list);

	t->robust_list = 0;
	if (!uptr_null(robust))
		futex_robust_exit(robust, (u32)t->tid);
	futex_pi_exit(t->exiting);
	port_free(t->waitv_room);
	t->waitv_room = NULL;
	clear_child_tid(t);
}

/* Process 1 was not forked. */
static void futex_exec(struct task *t)
{
	struct port_pi *p = port_pi((struct port_thread *)t);
	if (!p->ready)
		futex_pi_thread_init(p);
}

static void futex_priority_changed(struct task *t)
{
	rcu_read_lock();
	futex_pi_priority_changed((struct port_thread *)t);
	rcu_read_unlock();
}

static const struct proc_hooks futex_hooks = {
	.name = "futex",
	.exec = futex_exec,
	.exit_mm = futex_exit_mm,
	.priority_changed = futex_priority_changed,
};
PROC_HOOKS(futex_hooks);
