#include "abi/sched.h"
#include "kernel/proc/task.h"
#include "kernel/sched/policy.h"
#include "syscalls/sched.h"
#include "syscalls/syscall.h"

/* What is done to each thread that getpriority(2) or setpriority(2) names. */
struct visit {
	void (*fn)(struct visit *v, struct task *t);
	long result;
	s32 nice;
	u32 uid;
};

static void visit_get(struct visit *v, struct task *t)
{
	v->result = MAX(v->result, (long)(20 - t->thread.nice));
}

static void visit_set(struct visit *v, struct task *t)
{
	const struct cred *ours = cred_current(), *theirs = task_cred_get(t);
	bool owner = theirs->uid == ours->euid || theirs->euid == ours->euid;

	cred_put(theirs);
	if (!owner && !capable(CAP_SYS_NICE)) {
		v->result = -EPERM;
	} else if (v->nice < t->thread.nice && !sched_may_nice(t, v->nice)) {
		v->result = -EACCES;
	} else {
		if (v->result == -ESRCH)
			v->result = 0;
		thread_set_nice(&t->thread, (s8)v->nice);
	}
}

static void visit_threads_locked(struct process *p, void *arg)
{
	struct visit *v = arg;
	struct task *t;

	list_for_each (t, &p->threads, thread_link)
		v->fn(v, t);
}

static void visit_user(struct visit *v)
{
	s32 pid = 1;

	for (struct process *p; (p = process_next(&pid)); pid++) {
		s32 tid = 1;

		for (struct task *t; (t = process_next_task(p, &tid)); tid++) {
			const struct cred *c = task_cred_get(t);
			bool match = c->uid == v->uid;

			cred_put(c);
			if (match)
				v->fn(v, t);
			task_put(t);
		}
		process_put(p);
	}
}

static long visit_all(struct visit *v, s32 which, s32 who)
{
	AUTO_PUT(task) t = NULL;

	switch (which) {
	case PRIO_PROCESS:
		t = sched_task(who);
		if (t)
			v->fn(v, t);
		break;
	case PRIO_PGRP:
		spin_lock(&task_list_lock);
		pgrp_for_each_locked(who, visit_threads_locked, v);
		spin_unlock(&task_list_lock);
		break;
	case PRIO_USER:
		v->uid = who ? (u32)who : cred_current()->uid;
		visit_user(v);
		break;
	}
	return v->result;
}

SYSCALL2(getpriority, s32, which, s32, who)
{
	struct visit v = {.fn = visit_get, .result = -ESRCH};

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	return visit_all(&v, which, who);
}

SYSCALL3(setpriority, s32, which, s32, who, s32, nice)
{
	struct visit v = {.fn = visit_set, .result = -ESRCH, .nice = CLAMP(nice, -20, 19)};

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	return visit_all(&v, which, who);
}
