/*
 * POSIX message queues, mq_overview(7): bounded queues of messages with a priority each.
 *
 * What it is. A receiver gets the oldest message of the highest priority. A full queue blocks senders, an empty one
 * receivers; of those the one with the highest scheduling priority is served first, then the one that waits longest, as
 * on Linux. Names, permissions and descriptors are the world's: it keeps a queue as long as a name or an open file
 * refers to it (kernel/port/mq_file.c, mqueue_fs.c).
 *
 * Files: this one is what the rest of the system calls; queue.h is how a queue looks inside.
 *	send.c	  mq_send, and completing receivers	receive.c mq_receive, and completing senders
 *	queue.c	  making, attributes, notification	waiters.c who sleeps
 *	levels.c  where a priority's messages begin
 *	../text.c the bytes of a message		../typed.c who waits, by urgency
 *
 * Objects and lifetimes
 *	struct mq_space	the limits of one IPC namespace and the count of its queues. Referenced by the namespace
 *			and by each queue: descriptors outlive namespaces.
 *	struct mq_queue	made by mq_new(), freed by mq_free() when the world's last reference has gone; whoever
 *			calls, or sleeps, holds one. So there is no removal to wait for.
 *	struct mq_message one allocation up to a page (text.h). Owned by the sender until it is queued or handed
 *			over, by the queue, then by the receiver, who frees it.
 *	struct mq_waiter a sleeping call, on the sleeper's stack.
 *	struct port_notice who wants to know of the first message (port.h). Owned by the queue.
 *
 * The way of a message
 *
 *	mq_send: copied in, no lock held
 *	   | lock                 full: MQ_NONBLOCK -EAGAIN; else sleep among the senders --------+
 *	   v                                                                                      |
 *	a receiver waits? handed over, receiver woken with it                                     |
 *	   | no: queued; was it empty: the notice fires                                           |
 *	   v                                                                                      |
 *	mq_receive: lock, take the first out ---> room: the first sleeping sender's message is    |
 *	   | unlock                                queued by the receiver <-----------------------+
 *	   v
 *	copied out, freed. The copy faults: back to its place in the queue, or to who waits for it; -EFAULT. (Linux
 *	loses it.) Meanwhile its room may have been given away: such a queue holds one more than its maximum.
 *
 * So at any time with the lock free: no receiver waits at a queue with messages, no sender at one with room.
 *
 * Notification, mq_notify(3). At most one process is registered. The notice leaves the queue under the lock and is
 * told, or withdrawn, after it: so it is told at most once.
 *
 * Locking: queue->lock (MQ); no allocation, user copy, wake-up or notice under it.
 *
 * What can fail: the errnos of the man pages in Linux's order. Interrupted calls give -ERESTARTSYS.
 */
#pragma once
#include "abi/mqueue.h"
#include "kernel/ipc/port.h"
#include "kernel/lib/refcount.h"

struct mq_queue;

struct mq_space {
	refcount_t refs;
	u32 queues;     /* [a] */
	s32 queues_max; /* [a] limits, as sysctl sets them; compared unsigned, as on Linux */
	s32 msg_max, msgsize_max;         /* [a] most that mq_open(2) grants the unprivileged */
	s32 msg_default, msgsize_default; /* [a] what it gives when it is not told */
	u32 uid, gid; /* [I] who made the namespace: the owner of the directory of names */
	bool closed;  /* [a] the namespace has gone: no new queues */
	struct port_mq_names *names; /* [a] the world's; NULL until somebody asked */
};
/* => limits as Linux begins with, one reference; or NULL. */
MUST_CHECK struct mq_space *mq_space_new(void);
void mq_space_init(struct mq_space *s); /* the same in the caller's memory */
static inline void mq_space_get(struct mq_space *s)
{
	refcount_get(&s->refs);
}
void mq_space_put(struct mq_space *s);
/* The namespace goes, and its names with it; its reference is put afterwards. */
void mq_space_close(struct mq_space *s);

/* A queue with these attributes (maxmsg, msgsize), or NULL: the defaults. => queue, or err_ptr: -EACCES (the namespace
 * has gone), -ENOSPC (queues_max), -EINVAL, -ENOMEM, -EMFILE (RLIMIT_MSGQUEUE). */
MUST_CHECK struct mq_queue *mq_new(struct mq_space *s, const struct mq_attr *attr);
void mq_free(struct mq_queue *q);

enum mq_block { MQ_BLOCK, MQ_NONBLOCK };
/* deadline: port_real_ns() time, or PORT_FOREVER. => 0, or -EMSGSIZE, -EFAULT, -ENOMEM, -EAGAIN, -ETIMEDOUT, -ERESTARTSYS. */
MUST_CHECK s64 mq_send(struct mq_queue *q, uptr_t text, u64 size, u32 priority, enum mq_block block,
                       u64 deadline);
/* out_priority: u32 of the caller, or NULL. => bytes received, or -EMSGSIZE (size is less than msgsize), -EAGAIN,
 * -ETIMEDOUT, -ERESTARTSYS, -EFAULT. */
MUST_CHECK s64 mq_receive(struct mq_queue *q, uptr_t text, u64 size, uptr_t out_priority,
                          enum mq_block block, u64 deadline);

/* maxmsg, msgsize, curmsgs; the rest 0. */
void mq_attributes(struct mq_queue *q, struct mq_attr *out);
/* POLL* that are true now. */
u32 mq_events(struct mq_queue *q);
struct port_pollq *mq_pollq(struct mq_queue *q);

/* Registers for notification; takes the notice over if it succeeds. => 0 or -EBUSY. */
MUST_CHECK int mq_notify(struct mq_queue *q, struct port_notice *notice);
/* Ends the caller's registration, if it has one. => whether it had. */
bool mq_notify_end(struct mq_queue *q);
/* The same when the caller closes a descriptor. */
void mq_closed(struct mq_queue *q);

/* What reading the queue's file gives: one line. => its length. */
enum { MQ_LINE = 80 };
int mq_line(struct mq_queue *q, char buf[MQ_LINE]);

/* => port_real_ns() of the last send or receive since the last call, or 0. _peek: and keeps it. */
u64 mq_changed_take(struct mq_queue *q);
u64 mq_changed_peek(const struct mq_queue *q);
