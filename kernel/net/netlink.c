#include "kernel/net/netlink.h"
#include "abi/poll.h"
#include "arch/uaccess.h"
#include "kernel/lib/rbtree.h"
#include "kernel/lib/string.h"
#include "kernel/mm/slab.h"
#include "kernel/net/net.h"
#include "kernel/net/netlink_route.h"
#include "kernel/proc/fdtable.h"
#include "kernel/proc/poll.h"
#include "kernel/proc/task.h"

struct netlink {
	refcount_t refs;      /* the file's, and one for each notice that is not queued yet */
	struct spinlock lock; /* class NETLINK */
	struct list queue;    /* [l] struct netlink_notice */
	u32 bytes;            /* [l, a] charged: queued or still to be sent */
	bool dead;            /* [l] its file has gone */
	u32 limit;            /* [a] SO_RCVBUF */
	s32 error;            /* [a] -ENOBUFS: an answer was dropped; 0: none */
	struct waitq changed; /* readers, pollers, and who waits for room */
	u32 port;             /* [ports.lock] its address; 0: none yet */
	struct rb_node node;  /* [ports.lock] */
};
struct netlink_notice {
	struct list link;   /* [to->l] */
	struct netlink *to; /* reference until it is queued */
	u32 length;
	u8 data[];
};

static const struct file_ops netlink_file_ops;
static struct {
	struct spinlock lock; /* class SOCKET_NAMES */
	struct rb_root tree;  /* [l] sockets by port */
	u32 next;             /* [l] what to try when the process number is taken */
} ports = {.lock = SPINLOCK_INIT(SOCKET_NAMES)};

static void netlink_put(struct netlink *l)
{
	if (refcount_put(&l->refs))
		kfree(l);
}

/* --- Ports --- */

static int port_take_locked(struct netlink *l, u32 port)
{
	struct rb_node **link = &ports.tree.node, *parent = NULL;
	while (*link) {
		u32 there = rb_entry(*link, struct netlink, node)->port;
		if (there == port)
			return -EADDRINUSE;
		parent = *link;
		link = port < there ? &parent->left : &parent->right;
	}
	l->port = port;
	rb_link(&ports.tree, &l->node, parent, link);
	return 0;
}

/* The process number, or else one from the top downward, as netlink(7) says of the kernel's choice. */
static int port_choose_locked(struct netlink *l)
{
	int err = port_take_locked(l, (u32)process_current()->pid);
	while (err)
		err = port_take_locked(l, -(4096 + ports.next++ % (1u << 30)));
	return 0;
}

static int netlink_bind(struct net_socket *n, const void *address, u32 length)
{
	struct abi_sockaddr_nl nl;
	struct netlink *l = n->netlink;
	if (length < sizeof nl)
		return -EINVAL;
	memcpy(&nl, address, sizeof nl);
	if (nl.family != AF_NETLINK)
		return -EINVAL;
	GUARD(spin)(&ports.lock);
	if (l->port)
		return nl.pid == l->port ? 0 : -EINVAL;
	return nl.pid ? port_take_locked(l, nl.pid) : port_choose_locked(l);
}

static void autobind(struct netlink *l)
{
	GUARD(spin)(&ports.lock);
	if (!l->port)
		(void)port_choose_locked(l);
}

/* Only the kernel can be talked to, whose port is 0. */
static int netlink_connect(struct net_socket *n, const void *address, u32 length)
{
	struct abi_sockaddr_nl nl = {0};
	if (length < sizeof nl.family)
		return -EINVAL;
	memcpy(&nl, address, MIN(length, (u32)sizeof nl));
	if (nl.family == AF_UNSPEC)
		return 0;
	if (nl.family != AF_NETLINK || length < sizeof nl)
		return -EINVAL;
	if (nl.pid || nl.groups)
		return -EPERM;
	autobind(n->netlink);
	return 0;
}

static int netlink_name(struct net_socket *n, bool peer, void *address)
{
	struct abi_sockaddr_nl nl = {.family = AF_NETLINK, .pid = peer ? 0 : n->netlink->port};
	memcpy(address, &nl, sizeof nl);
	return sizeof nl;
}

/* --- Notices --- */

enum { NOTICE_OVERHEAD = 512 };
static u32 notice_charge(u32 length)
{
	return ROUND_UP(length, 64u) + NOTICE_OVERHEAD;
}

/* Charged to the socket from now on. => err_ptr(-ENOMEM) */
static struct netlink_notice *notice_make(struct netlink *l, const void *data, u32 length)
{
	struct netlink_notice *m = kmalloc(sizeof *m + length);
	if (!m)
		return err_ptr(-ENOMEM);
	memcpy(m->data, data, length);
	m->length = length;
	m->to = l;
	refcount_get(&l->refs);
	__atomic_fetch_add(&l->bytes, notice_charge(length), __ATOMIC_RELAXED);
	return m;
}

