/* shmget(2), shmat(2), shmdt(2), shmctl(2): decoding and copying. kernel/ipc/shm does the work. */
#include "kernel/ipc/ns.h"
#include "kernel/ipc/shm/shm.h"
#include "syscalls/syscall.h"

SYSCALL3(shmget, s32, key, u64, size, u32, flags)
{
	return shm_get(port_ipc_ns(), (ipc_key_t){key}, size, flags);
}

SYSCALL3(shmat, s32, id, u64, addr, u32, flags)
{
	return shm_attach(port_ipc_ns(), (ipc_id_t){id}, addr, flags);
}

SYSCALL1(shmdt, u64, addr)
{
	return shm_detach(addr);
}

SYSCALL3(shmctl, s32, id_number, s32, cmd, uptr_t, arg)
{
	struct ipc_namespace *ns = port_ipc_ns();
	ipc_id_t id = {id_number};
	struct shmid_ds ds;
	struct shminfo limits;
	struct shm_info usage;
	long result;

	if (id_number < 0 || cmd < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_STAT: TRY(shm_stat(ns, id, &ds)); return port_copy_out(arg, &ds, sizeof ds);
	case IPC_SET: TRY(port_copy_in(&ds, arg, sizeof ds)); return shm_set(ns, id, &ds);
	case IPC_RMID: return shm_remove(ns, id);
	case SHM_LOCK: return shm_lock(ns, id);
	case SHM_UNLOCK: return shm_unlock(ns, id);
	case IPC_INFO:
		result = shm_limits(ns, &limits);
		return port_copy_out(arg, &limits, sizeof limits) ?: result;
	case SHM_INFO:
		result = shm_usage(ns, &usage);
		return port_copy_out(arg, &usage, sizeof usage) ?: result;
	case SHM_STAT:
	case SHM_STAT_ANY:
		result = TRY(shm_stat_index(
			ns, id.n, cmd == SHM_STAT ? IPC_STAT_CHECKED : IPC_STAT_UNCHECKED, &ds));
		return port_copy_out(arg, &ds, sizeof ds) ?: result;
	}
	return -EINVAL;
}
