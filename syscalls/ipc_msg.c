/* msgget(2), msgsnd(2), msgrcv(2), msgctl(2): decoding and copying. kernel/ipc/msg does the work. */
#include "abi/msg.h"
#include "kernel/ipc/msg/msg.h"
#include "kernel/ipc/ns.h"
#include "syscalls/syscall.h"

SYSCALL2(msgget, s32, key, u32, flags)
{
	return msg_get(port_ipc_ns(), (ipc_key_t){key}, flags);
}

SYSCALL4(msgsnd, s32, id, uptr_t, buf, u64, size, u32, flags)
{
	s64 type;
	if (unlikely(port_copy_in(&type, buf, sizeof type)))
		return -EFAULT;
	return msg_send(port_ipc_ns(), (ipc_id_t){id}, type, uptr_add(buf, sizeof type), size,
	                flags, PORT_FOREVER);
}

SYSCALL5(msgrcv, s32, id, uptr_t, buf, u64, size, s64, type, u32, flags)
{
	return msg_receive(port_ipc_ns(), (ipc_id_t){id}, buf, size, type, flags, PORT_FOREVER);
}

SYSCALL3(msgctl, s32, id_number, s32, cmd, uptr_t, arg)
{
	struct ipc_namespace *ns = port_ipc_ns();
	ipc_id_t id = {id_number};
	struct msqid_ds ds;
	struct msginfo info;
	long result;

	if (id_number < 0 || cmd < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_STAT: TRY(msg_stat(ns, id, &ds)); return port_copy_out(arg, &ds, sizeof ds);
	case IPC_SET: TRY(port_copy_in(&ds, arg, sizeof ds)); return msg_set(ns, id, &ds);
	case IPC_RMID: return msg_remove(ns, id);
	case IPC_INFO:
	case MSG_INFO:
		result = msg_info(ns, cmd == MSG_INFO ? MSG_INFO_USED : MSG_INFO_LIMITS, &info);
		return port_copy_out(arg, &info, sizeof info) ?: result;
	case MSG_STAT:
	case MSG_STAT_ANY:
		result = TRY(msg_stat_index(
			ns, id.n, cmd == MSG_STAT ? IPC_STAT_CHECKED : IPC_STAT_UNCHECKED, &ds));
		return port_copy_out(arg, &ds, sizeof ds) ?: result;
	}
	return -EINVAL;
}
