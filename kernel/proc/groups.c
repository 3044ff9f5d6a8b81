#include "kernel/proc/groups.h"
#include "kernel/proc/proc_internal.h"

s32 process_get_group(s32 pid)
{
	rcu_read_lock();
	struct process *p = pid ? process_find_by_thread(pid) : process_current();
	s32 id = p ? load_relaxed(&p->pgid) : -ESRCH;
	rcu_read_unlock();
	return id;
}

s32 process_get_session(s32 pid)
{
	rcu_read_lock();
	struct process *p = pid ? process_find_by_thread(pid) : process_current();
	s32 id = p ? load_relaxed(&p->sid) : -ESRCH;
	rcu_read_unlock();
	return id;
}

/* setpgid(2): whose group may be changed. */
static int check_target(const struct process *p)
{
	const struct process *me = process_current();

	if (p == me)
		return p->sid == p->pid ? -EPERM : 0;
	if (p->parent != me)
		return -ESRCH;
	if (p->session != me->session)
		return -EPERM;
	if (p->did_exec)
		return -EACCES;
	return p->sid == p->pid ? -EPERM : 0;
}

int process_set_group(s32 pid, s32 pgid)
{
	struct process *me = process_current();

	if (pgid < 0 || (!pgid && pid < 0))
		return -EINVAL;
	GUARD(spin)(&task_list_lock);
	struct process *p = pid ? process_find(pid) : me;
	if (!p)
		return task_find(pid) ? -EINVAL : -ESRCH; /* a thread that is not a leader */
	TRY(check_target(p));
	struct pid *group = pgid && pgid != p->pid ? pid_find(pgid) : p->pid_entry;
	if (group != p->pid_entry) {
		/* An existing group of the same session. */
		if (!group || list_empty(&group->group) ||
		    list_first(&group->group, struct process, pgrp_link)->session != me->session)
			return -EPERM;
	}
	if (p->pgrp != group) {
		pgrp_leave_locked(p);
		pgrp_join_locked(p, group);
	}
	return 0;
}

s32 process_new_session(void)
{
	struct process *p = process_current();
	GUARD(spin)(&task_list_lock);

	/* A leader already, or a group with this number is left over from another process's child. */
	if (p->sid == p->pid || !list_empty(&p->pid_entry->group))
		return -EPERM;
	pgrp_leave_locked(p);
	session_leave_locked(p);
	session_join_locked(p, p->pid_entry);
	pgrp_join_locked(p, p->pid_entry);
	p->tty = NULL;
	return p->pid;
}
