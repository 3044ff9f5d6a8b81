#include "kernel/fs/context.h"
#include "kernel/lib/string.h"
#include "kernel/mm/aspace.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/fdtable.h"
#include "kernel/proc/proc_internal.h"
#include "kernel/proc/shutdown.h"
#include "kernel/sched/account.h"

static struct slab_cache *task_cache, *process_cache, *sighand_cache;
u32 task_limit;
static u32 tasks_alive; /* [a] */
static u64 tasks_ever;  /* [a] */

static void task_caches_init(void)
{
	task_cache = slab_cache_new("task", sizeof(struct task), CACHE_LINE);
	process_cache = slab_cache_new("process", sizeof(struct process), CACHE_LINE);
	sighand_cache = slab_cache_new("sighand", sizeof(struct sighand), 0);
}

/* As Linux: the stacks of all tasks together may fill an eighth of memory. */
static void task_limit_init(void)
{
	enum { SHARE = 8, LEAST = 20 };
	struct page_stats memory;

	page_stats(&memory);
	task_limit = MAX(memory.total * PAGE_SIZE / SHARE / KERNEL_STACK_SIZE, (u64)LEAST);
}

void proc_init(void)
{
	task_limit_init();
	cred_init();
	file_init();
	fdtable_init();
	pid_init();
	task_caches_init();
	signal_init();
	shutdown_init();
}

u32 task_count(void)
{
	return load_relaxed(&tasks_alive);
}

u64 task_count_ever(void)
{
	return load_relaxed(&tasks_ever);
}

struct task *task_new(const struct cred *cred)
{
	struct task *t = slab_alloc(task_cache);

	if (!t)
		return NULL;
	memset(t, 0, sizeof(*t));
	refcount_init(&t->refs, 1);
	list_init(&t->thread_link);
	sigpending_init(&t->pending);
	t->cred = cred_get(cred);
	t->timer_slack_ns = 50000;
	t->altstack_flags = SS_DISABLE;
	t->thread.release = task_release_thread;
	__atomic_fetch_add(&tasks_alive, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&tasks_ever, 1, __ATOMIC_RELAXED);
	return t;
}

static void task_free(struct rcu_head *head)
{
	struct task *t = container_of(head, struct task, rcu);

	cred_put(t->cred);
	slab_free(task_cache, t);
}

void task_put(struct task *t)
{
	if (!t || !refcount_put(&t->refs))
		return;
	proc_hooks_for_each(h) if ((*h)->release)(*h)->release(t);
	sigpending_flush(&t->pending);
	if (t->process)
		process_put(t->process);
	__atomic_fetch_sub(&tasks_alive, 1, __ATOMIC_RELAXED);
	rcu_call(&t->rcu, task_free);
}

void task_release_thread(struct thread *thread)
{
	struct task *t = (struct task *)thread;

	arch_thread_destroy(&thread->arch);
	task_put(t);
}

struct process *process_new(void)
{
	struct process *p = slab_alloc(process_cache);

	if (!p)
		return NULL;
	memset(p, 0, sizeof(*p));
	refcount_init(&p->refs, 1);
	list_init(&p->children);
	list_init(&p->zombies);
	list_init(&p->sibling);
	list_init(&p->threads);
	list_init(&p->pgrp_link);
	list_init(&p->session_link);
	sigpending_init(&p->pending);
	waitq_init(&p->child_wait);
	waitq_init(&p->exit_poll);
	waitq_init(&p->signal_wait);
	itimer_init(p);
	return p;
}

static void process_free(struct rcu_head *head)
{
	struct process *p = container_of(head, struct process, rcu);

	sighand_put(p->sighand);
	slab_free(process_cache, p);
}

void process_put(struct process *p)
{
	if (!p || !refcount_put(&p->refs))
		return;
	sigpending_flush(&p->pending);
	waitq_close(&p->signal_wait); /* a signalfd that outlives us may be watched there */
	rcu_call(&p->rcu, process_free);
}

struct sighand *sighand_new(const struct sighand *from)
{
	struct sighand *s = slab_alloc(sighand_cache);

	if (!s)
		return NULL;
	refcount_init(&s->refs, 1);
	spinlock_init(&s->lock, SIGHAND);
	if (from)
		memcpy(s->action, from->action, sizeof(s->action));
	else
		memset(s->action, 0, sizeof(s->action));
	return s;
}

static void sighand_free(struct rcu_head *head)
{
	slab_free(sighand_cache, container_of(head, struct sighand, rcu));
}

