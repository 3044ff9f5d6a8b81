/*
 * Sockets as open files: what all families have in common, and the families' side of it.
 *
 * Objects and lifetimes. A struct net_socket is what a socket's file holds (file->private); it lives as long as the
 * file. Behind it stands the family's own object: a struct socket of kernel/ipc/socket, or a netlink socket.
 *
 * Options that mean something to a family live in its object; those that are only remembered, and the time-outs,
 * live here, each read and written by itself.
 *
 * System calls decode, copy addresses and message headers in and out, and call a family's operation. An operation
 * that a family does not have is answered with EOPNOTSUPP.
 *
 * Locking. No lock here: a socket's fields are written one by one, and read wherever they are needed. Everything is
 * called by system calls that hold a reference to the file and no lock, and may sleep.
 *
 * What can fail: an operation's errors are those of its man page, rising unchanged from the family.
 */
#pragma once
#include "abi/socket.h"
#include "arch/clock.h"
#include "kernel/lib/uptr.h"
#include "kernel/proc/file.h"
#include "kernel/proc/uio.h"

struct net_family;
struct netlink;
struct socket;

enum net_flag { /* SO_* that are only remembered */
	        NET_DEBUG = 1,
	        NET_REUSEADDR = 2,
	        NET_DONTROUTE = 4,
	        NET_BROADCAST = 8,
	        NET_KEEPALIVE = 16,
	        NET_OOBINLINE = 32,
	        NET_NO_CHECK = 64,
	        NET_REUSEPORT = 128,
	        NET_PASSSEC = 256,
	        NET_RXQ_OVFL = 512,
	        NET_LINGER = 1024,
	        NET_TIMES_NS = 2048, /* of SO_TIMESTAMP: in nanoseconds */
	        NET_TIMES_NEW = 4096,
};

struct net_socket {
	const struct net_family *family;    /* [I] */
	u32 type, protocol;                 /* [I] */
	u32 flags;                          /* [a] enum net_flag */
	u32 send_limit, receive_limit;      /* [a] SO_SNDBUF, SO_RCVBUF */
	u64 send_timeout, receive_timeout;  /* [a] ns; 0: none */
	s32 priority, linger_seconds, mark; /* [a] */
	struct file *file;                  /* [I] borrowed: it holds us */
	union {                             /* [I] reference; NULL only while it is made */
		struct socket *local;
		struct netlink *netlink;
	};
};

/* What sendmsg(2) and its kin bring, copied in; addresses as the caller gave them. */
struct net_outgoing {
	struct uio io;
	u32 flags; /* MSG_* */
	u32 address_length;
	const void *address; /* NULL: none given */
	const void *control; /* kernel copy */
	size_t control_length;
};
/* Control messages on their way to user memory. */
struct net_control {
	uptr_t at; /* null: the caller wants none */
	u64 left;
	bool truncated;
};
struct net_incoming {
	struct uio io;
	u32 flags; /* MSG_*, of the call */
	u32 out_flags;
	u32 address_length; /* out */
	void *address;      /* SOCKADDR_MAX bytes, or NULL: not wanted */
	struct net_control control;
};

/* Operations. n: its file is referenced by the caller. Addresses and control messages: kernel copies, borrowed for
 * the call. => 0 or -errno, unless said otherwise. */
