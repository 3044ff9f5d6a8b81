#include "arch/clock.h"
#include "arch/context.h"
#include "arch/sigframe.h"
#include "arch/uaccess.h"
#include "kernel/fs/procfs.h"
#include "kernel/proc/altstack.h"
#include "kernel/proc/clone.h"
#include "kernel/proc/fdtable.h"
#include "kernel/proc/kill.h"
#include "kernel/proc/task.h"
#include "syscalls/syscall.h"
#include "syscalls/timespec.h"

static void info_user(struct siginfo *info, int sig, int code)
{
	siginfo_clear_used(info);
	info->signo = sig;
	info->code = code;
	info->pid = process_current()->pid;
	info->uid = cred_current()->uid;
}

SYSCALL2(kill, int, pid, int, sig)
{
	struct siginfo info;

	info_user(&info, sig, SI_USER);
	return signal_kill(pid, sig, &info);
}

SYSCALL3(tgkill, int, tgid, int, tid, int, sig)
{
	struct siginfo info;

	if (tgid <= 0 || tid <= 0)
		return -EINVAL;
	info_user(&info, sig, SI_TKILL);
	return signal_kill_thread(tgid, tid, sig, &info);
}

SYSCALL2(tkill, int, tid, int, sig)
{
	struct siginfo info;

	if (tid <= 0)
		return -EINVAL;
	info_user(&info, sig, SI_TKILL);
	return signal_kill_thread(0, tid, sig, &info);
}

/* The kernel's own codes cannot be forged for others, rt_sigqueueinfo(2); the others begin with the next thread. */
static int info_check(struct siginfo *info, int sig, s32 target)
{
	info->signo = sig;
	if ((info->code >= 0 || info->code == SI_TKILL) && target != task_current()->tid)
		return -EPERM;
	return 0;
}

SYSCALL3(rt_sigqueueinfo, int, pid, int, sig, uptr_t, from)
{
	struct siginfo info;

	TRY(copy_from_user(&info, from, sizeof(info)));
	TRY(info_check(&info, sig, pid));
	return pid > 0 ? signal_kill(pid, sig, &info) : -ESRCH;
}

SYSCALL4(rt_tgsigqueueinfo, int, tgid, int, tid, int, sig, uptr_t, from)
{
	struct siginfo info;

	TRY(copy_from_user(&info, from, sizeof(info)));
	if (tgid <= 0 || tid <= 0)
		return -EINVAL;
	TRY(info_check(&info, sig, tid));
	return signal_kill_thread(tgid, tid, sig, &info);
}

/* A pidfd, or an open directory /proc/PID, pidfd_send_signal(2). => a reference, or err_ptr. */
static struct process *signal_target(int fd)
{
	struct process *p = pidfd_process_get(fd, NULL);

	if (!is_err(p))
		return p;
	AUTO_FDREF r = fdref_get(fd);
	return r.file ? procfs_file_process(r.file) : err_ptr(-EBADF);
}

SYSCALL4(pidfd_send_signal, int, pidfd, int, sig, uptr_t, from, unsigned, flags)
{
	struct siginfo info;

	if (flags)
		return -EINVAL;
	AUTO_PUT(process) p = signal_target(pidfd);
	if (is_err(p))
		return ptr_err(p);
	if (uptr_null(from)) {
		info_user(&info, sig, SI_USER);
	} else {
		TRY(copy_from_user(&info, from, sizeof(info)));
		if (info.signo != sig)
			return -EINVAL;
		if (p != process_current() && (info.code >= 0 || info.code == SI_TKILL))
			return -EPERM;
	}
	if (sig < 0 || sig > NSIG)
		return -EINVAL;
	return signal_kill_process(p, sig, &info);
}

SYSCALL4(rt_sigaction, int, sig, uptr_t, new, uptr_t, old, size_t, size)
{
	struct sigaction_abi new_action, old_action;

	if (size != sizeof(sigset_t))
		return -EINVAL;
	if (!uptr_null(new))
		TRY(copy_from_user(&new_action, new, sizeof(new_action)));
	TRY(signal_action(sig, uptr_null(new) ? NULL : &new_action,
	                  uptr_null(old) ? NULL : &old_action));
	return uptr_null(old) ? 0 : copy_to_user(old, &old_action, sizeof(old_action));
}

SYSCALL4(rt_sigprocmask, int, how, uptr_t, set, uptr_t, old, size_t, size)
{
	sigset_t before = task_current()->blocked, change;

	if (size != sizeof(sigset_t))
		return -EINVAL;
	if (!uptr_null(set)) {
		TRY(copy_from_user(&change, set, sizeof(change)));
		change &= ~SIGMASK_UNBLOCKABLE;
		if (how == SIG_BLOCK)
			signal_mask_set(before | change);
		else if (how == SIG_UNBLOCK)
			signal_mask_set(before & ~change);
		else if (how == SIG_SETMASK)
			signal_mask_set(change);
		else
			return -EINVAL;
	}
	return uptr_null(old) ? 0 : copy_to_user(old, &before, sizeof(before));
}

SYSCALL2(rt_sigpending, uptr_t, out, size_t, size)
{
	sigset_t pending = signal_pending_set() & task_current()->blocked;

	if (size > sizeof(pending))
		return -EINVAL;
	return copy_to_user(out, &pending, size);
}

SYSCALL2(rt_sigsuspend, uptr_t, set, size_t, size)
{
	if (size != sizeof(sigset_t))
		return -EINVAL;
	if (uptr_null(set))
		return -EFAULT;
	TRY(signal_mask_push_user(set, size));
	return signal_suspend();
}

SYSCALL0(pause)
{
	return signal_suspend();
}

SYSCALL4(rt_sigtimedwait, uptr_t, set, uptr_t, info_out, uptr_t, timeout, size_t, size)
{
	struct siginfo info;
	u64 deadline = PARK_FOREVER;
	sigset_t wanted;

	if (size != sizeof(wanted))
		return -EINVAL;
	TRY(copy_from_user(&wanted, set, sizeof(wanted)));
	if (!uptr_null(timeout)) {
		struct abi_timespec ts;
		TRY(copy_from_user(&ts, timeout, sizeof(ts)));
		if (!timespec_valid(&ts))
			return -EINVAL;
		u64 ns = timespec_ns(&ts);
		deadline = ns ? deadline_in(ns) : 0;
	}
	int sig = TRY(signal_wait(wanted & ~SIGMASK_UNBLOCKABLE, &info, deadline));
	if (!uptr_null(info_out))
		TRY(copy_to_user(info_out, &info, sizeof(info)));
	return sig;
}

SYSCALL2(sigaltstack, uptr_t, new, uptr_t, old)
{
	u64 sp = arch_thread_regs(&thread_current()->arch)->rsp;
	struct sigaltstack_abi stack, before;

	altstack_save(&before, sp);
	before.pad = 0;
	if (!uptr_null(new)) {
		TRY(copy_from_user(&stack, new, sizeof(stack)));
		TRY(altstack_set(&stack, sp));
	}
	return uptr_null(old) ? 0 : copy_to_user(old, &before, sizeof(before));
}

SYSCALL0(rt_sigreturn)
{
	struct task *me = task_current();

	me->restart.fn = NULL;
	return sigframe_return(arch_thread_regs(&me->thread.arch));
}

SYSCALL0(restart_syscall)
{
	struct restart_block *r = &task_current()->restart;

	return r->fn ? r->fn(r) : -EINTR;
}
