#include "kernel/mm/owner.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/file.h"
#include "kernel/proc/rlimit.h"
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