struct net_family {
	u32 domain;
	const struct file_ops *file_ops;
	/* Sets the object of n. => 0, -EPROTONOSUPPORT, -ESOCKTNOSUPPORT, -ENOMEM. */
	int (*create)(struct net_socket *n);
	/* The file's last reference has gone: puts the object. */
	void (*release)(struct net_socket *n);
	int (*pair)(struct net_socket *a, struct net_socket *b);
	/* Length is at most SOCKADDR_MAX. */
	int (*bind)(struct net_socket *n, const void *address, u32 length);
	int (*connect)(struct net_socket *n, const void *address, u32 length);
	int (*listen)(struct net_socket *n, u32 backlog);
	/* Sets the object of `fresh`, a socket without one. Waits, unless nonblock. */
	int (*accept)(struct net_socket *n, struct net_socket *fresh, bool nonblock);
	/* => length. The peer's: -ENOTCONN without one. */
	int (*name)(struct net_socket *n, bool peer, void *address);
	int (*shutdown)(struct net_socket *n, u32 how); /* SHUT_* */
	/* => bytes, or -errno; m->io has advanced by what was copied. */
	ssize (*send)(struct net_socket *n, struct net_outgoing *m);
	ssize (*receive)(struct net_socket *n, struct net_incoming *m);
	/* Options of the family; level SOL_SOCKET only those that options.c does not know. -ENOPROTOOPT: unknown. */
	int (*set_option)(struct net_socket *n, int level, int name, uptr_t value, u32 length);
	int (*get_option)(struct net_socket *n, int level, int name, uptr_t value, uptr_t length);
	void (*limits_changed)(struct net_socket *n);
	int (*take_error)(struct net_socket *n);           /* => -errno or 0 */
	void (*keep_error)(struct net_socket *n, int err); /* -errno, for the next take_error */
	bool (*listening)(struct net_socket *n);
};
extern const struct net_family net_local, net_netlink;

/* => the socket behind a file, borrowed from it, or NULL. Any context. */
struct net_socket *net_socket_of(const struct file *f);
/* socket(2). type: SOCK_*, without flags; o_flags: O_NONBLOCK. => a file with one reference, or err_ptr:
 * -EAFNOSUPPORT, -EINVAL, -EPROTONOSUPPORT, -ESOCKTNOSUPPORT, -ENOMEM. */
MUST_CHECK struct file *net_file_new(int domain, u32 type, int protocol, u32 o_flags);
/* accept(2). => a file of the same kind as n with one reference, without an object yet; or err_ptr(-ENOMEM). */
MUST_CHECK struct file *net_file_accepted(struct net_socket *n, u32 o_flags);
/* For families' file_ops: ioctl(2) (=> 0 or more, -ENOTTY, -EFAULT, -EPERM, -EINVAL), and the end of the file. */
long net_file_ioctl(struct file *f, unsigned cmd, u64 arg);
void net_file_release(struct file *f);

/* => whether the call may not wait. */
static inline bool net_nonblock(const struct net_socket *n, u32 msg_flags)
{
	return msg_flags & MSG_DONTWAIT || load_relaxed(&n->file->flags) & O_NONBLOCK;
}
/* => until when a call with this time-out may wait; 0: not at all. */
static ALWAYS_INLINE u64 net_deadline(u64 timeout_ns, bool nonblock)
{
	if (nonblock)
		return 0;
	return likely(!timeout_ns) ? UINT64_MAX : deadline_in(timeout_ns);
}

/* setsockopt(2), getsockopt(2): those of all families here, others by the family. => 0, -ENOPROTOOPT, -EOPNOTSUPP,
 * -EINVAL, -EDOM, -EPERM, -EFAULT, ... as socket(7). */
MUST_CHECK int net_option_set(struct net_socket *n, int level, int name, uptr_t value, s32 length);
MUST_CHECK int net_option_get(struct net_socket *n, int level, int name, uptr_t value,
                              uptr_t length);
/* Copies an option's value out, cut at what *length says, which is set to what was copied. => 0, -EINVAL (negative),
 * -EFAULT. */
MUST_CHECK int net_option_put(uptr_t value, uptr_t length, const void *from, u32 size);

extern u32 net_buffer_default[2], net_buffer_max[2]; /* [a] 0 send, 1 receive: /proc/sys/net/core */
extern u32 net_backlog_max;                          /* [a] somaxconn */
extern u32 net_control_max;                          /* [a] optmem_max */
void net_init(void);                                 /* boot */
