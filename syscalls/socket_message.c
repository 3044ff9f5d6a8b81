/* sendto(2), sendmsg(2), sendmmsg(2), recvfrom(2), recvmsg(2), recvmmsg(2). */
#include "abi/time.h"
#include "arch/clock.h"
#include "arch/uaccess.h"
#include "kernel/mm/slab.h"
#include "kernel/sched/thread.h"
#include "syscalls/socket.h"
#include "syscalls/syscall.h"
#include "syscalls/timespec.h"

enum { IOV_FAST = 8, CONTROL_FAST = 64, MESSAGES_MAX = 1024 };

/* A message header and its pieces, copied in. */
struct message {
	struct abi_msghdr header;
	struct uio io;
	struct iovec_user *iov, iov_fast[IOV_FAST];
};

/* => 0, -EFAULT, -EINVAL, -EMSGSIZE, -ENOMEM. Only after success: message_put(). */
static int message_get(struct message *m, uptr_t user)
{
	struct abi_msghdr *h = &m->header;
	TRY(copy_from_user(h, user, sizeof *h));
	if (!h->name)
		h->namelen = 0;
	if ((s32)h->namelen < 0)
		return -EINVAL;
	h->namelen = MIN(h->namelen, (u32)SOCKADDR_MAX);
	if (h->iovlen > UIO_COUNT_MAX)
		return -EMSGSIZE;
	m->iov = m->iov_fast;
	if (h->iovlen > IOV_FAST && !(m->iov = kmalloc(h->iovlen * sizeof *m->iov)))
		return -ENOMEM;
	int err = uio_import(&m->io, m->iov, UPTR(h->iov), h->iovlen);
	if (err && m->iov != m->iov_fast)
		kfree(m->iov);
	return err;
}

static void message_put(struct message *m)
{
	if (unlikely(m->iov != m->iov_fast))
		kfree(m->iov);
}

/* What sendmmsg(2) and recvmmsg(2) say of each message. */
static int length_put(uptr_t message, u32 length)
{
	return copy_to_user(uptr_add(message, offsetof(struct abi_mmsghdr, length)), &length,
	                    sizeof length);
}

/* --- Sending --- */

SYSCALL6(sendto, int, fd, uptr_t, buf, size_t, count, u32, flags, uptr_t, to, s32, to_length)
{
	u8 address[SOCKADDR_MAX];
	count = MIN(count, (size_t)UIO_MAX);
	if (!user_range_ok(buf, count))
		return -EFAULT;
	AUTO_FDREF r = fdref_get(fd);
	struct net_socket *n = TRY_PTR(socket_of(r));
	struct net_outgoing out = {.io = uio_user(buf, count), .flags = flags};
	if (!uptr_null(to)) {
		TRY(socket_address_get(address, to, to_length));
		out.address = to_length ? address : NULL;
		out.address_length = (u32)to_length;
	}
	return n->family->send(n, &out);
}

/* With the control messages copied in. */
static ssize send_with_control(struct net_socket *n, const struct abi_msghdr *h,
                               struct net_outgoing *out)
{
	u64 fast[CONTROL_FAST / sizeof(u64)];
	void *control = fast;
	if (h->controllen > net_control_max)
		return -ENOBUFS;
	if (h->controllen > sizeof fast && !(control = kmalloc(h->controllen)))
		return -ENOBUFS;
	ssize sent = copy_from_user(control, UPTR(h->control), h->controllen);
	if (!sent) {
		out->control = control;
		out->control_length = h->controllen;
		sent = n->family->send(n, out);
	}
	if (control != fast)
		kfree(control);
	return sent;
}

static ssize send_message(struct net_socket *n, uptr_t user, u32 flags)
{
	struct message m;
	u8 address[SOCKADDR_MAX];
	TRY(message_get(&m, user));
	struct net_outgoing out = {.io = m.io, .flags = flags};
	ssize sent = 0;
	if (m.header.namelen) {
		sent = copy_from_user(address, UPTR(m.header.name), m.header.namelen);
		out.address = address;
		out.address_length = m.header.namelen;
	}
	if (!sent)
		sent = m.header.controllen ? send_with_control(n, &m.header, &out)
		                           : n->family->send(n, &out);
	message_put(&m);
	return sent;
}

SYSCALL3(sendmsg, int, fd, uptr_t, message, u32, flags)
{
	AUTO_FDREF r = fdref_get(fd);
	struct net_socket *n = TRY_PTR(socket_of(r));
	return send_message(n, message, flags);
}

SYSCALL4(sendmmsg, int, fd, uptr_t, messages, u32, count, u32, flags)
{
	AUTO_FDREF r = fdref_get(fd);
	struct net_socket *n = TRY_PTR(socket_of(r));
	ssize err = 0;
	u32 done = 0;
	for (; done < MIN(count, (u32)MESSAGES_MAX); done++) {
		uptr_t at = uptr_add(messages, done * sizeof(struct abi_mmsghdr));
		err = send_message(n, at, flags);
		if (err < 0)
			break;
		err = length_put(at, (u32)err);
		if (err)
			break;
		cond_resched();
	}
	return done ? (long)done : err;
}

