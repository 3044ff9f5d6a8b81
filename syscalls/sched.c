#include "abi/sched.h"
#include "arch/cpu.h"
#include "arch/uaccess.h"
#include "kernel/proc/hooks.h"
#include "kernel/proc/task.h"
#include "kernel/sched/policy.h"
#include "syscalls/clock.h"
#include "syscalls/sched.h"
#include "syscalls/syscall.h"

SYSCALL0(sched_yield)
{
	sched_yield_current();
	return 0;
}

SYSCALL3(getcpu, uptr_t, cpu, uptr_t, node, uptr_t, cache)
{
	u32 here = cpu_id(), zero = 0;

	if (!uptr_null(cpu))
		TRY(copy_to_user(cpu, &here, sizeof(here)));
	if (!uptr_null(node))
		TRY(copy_to_user(node, &zero, sizeof(zero)));
	return 0;
}

struct task *sched_task(s32 tid)
{
	return task_lookup(tid ? tid : task_current()->tid);
}

static bool same_owner(struct task *t)
{
	const struct cred *theirs, *ours = cred_current();
	bool same;

	theirs = task_cred_get(t);
	same = ours->euid == theirs->euid || ours->euid == theirs->uid;
	cred_put(theirs);
	return same;
}

bool sched_may_nice(const struct task *t, s32 nice)
{
	u64 limit = load_relaxed(&t->process->rlimits.limit[RLIMIT_NICE].soft);

	return (u64)(20 - nice) <= limit || capable(CAP_SYS_NICE);
}

/* What sched_setattr(2) and its older forms ask for. */
struct request {
	s32 policy;
	u32 priority;
	s32 nice;
	bool reset_on_fork, keep_policy, set_nice;
};

