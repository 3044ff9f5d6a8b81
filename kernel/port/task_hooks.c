/* A task's IPC namespace and SEM_UNDO list, through fork, exec, unshare, setns and exit. */
#include "abi/process.h"
#include "kernel/fs/procfs.h"
#include "kernel/ipc/shm/shm.h"
#include "kernel/ipc/futex/pi.h"
#include "kernel/ipc/ns.h"
#include "kernel/ipc/sem/sem.h"
#include "kernel/port/internal.h"
#include "kernel/proc/file.h"
#include "kernel/proc/hooks.h"
#include "kernel/proc/task.h"

static struct ipc_namespace *ns_of(const struct task *t)
{
	return t->ipc_ns ? t->ipc_ns : ipc_ns_initial();
}

static int ipc_fork(struct task *child, u64 flags)
{
	struct task *parent = task_current();

	futex_pi_thread_init(port_pi((struct port_thread *)child));
	if (flags & CLONE_NEWIPC) {
		child->ipc_ns = ipc_ns_new();
		if (!child->ipc_ns)
			return -ENOMEM;
	} else {
		child->ipc_ns = ns_of(parent);
		ipc_ns_get(child->ipc_ns);
	}
	return flags & CLONE_SYSVSEM ? sem_undo_share(&parent->sem_undo, &child->sem_undo) : 0;
}

/* Process 1 was not forked: it enters the initial namespace with its first program. */
static void ipc_exec(struct task *t)
{
	if (t->ipc_ns)
		return;
	ipc_ns_get(ipc_ns_initial());
	t->ipc_ns = ipc_ns_initial();
}

static void drop(struct task *t)
{
	/* The undo goes first: applying it needs no namespace, but the sets it names. */
	if (t->sem_undo)
		sem_undo_put(TAKE(t->sem_undo));
	if (t->ipc_ns)
		ipc_ns_put(TAKE(t->ipc_ns));
}

static void ipc_exit(struct task *t)
{
	if (t->ipc_ns)
		shm_thread_exit(t->ipc_ns);
	drop(t);
}

/* Leaving a namespace means to settle one's debts in it, ipc_namespaces(7). */
static void enter(struct ipc_namespace *ns)
{
	struct task *t = task_current();
	if (t->ipc_ns)
		shm_thread_leaves(t->ipc_ns);
	drop(t);
	t->ipc_ns = ns;
}

static int ipc_unshare(u64 flags)
{
	struct task *t = task_current();
	if (flags & CLONE_NEWIPC) {
		struct ipc_namespace *ns = ipc_ns_new();
		if (!ns)
			return -ENOMEM;
		enter(ns);
	} else if (flags & CLONE_SYSVSEM && t->sem_undo) {
		sem_undo_put(TAKE(t->sem_undo));
	}
	return 0;
}

enum { NS_GET_NSTYPE = 0xb703, NS_GET_PARENT = 0xb702 }; /* ioctl_ns(2) */

static void ns_file_release(struct file *f)
{
	ipc_ns_put(f->private);
}
static long ns_file_ioctl(struct file *f, unsigned cmd, u64 arg)
{
	if (cmd == NS_GET_NSTYPE)
		return CLONE_NEWIPC;
	return cmd == NS_GET_PARENT ? -EINVAL : -ENOTTY; /* it is in no hierarchy */
}
static const struct file_ops ns_file_ops = {.release = ns_file_release, .ioctl = ns_file_ioctl};

static int ipc_setns(struct file *f, int nstype)
{
	if (f->ops != &ns_file_ops || (nstype && nstype != CLONE_NEWIPC))
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	struct ipc_namespace *ns = f->private;
	ipc_ns_get(ns);
	enter(ns);
	return 0;
}

/* => the namespace of another task, referenced, or NULL when it has exited. */
static struct ipc_namespace *ns_lookup(struct task *t)
{
	rcu_read_lock();
	struct ipc_namespace *ns = load_acquire(&t->ipc_ns);
	if (ns && !refcount_get_not_zero(&ns->refs))
		ns = NULL;
	rcu_read_unlock();
	return ns;
}

static int ipc_setns_of(struct task *t, u64 flags)
{
	if (!proc_may_inspect(t) || !capable(CAP_SYS_ADMIN))
		return -EPERM;
	struct ipc_namespace *ns = ns_lookup(t);
	if (!ns)
		return -ESRCH;
	enter(ns);
	return 0;
}

static u64 ns_number(struct task *t)
{
	AUTO_PUT(ipc_ns) ns = ns_lookup(t);
	return ns ? ns->number : 0;
}

/* Opening /proc/PID/ns/ipc pins the namespace. */
static int ns_open(struct task *t, struct file *f)
{
	if (file_writable(f))
		return -EPERM; /* the inode is immutable */
	struct ipc_namespace *ns = ns_lookup(t);
	if (!ns)
		return -ENOENT;
	f->ops = &ns_file_ops;
	f->private = ns;
	return 0;
}

void task_hooks_init(void)
{
	static const struct proc_ns ns = {.name = "ipc", .number = ns_number, .open = ns_open};
	proc_ns_register(&ns);
}

static void ipc_shutdown(void)
{
	ipc_ns_shutdown();
	futex_shutdown();
}

static const struct proc_hooks ipc_hooks = {
	.name = "ipc",
	.fork = ipc_fork,
	.exec = ipc_exec,
	.exit = ipc_exit,
	.release = drop,
	.unshare = ipc_unshare,
	.setns = ipc_setns,
	.setns_of = ipc_setns_of,
	.shutdown = ipc_shutdown,
};
PROC_HOOKS(ipc_hooks);
