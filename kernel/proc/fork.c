#include "abi/fcntl.h"
#include "arch/uaccess.h"
#include "arch/clock.h"
#include "kernel/fs/context.h"
#include "kernel/lib/string.h"
#include "kernel/mm/aspace.h"
#include "kernel/proc/clone.h"
#include "kernel/proc/fdtable.h"
#include "kernel/proc/proc_internal.h"

static int clone_flags_check(const struct clone_request *r)
{
	u64 f = r->flags;

	if ((f & CLONE_FS) && (f & (CLONE_NEWNS | CLONE_NEWUSER)))
		return -EINVAL;
	if ((f & CLONE_THREAD) && !(f & CLONE_SIGHAND))
		return -EINVAL;
	if ((f & CLONE_SIGHAND) && !(f & CLONE_VM))
		return -EINVAL;
	if ((f & CLONE_SIGHAND) && (f & CLONE_CLEAR_SIGHAND))
		return -EINVAL;
	/* Children of init's siblings would be reaped by nobody. */
	if ((f & CLONE_PARENT) && process_current()->pid == 1)
		return -EINVAL;
	if ((f & CLONE_THREAD) && (f & (CLONE_NEWUSER | CLONE_NEWPID | CLONE_PIDFD)))
		return -EINVAL;
	if ((f & CLONE_PIDFD) && (f & CLONE_DETACHED))
		return -EINVAL;
	return 0;
}

/* Namespaces other than IPC answer as a Linux that was built without them. */
static int namespace_flags_check(u64 flags)
{
	const u64 other = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWPID | CLONE_NEWNET |
	                  CLONE_NEWCGROUP | CLONE_NEWTIME;

	if (flags & CLONE_NEWUSER)
		return -EINVAL;
	if (!(flags & (other | CLONE_NEWIPC)))
		return 0;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if ((flags & CLONE_NEWIPC) && (flags & CLONE_SYSVSEM))
		return -EINVAL;
	return flags & other ? -EINVAL : 0;
}

/* RLIMIT_NPROC counts the tasks of the real user; root and the privileged are exempt, getrlimit(2). */
static int charge_user(const struct cred *c)
{
	if (task_count() >= load_relaxed(&task_limit))
		return -EAGAIN;
	u32 now = __atomic_add_fetch(&c->user->processes, 1, __ATOMIC_RELAXED);

	if (now > rlimit(RLIMIT_NPROC) && c->uid != 0 && !cred_capable(c, CAP_SYS_RESOURCE) &&
	    !cred_capable(c, CAP_SYS_ADMIN)) {
		__atomic_fetch_sub(&c->user->processes, 1, __ATOMIC_RELAXED);
		return -EAGAIN;
	}
	return 0;
}

static int fork_files(struct task *child, u64 flags)
{
	struct fdtable *mine = task_current()->files;

	if (flags & CLONE_FILES) {
		fdtable_get(mine);
		child->files = mine;
		return 0;
	}
	child->files = TRY_PTR(fdtable_copy(mine));
	return 0;
}

static int fork_fs(struct task *child, u64 flags)
{
	struct fs_context *mine = task_current()->fs;

	if (flags & CLONE_FS) {
		fs_context_get(mine);
		child->fs = mine;
		return 0;
	}
	child->fs = TRY_PTR(fs_context_copy(mine));
	return 0;
}

static int fork_aspace(struct task *child, u64 flags)
{
	struct aspace *mine = thread_current()->aspace;

	if (flags & CLONE_VM) {
		aspace_get(mine);
		child->thread.aspace = mine;
		return 0;
	}
	child->thread.aspace = TRY_PTR(aspace_fork(mine));
	return 0;
}

/* sigaction(2): handlers are gone with CLONE_CLEAR_SIGHAND, what is ignored stays ignored. */
static void sighand_clear_handlers(struct sighand *s)
{
	for (int i = 0; i < NSIG; i++)
		if (s->action[i].handler != SIG_IGN)
			s->action[i] = (struct sigaction_abi){.handler = SIG_DFL};
}

static struct sighand *fork_sighand(u64 flags)
{
	struct sighand *mine = process_current()->sighand;

