#include "abi/errno.h"
#include "kernel/proc/proc_internal.h"
#include "kernel/proc/rlimit.h"

enum { STACK_DEFAULT = 8 << 20, MEMLOCK_DEFAULT = 8 << 20, NR_OPEN = 1048576, MSGQUEUE = 819200 };

const struct rlimit_set rlimit_defaults = {
	.limit = {
		[RLIMIT_CPU] = {RLIM_INFINITY, RLIM_INFINITY},
		[RLIMIT_FSIZE] = {RLIM_INFINITY, RLIM_INFINITY},
		[RLIMIT_DATA] = {RLIM_INFINITY, RLIM_INFINITY},
		[RLIMIT_STACK] = {STACK_DEFAULT, RLIM_INFINITY},
		[RLIMIT_CORE] = {0, RLIM_INFINITY},
		[RLIMIT_RSS] = {RLIM_INFINITY, RLIM_INFINITY},
		[RLIMIT_NPROC] = {0, 0}, /* from memory: rlimit_init */
		[RLIMIT_NOFILE] = {1024, 4096},
		[RLIMIT_MEMLOCK] = {MEMLOCK_DEFAULT, MEMLOCK_DEFAULT},
		[RLIMIT_AS] = {RLIM_INFINITY, RLIM_INFINITY},
		[RLIMIT_LOCKS] = {RLIM_INFINITY, RLIM_INFINITY},
		[RLIMIT_SIGPENDING] = {0, 0}, /* from memory */
		[RLIMIT_MSGQUEUE] = {MSGQUEUE, MSGQUEUE},
		[RLIMIT_NICE] = {0, 0},
		[RLIMIT_RTPRIO] = {0, 0},
		[RLIMIT_RTTIME] = {RLIM_INFINITY, RLIM_INFINITY},
	}};

void rlimit_init(struct rlimit_set *s)
{
	u64 tasks = task_limit / 2; /* one user leaves room for another */

	*s = rlimit_defaults;
	s->limit[RLIMIT_NPROC] = (struct rlimit_pair){tasks, tasks};
	s->limit[RLIMIT_SIGPENDING] = (struct rlimit_pair){tasks, tasks};
}

u64 rlimit(int which)
{
	return load_relaxed(&process_current()->rlimits.limit[which].soft);
}

static int check_change(int which, const struct rlimit_pair *new, const struct rlimit_pair *old)
{
	if (new->soft > new->hard)
		return -EINVAL;
	if (which == RLIMIT_NOFILE && new->hard > NR_OPEN)
		return -EPERM;
	return new->hard > old->hard && !capable(CAP_SYS_RESOURCE) ? -EPERM : 0;
}

int rlimit_change(struct process *p, int which, const struct rlimit_pair *new,
                  struct rlimit_pair *out_old)
{
	struct rlimit_pair *limit = &p->rlimits.limit[which];

	spin_lock(&task_list_lock);
	struct rlimit_pair old = *limit;
	int err = new ? check_change(which, new, &old) : 0;
	if (new && !err) {
		store_relaxed(&limit->soft, new->soft);
		store_relaxed(&limit->hard, new->hard);
	}
	spin_unlock(&task_list_lock);
	if (err)
		return err;
	*out_old = old;
	if (new && (which == RLIMIT_CPU || which == RLIMIT_RTTIME))
		itimer_limit_changed(p);
	return 0;
}
