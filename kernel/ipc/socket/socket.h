/*
 * Local sockets, unix(7): streams, datagrams and sequenced packets between processes of one machine, with open files
 * and credentials on board.
 *
 * Every socket has one receive queue. Sending builds a message outside all locks, copying it in once; it is then linked
 * into the receiver's queue, and copied out once. A stream's messages are pieces of a block each, which readers empty
 * without regard to their borders, except where credentials differ or files travel along. The pieces of one send are
 * queued together, up to 32 KiB or so, or half of send_limit: a reader that wants them all gets them all.
 *
 * Objects and lifetimes
 *	struct socket		reference counted: by its open file until socket_close(), by its peer, by each datagram
 *				that it sent and nobody has read, by the accept queue it stands in.
 *	struct socket_name	an address it is bound to; shared by the connections made through it.
 *	struct socket_rights	open files on their way (rights.h).
 *
 * Streams and sequenced packets:
 *
 *	            bind, listen                    peer closes: both directions are shut, and
 *	UNCONNECTED -----------> LISTENING          an error when it had not read everything
 *	   |  connect: a fresh socket, CONNECTED, stands in the listener's accept queue
 *	   +--------------------> CONNECTED ------------> (stays CONNECTED) ------> socket_close
 *
 * The peer of a CONNECTED socket is fixed until it is closed, and referenced, so a sender looks at it without a lock.
 * A datagram socket's peer is only where it sends to by default, and changes.
 *
 * What bounds memory: bytes that a sender has under way, whoever has them queued (send_limit, SO_SNDBUF): a sender
 * waits when the limit is reached, until three quarters are free again. Datagrams to a socket that is not connected
 * back, and connections, also wait while more than `backlog` of them are queued.
 *
 * Locking. socket->lock: state, peer, queue, waiters; held for a few instructions. Two of them: port_lock2. Senders of
 * a stream take the peer's only. socket->reading, a sleeping lock, orders readers: it is held while a message that
 * stays queued is copied out. Only its holder takes messages off the queue, so it walks the queue without the other.
 *	reading
 *	  SOCKET_NAMES: find, add                  (name.c)
 *	  SOCKET_FLIGHT: files enter, leave flight; cycles are searched (rights.c, collect.c)
 *	    lock
 * What is walked under a lock is bounded: a queue by what its senders may have under way, all of which is charged to
 * them; the sockets in flight as collect.c says; all sockets (socket_next) are walked step by step.
 *
 * Unless said otherwise functions are called with no lock held, by who has a reference to the socket, and may sleep.
 *
 * What can fail: errors are those of the man pages; ENOMEM when made; -ENOBUFS when sending without memory. Who waits
 * gets -ERESTARTSYS for a signal, or -EINTR when it had a deadline, as Linux restarts calls.
 */
#pragma once
#include "kernel/ipc/port.h"
#include "kernel/lib/rbtree.h"
#include "kernel/lib/refcount.h"

enum socket_type { SOCKET_STREAM = 1, SOCKET_DGRAM = 2, SOCKET_SEQPACKET = 5 };
enum socket_state { SOCKET_UNCONNECTED, SOCKET_LISTENING, SOCKET_CONNECTED };
enum socket_shut { SOCKET_SHUT_READ = 1, SOCKET_SHUT_WRITE = 2, SOCKET_SHUT_BOTH = 3 };
enum {
	SOCKET_BUFFER_DEFAULT = 212992, /* as /proc/sys/net/core/wmem_default */
	SOCKET_DGRAM_BACKLOG = 10,      /* as /proc/sys/net/unix/max_dgram_qlen */
	SOCKET_NAME_MAX = 111, /* sizeof(struct sockaddr_un), and the end of a path that fills it */
	SOCKET_MESSAGE_OVERHEAD = 32, /* a datagram may be that much shorter than send_limit */
};

struct socket;
struct socket_message;
struct socket_rights;

struct socket_ids { /* SCM_CREDENTIALS */
	s32 pid;
	u32 uid, gid;
};
struct socket_peer { /* SO_PEERCRED, SO_PEERGROUPS */
	struct socket_ids ids;
	struct port_cred *cred; /* reference; NULL: nobody */
};

/* What a socket is found by: an abstract name of a type, or the place of a path name. */
struct socket_key {
	u64 place; /* identifies the node of the file system; 0: abstract */
	u32 type, length;
	const u8 *text; /* abstract: the address as sockaddr_un has it */
};
struct socket_name {
	refcount_t refs;
	u16 length; /* of the address */
	u8 address[SOCKET_NAME_MAX];
	u64 hash;
	struct socket_key key;   /* its text is `address` */
	struct port_place *node; /* of a path name: what keeps the place, dropped with the name */
};

struct socket_crowd {     /* who waits at a socket, in order of arrival */
	struct list list; /* [l] */
	u32 count;        /* [l, a] */
};

