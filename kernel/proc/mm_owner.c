#include "kernel/mm/owner.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/file.h"
#include "kernel/proc/rlimit.h"

u64 vm_owner_limit(enum vm_limit which)
{
	static const u8 name[] = {
		[VM_LIMIT_AS] = RLIMIT_AS,
		[VM_LIMIT_DATA] = RLIMIT_DATA,
		[VM_LIMIT_STACK] = RLIMIT_STACK,
		[VM_LIMIT_MEMLOCK] = RLIMIT_MEMLOCK,
	};

	return rlimit(name[which]);
}

bool vm_owner_may_lock(void)
{
	return capable(CAP_IPC_LOCK);
}

bool vm_owner_may_map_low(void)
{
	return capable(CAP_SYS_RAWIO);
}

void vm_owner_file_get(struct file *f)
{
	file_get(f);
}

void vm_owner_file_put(struct file *f)
{
	file_put(f);
}