static void notice_uncharge(struct netlink *l, struct netlink_notice *m)
{
	__atomic_fetch_sub(&l->bytes, notice_charge(m->length), __ATOMIC_SEQ_CST);
	waitq_wake_all(&l->changed, POLLOUT | POLLWRNORM);
	kfree(m);
}

void netlink_notice_free(struct netlink_notice *m)
{
	struct netlink *l = m->to;
	notice_uncharge(l, m);
	netlink_put(l);
}

static void notice_queue(struct netlink_notice *m)
{
	struct netlink *l = m->to;
	spin_lock(&l->lock);
	bool dead = l->dead;
	if (!dead)
		list_add_tail(&l->queue, &m->link);
	spin_unlock(&l->lock);
	if (dead) {
		netlink_notice_free(m);
		return;
	}
	waitq_wake(&l->changed, POLLIN | POLLRDNORM);
	netlink_put(l);
}

/* Sleeps while the receive buffer is full. => 0 or -ERESTARTSYS. */
static int wait_for_room(struct net_socket *n)
{
	struct netlink *l = n->netlink;
	return WAITQ_WAIT(&l->changed, PARK_INTERRUPTIBLE, PARK_FOREVER,
	                  load_relaxed(&l->bytes) <= load_relaxed(&l->limit));
}

struct netlink_notice *netlink_notice_new(int fd, const void *cookie)
{
	AUTO_FDREF r = fdref_get(fd);
	if (!r.file)
		return err_ptr(-EBADF);
	struct net_socket *n = net_socket_of(r.file);
	if (!n)
		return err_ptr(-ENOTSOCK);
	if (n->family != &net_netlink)
		return err_ptr(-EINVAL);
	int err = wait_for_room(n);
	return err ? err_ptr(err) : notice_make(n->netlink, cookie, NETLINK_COOKIE_BYTES);
}

void netlink_notice_send(struct netlink_notice *m, u8 why)
{
	m->data[NETLINK_COOKIE_BYTES - 1] = why;
	notice_queue(m);
}

int netlink_reply(struct netlink *l, const void *data, u32 length)
{
	if (load_relaxed(&l->bytes) > load_relaxed(&l->limit)) {
		/* netlink(7): who does not read hears that messages were lost. */
		store_relaxed(&l->error, -ENOBUFS);
		waitq_wake(&l->changed, POLLERR);
		return 0;
	}
	struct netlink_notice *m = TRY_PTR(notice_make(l, data, length));
	notice_queue(m);
	return 0;
}

u32 netlink_port(const struct netlink *l)
{
	return l->port;
}

/* --- Making and ending --- */