struct socket {
	refcount_t refs;
	u8 type;         /* [I] enum socket_type */
	u8 state;        /* [l, a] enum socket_state */
	u8 shutdown;     /* [l, a] SOCKET_SHUT_* */
	bool dead;       /* [l] closed: takes no more */
	bool embryo;     /* [l, a] nobody has accepted it yet */
	bool want_ids;   /* [a] SO_PASSCRED: messages from and to here say who sent them */
	bool want_times; /* [a] SO_TIMESTAMP: datagrams to here say when */
	struct port_lock lock;
	struct port_mutex reading;
	struct socket_message *first, *last; /* [l]; removing: [reading] too */
	u32 queued;                          /* [l, a] messages, connections */
	u32 arrived;    /* [l, a] messages ever queued: tells readers that there is something new */
	u32 backlog;    /* [l, a] more than that are not taken from strangers */
	u32 unsent;     /* [a] bytes sent from here that are queued somewhere */
	u32 send_limit; /* [a] bytes */
	s32 error;      /* [a] pending, positive; 0: none */
	s32 peek_offset;               /* [a] SO_PEEK_OFF; negative: off */
	u32 low_water;                 /* [a] SO_RCVLOWAT */
	struct socket *peer;           /* [l, a] reference */
	struct socket_crowd readers;   /* wait for messages or connections */
	struct socket_crowd writers;   /* wait for send_limit */
	struct socket_crowd knocking;  /* others, who wait for room in the queue here */
	struct socket_crowd throttled; /* sockets by throttle_link, whose pollers want that room */
	struct list throttle_link;     /* [throttled_by->l] */
	struct socket *throttled_by;   /* [l] reference: the last one it stood at */
	struct port_pollq poll;
	struct socket_peer peer_ids;               /* [l] of the peer, a listener's: its own */
	struct socket_name *name;                  /* [a] set once, reference */
	bool listed;                               /* [SOCKET_NAMES] is found by its name */
	struct rb_node name_node;                  /* [SOCKET_NAMES] */
	struct socket *accept_first, *accept_last; /* [l] references */
	struct socket *accept_next;                /* [listener's l] */
	struct port_file *file;   /* [I] once set, borrowed: the open file, see socket_set_file */
	u64 number;               /* [I] of the file's inode */
	u32 in_flight;            /* [SOCKET_FLIGHT] times its file is in some queue */
	u32 unexplained;          /* [SOCKET_FLIGHT] collect.c */
	u8 mark;                  /* [SOCKET_FLIGHT] collect.c */
	struct list flight_link;  /* [SOCKET_FLIGHT] of those in flight */
	struct list collect_link; /* [SOCKET_FLIGHT] collect.c */
	struct list all_link;     /* [SOCKET_LIST] */
};

/* => an unconnected socket with one reference, for socket_close(); or NULL: no memory. */
MUST_CHECK struct socket *socket_new(enum socket_type type);
static inline void socket_get(struct socket *s)
{
	refcount_get(&s->refs);
}
/* The last put frees it, and may sleep: its name may hold the last reference to a node. */
void socket_put(struct socket *s);
DEFINE_GUARD(socket, struct socket *, socket_put)
/* Its open file; before others can see it. */
void socket_set_file(struct socket *s, struct port_file *file, u64 number);
/* The last reference to its file has gone, or it never had one: drops the caller's reference. */
void socket_close(struct socket *s);

/* --- Names --- */

/* An address as bind(2) takes it, copied; key's text is not looked at for path names. => one reference, which has
 * taken over `node`; or NULL: no memory, and node is still the caller's. */
MUST_CHECK struct socket_name *socket_name_new(const struct socket_key *key, const void *address,
                                               u32 length, struct port_place *node);
void socket_name_put(struct socket_name *n);
DEFINE_GUARD(socket_name, struct socket_name *, socket_name_put)
/* Takes a reference of its own to name. => 0, -EINVAL (s has a name), -EADDRINUSE. */
MUST_CHECK int socket_bind(struct socket *s, struct socket_name *name);
/* An abstract name that nobody has, unless it has one. => 0, -ENOMEM, -ENOSPC. */
MUST_CHECK int socket_autobind(struct socket *s);
/* => the socket of that name with a reference, or NULL. Does not sleep. */
struct socket *socket_find(const struct socket_key *key);
/* => its name (borrowed: it keeps it for life), or NULL. */
static inline struct socket_name *socket_name(const struct socket *s)
{
	return load_acquire(&s->name);
}

/* --- Connections --- */

/* How to find who is called: asked again when he closes meanwhile. find => a socket of that type with a reference, or
 * err_ptr. */
