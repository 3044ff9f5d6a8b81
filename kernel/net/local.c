#include "kernel/net/local.h"
#include "abi/poll.h"
#include "arch/uaccess.h"
#include "kernel/fs/inode.h"
#include "kernel/fs/seq.h"
#include "kernel/lib/string.h"
#include "kernel/mm/slab.h"
#include "kernel/port/internal.h"
#include "kernel/proc/poll.h"

static const struct file_ops local_file_ops;

/* struct port_io is struct uio by another name. */
static struct port_io *io_of(struct uio *io)
{
	return container_of(io, struct port_io, uio);
}

static int local_create(struct net_socket *n)
{
	if (n->protocol && n->protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	switch (n->type) {
	case SOCK_RAW: n->type = SOCK_DGRAM; break; /* as Linux has always had it */
	case SOCK_STREAM:
	case SOCK_DGRAM:
	case SOCK_SEQPACKET: break;
	default: return -ESOCKTNOSUPPORT;
	}
	struct socket *s = socket_new(n->type);
	if (!s)
		return -ENOMEM;
	s->send_limit = n->send_limit;
	socket_set_file(s, (struct port_file *)n->file, n->file->inode->ino);
	n->local = s;
	return 0;
}

static void local_release(struct net_socket *n)
{
	socket_close(n->local);
}

static int local_pair(struct net_socket *a, struct net_socket *b)
{
	socket_pair(a->local, b->local);
	return 0;
}

/* SO_PASSCRED: whoever wants to be known needs a name, unix(7). */
static int autobind_if_signed(struct socket *s)
{
	return load_relaxed(&s->want_ids) && !socket_name(s) ? socket_autobind(s) : 0;
}

static int local_connect(struct net_socket *n, const void *address, u32 length)
{
	struct socket *s = n->local;
	u64 deadline = net_deadline(load_relaxed(&n->send_timeout), net_nonblock(n, 0));
	u16 family = AF_UNSPEC;
	if (s->type == SOCKET_DGRAM) {
		if (length < sizeof family)
			return -EINVAL;
		memcpy(&family, address, sizeof family);
		if (family == AF_UNSPEC)
			return socket_connect(s, NULL, 0);
	}
	TRY(local_address_check(address, length));
	TRY(autobind_if_signed(s));
	struct local_route r = local_route(address, length);
	return socket_connect(s, &r.route, deadline);
}

static int local_listen(struct net_socket *n, u32 backlog)
{
	return socket_listen(n->local, backlog);
}

static int local_accept(struct net_socket *n, struct net_socket *fresh, bool nonblock)
{
	struct socket *s;
	u64 deadline = net_deadline(load_relaxed(&n->receive_timeout), nonblock);
	TRY(socket_accept(n->local, deadline, &s));
	socket_set_file(s, (struct port_file *)fresh->file, fresh->file->inode->ino);
	store_relaxed(&fresh->flags, load_relaxed(&n->flags) & NET_PASSSEC);
	store_release(&fresh->local, s);
	return 0;
}

static int local_name(struct net_socket *n, bool peer, void *address)
{
	if (!peer)
		return (int)local_name_copy(socket_name(n->local), address);
	AUTO_PUT(socket) other = socket_peer_get(n->local);
	return other ? (int)local_name_copy(socket_name(other), address) : -ENOTCONN;
}

static int local_shutdown(struct net_socket *n, u32 how)
{
	socket_shutdown(n->local, (enum socket_shut)(how + 1));
	return 0;
}

/* --- Messages --- */

static ssize local_send(struct net_socket *n, struct net_outgoing *m)
{
	struct socket *s = n->local;
	struct local_route r;
	struct socket_outgoing out = {
		.no_signal = m->flags & MSG_NOSIGNAL,
		.deadline = net_deadline(load_relaxed(&n->send_timeout), net_nonblock(n, m->flags)),
	};
	TRY(socket_check_sender(s));
	if (unlikely(m->control_length))
		TRY(local_control_parse(m->control, m->control_length, &out));
	int err = unlikely(m->flags & MSG_OOB) ? -EOPNOTSUPP : 0;
	if (m->address) {
		if (!err && s->type == SOCKET_DGRAM)
			err = local_address_check(m->address, m->address_length);
		r = local_route(m->address, m->address_length);
		out.route = &r.route;
	}
	if (!err && s->type != SOCKET_STREAM)
		err = autobind_if_signed(s);
	if (err) {
		socket_rights_free(out.rights);
		return err;
	}
	return socket_send(s, io_of(&m->io), &out);
}

static ssize local_receive(struct net_socket *n, struct net_incoming *m)
{
	struct socket *s = n->local;
	struct socket_incoming in = {
		.peek = m->flags & MSG_PEEK,
		.wait_all = m->flags & MSG_WAITALL,
		.want_whole = m->flags & MSG_TRUNC,
		.want_from = m->address,
		.deadline =
			net_deadline(load_relaxed(&n->receive_timeout), net_nonblock(n, m->flags)),
	};
	if (unlikely(m->flags & MSG_OOB))
		return -EOPNOTSUPP;
	ssize got = socket_receive(s, io_of(&m->io), &in);
	if (unlikely(got < 0))
		return got;
	if (unlikely(in.from))
		m->address_length = local_name_copy(in.from, m->address);
	if (in.truncated)
		m->out_flags |= MSG_TRUNC;
	if (unlikely(in.rights || in.has_time || load_relaxed(&s->want_ids)))
		local_control_give(s, n, &in, m);
	socket_incoming_put(&in);
	return got;
}

static ssize file_local_read(struct file *f, struct uio *io, u64 *pos)
{
	struct net_socket *n = f->private;
	struct socket_incoming in = {.deadline = net_deadline(load_relaxed(&n->receive_timeout),
	                                                      io->nowait || net_nonblock(n, 0))};
	if (!io->left)
		return 0;
	ssize got = socket_receive(n->local, io_of(io), &in);
	if (unlikely(in.rights))
		socket_incoming_put(&in);
	return got;
}

static ssize file_local_write(struct file *f, struct uio *io, u64 *pos)
{
	struct net_socket *n = f->private;
	struct socket_outgoing out = {
		.deadline = net_deadline(load_relaxed(&n->send_timeout), net_nonblock(n, 0))};
	if (unlikely(n->local->type != SOCKET_STREAM)) {
		TRY(socket_check_sender(n->local));
		TRY(autobind_if_signed(n->local));
	}
	return socket_send(n->local, io_of(io), &out);
}

static u32 file_local_poll(struct file *f, struct poll_table *pt)
{
	struct socket *s = ((struct net_socket *)f->private)->local;
	poll_wait(pt, f, &s->poll.waitq);
	return socket_events(s, !pt || pt->events & (POLLOUT | POLLWRNORM | POLLWRBAND));
}

static void file_local_fdinfo(struct file *f, struct seq *out)
{
	struct socket *s = ((struct net_socket *)f->private)->local;
	seq_printf(out, "scm_fds: %u\n", socket_files_waiting(s));
}

static const struct file_ops local_file_ops = {
	.fdinfo = file_local_fdinfo,
	.read = file_local_read,
	.write = file_local_write,
	.poll = file_local_poll,
	.ioctl = net_file_ioctl,
	.release = net_file_release,
	.async = true,
};

/* --- Options --- */

static void local_limits_changed(struct net_socket *n)
{
	socket_set_send_limit(n->local, load_relaxed(&n->send_limit));
}
static int local_take_error(struct net_socket *n)
{
	return socket_take_error(n->local);
}
static void local_keep_error(struct net_socket *n, int err)
{
	store_relaxed(&n->local->error, -err);
}
static bool local_listening(struct net_socket *n)
{
	return load_relaxed(&n->local->state) == SOCKET_LISTENING;
}

static int set_number(struct socket *s, struct net_socket *n, int name, s32 value)
{
	switch (name) {
	case SO_PASSCRED: store_relaxed(&s->want_ids, value != 0); return 0;
	case SO_PEEK_OFF: store_relaxed(&s->peek_offset, value); return 0;
	case SO_RCVLOWAT:
		store_relaxed(&s->low_water, value < 0 ? INT32_MAX : value ? value : 1);
		return 0;
	case SO_TIMESTAMP_OLD:
	case SO_TIMESTAMP_NEW:
	case SO_TIMESTAMPNS_OLD:
	case SO_TIMESTAMPNS_NEW: break;
	default: return -ENOPROTOOPT;
	}
	u32 kind = (name == SO_TIMESTAMPNS_OLD || name == SO_TIMESTAMPNS_NEW ? NET_TIMES_NS : 0) |
	           (name == SO_TIMESTAMP_NEW || name == SO_TIMESTAMPNS_NEW ? NET_TIMES_NEW : 0);
	__atomic_fetch_and(&n->flags, ~(u32)(NET_TIMES_NS | NET_TIMES_NEW), __ATOMIC_RELAXED);
	if (value)
		__atomic_fetch_or(&n->flags, kind, __ATOMIC_RELAXED);
	store_relaxed(&s->want_times, value != 0);
	return 0;
}

static int local_set_option(struct net_socket *n, int level, int name, uptr_t value, u32 length)
{
	s32 number;
	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	TRY(copy_from_user(&number, value, sizeof number));
	return set_number(n->local, n, name, number);
}

static int get_peer_ids(struct socket *s, uptr_t value, uptr_t length)
{
	struct socket_peer p = socket_peer_ids(s);
	struct abi_ucred u = {0, UINT32_MAX, UINT32_MAX};
	if (p.cred)
		u = (struct abi_ucred){p.ids.pid, p.ids.uid, p.ids.gid};
	socket_peer_put(&p);
	return net_option_put(value, length, &u, sizeof u);
}

static int put_groups(const struct cred *c, uptr_t value, uptr_t length)
{
	s32 room, size = (s32)(c->group_count * sizeof(u32));
	TRY(copy_from_user(&room, length, sizeof room));
	if (room < size) {
		TRY(copy_to_user(length, &size, sizeof size));
		return -ERANGE;
	}
	TRY(copy_to_user(value, c->groups, (size_t)size));
	return copy_to_user(length, &size, sizeof size);
}

static int get_peer_groups(struct socket *s, uptr_t value, uptr_t length)
{
	struct socket_peer p = socket_peer_ids(s);
	int err = p.cred ? put_groups((const struct cred *)p.cred, value, length) : -ENODATA;
	socket_peer_put(&p);
	return err;
}

/* The length must not exceed the address's, as Linux has it. */
static int get_peer_name(struct net_socket *n, uptr_t value, uptr_t length)
{
	u8 address[SOCKADDR_MAX];
	s32 room;
	int size = local_name(n, true, address);
	TRY(copy_from_user(&room, length, sizeof room));
	if (size < 0)
		return -ENOTCONN;
	if (room < 0 || size < room)
		return -EINVAL;
	TRY(copy_to_user(value, address, (size_t)room));
	return copy_to_user(length, &room, sizeof room);
}

static s32 times_wanted(const struct net_socket *n, u32 kind)
{
	return load_relaxed(&n->local->want_times) &&
	       (load_relaxed(&n->flags) & (NET_TIMES_NS | NET_TIMES_NEW)) == kind;
}

static int local_get_option(struct net_socket *n, int level, int name, uptr_t value, uptr_t length)
{
	struct socket *s = n->local;
	s32 number;
	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	switch (name) {
	case SO_PEERCRED: return get_peer_ids(s, value, length);
	case SO_PEERGROUPS: return get_peer_groups(s, value, length);
	case SO_PEERNAME: return get_peer_name(n, value, length);
	case SO_PASSCRED: number = load_relaxed(&s->want_ids); break;
	case SO_PEEK_OFF: number = load_relaxed(&s->peek_offset); break;
	case SO_RCVLOWAT: number = (s32)load_relaxed(&s->low_water); break;
	case SO_TIMESTAMP_OLD: number = times_wanted(n, 0); break;
	case SO_TIMESTAMP_NEW: number = times_wanted(n, NET_TIMES_NEW); break;
	case SO_TIMESTAMPNS_OLD: number = times_wanted(n, NET_TIMES_NS); break;
	case SO_TIMESTAMPNS_NEW: number = times_wanted(n, NET_TIMES_NS | NET_TIMES_NEW); break;
	default: return -ENOPROTOOPT;
	}
	return net_option_put(value, length, &number, sizeof number);
}

const struct net_family net_local = {
	.domain = AF_UNIX,
	.file_ops = &local_file_ops,
	.create = local_create,
	.release = local_release,
	.pair = local_pair,
	.bind = local_bind,
	.connect = local_connect,
	.listen = local_listen,
	.accept = local_accept,
	.name = local_name,
	.shutdown = local_shutdown,
	.send = local_send,
	.receive = local_receive,
	.set_option = local_set_option,
	.get_option = local_get_option,
	.limits_changed = local_limits_changed,
	.take_error = local_take_error,
	.keep_error = local_keep_error,
	.listening = local_listening,
};