/* --- Receiving --- */

SYSCALL6(recvfrom, int, fd, uptr_t, buf, size_t, count, u32, flags, uptr_t, from, uptr_t,
         from_length)
{
	u8 address[SOCKADDR_MAX];
	count = MIN(count, (size_t)UIO_MAX);
	if (!user_range_ok(buf, count))
		return -EFAULT;
	AUTO_FDREF r = fdref_get(fd);
	struct net_socket *n = TRY_PTR(socket_of(r));
	struct net_incoming in = {
		.io = uio_user(buf, count),
		.flags = flags,
		.address = uptr_null(from) ? NULL : address,
	};
	ssize got = n->family->receive(n, &in);
	if (got >= 0 && !uptr_null(from))
		TRY(socket_address_put(address, (s32)in.address_length, from, from_length));
	return got;
}

/* What recvmsg(2) writes back into the header. */
static int message_answer(const struct abi_msghdr *h, uptr_t user, const struct net_incoming *in)
{
	u32 flags = (in->flags & MSG_CMSG_CLOEXEC) | in->out_flags |
	            (in->control.truncated ? MSG_CTRUNC : 0);
	u64 control = h->control ? in->control.at.addr - h->control : 0;
	if (h->name)
		TRY(socket_address_put(in->address, (s32)in->address_length, UPTR(h->name),
		                       uptr_add(user, offsetof(struct abi_msghdr, namelen))));
	TRY(copy_to_user(uptr_add(user, offsetof(struct abi_msghdr, flags)), &flags, sizeof flags));
	return copy_to_user(uptr_add(user, offsetof(struct abi_msghdr, controllen)), &control,
	                    sizeof control);
}

static ssize receive_message(struct net_socket *n, uptr_t user, u32 flags)
{
	struct message m;
	u8 address[SOCKADDR_MAX];
	TRY(message_get(&m, user));
	struct net_incoming in = {
		.io = m.io,
		.flags = flags,
		.address = m.header.name ? address : NULL,
		.control = {.at = UPTR(m.header.control), .left = m.header.controllen},
	};
	ssize got = n->family->receive(n, &in);
	message_put(&m);
	if (got >= 0)
		TRY(message_answer(&m.header, user, &in));
	return got;
}

SYSCALL3(recvmsg, int, fd, uptr_t, message, u32, flags)
{
	AUTO_FDREF r = fdref_get(fd);
	struct net_socket *n = TRY_PTR(socket_of(r));
	return receive_message(n, message, flags);
}

/* The time-out of recvmmsg(2) is looked at after each message, as its man page warns. */
struct patience {
	bool limited;
	u64 end_ns;
};

static bool patience_over(const struct patience *p)
{
	return p->limited && clock_mono_ns() >= p->end_ns;
}

static long receive_messages(struct net_socket *n, uptr_t messages, u32 count, u32 flags,
                             const struct patience *p)
{
	ssize err = n->family->take_error(n);
	u32 done = 0;
	if (err)
		return err;
	while (done < count) {
		uptr_t at = uptr_add(messages, done * sizeof(struct abi_mmsghdr));
		err = receive_message(n, at, flags & ~(u32)MSG_WAITFORONE);
		if (err < 0)
			break;
		err = length_put(at, (u32)err);
		if (err)
			break;
		done++;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		if (patience_over(p))
			break;
		cond_resched();
	}
	/* What came is reported now; what went wrong after it, by the next call. A signal is no matter of the socket. */
	if (done && err < 0 && err != -EAGAIN && err != -EINTR && err != -ERESTARTSYS)
		n->family->keep_error(n, (int)err);
	return done ? (long)done : err;
}

static int time_left_put(const struct patience *p, uptr_t user)
{
	u64 now = clock_mono_ns(), left = p->end_ns > now ? p->end_ns - now : 0;
	struct abi_timespec t = {(s64)(left / NS_PER_SECOND), (s64)(left % NS_PER_SECOND)};
	return copy_to_user(user, &t, sizeof t);
}

SYSCALL5(recvmmsg, int, fd, uptr_t, messages, u32, count, u32, flags, uptr_t, timeout)
{
	struct patience p = {0};
	if (!uptr_null(timeout)) {
		struct abi_timespec t;
		TRY(copy_from_user(&t, timeout, sizeof t));
		if (!timespec_valid(&t))
			return -EINVAL;
		p.limited = true;
		p.end_ns = deadline_in(timespec_ns(&t));
	}
	AUTO_FDREF r = fdref_get(fd);
	struct net_socket *n = TRY_PTR(socket_of(r));
	long done = receive_messages(n, messages, MIN(count, (u32)MESSAGES_MAX), flags, &p);
	if (done > 0 && p.limited)
		TRY(time_left_put(&p, timeout));
	return done;
}