struct socket_route {
	struct socket *(*find)(const struct socket_route *r, u32 type);
};
/* A deadline that is past already, 0, means not to wait at all. */
/* socketpair(2): each references the other; cannot fail. */
void socket_pair(struct socket *a, struct socket *b); /* fresh ones of one type */
/* backlog: connections not yet accepted, beyond which others wait. => 0, -EOPNOTSUPP, -EINVAL (no name, or
 * connected). */
MUST_CHECK int socket_listen(struct socket *s, u32 backlog);
/* route NULL: a datagram socket forgets its peer. => 0, what route->find says, -ECONNREFUSED, -EAGAIN, -EISCONN,
 * -EINVAL (listening), -EPERM (a datagram peer that talks to somebody else), -ENOMEM, -EINTR, -ERESTARTSYS. */
MUST_CHECK int socket_connect(struct socket *s, const struct socket_route *route, u64 deadline);
/* => 0 and a CONNECTED socket with a reference, -EOPNOTSUPP, -EINVAL, -EAGAIN, -EINTR, -ERESTARTSYS. */
MUST_CHECK int socket_accept(struct socket *s, u64 deadline, struct socket **out);
/* shutdown(2): wakes all sleepers at both ends, and tells pollers. */
void socket_shutdown(struct socket *s, enum socket_shut how);
/* => its peer with a reference, or NULL. Does not sleep. */
struct socket *socket_peer_get(struct socket *s);
/* SO_PEERCRED: a copy with a reference to cred, for socket_peer_put(). */
struct socket_peer socket_peer_ids(struct socket *s);
void socket_peer_put(struct socket_peer *p);

/* --- Messages --- */

struct socket_outgoing {
	const struct socket_route *route; /* NULL: to the peer */
	struct socket_rights *rights;     /* files on board, or NULL; consumed, whatever happens */
	bool has_ids;                     /* the sender says who he is, and has been checked */
	bool no_signal;                   /* MSG_NOSIGNAL */
	struct socket_ids ids;
	u64 deadline;
};
/* What Linux judges before it looks at the message. => 0; of sequenced packets: a pending error, -ENOTCONN. */
MUST_CHECK int socket_check_sender(struct socket *s);
/* => bytes; or -ENOTCONN, -EPIPE (a stream raises SIGPIPE), -EISCONN, -EOPNOTSUPP, -EMSGSIZE, -ECONNREFUSED,
 * -ECONNRESET, -EPERM, -ETOOMANYREFS, what the route says, a pending error, -EAGAIN, -EINTR, -ERESTARTSYS, -ENOBUFS,
 * -EFAULT. A stream fails only before its first byte. */
MUST_CHECK ssize socket_send(struct socket *s, struct port_io *io, struct socket_outgoing *m);

struct socket_incoming {
	bool peek, wait_all, want_whole; /* MSG_PEEK, MSG_WAITALL, MSG_TRUNC */
	bool want_from;
	u64 deadline;
	/* What came, beside the bytes: */
	bool truncated, has_time;
	struct socket_ids ids;
	u64 time;                     /* CLOCK_REALTIME when sent */
	struct socket_rights *rights; /* no longer in flight, the caller's; or NULL */
	struct socket_name *from;     /* the sender's, reference; or NULL */
};
/* A deadline of 0 is MSG_DONTWAIT. => bytes, 0 at the end, and *m holds references, for socket_incoming_put(); or
 * -EINVAL (a stream without connection), -ENOTCONN, a pending error, -EAGAIN, -EINTR, -ERESTARTSYS, -EFAULT,
 * -ENOMEM, and *m holds none. */
MUST_CHECK ssize socket_receive(struct socket *s, struct port_io *io, struct socket_incoming *m);
void socket_incoming_put(struct socket_incoming *m);

/* --- State --- */

/* => POLL*. `out`: whether writing is asked for; then the caller is told when it becomes possible. */
u32 socket_events(struct socket *s, bool out);
s64 socket_unread(
	struct socket
		*s); /* FIONREAD: bytes of a stream, of the next datagram; -EINVAL listening */
u32 socket_files_waiting(struct socket *s); /* => files on board of what is queued */
int socket_take_error(struct socket *s);    /* => pending -errno, which is gone then, or 0 */
void socket_set_send_limit(struct socket *s, u32 bytes); /* wakes writers that now have room */
/* Takes apart the cycles of sockets that nobody can reach but each other; left to whoever is at it already. */
void socket_collect(void);
/* Goes through all sockets, oldest first: puts `s` (NULL: begin). => the next one with a reference, or NULL. Beside
 * it sockets may come and go: those that stay are met once. */
struct socket *socket_next(struct socket *s);
u32 socket_state_shown(struct socket *s); /* SS_* of Linux */
void socket_init(void);                   /* boot */
extern u32 socket_dgram_backlog; /* [a] /proc/sys/net/unix/max_dgram_qlen, of sockets to be made */
