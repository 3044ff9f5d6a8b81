/* socket(2), socketpair(2), bind(2), connect(2), listen(2), accept(2), getsockname(2), getpeername(2), shutdown(2),
 * getsockopt(2), setsockopt(2). */
#include "syscalls/socket.h"
#include "abi/fcntl.h"
#include "arch/uaccess.h"
#include "kernel/proc/fdtable.h"
#include "syscalls/syscall.h"

_Static_assert((int)SOCK_CLOEXEC == O_CLOEXEC && (int)SOCK_NONBLOCK == O_NONBLOCK,
               "one name for both");

int socket_address_get(void *to, uptr_t from, s32 length)
{
	if (length < 0 || length > SOCKADDR_MAX)
		return -EINVAL;
	return length ? copy_from_user(to, from, (size_t)length) : 0;
}

/* As move_addr_to_user() of Linux: cut at *user_length, which then says how long it is. */
int socket_address_put(const void *from, s32 length, uptr_t to, uptr_t user_length)
{
	s32 room;
	TRY(copy_from_user(&room, user_length, sizeof room));
	if (room < 0)
		return -EINVAL;
	TRY(copy_to_user(to, from, (size_t)MIN(room, length)));
	return copy_to_user(user_length, &length, sizeof length);
}

static int flags_check(u32 type)
{
	return type & ~(u32)(SOCK_TYPE_MASK | SOCK_CLOEXEC | SOCK_NONBLOCK) ? -EINVAL : 0;
}

SYSCALL3(socket, int, domain, u32, type, int, protocol)
{
	TRY(flags_check(type));
	struct file *f = TRY_PTR(
		net_file_new(domain, type & SOCK_TYPE_MASK, protocol, type & SOCK_NONBLOCK));
	return fd_open(f, type & SOCK_CLOEXEC);
}

/* Two connected sockets for two descriptors. */
static long make_pair(int domain, u32 type, int protocol, const int fds[2])
{
	u32 plain = type & SOCK_TYPE_MASK, nonblock = type & SOCK_NONBLOCK;
	AUTO_PUT(file) a = net_file_new(domain, plain, protocol, nonblock);
	if (is_err(a))
		return ptr_err(a);
	AUTO_PUT(file) b = net_file_new(domain, plain, protocol, nonblock);
	if (is_err(b))
		return ptr_err(b);
	struct net_socket *sa = a->private, *sb = b->private;
	if (!sa->family->pair)
		return -EOPNOTSUPP;
	TRY(sa->family->pair(sa, sb));
	fd_install(fds[0], TAKE(a));
	fd_install(fds[1], TAKE(b));
	return 0;
}

/* The descriptors are shown first: what is wrong with the sockets is said only if that worked, as on Linux. */
SYSCALL4(socketpair, int, domain, u32, type, int, protocol, uptr_t, out_fds)
{
	int fds[2];
	TRY(flags_check(type));
	fds[0] = TRY(fd_reserve(0, type & SOCK_CLOEXEC));
	fds[1] = fd_reserve(0, type & SOCK_CLOEXEC);
	long err = fds[1] < 0 ? fds[1] : copy_to_user(out_fds, fds, sizeof fds);
	if (!err)
		err = make_pair(domain, type, protocol, fds);
	if (!err)
		return 0;
	fd_cancel(fds[0]);
	if (fds[1] >= 0)
		fd_cancel(fds[1]);
	return err;
}

SYSCALL3(bind, int, fd, uptr_t, user, s32, length)
{
	u8 address[SOCKADDR_MAX];
	AUTO_FDREF r = fdref_get(fd);
	struct net_socket *n = TRY_PTR(socket_of(r));
	TRY(socket_address_get(address, user, length));
	return n->family->bind ? n->family->bind(n, address, (u32)length) : -EOPNOTSUPP;
}

