#include "kernel/mm/slab.h"
#include "kernel/proc/proc_internal.h"

/*
 * Numbers are given out in rising order and start again from PID_WRAP, so that a number is not seen again soon
 * (proc(5), pid_max). A number stays taken while it names a task, a process group or a session.
 */
enum { PID_MAX = 4194304, PID_WRAP = 300 };

struct spinlock task_list_lock = SPINLOCK_INIT(TASKLIST);
static struct idmap pids; /* [TASKLIST] changes; RCU lookups. number -> struct pid */
static s32 last_given;    /* [TASKLIST] */
static struct slab_cache *pid_cache;

/* Nodes are read without a lock: the head that RCU needs stands before each of them. */
struct node_head {
	struct rcu_head rcu;
};

static void *pid_node_alloc(size_t size)
{
	struct node_head *h = kzalloc(sizeof(*h) + size);

	return h ? h + 1 : NULL;
}

static void pid_node_free(struct rcu_head *head)
{
	kfree(container_of(head, struct node_head, rcu));
}

static void pid_node_defer_free(void *p, size_t size)
{
	struct node_head *h = (struct node_head *)p - 1;

	rcu_call(&h->rcu, pid_node_free);
}
static const struct idmap_ops pid_map_ops = {.alloc = pid_node_alloc,
                                             .defer_free = pid_node_defer_free};

/* Nobody is left who had a number. */
static void pid_shutdown(void)
{
	idmap_destroy(&pids);
}
static const struct proc_hooks pid_hooks = {.name = "pid", .shutdown = pid_shutdown};
PROC_HOOKS(pid_hooks);

void pid_init(void)
{
	pid_cache = slab_cache_new("pid", sizeof(struct pid), 0);
	idmap_init(&pids, &pid_map_ops);
}

struct pid *pid_new(void)
{
	struct pid *p = slab_alloc(pid_cache);

	if (p) {
		*p = (struct pid){.users = 1};
		list_init(&p->group);
		list_init(&p->session);
	}
	return p;
}

void pid_discard(struct pid *p)
{
	slab_free(pid_cache, p);
}

int pid_claim_locked(struct pid *p)
{
	s64 nr = idmap_find_free(&pids, last_given + 1, PID_MAX - 1);

	if (nr < 0)
		nr = idmap_find_free(&pids, PID_WRAP, PID_MAX - 1);
	if (nr < 0)
		return -EAGAIN;
	TRY(idmap_reserve(&pids, nr));
	p->nr = last_given = nr;
	idmap_set(&pids, nr, p);
	return 0;
}

static void pid_use_locked(struct pid *p)
{
	p->users++;
}

static void pid_free(struct rcu_head *head)
{
	slab_free(pid_cache, container_of(head, struct pid, rcu));
}

void pid_unuse_locked(struct pid *p)
{
	if (--p->users)
		return;
	idmap_clear(&pids, p->nr);
	rcu_call(&p->rcu, pid_free);
}

s32 pid_last(void)
{
	return load_relaxed(&last_given);
}

struct pid *pid_find(s32 nr)
{
	return nr > 0 ? idmap_find(&pids, nr) : NULL;
}

struct task *task_find(s32 tid)
{
	struct pid *p = pid_find(tid);

	return p ? rcu_dereference(p->task) : NULL;
}

struct process *process_find(s32 nr)
{
	struct pid *p = pid_find(nr);

	return p ? rcu_dereference(p->process) : NULL;
}

struct process *process_find_by_thread(s32 nr)
{
	struct process *p = process_find(nr);
	struct task *t = p ? NULL : task_find(nr);

	return t ? t->process : p;
}

struct process *process_lookup(s32 nr)
{
	rcu_read_lock();
	struct process *p = process_find(nr);
	if (p && !refcount_get_not_zero(&p->refs))
		p = NULL;
	rcu_read_unlock();
	return p;
}

struct task *task_lookup(s32 tid)
{
	rcu_read_lock();
	struct task *t = task_find(tid);
	if (t && !refcount_get_not_zero(&t->refs))
		t = NULL;
	rcu_read_unlock();
	return t;
}

struct process *process_next(s32 *nr)
{
	u32 id = MAX(*nr, 1);
	struct pid *entry;

	rcu_read_lock();
	for (; (entry = idmap_next(&pids, &id)); id++) {
		struct process *p = rcu_dereference(entry->process);
		if (!p || !refcount_get_not_zero(&p->refs))
			continue;
		rcu_read_unlock();
		*nr = p->pid;
		return p;
	}
	rcu_read_unlock();
	return NULL;
}

/* Threads are few against all numbers: the lowest one not below *tid, by one pass over the process's own list. */
struct task *process_next_task(struct process *p, s32 *tid)
{
	struct task *best = NULL, *t;
	GUARD(spin)(&task_list_lock);

	if (p->leader && p->leader->tid >= *tid)
		best = p->leader;
	list_for_each (t, &p->threads, thread_link)
		if (t->tid >= *tid && (!best || t->tid < best->tid))
			best = t;
	if (best) {
		task_get(best);
		*tid = best->tid;
	}
	return best;
}

void pgrp_join_locked(struct process *p, struct pid *group)
{
	pid_use_locked(group);
	p->pgrp = group;
	p->pgid = group->nr;
	list_add_tail(&group->group, &p->pgrp_link);
}

void pgrp_leave_locked(struct process *p)
{
	list_del(&p->pgrp_link);
	pid_unuse_locked(TAKE(p->pgrp));
}

void session_join_locked(struct process *p, struct pid *session)
{
	pid_use_locked(session);
	p->session = session;
	p->sid = session->nr;
	list_add_tail(&session->session, &p->session_link);
}

void session_leave_locked(struct process *p)
{
	list_del(&p->session_link);
	pid_unuse_locked(TAKE(p->session));
}

void session_for_each_locked(s32 sid, void (*fn)(struct process *p, void *arg), void *arg)
{
	struct pid *session = pid_find(sid);
	struct process *p, *next;

	if (!session)
		return;
	list_for_each_safe (p, next, &session->session, session_link)
		fn(p, arg);
}

void pgrp_for_each_locked(s32 pgid, void (*fn)(struct process *p, void *arg), void *arg)
{
	struct pid *group = pgid ? pid_find(pgid) : process_current()->pgrp;
	struct process *p, *next;

	if (!group)
		return;
	list_for_each_safe (p, next, &group->group, pgrp_link)
		fn(p, arg);
}

s32 pgrp_session_locked(s32 pgid)
{
	struct pid *group = pid_find(pgid);

	if (!group || list_empty(&group->group))
		return 0;
	return list_first(&group->group, struct process, pgrp_link)->sid;
}

/*
 * A group is orphaned when no member has a parent in the same session but another group: then nobody is left who
 * would continue its stopped members (POSIX, 3.264). `ignored` is about to leave and does not count.
 */
bool pgrp_is_orphaned_locked(struct pid *group, struct process *ignored)
{
	struct process *p;

	list_for_each (p, &group->group, pgrp_link) {
		if (p == ignored || p->state != PROCESS_LIVE || !p->parent || p->parent->pid == 1)
			continue;
		if (p->parent->pgrp != group && p->parent->session == p->session)
			return false;
	}
	return true;
}
