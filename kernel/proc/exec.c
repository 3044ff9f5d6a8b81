#include "abi/elf.h"
#include "abi/stat.h"
#include "arch/context.h"
#include "kernel/fs/dentry.h"
#include "kernel/fs/mount.h"
#include "kernel/lib/string.h"
#include "kernel/mm/aspace.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/exec.h"
#include "kernel/proc/fdtable.h"
#include "kernel/proc/proc_internal.h"
#include "kernel/sched/vdso.h"

enum { SCRIPT_DEPTH = 5 };

struct exec {
	struct file *file; /* what is executed now: the script's interpreter in the end */
	const char *name;  /* borrowed: as the caller called it, AT_EXECFN */
	char header[EXEC_HEADER + 1];
	struct exec_args args;
	struct exec_image image;
	struct aspace *aspace;
	struct cred *cred;
	struct sighand *sighand; /* to replace a shared one, or NULL */
	struct fdtable *files;   /* likewise */
	bool secure;
	u64 sp;
};

static void exec_drop(struct exec *e)
{
	if (e->file)
		file_put(e->file);
	exec_args_free(&e->args);
	aspace_put(e->aspace);
	cred_put(e->cred);
	sighand_put(e->sighand);
	if (e->files)
		fdtable_discard(e->files);
}
#define AUTO_EXEC __attribute__((cleanup(exec_drop))) struct exec

static int read_header(struct exec *e)
{
	memset(e->header, 0, sizeof(e->header));
	ssize n = vfs_read_kernel(e->file, e->header, EXEC_HEADER, 0);
	return n < 0 ? n : 0;
}

/* --- scripts --- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

int exec_script_parse(char *header, char **out_name, char **out_argument)
{
	char *end = strchr(header, '\n');
	bool cut = !end;

	if (cut)
		end = header + strnlen(header, EXEC_HEADER);
	*end = 0;
	char *name = header + 2;
	while (is_blank(*name))
		name++;
	if (!*name)
		return -ENOEXEC;
	char *after = name;
	while (*after && !is_blank(*after))
		after++;
	if (cut && !*after && end == header + EXEC_HEADER)
		return -ENOEXEC;
	char *argument = after;
	while (is_blank(*argument))
		argument++;
	while (end > argument && is_blank(end[-1]))
		*--end = 0;
	*after = 0;
	*out_name = name;
	*out_argument = argument < end && *argument ? argument : NULL;
	return 0;
}

/* One step from a script to its interpreter. name: how the script was called. => the interpreter's name in *out. */
static int script_enter(struct exec *e, const char *name, char *out, size_t size)
{
	char *interpreter, *argument;

	TRY(exec_script_parse(e->header, &interpreter, &argument));
	const char *strings[3] = {interpreter, argument ?: name, name};
	TRY(exec_args_prepend(&e->args, strings, argument ? 3 : 2));
	struct file *f = TRY_PTR(vfs_open_exec(interpreter));
	file_put(e->file);
	e->file = f;
	strlcpy(out, interpreter, size);
	return read_header(e);
}

static int follow_scripts(struct exec *e)
{
	char interpreter[EXEC_HEADER + 1];
	const char *name = e->name;

	TRY(read_header(e));
	for (int depth = 0; e->header[0] == '#' && e->header[1] == '!'; depth++) {
		if (depth == SCRIPT_DEPTH)
			return -ELOOP;
		TRY(script_enter(e, name, interpreter, sizeof(interpreter)));
		name = interpreter;
	}
	return 0;
}

/* --- the fallible part --- */

