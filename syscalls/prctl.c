#include "abi/process.h"
#include "arch/context.h"
#include "arch/uaccess.h"
#include "kernel/lib/string.h"
#include "kernel/proc/task.h"
#include "syscalls/syscall.h"

/* prctl(2), arch_prctl(2). */

static bool unused(u64 a, u64 b, u64 c)
{
	return !a && !b && !c;
}

static long put_int(u64 to, s32 value)
{
	return copy_to_user(UPTR(to), &value, sizeof(value));
}

static long set_name(u64 from)
{
	char name[16];
	/* Longer names are cut, not refused. */
	ssize n = strncpy_from_user(name, UPTR(from), sizeof(name));

	if (n < 0 && n != -ENAMETOOLONG)
		return n;
	name[sizeof(name) - 1] = 0;
	strlcpy(thread_current()->name, name, sizeof(name));
	return 0;
}

static long get_name(u64 to)
{
	char name[16] = {0};

	strlcpy(name, thread_current()->name, sizeof(name));
	return copy_to_user(UPTR(to), name, sizeof(name));
}

/* A private copy of the credentials that the caller changes and commits; NULL: no memory. */
static long drop_bounding(u64 cap)
{
	if (!capable(CAP_SETPCAP))
		return -EPERM;
	if (cap > CAP_LAST)
		return -EINVAL;
	struct cred *c = cred_copy();
	if (!c)
		return -ENOMEM;
	c->cap_bounding &= ~BIT(cap);
	cred_commit(c);
	return 0;
}

static long set_securebits(u64 bits)
{
	const struct cred *old = cred_current();
	u32 locked = (old->securebits & SECURE_ALL_LOCKS) >> 1;

	if ((locked & (old->securebits ^ bits)) || (old->securebits & SECURE_ALL_LOCKS & ~bits) ||
	    bits & ~(u64)(SECURE_ALL_BITS | SECURE_ALL_LOCKS) || !cred_capable(old, CAP_SETPCAP))
		return -EPERM;
	struct cred *c = cred_copy();
	if (!c)
		return -ENOMEM;
	c->securebits = bits;
	cred_commit(c);
	return 0;
}

static long set_keepcaps(u64 on)
{
	if (on > 1)
		return -EINVAL;
	if (cred_current()->securebits & SECBIT_KEEP_CAPS_LOCKED)
		return -EPERM;
	struct cred *c = cred_copy();
	if (!c)
		return -ENOMEM;
	c->securebits = (c->securebits & ~SECBIT_KEEP_CAPS) | (on ? SECBIT_KEEP_CAPS : 0);
	cred_commit(c);
	return 0;
}

static long ambient_change(u64 op, u64 cap)
{
	const struct cred *old = cred_current();

	if (op == PR_CAP_AMBIENT_IS_SET)
		return old->cap_ambient >> cap & 1;
	if (op == PR_CAP_AMBIENT_RAISE &&
	    (!(old->cap_permitted & old->cap_inheritable & BIT(cap)) ||
	     (old->securebits & SECBIT_NO_CAP_AMBIENT_RAISE)))
		return -EPERM;
	struct cred *c = cred_copy();
	if (!c)
		return -ENOMEM;
	if (op == PR_CAP_AMBIENT_RAISE)
		c->cap_ambient |= BIT(cap);
	else if (op == PR_CAP_AMBIENT_LOWER)
		c->cap_ambient &= ~BIT(cap);
	else
		c->cap_ambient = 0;
	cred_commit(c);
	return 0;
}

static long ambient(u64 op, u64 cap, u64 a4, u64 a5)
{
	if (op == PR_CAP_AMBIENT_CLEAR_ALL)
		return cap | a4 | a5 ? -EINVAL : ambient_change(op, 0);
	if (a4 | a5 || cap > CAP_LAST || op < PR_CAP_AMBIENT_IS_SET || op > PR_CAP_AMBIENT_LOWER)
		return -EINVAL;
	return ambient_change(op, cap);
}

