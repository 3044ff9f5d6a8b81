/*
 * A queue inside: for the files of this folder only. The essay is in mq.h.
 *
 * What protects a field: [I] immutable, [a] atomic, [l] the queue's lock, [own] whoever owns the message.
 */
#pragma once
#include "kernel/ipc/mq/levels.h"
#include "kernel/ipc/mq/mq.h"
#include "kernel/ipc/text.h"
#include "kernel/ipc/typed.h"
#include "kernel/ipc/wait.h"

struct mq_message {
	struct list link;         /* [l] queue->messages */
	struct mq_message *chain; /* [l] levels->bucket */
	u64 age;                  /* [l] given when it is sent; less is older */
	u32 priority;             /* [I] */
	struct ipc_text text;     /* [I] */
};
enum { MQ_TEXT = offsetof(struct mq_message, text) };

static ALWAYS_INLINE void mq_message_free(struct mq_message *m)
{
	ipc_text_free(m, MQ_TEXT);
}

/*
 * Who sleeps at one side of a queue. While all are equally urgent, as nearly always, a list in order of age serves; when
 * they differ, they stand in a tree by urgency, too, until the crowd has gone.
 */
struct mq_crowd {
	struct list waiters; /* [l] all, by age */
	struct rb_root
		tree; /* [l] the same while `mixed`: struct typed, type is minus the urgency */
	bool mixed;   /* [l] */
};
/* A call that sleeps: a receiver, or a sender. */
struct mq_waiter {
	struct ipc_waiter wait;
	struct mq_queue *queue;     /* [I] */
	struct mq_crowd *crowd;     /* [I] its receivers or senders */
	struct list link;           /* [l] crowd->waiters */
	struct typed typed;         /* [l] crowd->tree */
	struct mq_message *message; /* [l] to be sent; or handed over, once decided with 0 */
};

/* waiters.c. Lock held. */
void mq_crowd_mix(struct mq_crowd *c);
/* The one to be served first; c is mixed. */
struct mq_waiter *mq_crowd_most_urgent(const struct mq_crowd *c);
void mq_crowd_leave_tree(struct mq_crowd *c, struct mq_waiter *w);

static inline void mq_crowd_init(struct mq_crowd *c)
{
	list_init(&c->waiters);
}
static ALWAYS_INLINE bool mq_crowd_empty(const struct mq_crowd *c)
{
	return list_empty(&c->waiters);
}
/* w->typed is filled in. */
static inline void mq_crowd_add(struct mq_crowd *c, struct mq_waiter *w)
{
	if (unlikely(!mq_crowd_empty(c)) && !c->mixed &&
	    list_first(&c->waiters, struct mq_waiter, link)->typed.type != w->typed.type)
		mq_crowd_mix(c);
	list_add_tail(&c->waiters, &w->link);
	if (unlikely(c->mixed))
		typed_add(&c->tree, &w->typed);
}
static inline void mq_crowd_del(struct mq_crowd *c, struct mq_waiter *w)
{
	list_del(&w->link);
	if (unlikely(c->mixed))
		mq_crowd_leave_tree(c, w);
}
/* => the waiter to be served first; there is one. */
static inline struct mq_waiter *mq_crowd_first(const struct mq_crowd *c)
{
	return likely(!c->mixed) ? list_first(&c->waiters, struct mq_waiter, link)
	                         : mq_crowd_most_urgent(c);
}
/* It has got what it waited for. */
static inline void mq_waiter_complete(struct mq_waiter *w, struct ipc_wake_list *wakes)
{
	mq_crowd_del(w->crowd, w);
	ipc_waiter_decide(&w->wait, 0, wakes);
}

struct mq_queue {
	struct port_lock lock;
	u32 count;            /* [l] messages; polls read it */
	u32 max_count;        /* [I] mq_maxmsg */
	u64 max_size;         /* [I] mq_msgsize */
	struct list messages; /* [l] highest priority first, then by age */
	u64 bytes;            /* [l] of all messages */
	u64 next_age;         /* [l] of messages and of waiters */
	u64 changed_ns;       /* [a] port_real_ns() of the last send or receive */
	struct mq_crowd receivers, senders;
	struct levels *levels; /* [a] once made, for ever */
	bool indexed; /* [l] levels knows the priorities of messages; else they have only one */
	u32 usual_priority;         /* [a] of the first message ever; UINT32_MAX: none yet */
	struct port_notice *notice; /* [l] to write */
	struct port_pollq poll;
	struct mq_space *space; /* [I] reference */
	struct port_user *user; /* [I] reference; who was charged */
};

/* waiters.c. Sleeps in a crowd of q until w is completed: => 0, -ETIMEDOUT, -ERESTARTSYS. Unlocks the queue. */
MUST_CHECK int mq_sleep_unlock(struct mq_queue *q, struct mq_waiter *w, struct mq_crowd *c,
                               u64 deadline);

/* send.c. Makes sure that a message of this priority can be queued without fail. No lock held. => 0 or -ENOMEM. */
MUST_CHECK int mq_prepare_slow(struct mq_queue *q, u32 priority);
static ALWAYS_INLINE MUST_CHECK int mq_prepare(struct mq_queue *q, u32 priority)
{
	return likely(load_relaxed(&q->usual_priority) == priority || load_relaxed(&q->levels))
	               ? 0
	               : mq_prepare_slow(q, priority);
}
/* Queues m at its place. Lock held. mq_enqueue: a new one; mq_requeue: one that was sent before. */
void mq_enqueue(struct mq_queue *q, struct mq_message *m);
void mq_requeue(struct mq_queue *q, struct mq_message *m);
/* Takes the first message out; there is one. Lock held. */
struct mq_message *mq_take(struct mq_queue *q);