/* Set-id bits count unless the mount or PR_SET_NO_NEW_PRIVS forbids them; a script's own are never looked at. */
static int prepare_cred(struct exec *e)
{
	const struct cred *c = cred_current();
	const struct inode *i = e->file->inode;
	u32 euid = c->euid, egid = c->egid;

	if (!path_nosuid(&e->file->path) && !task_current()->no_new_privs) {
		if (i->mode & S_ISUID)
			euid = i->uid;
		if ((i->mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
			egid = i->gid;
	}
	return cred_for_exec(euid, egid, &e->cred, &e->secure);
}

static int prepare_image(struct exec *e)
{
	e->aspace = TRY_PTR(aspace_new());
	exec_layout_choose(e->aspace, rlimit(RLIMIT_STACK));
	TRY(exec_elf_load(e->aspace, e->file, e->header, &e->image));
	if (vdso_map(e->aspace, &e->aspace->vdso) < 0)
		e->aspace->vdso = 0;
	struct exec_identity id = {.uid = e->cred->uid,
	                           .euid = e->cred->euid,
	                           .gid = e->cred->gid,
	                           .egid = e->cred->egid,
	                           .secure = e->secure};
	TRY(exec_stack_build(e->aspace, &e->args, e->name, &e->image, &id, &e->sp));
	file_get(e->file);
	e->aspace->exe = e->file;
	return 0;
}

/* What the new program must not share with other processes. */
static int prepare_unshared(struct exec *e)
{
	struct task *me = task_current();
	struct sighand *mine = me->process->sighand;

	if (refcount_read(&me->files->refs) > 1)
		e->files = TRY_PTR(fdtable_copy(me->files));
	if (refcount_read(&mine->refs) > 1) {
		e->sighand = sighand_new(mine);
		if (!e->sighand)
			return -ENOMEM;
	}
	return 0;
}

/* --- alone --- */

/* The thread that calls execve becomes the leader: its number is the process's from now on. */
static void take_over_leader(struct task *me)
{
	struct process *p = me->process;
	struct task *old = p->leader;

	if (old == me)
		return;
	spin_lock(&task_list_lock);
	struct sighand *s = sighand_lock(p);
	struct pid *mine = me->pid, *first = old->pid;
	old->pid = mine;
	me->pid = first;
	old->tid = mine->nr;
	me->tid = first->nr;
	me->exit_signal = old->exit_signal;
	rcu_assign(first->task, me);
	rcu_assign(mine->task, old);
	task_get(me);
	p->leader = me;
	sighand_unlock(s);
	task_forget_locked(old);
	spin_unlock(&task_list_lock);
	task_put(old);
}

/* Makes every other thread leave and waits for it. => 0; -EAGAIN: another thread came first; -EINTR: being killed. */
static int become_single(struct task *me)
{
	struct process *p = me->process;
	struct task *t;
	int err = 0;
	struct sighand *s = sighand_lock(p);

	if (p->group_flags & (GROUP_EXITING | GROUP_EXEC)) {
		sighand_unlock(s);
		return -EAGAIN;
	}
	p->group_flags |= GROUP_EXEC;
	p->exec_task = me;
	list_for_each (t, &p->threads, thread_link)
		if (t != me) {
			t->killed = true;
			thread_set_work(&t->thread, THREAD_WORK_SIGNAL | THREAD_WORK_KILL);
		}
	sighand_unlock(s);
	while (load_acquire(&p->thread_count) > 1)
		if (park(PARK_FOREVER, PARK_KILLABLE) == PARK_SIGNAL) {
			err = -EINTR;
			break;
		}
	if (!err)
		take_over_leader(me);
	s = sighand_lock(p);
	p->group_flags &= ~GROUP_EXEC;
	p->exec_task = NULL;
	sighand_unlock(s);
	return err;
}

/* --- the exchange --- */

static void exchange_aspace(struct task *me, struct exec *e)
{
	proc_hooks_for_each(h) if ((*h)->exit_mm)(*h)->exit_mm(me);
	struct sighand *s = sighand_lock(me->process);
	struct aspace *old = aspace_swap_current(TAKE(e->aspace));
	sighand_unlock(s);
	task_vfork_done(me);
	aspace_put(old);
}

/* execve(2): caught signals become default, ignored ones stay; the alternate stack is gone, the mask stays. */
static void reset_signals(struct task *me, struct exec *e)
{
	struct process *p = me->process;
	struct sighand *s = sighand_lock(p), *old = NULL;

	for (int i = 0; i < NSIG; i++) {
		u64 handler = s->action[i].handler == SIG_IGN ? SIG_IGN : SIG_DFL;
		if (e->sighand)
			e->sighand->action[i] = (struct sigaction_abi){.handler = handler};
		else
			s->action[i] = (struct sigaction_abi){.handler = handler};
	}
	if (e->sighand) {
		old = s;
		rcu_assign(p->sighand, TAKE(e->sighand));
	}
	sighand_unlock(s);
	sighand_put(old);
	me->altstack_base = me->altstack_size = 0;
	me->altstack_flags = SS_DISABLE;
	me->restart.fn = NULL;
}

static void set_name(struct task *me, const char *name)
{
	const char *slash = strrchr(name, '/');

	strlcpy(me->thread.name, slash ? slash + 1 : name, sizeof(me->thread.name));
}

static void reset_thread(struct task *me, const struct exec *e)
{
	struct regs *r = arch_thread_regs(&me->thread.arch);

	me->robust_list = me->clear_child_tid = 0;
	me->rseq.ptr = 0;
	me->nproc_exceeded = false;
	if (e->secure)
		me->pdeath_signal = 0;
	arch_thread_reset(&me->thread.arch);
	*r = (struct regs){
		.rip = e->image.entry,
		.rsp = e->sp,
		.rflags = 0x202,
		.cs = USER_CS,
		.ss = USER_SS,
		.orig_rax = -1,
	};
}

static void exec_exchange(struct exec *e)
{
	struct task *me = task_current();
	struct process *p = me->process;
	bool readable = inode_permission(e->file->inode, MAY_READ) == 0;

	exchange_aspace(me, e);
	if (e->files)
		task_set_files(me, TAKE(e->files));
	fdtable_close_on_exec(me->files);
	reset_signals(me, e);
	set_name(me, e->name);
	reset_thread(me, e);
	p->did_exec = true;
	p->exit_signal = me->exit_signal = p->exit_signal == -1 ? -1 : SIGCHLD;
	if (e->secure)
		p->personality &= ~PERSONALITY_CLEARED_ON_SETID;
	cred_commit(TAKE(e->cred));
	/* prctl(2), PR_SET_DUMPABLE: a program that the user may not read, or with changed ids, is not shown. */
	p->dumpable =
		readable && me->cred->uid == me->cred->euid && me->cred->gid == me->cred->egid;
	proc_hooks_for_each(h) if ((*h)->exec)(*h)->exec(me);
}

/* setuid(2) may have gone over RLIMIT_NPROC; the program that follows must not start while that holds. */
static int check_process_limit(struct task *me)
{
	u32 now = load_relaxed(&me->cred->user->processes);

	if (!me->nproc_exceeded || now <= rlimit(RLIMIT_NPROC)) {
		me->nproc_exceeded = false;
		return 0;
	}
	return -EAGAIN;
}

int exec_file(struct file *file, const char *name, const struct exec_strings *argv,
              const struct exec_strings *envp)
{
	AUTO_EXEC e = {.file = file, .name = name};
	struct task *me = task_current();

	TRY(check_process_limit(me));
	TRY(exec_args_read(&e.args, argv, envp));
	TRY(follow_scripts(&e));
	TRY(prepare_cred(&e));
	TRY(prepare_image(&e));
	TRY(prepare_unshared(&e));
	if (me->process->thread_count > 1 || me->process->leader != me)
		TRY(become_single(me));
	exec_exchange(&e);
	return 0;
}