SYSCALL3(connect, int, fd, uptr_t, user, s32, length)
{
	u8 address[SOCKADDR_MAX];
	AUTO_FDREF r = fdref_get(fd);
	if (!r.file)
		return -EBADF;
	TRY(socket_address_get(address, user, length));
	struct net_socket *n = TRY_PTR(socket_of(r));
	return n->family->connect ? n->family->connect(n, address, (u32)length) : -EOPNOTSUPP;
}

SYSCALL2(listen, int, fd, int, backlog)
{
	AUTO_FDREF r = fdref_get(fd);
	struct net_socket *n = TRY_PTR(socket_of(r));
	u32 most = load_relaxed(&net_backlog_max);
	return n->family->listen ? n->family->listen(n, MIN((u32)backlog, most)) : -EOPNOTSUPP;
}

/* The file is made first, so that a connection that has been taken is not lost for want of memory. */
static struct file *accept_file(struct net_socket *n, u32 flags, bool nonblock, uptr_t user,
                                uptr_t length)
{
	if (!n->family->accept)
		return err_ptr(-EOPNOTSUPP);
	AUTO_PUT(file) f = net_file_accepted(n, flags & SOCK_NONBLOCK);
	if (is_err(f))
		return f;
	struct net_socket *fresh = f->private;
	int err = n->family->accept(n, fresh, nonblock);
	if (!err && !uptr_null(user)) {
		u8 address[SOCKADDR_MAX];
		s32 size = fresh->family->name(fresh, true, address);
		err = size < 0 ? -ECONNABORTED : socket_address_put(address, size, user, length);
	}
	return err ? err_ptr(err) : TAKE(f);
}

static long accept_at(int fd, uptr_t user, uptr_t length, u32 flags)
{
	AUTO_FDREF r = fdref_get(fd);
	if (!r.file)
		return -EBADF;
	if (flags & ~(u32)(SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	int accepted = TRY(fd_reserve(0, flags & SOCK_CLOEXEC));
	struct net_socket *n = net_socket_of(r.file);
	struct file *f =
		n ? accept_file(n, flags, net_nonblock(n, 0), user, length) : err_ptr(-ENOTSOCK);
	if (is_err(f)) {
		fd_cancel(accepted);
		return ptr_err(f);
	}
	fd_install(accepted, f);
	return accepted;
}

SYSCALL3(accept, int, fd, uptr_t, user, uptr_t, length)
{
	return accept_at(fd, user, length, 0);
}

SYSCALL4(accept4, int, fd, uptr_t, user, uptr_t, length, u32, flags)
{
	return accept_at(fd, user, length, flags);
}

static long name_of(int fd, bool peer, uptr_t user, uptr_t length)
{
	u8 address[SOCKADDR_MAX];
	AUTO_FDREF r = fdref_get(fd);
	struct net_socket *n = TRY_PTR(socket_of(r));
	s32 size = TRY(n->family->name(n, peer, address));
	return socket_address_put(address, size, user, length);
}

SYSCALL3(getsockname, int, fd, uptr_t, user, uptr_t, length)
{
	return name_of(fd, false, user, length);
}

SYSCALL3(getpeername, int, fd, uptr_t, user, uptr_t, length)
{
	return name_of(fd, true, user, length);
}

SYSCALL2(shutdown, int, fd, u32, how)
{
	AUTO_FDREF r = fdref_get(fd);
	struct net_socket *n = TRY_PTR(socket_of(r));
	if (!n->family->shutdown)
		return -EOPNOTSUPP;
	return how > SHUT_RDWR ? -EINVAL : n->family->shutdown(n, how);
}

SYSCALL5(setsockopt, int, fd, int, level, int, name, uptr_t, value, s32, length)
{
	if (length < 0)
		return -EINVAL;
	AUTO_FDREF r = fdref_get(fd);
	struct net_socket *n = TRY_PTR(socket_of(r));
	return net_option_set(n, level, name, value, length);
}

SYSCALL5(getsockopt, int, fd, int, level, int, name, uptr_t, value, uptr_t, length)
{
	AUTO_FDREF r = fdref_get(fd);
	struct net_socket *n = TRY_PTR(socket_of(r));
	return net_option_get(n, level, name, value, length);
}
