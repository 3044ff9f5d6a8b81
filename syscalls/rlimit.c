#include "arch/uaccess.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/task.h"
#include "syscalls/syscall.h"

static int limit_read(uptr_t from, struct rlimit_pair *out)
{
	return copy_from_user(out, from, sizeof(*out));
}

SYSCALL2(getrlimit, unsigned, which, uptr_t, out)
{
	struct rlimit_pair now;

	if (which >= RLIMIT_COUNT)
		return -EINVAL;
	TRY(rlimit_change(process_current(), which, NULL, &now));
	return copy_to_user(out, &now, sizeof(now));
}

SYSCALL2(setrlimit, unsigned, which, uptr_t, new)
{
	struct rlimit_pair limit, old;

	TRY(limit_read(new, &limit));
	if (which >= RLIMIT_COUNT)
		return -EINVAL;
	return rlimit_change(process_current(), which, &limit, &old);
}

/* prlimit(2), "Permissions": all six ids of the target equal the caller's real ones, or CAP_SYS_RESOURCE. */
static bool may_limit(const struct task *t)
{
	const struct cred *me = cred_current();
	const struct cred *c = rcu_dereference(t->cred);

	return t == task_current() || capable(CAP_SYS_RESOURCE) ||
	       (me->uid == c->uid && me->uid == c->euid && me->uid == c->suid &&
	        me->gid == c->gid && me->gid == c->egid && me->gid == c->sgid);
}

SYSCALL4(prlimit64, int, pid, unsigned, which, uptr_t, new, uptr_t, old)
{
	struct rlimit_pair limit, before;

	if (!uptr_null(new))
		TRY(limit_read(new, &limit));
	AUTO_PUT(task) t = pid ? task_lookup(pid) : NULL;
	if (pid && !t)
		return -ESRCH;
	struct task *target = t ?: task_current();
	if (!may_limit(target))
		return -EPERM;
	if (which >= RLIMIT_COUNT)
		return -EINVAL;
	TRY(rlimit_change(target->process, which, uptr_null(new) ? NULL : &limit, &before));
	return uptr_null(old) ? 0 : copy_to_user(old, &before, sizeof(before));
}
