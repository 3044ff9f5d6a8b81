/* ioctl(2) on sockets: unix(7), socket(7). */
#include "arch/uaccess.h"
#include "kernel/fs/open.h"
#include "kernel/ipc/socket/socket.h"
#include "kernel/net/local.h"
#include "kernel/proc/fdtable.h"

static long put_number(u64 arg, s32 value)
{
	return copy_to_user(UPTR(arg), &value, sizeof value);
}

/* SIOCUNIXFILE: an O_PATH descriptor of the node that the socket is bound to. */
static long open_node(struct socket *s)
{
	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	const struct socket_name *name = socket_name(s);
	if (!name || !name->node)
		return -ENOENT;
	struct file *f = TRY_PTR(path_open(&name->node->path, O_PATH));
	return fd_open(f, O_CLOEXEC);
}

static long local_ioctl(struct socket *s, unsigned cmd, u64 arg)
{
	switch (cmd) {
	case SIOCINQ: {
		s64 bytes = TRY(socket_unread(s));
		return put_number(arg, (s32)bytes);
	}
	case SIOCOUTQ: return put_number(arg, (s32)load_relaxed(&s->unsent));
	case SIOCUNIXFILE: return open_node(s);
	default: return -ENOTTY;
	}
}

long net_file_ioctl(struct file *f, unsigned cmd, u64 arg)
{
	struct net_socket *n = f->private;
	return n->family == &net_local ? local_ioctl(n->local, cmd, arg) : -ENOTTY;
}
