/* Processes by descriptor: pidfd_open(2), pidfd_getfd(2), process_mrelease(2). */
#include "abi/fcntl.h"
#include "kernel/fs/procfs.h"
#include "kernel/mm/aspace.h"
#include "kernel/proc/clone.h"
#include "kernel/proc/fdtable.h"
#include "syscalls/pidfd.h"
#include "syscalls/syscall.h"

SYSCALL2(pidfd_open, int, pid, unsigned, flags)
{
	enum { PIDFD_NONBLOCK = O_NONBLOCK };

	if (flags & ~(unsigned)PIDFD_NONBLOCK || pid <= 0)
		return -EINVAL;
	AUTO_PUT(process) p = process_lookup(pid);
	if (!p) {
		AUTO_PUT(task) t = task_lookup(pid);
		return t ? -EINVAL : -ESRCH; /* a thread that is not a leader */
	}
	struct file *f = TRY_PTR(pidfd_new(p, O_RDWR | flags));
	return fd_open(f, O_CLOEXEC); /* always */
}

struct task *pidfd_task_get(int pidfd)
{
	AUTO_PUT(process) p = pidfd_process_get(pidfd, NULL);
	struct task *t;

	if (is_err(p))
		return (struct task *)TAKE(p);
	t = load_relaxed(&p->state) == PROCESS_DEAD ? NULL : task_lookup(p->pid);
	return t ? t : err_ptr(-ESRCH);
}

SYSCALL3(pidfd_getfd, int, pidfd, int, fd, unsigned, flags)
{
	if (flags)
		return -EINVAL;
	AUTO_PUT(task) t = pidfd_task_get(pidfd);
	if (is_err(t))
		return ptr_err(TAKE(t));
	if (!proc_may_attach(t))
		return -EPERM;
	AUTO_PUT(fdtable_pin) files = task_files_pin(t);
	if (!files) /* it has begun to exit */
		return -ESRCH;
	struct file *f = fdref_get_counted(files, (u32)fd).file;
	return f ? fd_open(f, O_CLOEXEC) : -EBADF;
}

/* What a dying process leaves is freed by its own exit, which nothing holds up: there is nothing to hurry. */
SYSCALL2(process_mrelease, int, pidfd, unsigned, flags)
{
	if (flags)
		return -EINVAL;
	AUTO_PUT(task) t = pidfd_task_get(pidfd);
	if (is_err(t))
		return ptr_err(TAKE(t));
	AUTO_PUT(aspace) as = task_aspace_get(t);
	if (!as)
		return -ESRCH;
	return load_relaxed(&t->process->group_flags) & GROUP_EXITING ? 0 : -EINVAL;
}