void sighand_put(struct sighand *s)
{
	if (s && refcount_put(&s->refs))
		rcu_call(&s->rcu, sighand_free);
}

void task_set_files(struct task *t, struct fdtable *files)
{
	struct sighand *s = sighand_lock(t->process);
	struct fdtable *old = t->files;

	t->files = files;
	sighand_unlock(s);
	if (old)
		fdtable_put(old);
}

void task_set_fs(struct task *t, struct fs_context *fs)
{
	struct sighand *s = sighand_lock(t->process);
	struct fs_context *old = t->fs;

	t->fs = fs;
	sighand_unlock(s);
	if (old)
		fs_context_put(old);
}

void task_drop_aspace(struct task *t)
{
	struct sighand *s = sighand_lock(t->process);
	struct aspace *old = aspace_swap_current(NULL);

	sighand_unlock(s);
	aspace_put(old);
}

struct aspace *task_aspace_get(struct task *t)
{
	struct sighand *s = sighand_lock(t->process);
	struct aspace *as = t->thread.aspace;

	if (as)
		aspace_get(as);
	sighand_unlock(s);
	return as;
}

struct fdtable *task_files_pin(struct task *t)
{
	struct sighand *s = sighand_lock(t->process);
	struct fdtable *files = t->files;

	if (files)
		fdtable_pin(files);
	sighand_unlock(s);
	return files;
}

struct fs_context *task_fs_get(struct task *t)
{
	struct sighand *s = sighand_lock(t->process);
	struct fs_context *fs = t->fs;

	if (fs)
		fs_context_get(fs);
	sighand_unlock(s);
	return fs;
}

const struct cred *task_cred_get(struct task *t)
{
	for (;;) {
		struct cred *c = (struct cred *)rcu_dereference(t->cred);
		if (refcount_get_not_zero(&c->refs))
			return c;
	}
}

void task_link_locked(struct task *t, struct process *p, struct pid *pid)
{
	t->pid = pid;
	t->tid = pid->nr;
	rcu_assign(pid->task, t);
	list_add_tail(&p->threads, &t->thread_link);
	p->thread_count++;
	p->live_count++;
}

void task_unlink_locked(struct task *t)
{
	list_del(&t->thread_link);
	t->process->thread_count--;
}

void task_forget_locked(struct task *t)
{
	rcu_assign(t->pid->task, NULL);
	pid_unuse_locked(TAKE(t->pid));
	__atomic_fetch_sub(&t->cred->user->processes, 1, __ATOMIC_RELAXED);
}

char task_state_letter(const struct task *t)
{
	/* A thread on its way out is a zombie when it has given back everything, the fs context last. */
	if (load_relaxed(&t->thread.state) == THREAD_DEAD ||
	    (load_relaxed(&t->exiting) && !load_relaxed(&t->fs)))
		return t->process->state == PROCESS_DEAD ? 'X' : 'Z';
	if (load_relaxed(&t->stopped))
		return 'T'; /* told its parent, and is about to sleep */
	if (!thread_is_parked(&t->thread))
		return 'R';
	switch (load_relaxed(&t->thread.park_kind)) {
	case PARK_INTERRUPTIBLE: return 'S';
	case PARK_STOPPED: return 'T';
	default: return 'D';
	}
}

void process_times_add(struct process_times *to, const struct process_times *from)
{
	to->user_ns += from->user_ns;
	to->system_ns += from->system_ns;
	to->faults_minor += from->faults_minor;
	to->faults_major += from->faults_major;
	to->switches_voluntary += from->switches_voluntary;
	to->switches_forced += from->switches_forced;
	to->max_rss = MAX(to->max_rss, from->max_rss);
}

void task_times(struct task *t, struct process_times *out)
{
	*out = (struct process_times){
		.faults_minor = t->faults_minor,
		.faults_major = t->faults_major,
		.switches_voluntary = t->thread.switches_voluntary,
		.switches_forced = t->thread.switches_forced,
		.max_rss = t->thread.aspace ? t->thread.aspace->resident_peak : 0,
	};
	thread_cpu_times(&t->thread, &out->user_ns, &out->system_ns);
}

void process_times(struct process *p, struct process_times *out)
{
	struct sighand *s = sighand_lock(p);
	struct task *t;

	*out = p->dead;
	list_for_each (t, &p->threads, thread_link) {
		struct process_times one;
		task_times(t, &one);
		process_times_add(out, &one);
	}
	sighand_unlock(s);
}
