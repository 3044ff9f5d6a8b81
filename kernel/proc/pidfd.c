#include "abi/fcntl.h"
#include "kernel/fs/seq.h"
#include "kernel/proc/clone.h"
#include "kernel/proc/fdtable.h"
#include "kernel/proc/poll.h"
#include "kernel/proc/proc_internal.h"

/* pidfd_open(2): readable once the process is a zombie or gone. */
static u32 pidfd_poll(struct file *f, struct poll_table *pt)
{
	struct process *p = f->private;

	poll_wait(pt, f, &p->exit_poll);
	return load_acquire(&p->state) == PROCESS_LIVE ? 0 : POLLIN | POLLRDNORM;
}

static void pidfd_release(struct file *f)
{
	process_put(f->private);
}

/* proc(5), fdinfo: -1 once it has been reaped. */
static void pidfd_fdinfo(struct file *f, struct seq *s)
{
	struct process *p = f->private;
	s32 pid = load_relaxed(&p->state) == PROCESS_DEAD ? -1 : p->pid;

	seq_printf(s, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
}

static const struct file_ops pidfd_ops = {
	.poll = pidfd_poll,
	.release = pidfd_release,
	.fdinfo = pidfd_fdinfo,
};

struct file *pidfd_new(struct process *p, u32 flags)
{
	struct file *f = file_new_anon("pidfd", &pidfd_ops, flags, p);

	if (!is_err(f))
		process_get(p);
	return f;
}

struct process *pidfd_process_get(int fd, u32 *flags)
{
	AUTO_FDREF r = fdref_get(fd);

	if (!r.file || r.file->ops != &pidfd_ops)
		return err_ptr(-EBADF);
	struct process *p = r.file->private;
	process_get(p);
	if (flags)
		*flags = load_relaxed(&r.file->flags);
	return p;
}
