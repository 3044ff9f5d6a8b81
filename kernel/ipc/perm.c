/* Who may do what with an object, svipc(7). */
#include "kernel/ipc/ipc.h"

void ipc_object_init(struct ipc_object *o, ipc_key_t key, u32 mode, enum lock_class class)
{
	port_lock_init(&o->lock, class);
	o->key = key;
	o->mode = mode & IPC_MODE_BITS;
	o->uid = o->cuid = port_euid();
	o->gid = o->cgid = port_egid();
}

int ipc_permit_other(const struct ipc_object *o, u32 want)
{
	u32 wanted = want >> 6 | want >> 3 | want;
	u32 granted = load_relaxed(&o->mode), euid = port_euid();

	if (euid == o->cuid || euid == load_relaxed(&o->uid))
		granted >>= 6;
	else if (port_in_group(o->cgid) || port_in_group(load_relaxed(&o->gid)))
		granted >>= 3;
	if ((wanted & ~granted & 7) && !port_capable(PORT_CAP_IPC_OWNER))
		return -EACCES;
	return 0;
}

int ipc_permit_control(const struct ipc_object *o)
{
	u32 euid = port_euid();
	if (euid == o->cuid || euid == load_relaxed(&o->uid) || port_capable(PORT_CAP_SYS_ADMIN))
		return 0;
	return -EPERM;
}

int ipc_perm_set(struct ipc_object *o, const struct ipc_perm *in)
{
	if (in->uid == UINT32_MAX || in->gid == UINT32_MAX)
		return -EINVAL;
	store_relaxed(&o->uid, in->uid);
	store_relaxed(&o->gid, in->gid);
	store_relaxed(&o->mode, (o->mode & ~(u32)IPC_MODE_BITS) | (in->mode & IPC_MODE_BITS));
	return 0;
}
