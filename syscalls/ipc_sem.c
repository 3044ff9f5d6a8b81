/* semget(2), semop(2), semtimedop(2), semctl(2): decoding and copying. kernel/ipc/sem does the work. */
#include "abi/sem.h"
#include "syscalls/timespec.h"
#include "kernel/ipc/ns.h"
#include "kernel/ipc/sem/sem.h"
#include "syscalls/syscall.h"

SYSCALL3(semget, s32, key, s32, nsems, u32, flags)
{
	return sem_get(port_ipc_ns(), (ipc_key_t){key}, nsems, flags);
}

enum { FEW_OPS = 128 }; /* so many are copied to the stack */

/* timeout NULL: for ever. */
static NOINLINE long semop_many(ipc_id_t id, uptr_t user_ops, u32 n,
                                const struct abi_timespec *timeout)
{
	struct ipc_namespace *ns = port_ipc_ns();
	struct sembuf few[FEW_OPS], *ops = few;
	AUTO_PUT(port_mem) many = NULL;
	u64 deadline = PORT_FOREVER;

	if (n > (u32)load_relaxed(&ns->sem_opm))
		return -E2BIG;
	if (n < 1)
		return -EINVAL;
	if (n > FEW_OPS && !(ops = many = port_alloc(n * sizeof *ops)))
		return -ENOMEM;
	TRY(port_copy_in(ops, user_ops, n * sizeof *ops));
	if (id.n < 0)
		return -EINVAL;
	if (timeout) {
		if (!timespec_valid(timeout))
			return -EINVAL;
		deadline = deadline_in(timespec_ns(timeout));
	}
	return sem_op(ns, id, ops, n, deadline);
}

SYSCALL3(semop, s32, id, uptr_t, user_ops, u32, n)
{
	struct ipc_namespace *ns = port_ipc_ns();
	if (unlikely(n != 1 || load_relaxed(&ns->sem_opm) < 1))
		return semop_many((ipc_id_t){id}, user_ops, n, NULL);
	struct sembuf op;
	if (unlikely(port_copy_in(&op, user_ops, sizeof op)))
		return -EFAULT;
	return sem_op(ns, (ipc_id_t){id}, &op, 1, PORT_FOREVER);
}

SYSCALL4(semtimedop, s32, id, uptr_t, user_ops, u32, n, uptr_t, user_timeout)
{
	struct abi_timespec timeout;
	if (uptr_null(user_timeout))
		return semop_many((ipc_id_t){id}, user_ops, n, NULL);
	TRY(port_copy_in(&timeout, user_timeout, sizeof timeout));
	return semop_many((ipc_id_t){id}, user_ops, n, &timeout);
}

/* Commands with a structure, and those that are rare. */
static NOINLINE long semctl_other(ipc_id_t id, u32 cmd, uptr_t arg)
{
	struct ipc_namespace *ns = port_ipc_ns();
	struct semid_ds ds;
	struct seminfo info;
	long result;

	switch (cmd) {
	case IPC_INFO:
	case SEM_INFO:
		result = sem_info(ns, cmd == SEM_INFO ? SEM_INFO_USED : SEM_INFO_LIMITS, &info);
		return port_copy_out(arg, &info, sizeof info) ?: result;
	case SEM_STAT:
	case SEM_STAT_ANY:
		result = TRY(sem_stat_index(
			ns, id.n, cmd == SEM_STAT ? IPC_STAT_CHECKED : IPC_STAT_UNCHECKED, &ds));
		return port_copy_out(arg, &ds, sizeof ds) ?: result;
	case SEM_GETALL: return sem_getall(ns, id, arg);
	case SEM_SETALL: return sem_setall(ns, id, arg);
	case IPC_SET:
		TRY(port_copy_in(&ds, arg, sizeof ds));
		return sem_set_perm(ns, id, &ds.sem_perm);
	case IPC_RMID: return sem_remove(ns, id);
	}
	return -EINVAL;
}

SYSCALL4(semctl, s32, id_number, s32, num, u32, cmd, uptr_t, arg)
{
	struct ipc_namespace *ns = port_ipc_ns();
	ipc_id_t id = {id_number};
	struct semid_ds ds;

	if (id_number < 0)
		return -EINVAL;
	switch (cmd) {
	case SEM_GETVAL: return sem_getval(ns, id, num);
	case SEM_SETVAL: return sem_setval(ns, id, num, (s32)arg.addr);
	case SEM_GETPID: return sem_getpid(ns, id, num);
	case SEM_GETNCNT: return sem_getncnt(ns, id, num);
	case SEM_GETZCNT: return sem_getzcnt(ns, id, num);
	case IPC_STAT: TRY(sem_stat(ns, id, &ds)); return port_copy_out(arg, &ds, sizeof ds);
	}
	return semctl_other(id, cmd, arg);
}