static long set_timer_slack(u64 ns)
{
	enum { DEFAULT_SLACK_NS = 50000 };

	task_current()->timer_slack_ns = (s64)ns <= 0 ? DEFAULT_SLACK_NS : ns;
	return 0;
}

static long set_subreaper(u64 on)
{
	process_current()->is_subreaper = !!on;
	return 0;
}

static long set_dumpable(u64 on)
{
	if (on > 1)
		return -EINVAL;
	process_current()->dumpable = on;
	return 0;
}

static long capability_option(u64 option, u64 a2, u64 a3, u64 a4, u64 a5)
{
	switch (option) {
	case PR_GET_KEEPCAPS: return !!(cred_current()->securebits & SECBIT_KEEP_CAPS);
	case PR_SET_KEEPCAPS: return set_keepcaps(a2);
	case PR_CAPBSET_READ:
		return a2 > CAP_LAST ? -EINVAL : (long)(cred_current()->cap_bounding >> a2 & 1);
	case PR_CAPBSET_DROP: return drop_bounding(a2);
	case PR_GET_SECUREBITS: return cred_current()->securebits;
	case PR_SET_SECUREBITS: return set_securebits(a2);
	case PR_CAP_AMBIENT: return ambient(a2, a3, a4, a5);
	default: return -EINVAL;
	}
}

SYSCALL5(prctl, int, option, u64, a2, u64, a3, u64, a4, u64, a5)
{
	enum { TSC_ENABLE = 1 };
	struct task *me = task_current();

	switch (option) {
	case PR_SET_PDEATHSIG:
		if (a2 > NSIG)
			return -EINVAL;
		me->pdeath_signal = a2;
		return 0;
	case PR_GET_PDEATHSIG: return put_int(a2, me->pdeath_signal);
	case PR_GET_DUMPABLE: return me->process->dumpable;
	case PR_SET_DUMPABLE: return set_dumpable(a2);
	case PR_SET_NAME: return set_name(a2);
	case PR_GET_NAME: return get_name(a2);
	case PR_GET_TIMING: return 0; /* PR_TIMING_STATISTICAL */
	case PR_SET_TIMING: return a2 ? -EINVAL : 0;
	case PR_GET_SECCOMP: return 0; /* built without: never in a seccomp mode */
	case PR_GET_TSC: return put_int(a2, TSC_ENABLE);
	case PR_SET_TSC: return a2 == TSC_ENABLE ? 0 : -EINVAL;
	case PR_SET_TIMERSLACK: return set_timer_slack(a2);
	case PR_GET_TIMERSLACK: return me->timer_slack_ns;
	case PR_SET_CHILD_SUBREAPER: return set_subreaper(a2);
	case PR_GET_CHILD_SUBREAPER: return put_int(a2, me->process->is_subreaper);
	case PR_SET_NO_NEW_PRIVS:
		if (a2 != 1 || !unused(a3, a4, a5))
			return -EINVAL;
		me->no_new_privs = true;
		return 0;
	case PR_GET_NO_NEW_PRIVS: return a2 || !unused(a3, a4, a5) ? -EINVAL : me->no_new_privs;
	case PR_GET_TID_ADDRESS:
		return copy_to_user(UPTR(a2), &me->clear_child_tid, sizeof(me->clear_child_tid));
	case PR_GET_THP_DISABLE: return a2 || !unused(a3, a4, a5) ? -EINVAL : 0;
	default: return capability_option(option, a2, a3, a4, a5);
	}
}

SYSCALL2(arch_prctl, int, code, u64, addr)
{
	u64 base;

	switch (code) {
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		if (addr >= USER_END)
			return -EPERM;
		if (code == ARCH_SET_FS)
			arch_set_fs_base(addr);
		else
			arch_set_gs_base(addr);
		return 0;
	case ARCH_GET_FS:
	case ARCH_GET_GS:
		base = code == ARCH_GET_FS ? arch_get_fs_base() : arch_get_gs_base();
		return copy_to_user(UPTR(addr), &base, sizeof(base));
	default: return -EINVAL;
	}
}
