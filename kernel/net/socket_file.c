#include "abi/fcntl.h"
#include "kernel/fs/anon.h"
#include "kernel/fs/inode.h"
#include "kernel/ipc/socket/socket.h"
#include "kernel/mm/slab.h"
#include "kernel/net/net.h"

struct net_socket *net_socket_of(const struct file *f)
{
	const struct file_ops *ops = f->ops;
	return ops == net_local.file_ops || ops == net_netlink.file_ops ? f->private : NULL;
}

/* A file whose socket has no object yet; released, it frees the socket. */
static struct file *file_make(const struct net_family *family, u32 type, u32 protocol, u32 o_flags)
{
	AUTO_PATH path = {0};
	struct net_socket *n = kzalloc(sizeof *n);
	if (!n)
		return err_ptr(-ENOMEM);
	n->family = family;
	n->type = type;
	n->protocol = protocol;
	n->send_limit = load_relaxed(&net_buffer_default[0]);
	n->receive_limit = load_relaxed(&net_buffer_default[1]);
	int err = anon_socket_path(&path);
	struct file *f =
		err ? err_ptr(err) : file_new(&path, family->file_ops, O_RDWR | o_flags, n);
	if (is_err(f)) {
		kfree(n);
		return f;
	}
	n->file = f;
	return f;
}

/* Which family, in the order of Linux's checks. => it, or err_ptr. */
static const struct net_family *family_find(int domain, u32 type)
{
	if (domain < 0 || domain >= AF_MAX)
		return err_ptr(-EAFNOSUPPORT);
	if (type >= SOCK_MAX)
		return err_ptr(-EINVAL);
	switch (domain) {
	case AF_UNIX: return &net_local;
	case AF_NETLINK: return &net_netlink;
	}
	return err_ptr(-EAFNOSUPPORT);
}

struct file *net_file_new(int domain, u32 type, int protocol, u32 o_flags)
{
	const struct net_family *family = family_find(domain, type);
	if (is_err(family))
		return err_ptr(ptr_err(family));
	AUTO_PUT(file) f = file_make(family, type, (u32)protocol, o_flags);
	if (is_err(f))
		return f;
	int err = family->create(f->private);
	return err ? err_ptr(err) : TAKE(f);
}

struct file *net_file_accepted(struct net_socket *n, u32 o_flags)
{
	return file_make(n->family, n->type, n->protocol, o_flags);
}

void net_file_release(struct file *f)
{
	struct net_socket *n = f->private;
	if (n->local)
		n->family->release(n);
	kfree(n);
}