	if (flags & CLONE_SIGHAND) {
		refcount_get(&mine->refs);
		return mine;
	}
	spin_lock(&mine->lock);
	struct sighand *s = sighand_new(mine);
	spin_unlock(&mine->lock);
	if (s && (flags & CLONE_CLEAR_SIGHAND))
		sighand_clear_handlers(s);
	return s;
}

/* A new process around the child; the parent is set when it is published. */
static int fork_process(struct task *child, const struct clone_request *r)
{
	struct process *mine = process_current(), *p;

	if (r->flags & CLONE_THREAD) {
		process_get(mine);
		child->process = mine;
		return 0;
	}
	p = process_new();
	if (!p)
		return -ENOMEM;
	child->process = p;
	p->sighand = fork_sighand(r->flags);
	if (!p->sighand)
		return -ENOMEM;
	p->rlimits = mine->rlimits;
	p->dumpable = mine->dumpable;
	p->personality = mine->personality;
	p->oom_score_adj = mine->oom_score_adj;
	p->below_subreaper = mine->below_subreaper || mine->is_subreaper;
	p->exit_signal = child->exit_signal = r->exit_signal;
	return 0;
}

static void fork_copy_state(struct task *child, const struct clone_request *r)
{
	struct task *me = task_current();

	thread_init(&child->thread, me->thread.name);
	child->blocked = me->blocked;
	child->no_new_privs = me->no_new_privs;
	child->timer_slack_ns = me->timer_slack_ns;
	child->start_ns = clock_mono_ns();
	/* sigaltstack(2): kept by fork and vfork, not by threads, which have stacks of their own. */
	if (!(r->flags & CLONE_VM) || (r->flags & CLONE_VFORK)) {
		child->altstack_base = me->altstack_base;
		child->altstack_size = me->altstack_size;
		child->altstack_flags = me->altstack_flags;
	}
	if (r->flags & CLONE_CHILD_CLEARTID)
		child->clear_child_tid = r->child_tid.addr;
	if (r->flags & CLONE_CHILD_SETTID) {
		child->set_child_tid = r->child_tid.addr;
		child->thread.work |= THREAD_WORK_TASK;
	}
	/* rseq(2): a registration belongs to a thread of one address space. */
	if (!(r->flags & CLONE_VM))
		child->rseq = me->rseq;
}

static int fork_registers(struct task *child, const struct clone_request *r)
{
	TRY(arch_thread_init(&child->thread.arch, NULL, NULL));
	TRY(arch_thread_clone(&child->thread.arch));
	struct regs regs = *arch_thread_regs(&thread_current()->arch);
	regs.rax = 0;
	if (r->stack)
		regs.rsp = r->stack;
	if (r->flags & CLONE_SETTLS)
		child->thread.arch.fs_base = r->tls;
	arch_thread_set_user(&child->thread.arch, &regs);
	return 0;
}

static int fork_hooks(struct task *child, u64 flags)
{
	proc_hooks_for_each(h) if ((*h)->fork) TRY((*h)->fork(child, flags));
	return 0;
}

/* Takes apart a child that was never published; also good for one that is half made. */
static void fork_undo(struct task *child)
{
	if (child->thread.aspace)
		aspace_put(TAKE(child->thread.aspace));
	if (child->files)
		fdtable_discard(TAKE(child->files));
	if (child->fs)
		fs_context_put(TAKE(child->fs));
	if (child->thread.arch.stack_top)
		arch_thread_destroy(&child->thread.arch);
	__atomic_fetch_sub(&child->cred->user->processes, 1, __ATOMIC_RELAXED);
	task_put(child);
}

static int fork_parts(struct task *child, const struct clone_request *r)
{
	fork_copy_state(child, r);
	TRY(fork_process(child, r));
	TRY(fork_files(child, r->flags));
	TRY(fork_fs(child, r->flags));
	TRY(fork_aspace(child, r->flags));
	TRY(fork_registers(child, r));
	return fork_hooks(child, r->flags);
}

