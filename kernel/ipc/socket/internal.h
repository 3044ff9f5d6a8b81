/* What the files of this directory share. The essay is in socket.h. Suffix _locked: the lock of the socket whose
 * queue or crowd it is is held; wake-ups are collected, for ipc_wake_flush() after it. All others: no lock held. */
#pragma once
#include "abi/poll.h"
#include "kernel/ipc/socket/rights.h"
#include "kernel/ipc/socket/socket.h"
#include "kernel/ipc/wait.h"

enum {
	SOCKET_POLL_READ = POLLIN | POLLRDNORM | POLLPRI | POLLRDBAND,
	SOCKET_POLL_WRITE = POLLOUT | POLLWRNORM | POLLWRBAND,
	SOCKET_POLL_ALL = SOCKET_POLL_READ | SOCKET_POLL_WRITE | POLLHUP | POLLERR | POLLRDHUP,
};

/*
 * A message, or a piece of a stream; or a further part of a datagram that is longer than one part. The sender is
 * charged for it from its making to its end.
 */
struct socket_message {
	struct socket_message *next; /* [l] in the queue */
	struct socket_message *more; /* [I] further part */
	struct socket
		*from; /* [l] reference: who is charged; NULL: the peer of whose queue it is in */
	struct socket_rights *rights; /* [l] */
	u32 charge;                   /* [I] bytes */
	u32 length;                   /* [I] of a datagram, all parts */
	u32 start, end;               /* of data: unread bytes. start [reading, a]; end [I] */
	struct socket_ids ids;        /* [I] once queued */
	bool joined;                  /* [I] once queued: of the same send as the piece before it */
	bool peeked;                  /* [reading] an empty datagram that MSG_PEEK has passed */
	u64 time;                     /* [I] once queued; 0: not asked for */
	char data[];
};

/* What is left in io as one message, charged to s. => err_ptr(-ENOBUFS, -EFAULT). */
MUST_CHECK struct socket_message *message_new(struct socket *s, struct port_io *io);
/* The same for as much of the next n > 0 bytes as makes a good piece of a stream: `length`. */
MUST_CHECK struct socket_message *piece_new(struct socket *s, struct port_io *io, size_t n);
/* Frees one that is in no queue, its files too; `sender` is charged for it. No lock held. */
void message_free(struct socket_message *m, struct socket *sender);
/* Frees a chain of them, taken off a queue whose owner has this peer. */
void messages_free(struct socket_message *m, struct socket *peer);
static inline u32 message_left(const struct socket_message *m)
{
	return m->end - load_relaxed(&m->start);
}
static inline struct socket *message_sender(const struct socket_message *m,
                                            const struct socket *queue)
{
	return m->from ? m->from : load_relaxed(&queue->peer);
}
/* Links m into the queue of s and lets a reader go on; s->lock held. */
void message_queue_locked(struct socket *s, struct socket_message *m, struct ipc_wake_list *wakes);
/* Takes the whole queue of s; s->lock and the reading lock held, or nobody can read any more. */
struct socket_message *messages_take_locked(struct socket *s);

static inline void socket_charge(struct socket *s, u32 bytes)
{
	__atomic_add_fetch(&s->unsent, bytes, __ATOMIC_SEQ_CST);
}
/* When most of the limit is free again, wakes writers and pollers of s. */
void socket_uncharge(struct socket *s, u32 bytes);
/* As Linux: a quarter of the limit or less is under way. */
static inline bool socket_has_room(const struct socket *s)
{
	return load_relaxed(&s->unsent) <= load_relaxed(&s->send_limit) / 4;
}
static inline bool socket_is_full(const struct socket *s)
{
	return load_relaxed(&s->queued) > load_relaxed(&s->backlog);
}

/* --- Waiting: a wake-up means "look again". --- */

static inline bool crowd_empty(const struct socket_crowd *c)
{
	return !load_relaxed(&c->count);
}
static inline void crowd_add_locked(struct socket_crowd *c, struct list *link)
{
	list_add_tail(&c->list, link);
	store_relaxed(&c->count, c->count + 1);
}
static inline void crowd_del_locked(struct socket_crowd *c, struct list *link)
{
	list_del(link);
	store_relaxed(&c->count, c->count - 1);
}
/* => who came first, or NULL. */
static inline struct list *crowd_pop_locked(struct socket_crowd *c)
{
	struct list *first = c->count ? c->list.next : NULL;
	if (first)
		crowd_del_locked(c, first);
	return first;
}

struct socket_waiter {
	struct ipc_waiter wait;
	struct socket *at;
	struct socket_crowd *crowd;
	struct list link; /* [at->lock] */
};
/* Queues the caller; at->lock held. */
static inline void socket_wait_begin(struct socket_waiter *w, struct socket *at,
                                     struct socket_crowd *crowd)
{
	ipc_waiter_init(&w->wait);
	w->at = at;
	w->crowd = crowd;
	crowd_add_locked(crowd, &w->link);
}
/* Sleeps; no lock held. => 0, -EAGAIN at the deadline, or what a signal means: -ERESTARTSYS, with a deadline -EINTR. */
MUST_CHECK int socket_wait(struct socket_waiter *w, u64 deadline);
/* Takes the first one, or all, out of the crowd: "look again". */
void socket_wake_one_locked(struct socket_crowd *crowd, struct ipc_wake_list *wakes);
void socket_wake_all_locked(struct socket_crowd *crowd, struct ipc_wake_list *wakes);

/* --- Datagram peers --- */

/* s cannot send to `to` for want of room: its pollers will hear when there is some. => false: there is already. */
bool socket_throttle(struct socket *s, struct socket *to);
/* There is room in the queue of s. No lock held. */
void socket_tell_throttled(struct socket *s);
/* s sends there no longer. No lock held. */
void socket_unthrottle(struct socket *s);
/* s, a datagram socket, no longer has the peer `old`. No lock held. */
void socket_disconnected(struct socket *s, struct socket *old);

/* --- Names --- */
void socket_unname(struct socket *s); /* it is found no longer */
void socket_names_init(void);
void socket_rights_init(void);

/* --- Flight: rights.c --- */

struct socket_flight {
	struct port_lock lock; /* class SOCKET_FLIGHT */
	struct list sockets;   /* [l] in flight, by flight_link */
	u32 count;             /* [l, a] of them */
};
extern struct socket_flight socket_flight;