static bool is_realtime(s32 policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

static bool policy_valid(s32 policy)
{
	return is_realtime(policy) || policy == SCHED_OTHER || policy == SCHED_BATCH ||
	       policy == SCHED_IDLE;
}

/* sched(7), "Privileges and resource limits", in the order Linux asks. */
static bool needs_privilege(struct task *t, const struct request *r)
{
	const struct thread *now = &t->thread;
	u64 limit = load_relaxed(&t->process->rlimits.limit[RLIMIT_RTPRIO].soft);

	if (!is_realtime(r->policy) && r->set_nice && r->nice < now->nice &&
	    !sched_may_nice(t, r->nice))
		return true;
	if (is_realtime(r->policy)) {
		if (r->policy != now->policy && !limit)
			return true;
		if (r->priority > now->rt_priority && r->priority > limit)
			return true;
	}
	if (now->policy == SCHED_IDLE && r->policy != SCHED_IDLE && !sched_may_nice(t, now->nice))
		return true;
	return !same_owner(t) || (now->reset_on_fork && !r->reset_on_fork);
}

static int apply(struct task *t, struct request *r)
{
	if (r->keep_policy) {
		r->policy = t->thread.policy;
		r->reset_on_fork |= t->thread.reset_on_fork;
	}
	if (!policy_valid(r->policy) || r->priority > 99 ||
	    is_realtime(r->policy) != (r->priority != 0))
		return -EINVAL;
	if (needs_privilege(t, r) && !capable(CAP_SYS_NICE))
		return -EPERM;
	t->thread.reset_on_fork = r->reset_on_fork;
	thread_set_policy(&t->thread, (u8)r->policy, (u8)r->priority);
	if (r->set_nice && !is_realtime(r->policy))
		thread_set_nice(&t->thread, (s8)r->nice);
	proc_hooks_for_each(h) if ((*h)->priority_changed)(*h)->priority_changed(t);
	return 0;
}

static int set_param(s32 tid, s32 policy, bool keep_policy, uptr_t param)
{
	struct request r = {.policy = policy & ~SCHED_RESET_ON_FORK, .keep_policy = keep_policy};
	AUTO_PUT(task) t = NULL;

	if (uptr_null(param) || tid < 0)
		return -EINVAL;
	TRY(copy_from_user(&r.priority, param, sizeof(r.priority)));
	t = sched_task(tid);
	if (!t)
		return -ESRCH;
	r.reset_on_fork = !keep_policy && policy & SCHED_RESET_ON_FORK;
	return apply(t, &r);
}

SYSCALL3(sched_setscheduler, s32, tid, s32, policy, uptr_t, param)
{
	return policy < 0 ? -EINVAL : set_param(tid, policy, false, param);
}

SYSCALL2(sched_setparam, s32, tid, uptr_t, param)
{
	return set_param(tid, 0, true, param);
}

SYSCALL1(sched_getscheduler, s32, tid)
{
	AUTO_PUT(task) t = tid < 0 ? NULL : sched_task(tid);

	if (!t)
		return tid < 0 ? -EINVAL : -ESRCH;
	return t->thread.policy | (t->thread.reset_on_fork ? SCHED_RESET_ON_FORK : 0);
}

SYSCALL2(sched_getparam, s32, tid, uptr_t, param)
{
	AUTO_PUT(task) t = NULL;
	s32 priority;

	if (uptr_null(param) || tid < 0)
		return -EINVAL;
	t = sched_task(tid);
	if (!t)
		return -ESRCH;
	priority = t->thread.rt_priority;
	return copy_to_user(param, &priority, sizeof(priority));
}

static int wrong_attr_size(uptr_t user)
{
	u32 size = sizeof(struct abi_sched_attr);

	TRY(copy_to_user(user, &size, sizeof(size)));
	return -E2BIG;
}

/* The extensible structure: a larger one than ours is fine as long as the rest is zero; else -E2BIG and our size. */
static int copy_attr(uptr_t user, struct abi_sched_attr *attr)
{
	u32 size;
	u8 byte;

	TRY(copy_from_user(&size, user, sizeof(size)));
	if (!size)
		size = SCHED_ATTR_SIZE_VER0;
	if (size < SCHED_ATTR_SIZE_VER0 || size > 4096)
		return wrong_attr_size(user);
	*attr = (struct abi_sched_attr){};
	TRY(copy_from_user(attr, user, MIN((size_t)size, sizeof(*attr))));
	for (u32 at = sizeof(*attr); at < size; at++) {
		TRY(copy_from_user(&byte, uptr_add(user, at), 1));
		if (byte)
			return wrong_attr_size(user);
	}
	if (attr->flags & SCHED_FLAG_UTIL_CLAMP && size < SCHED_ATTR_SIZE_VER1)
		return -EINVAL;
	attr->nice = CLAMP(attr->nice, -20, 19);
	return 0;
}

SYSCALL3(sched_setattr, s32, tid, uptr_t, user, u32, flags)
{
	struct abi_sched_attr attr;
	struct request r;
	AUTO_PUT(task) t = NULL;

	if (uptr_null(user) || tid < 0 || flags)
		return -EINVAL;
	TRY(copy_attr(user, &attr));
	if ((s32)attr.policy < 0)
		return -EINVAL;
	t = sched_task(tid);
	if (!t)
		return -ESRCH;
	if (attr.flags & ~(u64)SCHED_FLAG_ALL)
		return -EINVAL;
	if (attr.flags & SCHED_FLAG_UTIL_CLAMP)
		return -EOPNOTSUPP;
	r = (struct request){(s32)attr.policy,
	                     attr.priority,
	                     attr.nice,
	                     attr.flags & SCHED_FLAG_RESET_ON_FORK,
	                     attr.flags & SCHED_FLAG_KEEP_POLICY,
	                     true};
	if (attr.flags & SCHED_FLAG_KEEP_PARAMS) {
		r.priority = t->thread.rt_priority;
		r.set_nice = false;
	}
	return apply(t, &r);
}

SYSCALL4(sched_getattr, s32, tid, uptr_t, user, u32, size, u32, flags)
{
	struct abi_sched_attr attr = {};
	AUTO_PUT(task) t = NULL;

	if (uptr_null(user) || tid < 0 || size > 4096 || size < SCHED_ATTR_SIZE_VER0 || flags)
		return -EINVAL;
	t = sched_task(tid);
	if (!t)
		return -ESRCH;
	attr.policy = t->thread.policy;
	attr.flags = t->thread.reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0;
	if (is_realtime(t->thread.policy))
		attr.priority = t->thread.rt_priority;
	else
		attr.nice = t->thread.nice;
	attr.size = MIN(size, (u32)sizeof(attr));
	return copy_to_user(user, &attr, attr.size);
}

SYSCALL3(sched_setaffinity, s32, tid, u32, length, uptr_t, mask)
{
	struct cpumask set = {};
	AUTO_PUT(task) t = NULL;

	TRY(copy_from_user(&set, mask, MIN((size_t)length, sizeof(set))));
	t = sched_task(tid);
	if (!t)
		return -ESRCH;
	if (!same_owner(t) && !capable(CAP_SYS_NICE))
		return -EPERM;
	return thread_set_affinity(&t->thread, set);
}

SYSCALL3(sched_getaffinity, s32, tid, u32, length, uptr_t, mask)
{
	struct cpumask set;
	AUTO_PUT(task) t = NULL;

	if ((u64)length * 8 < cpu_count || length % sizeof(u64))
		return -EINVAL;
	t = sched_task(tid);
	if (!t)
		return -ESRCH;
	set.bits = t->thread.affinity.bits & (cpu_count == 64 ? UINT64_MAX : BIT(cpu_count) - 1);
	TRY(copy_to_user(mask, &set, sizeof(set)));
	return sizeof(set);
}

static long priority_bound(s32 policy, long realtime)
{
	if (is_realtime(policy))
		return realtime;
	return policy_valid(policy) || policy == SCHED_DEADLINE ? 0 : -EINVAL;
}

SYSCALL1(sched_get_priority_max, s32, policy)
{
	return priority_bound(policy, 99);
}

SYSCALL1(sched_get_priority_min, s32, policy)
{
	return priority_bound(policy, 1);
}

SYSCALL2(sched_rr_get_interval, s32, tid, uptr_t, interval)
{
	struct abi_timespec ts;
	AUTO_PUT(task) t = tid < 0 ? NULL : sched_task(tid);

	if (!t)
		return tid < 0 ? -EINVAL : -ESRCH;
	ts = timespec_from_ns(thread_interval_ns(&t->thread));
	return copy_to_user(interval, &ts, sizeof(ts));
}
