#include "kernel/proc/signalfd.h"
#include "abi/event.h"
#include "abi/fcntl.h"
#include "kernel/fs/seq.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/poll.h"
#include "kernel/proc/task.h"
#include "kernel/proc/uio.h"

struct signalfd {
	sigset_t set; /* [a] */
};

enum siginfo_kind {
	INFO_KILL,
	INFO_TIMER,
	INFO_POLL,
	INFO_FAULT,
	INFO_CHILD,
	INFO_QUEUE,
	INFO_SYSCALL
};

/* Which member of siginfo's union counts, sigaction(2). */
static enum siginfo_kind siginfo_kind(const struct siginfo *i)
{
	enum { POLL_CODES = 6 };
	if (i->code == SI_TIMER)
		return INFO_TIMER;
	if (i->code == SI_SIGIO)
		return INFO_POLL;
	if (i->code < 0)
		return INFO_QUEUE;
	if (i->code == SI_USER || i->code >= SI_KERNEL)
		return INFO_KILL;
	if (BIT(i->signo - 1) & (SIGMASK_SYNCHRONOUS & ~SIGMASK(SIGSYS)))
		return INFO_FAULT;
	if (i->signo == SIGCHLD)
		return INFO_CHILD;
	if (i->signo == SIGSYS)
		return INFO_SYSCALL;
	return i->signo == SIGIO || i->code <= POLL_CODES ? INFO_POLL : INFO_KILL;
}

static void record_fill(struct signalfd_siginfo *r, const struct siginfo *i)
{
	*r = (struct signalfd_siginfo){.signo = (u32)i->signo, .error = i->error, .code = i->code};
	switch (siginfo_kind(i)) {
	case INFO_KILL:
		r->pid = (u32)i->pid;
		r->uid = i->uid;
		break;
	case INFO_TIMER:
		r->tid = (u32)i->timer_id;
		r->overrun = (u32)i->overrun;
		r->ptr = i->timer_value.ptr;
		r->value = i->timer_value.i;
		break;
	case INFO_POLL:
		r->band = (u32)i->band;
		r->fd = i->fd;
		break;
	case INFO_FAULT:
		r->addr = i->addr;
		r->addr_lsb = i->signo == SIGBUS ? (u16)i->addr_lsb : 0;
		break;
	case INFO_CHILD:
		r->pid = (u32)i->child_pid;
		r->uid = i->child_uid;
		r->status = i->status;
		r->utime = (u64)i->utime;
		r->stime = (u64)i->stime;
		break;
	case INFO_QUEUE:
		r->pid = (u32)i->pid;
		r->uid = i->uid;
		r->ptr = i->value.ptr;
		r->value = i->value.i;
		break;
	case INFO_SYSCALL:
		r->call_addr = i->call_addr;
		r->syscall = i->syscall;
		r->arch = i->arch;
		break;
	}
}

/* => a signal's number with its siginfo, -EAGAIN, -ERESTARTSYS. */
static int take(const struct signalfd *s, bool wait, struct siginfo *info)
{
	struct process *p = process_current();
	for (;;) {
		int sig = signal_dequeue(load_relaxed(&s->set), info);
		if (sig)
			return sig;
		if (!wait)
			return -EAGAIN;
		TRY(WAITQ_WAIT(&p->signal_wait, PARK_INTERRUPTIBLE, PARK_FOREVER,
		               signal_pending_set() & load_relaxed(&s->set)));
	}
}

static ssize signalfd_read(struct file *f, struct uio *io, u64 *pos)
{
	struct signalfd *s = f->private;
	bool wait = !(load_relaxed(&f->flags) & O_NONBLOCK);
	ssize done = 0;
	int err = 0;

	if (io->left < sizeof(struct signalfd_siginfo))
		return -EINVAL;
	while (io->left >= sizeof(struct signalfd_siginfo)) {
		struct signalfd_siginfo record;
		struct siginfo info;
		err = take(s, wait && !done, &info);
		if (err < 0)
			break;
		record_fill(&record, &info);
		if (uio_put(io, &record, sizeof record) < sizeof record) {
			err = -EFAULT;
			break;
		}
		done += (ssize)sizeof record;
	}
	return done ? done : err;
}

static u32 signalfd_poll(struct file *f, struct poll_table *pt)
{
	struct signalfd *s = f->private;
	poll_wait(pt, f, &process_current()->signal_wait);
	return signal_pending_set() & load_relaxed(&s->set) ? POLLIN : 0;
}

static void signalfd_release(struct file *f)
{
	kfree(f->private);
}

static void signalfd_fdinfo(struct file *f, struct seq *out)
{
	struct signalfd *s = f->private;
	seq_printf(out, "sigmask:\t%016llx\n", (unsigned long long)load_relaxed(&s->set));
}

/* As Linux: allowed, does nothing. */
static s64 signalfd_seek(struct file *f, s64 offset, int whence)
{
	return 0;
}

static const struct file_ops signalfd_ops = {.read = signalfd_read,
                                             .seek = signalfd_seek,
                                             .poll = signalfd_poll,
                                             .release = signalfd_release,
                                             .fdinfo = signalfd_fdinfo,
                                             .read_by_pieces = true};

struct file *signalfd_file_new(sigset_t set, u32 flags)
{
	struct signalfd *s = kmalloc(sizeof *s);
	if (!s)
		return err_ptr(-ENOMEM);
	s->set = set & ~SIGMASK_UNBLOCKABLE;
	struct file *f = file_new_anon("signalfd", &signalfd_ops, O_RDWR | flags, s);
	if (is_err(f))
		kfree(s);
	return f;
}

int signalfd_update(struct file *f, sigset_t set)
{
	if (f->ops != &signalfd_ops)
		return -EINVAL;
	struct signalfd *s = f->private;
	store_relaxed(&s->set, set & ~SIGMASK_UNBLOCKABLE);
	waitq_wake_all(&process_current()->signal_wait, POLLIN);
	return 0;
}