static int netlink_create(struct net_socket *n)
{
	if (n->type != SOCK_RAW && n->type != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	if (n->protocol != NETLINK_ROUTE)
		return -EPROTONOSUPPORT;
	struct netlink *l = kzalloc(sizeof *l);
	if (!l)
		return -ENOMEM;
	refcount_init(&l->refs, 1);
	spinlock_init(&l->lock, NETLINK);
	list_init(&l->queue);
	waitq_init(&l->changed);
	l->limit = n->receive_limit;
	n->netlink = l;
	return 0;
}

static void netlink_release(struct net_socket *n)
{
	struct netlink *l = n->netlink;
	struct list left = LIST_INIT(left), *node;
	spin_lock(&ports.lock);
	if (l->port)
		rb_erase(&ports.tree, &l->node);
	spin_unlock(&ports.lock);
	spin_lock(&l->lock);
	l->dead = true;
	list_splice_tail(&left, &l->queue);
	spin_unlock(&l->lock);
	while ((node = list_pop(&left)))
		notice_uncharge(l, list_entry(node, struct netlink_notice, link));
	netlink_put(l);
}

/* --- Messages --- */

static ssize netlink_send(struct net_socket *n, struct net_outgoing *m)
{
	struct abi_sockaddr_nl nl = {.family = AF_NETLINK};
	struct netlink *l = n->netlink;
	size_t length = m->io.left;
	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (m->address) {
		if (m->address_length < sizeof nl)
			return -EINVAL;
		memcpy(&nl, m->address, sizeof nl);
	}
	if (nl.family != AF_NETLINK)
		return -EINVAL;
	if (nl.groups)
		return -EPERM;
	autobind(l);
	if (length > load_relaxed(&n->send_limit) - 32)
		return -EMSGSIZE;
	if (nl.pid)
		return -ECONNREFUSED;
	void *text = kmalloc(MAX(length, (size_t)1));
	if (!text)
		return -ENOBUFS;
	int err = uio_take(&m->io, text, length) < length ? -EFAULT : 0;
	if (!err)
		err = netlink_route_request(l, text, length);
	kfree(text);
	return err ? err : (ssize)length;
}

static struct netlink_notice *notice_take(struct netlink *l, bool peek)
{
	GUARD(spin)(&l->lock);
	if (list_empty(&l->queue))
		return NULL;
	struct netlink_notice *m = list_first(&l->queue, struct netlink_notice, link);
	if (peek) {
		/* A copy: another reader may take the original meanwhile. */
		struct netlink_notice *copy = notice_make(l, m->data, m->length);
		if (!is_err(copy))
			netlink_put(l);
		return copy;
	}
	list_del(&m->link);
	return m;
}

static int netlink_take_error(struct net_socket *n)
{
	return __atomic_exchange_n(&n->netlink->error, 0, __ATOMIC_RELAXED);
}

/* => 0: look again; -EAGAIN, -EINTR, -ERESTARTSYS. */
static int wait_for_notice(struct net_socket *n, u64 deadline)
{
	struct netlink *l = n->netlink;
	if (!deadline)
		return -EAGAIN;
	int err = WAITQ_WAIT(&l->changed, PARK_INTERRUPTIBLE, deadline,
	                     !list_empty(&l->queue) || load_relaxed(&l->error));
	if (err == -ETIMEDOUT)
		return -EAGAIN;
	return err == -ERESTARTSYS && deadline != PARK_FOREVER ? -EINTR : err;
}

static ssize notice_read(const struct netlink_notice *m, struct net_incoming *in)
{
	size_t size = MIN((size_t)m->length, in->io.left);
	if (size < m->length)
		in->out_flags |= MSG_TRUNC;
	if (in->address) {
		struct abi_sockaddr_nl nl = {.family = AF_NETLINK};
		memcpy(in->address, &nl, sizeof nl);
		in->address_length = sizeof nl;
	}
	if (uio_put(&in->io, m->data, size) < size)
		return -EFAULT;
	return in->flags & MSG_TRUNC ? (ssize)m->length : (ssize)size;
}

static ssize netlink_receive(struct net_socket *n, struct net_incoming *in)
{
	u64 deadline = net_deadline(load_relaxed(&n->receive_timeout), net_nonblock(n, in->flags));
	struct netlink_notice *m;
	if (in->flags & MSG_OOB)
		return -EOPNOTSUPP;
	do {
		TRY(netlink_take_error(n));
		m = notice_take(n->netlink, in->flags & MSG_PEEK);
	} while (!m && !TRY(wait_for_notice(n, deadline)));
	if (is_err(m))
		return ptr_err(m);
	ssize got = notice_read(m, in);
	notice_uncharge(n->netlink, m);
	return got;
}

static ssize file_netlink_read(struct file *f, struct uio *io, u64 *pos)
{
	struct net_incoming in = {.io = *io};
	return io->left ? netlink_receive(f->private, &in) : 0;
}
static ssize file_netlink_write(struct file *f, struct uio *io, u64 *pos)
{
	struct net_outgoing out = {.io = *io};
	return netlink_send(f->private, &out);
}
static u32 file_netlink_poll(struct file *f, struct poll_table *pt)
{
	struct netlink *l = ((struct net_socket *)f->private)->netlink;
	poll_wait(pt, f, &l->changed);
	return (list_empty(&l->queue) ? 0 : POLLIN | POLLRDNORM) |
	       (load_relaxed(&l->error) ? POLLERR : 0) | POLLOUT | POLLWRNORM | POLLWRBAND;
}

static const struct file_ops netlink_file_ops = {
	.read = file_netlink_read,
	.write = file_netlink_write,
	.poll = file_netlink_poll,
	.ioctl = net_file_ioctl,
	.release = net_file_release,
	.async = true,
};

static int netlink_set_option(struct net_socket *n, int level, int name, uptr_t value, u32 length)
{
	return -ENOPROTOOPT;
}
static int netlink_get_option(struct net_socket *n, int level, int name, uptr_t value,
                              uptr_t length)
{
	return -ENOPROTOOPT;
}
static void netlink_limits_changed(struct net_socket *n)
{
	store_relaxed(&n->netlink->limit, load_relaxed(&n->receive_limit));
	waitq_wake_all(&n->netlink->changed, POLLOUT | POLLWRNORM);
}
static void netlink_keep_error(struct net_socket *n, int err)
{
	store_relaxed(&n->netlink->error, err);
}
static bool netlink_listening(struct net_socket *n)
{
	return false;
}

const struct net_family net_netlink = {
	.domain = AF_NETLINK,
	.file_ops = &netlink_file_ops,
	.create = netlink_create,
	.release = netlink_release,
	.bind = netlink_bind,
	.connect = netlink_connect,
	.name = netlink_name,
	.send = netlink_send,
	.receive = netlink_receive,
	.set_option = netlink_set_option,
	.get_option = netlink_get_option,
	.limits_changed = netlink_limits_changed,
	.take_error = netlink_take_error,
	.keep_error = netlink_keep_error,
	.listening = netlink_listening,
};
