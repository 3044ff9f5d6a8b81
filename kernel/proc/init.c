#include "abi/fcntl.h"
#include "arch/context.h"
#include "arch/clock.h"
#include "kernel/fs/context.h"
#include "kernel/lib/bug.h"
#include "kernel/lib/log.h"
#include "kernel/proc/exec.h"
#include "kernel/proc/fdtable.h"
#include "kernel/proc/proc_internal.h"

/* Process 1, the only one that is not made by clone(2): its parts are put together by hand, then it runs kernel code
 * until its first program starts. */

struct init_request {
	void (*prepare)(void);
	const char *const *paths, *const *argv, *const *envp;
};
static struct init_request request; /* [I] once process 1 runs */
/* Group and session 0: of those who never called setsid(2). Their number is in no table. */
static struct pid no_group = {
	.users = 1, .group = LIST_INIT(no_group.group), .session = LIST_INIT(no_group.session)};

static void open_console(void)
{
	struct file *f = vfs_open("/dev/console", O_RDWR, 0);

	if (is_err(f)) {
		log_warn("init: no /dev/console (error %d)", ptr_err(f));
		return;
	}
	for (int fd = 0; fd < 3; fd++) {
		file_get(f);
		if (fd_open(f, 0) != fd)
			panic("init: no descriptors");
	}
	file_put(f);
}

static int try_program(const char *path)
{
	const struct exec_strings argv = {.kernel = request.argv}, envp = {.kernel = request.envp};
	struct file *f = TRY_PTR(vfs_open_exec(path));

	return exec_file(f, path, &argv, &envp);
}

static void init_main(void *unused)
{
	task_current()->fs = fs_context_new();
	if (is_err(task_current()->fs))
		panic("init: no memory");
	request.prepare();
	open_console();
	for (const char *const *path = request.paths; *path; path++) {
		int err = try_program(*path);
		if (!err)
			arch_enter_user();
		log_warn("init: %s: error %d", *path, err);
	}
	panic("No working init found");
}

static void init_publish(struct task *t, struct process *p, struct pid *pid)
{
	GUARD(spin)(&task_list_lock);

	if (pid_claim_locked(pid) < 0 || pid->nr != 1)
		panic("init: no number");
	task_link_locked(t, p, pid);
	p->pid = 1;
	p->pid_entry = pid;
	p->leader = t;
	task_get(t);
	pgrp_join_locked(p, &no_group);
	session_join_locked(p, &no_group);
	process_get(p);
	pid->process = p;
}

void init_start(void (*prepare)(void), const char *const *paths, const char *const *argv,
                const char *const *envp)
{
	struct task *t = task_new(&init_cred);
	struct process *p = process_new();
	struct pid *pid = pid_new();

	request = (struct init_request){prepare, paths, argv, envp};
	if (!t || !p || !pid)
		panic("init: no memory");
	thread_init(&t->thread, "init");
	t->process = p;
	t->files = fdtable_new();
	p->sighand = sighand_new(NULL);
	p->exit_signal = t->exit_signal = SIGCHLD;
	p->group_flags = GROUP_UNKILLABLE;
	p->start_ns = t->start_ns = clock_mono_ns();
	p->dumpable = true;
	rlimit_init(&p->rlimits);
	if (!t->files || !p->sighand || arch_thread_init(&t->thread.arch, init_main, NULL) < 0)
		panic("init: no memory");
	__atomic_fetch_add(&init_cred.user->processes, 1, __ATOMIC_RELAXED);
	init_publish(t, p, pid);
	thread_start(&t->thread);
}
