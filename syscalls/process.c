#include "abi/futex.h"
#include "abi/process.h"
#include "arch/context.h"
#include "arch/uaccess.h"
#include "kernel/fs/procfs.h"
#include "kernel/lib/string.h"
#include "kernel/proc/clone.h"
#include "kernel/proc/fdtable.h"
#include "kernel/proc/groups.h"
#include "kernel/proc/task.h"
#include "syscalls/syscall.h"

/* clone(2), clone3(2), fork, vfork; identity in the process tree; exit. wait: syscalls/wait.c */

SYSCALL0(fork)
{
	return task_clone(&(struct clone_request){.exit_signal = SIGCHLD});
}

SYSCALL0(vfork)
{
	return task_clone(
		&(struct clone_request){.flags = CLONE_VFORK | CLONE_VM, .exit_signal = SIGCHLD});
}

/* x86-64 order of arguments. The low byte of flags is the exit signal; the pidfd goes where the parent's tid would. */
SYSCALL5(clone, u64, flags, u64, stack, uptr_t, parent_tid, uptr_t, child_tid, u64, tls)
{
	struct clone_request r = {
		.flags = (u32)flags & ~(u32)CSIGNAL,
		.stack = stack,
		.tls = tls,
		.pidfd = parent_tid,
		.child_tid = child_tid,
		.parent_tid = parent_tid,
		.exit_signal = flags & CSIGNAL,
	};

	if ((flags & CLONE_PIDFD) && (flags & CLONE_PARENT_SETTID))
		return -EINVAL;
	return task_clone(&r);
}

/* copy_struct_from_user of Linux: larger structures are fine when what we do not know is zero. */
static int clone_args_read(struct clone_args_abi *a, uptr_t from, size_t size)
{
	u8 tail[64];

	if (size > 4096)
		return -E2BIG;
	if (size < CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	memset(a, 0, sizeof(*a));
	TRY(copy_from_user(a, from, MIN(size, sizeof(*a))));
	for (size_t at = sizeof(*a); at < size; at += sizeof(tail)) {
		size_t n = MIN(size - at, sizeof(tail));
		TRY(copy_from_user(tail, uptr_add(from, at), n));
		for (size_t i = 0; i < n; i++)
			if (tail[i])
				return -E2BIG;
	}
	return 0;
}

/* clone3(2), "set_tid": needs CAP_SYS_ADMIN over a pid namespace that could be restored; numbers are given by us alone. */
static int clone_args_check(const struct clone_args_abi *a)
{
	const u64 known = 0xffffffffull | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP;

	if (a->flags & ~known || a->flags & (CSIGNAL & ~CLONE_NEWTIME))
		return -EINVAL;
	if (a->flags & CLONE_DETACHED)
		return -EINVAL;
	if (a->exit_signal & ~(u64)CSIGNAL || a->exit_signal > NSIG)
		return -EINVAL;
	if ((a->flags & (CLONE_THREAD | CLONE_PARENT)) && a->exit_signal)
		return -EINVAL;
	if (!a->stack != !a->stack_size)
		return -EINVAL;
	if (a->stack && !user_range_ok(UPTR(a->stack), a->stack_size))
		return -EINVAL;
	if (a->set_tid_size > 32 || !a->set_tid != !a->set_tid_size)
		return -EINVAL;
	if (a->set_tid)
		return capable(CAP_SYS_ADMIN) ? -EINVAL : -EPERM;
	if (!(a->flags & CLONE_INTO_CGROUP))
		return 0;
	return a->cgroup > INT32_MAX ? -EINVAL : -EBADF;
}

SYSCALL2(clone3, uptr_t, args, size_t, size)
{
	struct clone_args_abi a;

	TRY(clone_args_read(&a, args, size));
	TRY(clone_args_check(&a));
	struct clone_request r = {
		.flags = a.flags,
		.stack = a.stack + a.stack_size,
		.tls = a.tls,
		.pidfd = UPTR(a.pidfd),
		.child_tid = UPTR(a.child_tid),
		.parent_tid = UPTR(a.parent_tid),
		.exit_signal = a.exit_signal,
	};
	return task_clone(&r);
}

SYSCALL1(unshare, u64, flags)
{
	return task_unshare(flags);
}

SYSCALL2(setns, int, fd, int, nstype)
{
	return task_setns(fd, nstype);
}

SYSCALL1(exit, int, status)
{
	task_exit((status & 0xff) << 8);
}

SYSCALL1(exit_group, int, status)
{
	task_exit_group((status & 0xff) << 8);
}

SYSCALL0(getpid)
{
	return process_current()->pid;
}

SYSCALL0(gettid)
{
	return task_current()->tid;
}

/* No lock: the parent is freed no sooner than a grace period after it was replaced. */
SYSCALL0(getppid)
{
	struct process *parent = rcu_dereference(process_current()->parent);

	return parent ? parent->pid : 0;
}

SYSCALL0(getpgrp)
{
	return load_relaxed(&process_current()->pgid);
}

SYSCALL1(getpgid, int, pid)
{
	return process_get_group(pid);
}

SYSCALL1(getsid, int, pid)
{
	return process_get_session(pid);
}

SYSCALL2(setpgid, int, pid, int, pgid)
{
	return process_set_group(pid, pgid);
}

SYSCALL0(setsid)
{
	return process_new_session();
}

SYSCALL1(set_tid_address, uptr_t, where)
{
	struct task *me = task_current();

	me->clear_child_tid = where.addr;
	return me->tid;
}

SYSCALL2(set_robust_list, uptr_t, head, size_t, size)
{
	if (size != sizeof(struct robust_list_head))
		return -EINVAL;
	task_current()->robust_list = head.addr;
	return 0;
}

SYSCALL3(get_robust_list, int, tid, uptr_t, out_head, uptr_t, out_size)
{
	AUTO_PUT(task) t = task_lookup(tid ? tid : task_current()->tid);
	u64 head, size = sizeof(struct robust_list_head);

	if (!t)
		return -ESRCH;
	if (!proc_may_inspect(t))
		return -EPERM;
	head = load_relaxed(&t->robust_list);
	TRY(copy_to_user(out_size, &size, sizeof size));
	return copy_to_user(out_head, &head, sizeof head);
}