static void publish_process_locked(struct task *child, const struct clone_request *r)
{
	struct process *mine = process_current(), *p = child->process;
	struct task *me = task_current();
	bool sibling = r->flags & CLONE_PARENT;

	p->pid = child->tid;
	p->pid_entry = child->pid;
	p->leader = child;
	task_get(child);
	p->start_ns = child->start_ns;
	p->parent = sibling ? mine->parent : mine;
	p->creator = sibling ? mine->creator : me;
	if (sibling)
		p->exit_signal = mine->exit_signal;
	if (p->creator)
		p->creator->children_made++;
	p->tty = mine->tty;
	list_add_tail(&p->parent->children, &p->sibling);
	pgrp_join_locked(p, mine->pgrp);
	session_join_locked(p, mine->session);
	process_get(p); /* the tree's */
	rcu_assign(child->pid->process, p);
}

/*
 * The commit. Signals that are pending now would be delivered to the parent alone although they were sent before there was
 * a child: they go first. That also ends a race of fork against a kill of the whole group.
 */
static int fork_publish(struct task *child, const struct clone_request *r, struct pid *pid)
{
	struct process *mine = process_current();
	GUARD(spin)(&task_list_lock);
	struct sighand *s = sighand_lock(mine);
	int err = 0;

	if (load_relaxed(&thread_current()->work) & (THREAD_WORK_SIGNAL | THREAD_WORK_KILL))
		err = -ERESTARTNOINTR;
	else
		err = pid_claim_locked(pid);
	if (!err)
		task_link_locked(child, child->process, pid);
	sighand_unlock(s);
	if (!err && !(r->flags & CLONE_THREAD))
		publish_process_locked(child, r);
	return err;
}

/* => reserved descriptor with its file in *out, told to the caller; or -errno. */
static int fork_pidfd(struct task *child, const struct clone_request *r, struct file **out)
{
	struct file *f = TRY_PTR(pidfd_new(child->process, O_RDWR));
	int fd = fd_reserve(0, O_CLOEXEC);

	if (fd >= 0 && copy_to_user(r->pidfd, &fd, sizeof(fd)) < 0) {
		fd_cancel(fd);
		fd = -EFAULT;
	}
	if (fd < 0)
		file_put(f);
	else
		*out = f;
	return fd;
}

/* Numbers and publishes a complete child. => its tid or -errno, the child untouched. */
static long fork_finish(struct task *child, const struct clone_request *r)
{
	struct file *pidfd = NULL;
	int fd = r->flags & CLONE_PIDFD ? TRY(fork_pidfd(child, r, &pidfd)) : -1;
	struct pid *pid = pid_new();
	int err = pid ? fork_publish(child, r, pid) : -ENOMEM;

	if (err < 0 && pid)
		pid_discard(pid);
	if (pidfd && err < 0) {
		fd_cancel(fd);
		file_put(pidfd);
	} else if (pidfd) {
		fd_install(fd, pidfd);
	}
	return err < 0 ? err : child->tid;
}

/* clone(2), CLONE_VFORK: sleeps until the child has left this address space; only a fatal signal ends the wait early. */
static void vfork_wait(struct task *child)
{
	while (load_acquire(&child->vfork_waiter))
		if (park(PARK_FOREVER, PARK_KILLABLE) == PARK_SIGNAL) {
			store_release(&child->vfork_waiter, NULL);
			return;
		}
}

void task_vfork_done(struct task *t)
{
	/* The parent may be dead already: its memory outlives this stretch, which does not block (RCU). */
	struct thread *waiter = __atomic_exchange_n(&t->vfork_waiter, NULL, __ATOMIC_ACQ_REL);

	if (waiter)
		unpark(waiter);
}

