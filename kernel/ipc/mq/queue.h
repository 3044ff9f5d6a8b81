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

struct mq_queue {
	struct port_lock lock;
	u32 count;            /* [l] messages; polls read it */
	u32 max_count;        /* [I] mq_maxmsg */
	u64 max_size;         /* [I] mq_msgsize */
	struct list messages; /* [l] highest priority first, then by age */
	u64 bytes;            /* [l] of all messages */
	u64 next_age;         /* [l] of messages and of waiters */
	u64 changed_ns;       /* [a] port_real_ns() of the last send or receive */
	struct rb_root receivers,
		senders;       /* [l] struct typed of waiters: type is minus the urgency */
	struct levels *levels; /* [a] once made, for ever */
	bool indexed; /* [l] levels knows the priorities of messages; else they have only one */
	u32 usual_priority;         /* [a] of the first message ever; UINT32_MAX: none yet */
	struct port_notice *notice; /* [l] to write */
	struct port_pollq poll;
	struct mq_space *space; /* [I] reference */
	struct port_user *user; /* [I] reference; who was charged */
};

/* A call that sleeps: a receiver, or a sender. */
struct mq_waiter {
	struct ipc_waiter wait;
	struct mq_queue *queue;     /* [I] */
	struct rb_root *among;      /* [I] queue->receivers or senders */
	struct typed typed;         /* [l] in *among */
	struct mq_message *message; /* [l] to be sent; or handed over, once decided with 0 */
};

/* => the waiter to be served first, or NULL. Lock held. */
static inline struct mq_waiter *mq_first_waiter(const struct rb_root *waiters)
{
	struct rb_node *n = rb_first(waiters);
	return n ? rb_entry(n, struct mq_waiter, typed.node) : NULL;
}
/* The first waiter has got what it waited for. Lock held. */
static inline void mq_waiter_complete(struct rb_root *waiters, struct mq_waiter *w,
                                      struct ipc_wake_list *wakes)
{
	typed_del(waiters, &w->typed);
	ipc_waiter_decide(&w->wait, 0, wakes);
}

/* queue.c. Sleeps among `waiters` until w is completed: => 0, -ETIMEDOUT, -ERESTARTSYS. Unlocks the queue. */
MUST_CHECK int mq_sleep_unlock(struct mq_queue *q, struct mq_waiter *w, struct rb_root *waiters,
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
