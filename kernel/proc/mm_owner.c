#include "kernel/mm/owner.h"
#include "arch/clock.h"
#include "kernel/lib/log.h"
#include "kernel/mm/aspace.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/file.h"
#include "kernel/proc/rlimit.h"
#include "kernel/proc/task.h"
#include "kernel/sched/thread.h"

/* Kernel threads (self-tests, process 1 before its first exec) have neither limits nor credentials. */
static bool is_user(void)
{
	return thread_current()->aspace;
}

u64 vm_owner_limit(enum vm_limit which)
{
	static const u8 name[] = {
		[VM_LIMIT_AS] = RLIMIT_AS,
		[VM_LIMIT_DATA] = RLIMIT_DATA,
		[VM_LIMIT_STACK] = RLIMIT_STACK,
		[VM_LIMIT_MEMLOCK] = RLIMIT_MEMLOCK,
	};

	return is_user() ? rlimit(name[which]) : UINT64_MAX;
}

bool vm_owner_may_lock(void)
{
	return !is_user() || capable(CAP_IPC_LOCK);
}

bool vm_owner_may_map_low(void)
{
	return !is_user() || capable(CAP_SYS_RAWIO);
}

void vm_owner_file_get(struct file *f)
{
	file_get(f);
}

void vm_owner_file_put(struct file *f)
{
	file_put(f);
}

static u64 process_weight(struct process *p)
{
	struct task *leader = rcu_dereference(p->leader);
	AUTO_PUT(aspace) as = leader ? task_aspace_get(leader) : NULL;

	return as ? load_relaxed(&as->resident_pages) : 0;
}

/* => the process that has most memory present, with a reference; never init. */
static struct process *heaviest_process(void)
{
	struct process *best = NULL, *p;
	u64 most = 0;

	for (s32 pid = 2; (p = process_next(&pid)); pid++) {
		u64 weight = process_weight(p);
		if (weight <= most) {
			process_put(p);
			continue;
		}
		if (best)
			process_put(best);
		best = p;
		most = weight;
	}
	return best;
}

enum { OOM_WAIT_NS = 5000000 };

bool vm_owner_out_of_memory(void)
{
	if (!is_user() || load_relaxed(&thread_current()->work) & THREAD_WORK_KILL)
		return false;
	AUTO_PUT(process) victim = heaviest_process();
	if (!victim || victim == process_current())
		return false;
	log_warn("out of memory: killed process %d", victim->pid);
	signal_send_process(victim, SIGKILL, NULL);
	park(clock_mono_ns() + OOM_WAIT_NS, PARK_KILLABLE);
	return true;
}