long task_clone(const struct clone_request *r)
{
	struct task *me = task_current();

	TRY(clone_flags_check(r));
	TRY(namespace_flags_check(r->flags));
	if (signal_pending())
		return -ERESTARTNOINTR;
	TRY(charge_user(me->cred));
	struct task *child = task_new(me->cred);
	if (!child) {
		__atomic_fetch_sub(&me->cred->user->processes, 1, __ATOMIC_RELAXED);
		return -ENOMEM;
	}
	if (r->flags & CLONE_VFORK)
		child->vfork_waiter = &me->thread;
	long tid = fork_parts(child, r);
	if (tid >= 0)
		tid = fork_finish(child, r);
	if (tid < 0) {
		fork_undo(child);
		return tid;
	}
	if (r->flags & CLONE_PARENT_SETTID) {
		s32 value = tid;
		(void)!copy_to_user(r->parent_tid, &value, sizeof(value));
	}
	if (r->flags & CLONE_VFORK)
		task_get(child);
	thread_start(&child->thread);
	if (r->flags & CLONE_VFORK) {
		vfork_wait(child);
		task_put(child);
	}
	return tid;
}

/* --- unshare(2), setns(2) --- */

/* What a flag implies, unshare(2). */
static u64 unshare_implied(u64 flags)
{
	if (flags & CLONE_NEWNS)
		flags |= CLONE_FS;
	if (flags & CLONE_THREAD)
		flags |= CLONE_VM;
	if (flags & CLONE_VM)
		flags |= CLONE_SIGHAND;
	if (flags & CLONE_NEWIPC)
		flags |= CLONE_SYSVSEM;
	return flags;
}

static int unshare_check(u64 flags)
{
	const u64 known = CLONE_THREAD | CLONE_FS | CLONE_NEWNS | CLONE_SIGHAND | CLONE_VM |
	                  CLONE_FILES | CLONE_SYSVSEM | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET |
	                  CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWCGROUP | CLONE_NEWTIME;
	struct process *p = process_current();

	if (flags & ~known)
		return -EINVAL;
	if ((flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)) && p->thread_count > 1)
		return -EINVAL;
	if ((flags & (CLONE_SIGHAND | CLONE_VM)) && refcount_read(&p->sighand->refs) > 1)
		return -EINVAL;
	if ((flags & CLONE_VM) && refcount_read(&thread_current()->aspace->users) > 1)
		return -EINVAL;
	/* CLONE_SYSVSEM is the hook's business, not a conflict here. */
	return namespace_flags_check(flags & ~(u64)CLONE_SYSVSEM);
}

int task_unshare(u64 flags)
{
	struct task *me = task_current();
	struct fs_context *fs = NULL;

	flags = unshare_implied(flags);
	TRY(unshare_check(flags));
	if ((flags & CLONE_FS) && refcount_read(&me->fs->refs) > 1)
		fs = TRY_PTR(fs_context_copy(me->fs));
	struct fdtable *files = NULL;
	if ((flags & CLONE_FILES) && refcount_read(&me->files->refs) > 1)
		files = fdtable_copy(me->files);
	int err = is_err(files) ? ptr_err(files) : 0;
	if (!err && (flags & (CLONE_NEWIPC | CLONE_SYSVSEM)))
		proc_hooks_for_each(h) if (!err && (*h)->unshare) err = (*h)->unshare(flags);
	if (err < 0) {
		if (fs)
			fs_context_put(fs);
		if (files && !is_err(files))
			fdtable_discard(files);
		return err;
	}
	if (fs)
		task_set_fs(me, fs);
	if (files)
		task_set_files(me, files);
	return 0;
}

/* Into the namespaces of the process that a pidfd names. */
static int setns_process(struct process *p, u64 flags)
{
	if (!flags || (flags & ~(u64)CLONE_NEWIPC))
		return -EINVAL;
	AUTO_PUT(task) t = task_lookup(p->pid);
	if (!t || t->process != p)
		return -ESRCH;
	int err = -EINVAL;
	proc_hooks_for_each(h) if (err == -EINVAL && (*h)->setns_of) err = (*h)->setns_of(t, flags);
	return err;
}

int task_setns(int fd, int nstype)
{
	AUTO_PUT(process) p = pidfd_process_get(fd, NULL);
	if (!is_err(p))
		return setns_process(p, (u32)nstype);
	AUTO_FDREF r = fdref_get(fd);

	if (!r.file)
		return -EBADF;
	proc_hooks_for_each(h)
	{
		int err = (*h)->setns ? (*h)->setns(r.file, nstype) : -EINVAL;
		if (err != -EINVAL)
			return err;
	}
	return -EINVAL;
}
