/*
 * A message queue inside: for the files of this folder only. The essay is in msg.h.
 *
 * What protects a field: [I] immutable, [l] the queue's lock, [own] whoever owns the message.
 */
#pragma once
#include "kernel/ipc/msg/msg.h"
#include "kernel/ipc/ns.h"
#include "kernel/ipc/text.h"
#include "kernel/ipc/typed.h"
#include "kernel/ipc/wait.h"

struct msg {
	struct list link;     /* [l] queue->messages */
	struct typed typed;   /* type [I]; age [l] given when it is sent */
	struct ipc_text text; /* [I] */
};
enum { MSG_TEXT = offsetof(struct msg, text) };

struct msg_queue {
	struct ipc_object obj;
	struct list messages; /* [l] by age */
	struct rb_root types; /* [l] the same by type, while `mixed` */
	bool mixed;           /* [l] two messages had different types since the queue was empty */
	u64 bytes, count;     /* [l] to write */
	u64 max_bytes;        /* [l] msg_qbytes */
	u64 next_age;         /* [l] of messages and of waiters */
	u32 permissions; /* [l] changes with every IPC_SET: sleepers of before must ask again */
	s32 send_pid, receive_pid;
	s64 stime, rtime, ctime;
	/* Sleeping receivers [l]: those that want one type, and the others by age. */
	struct rb_root exact;
	struct list others;
	struct rb_root other_tree; /* others, while not all take anything */
	bool others_mixed;
	/* Sleeping senders [l], by age. */
	struct list senders;
	struct rb_root sender_tree; /* while sizes differ */
	bool senders_mixed;
};

/* No lock held. msg_new => a message, or err_ptr -EFAULT, -ENOMEM. */
static ALWAYS_INLINE void msg_free(struct msg *m)
{
	ipc_text_free(m, MSG_TEXT);
}
DEFINE_GUARD(msg, struct msg *, msg_free)
MUST_CHECK static ALWAYS_INLINE struct msg *msg_new(s64 type, uptr_t text, u64 size)
{
	struct msg *m = ipc_text_new(MSG_TEXT, text, size);
	if (likely(!is_err(m)))
		m->typed.type = type;
	return m;
}

/* What a receiver asks for. */
enum msg_choice { MSG_ANY, MSG_OF_TYPE, MSG_UP_TO, MSG_NOT_OF_TYPE, MSG_NUMBERED };
struct msg_want {
	enum msg_choice choice;
	s64 type; /* or bound, or position */
};
static inline bool msg_wanted(struct msg_want want, s64 type)
{
	switch (want.choice) {
	case MSG_ANY: return true;
	case MSG_OF_TYPE: return type == want.type;
	case MSG_UP_TO: return type <= want.type;
	case MSG_NOT_OF_TYPE: return type != want.type;
	case MSG_NUMBERED: return false;
	}
	return false;
}

/* The result of a sleep that was ended so that the sleeper looks again: permissions have changed. */
enum { MSG_ASK_AGAIN = 1 };

struct msg_receiver {
	struct ipc_waiter wait;
	struct msg_queue *queue; /* [I] good while pending, see wait.h */
	struct msg_want want;    /* [I] */
	u64 max;                 /* [I] bytes it takes; UINT64_MAX: any, cut off */
	s32 pid;                 /* [I] */
	struct msg *got;         /* [l] handed over, once decided with 0 */
	struct typed typed;      /* [l] in queue->exact; age: of all receivers */
	struct list link;        /* [l] in queue->others */
	struct rb_node node;     /* [l] in queue->other_tree */
	s64 bound; /* [l] highest type that MSG_ANY, MSG_UP_TO below node take; 0: none */
	s64 not_low,
		not_high; /* [l] lowest and highest type that a MSG_NOT_OF_TYPE below refuses */
};
struct msg_sender {
	struct ipc_waiter wait;
	struct msg_queue *queue; /* [I] */
	struct msg *m;           /* [l] to be sent; the queue's once decided with 0 */
	s32 pid;                 /* [I] */
	u32 permissions;         /* [I] of the queue when it was admitted */
	u64 age;                 /* [I] */
	struct list link;        /* [l] in queue->senders */
	struct rb_node node;     /* [l] in queue->sender_tree */
	u64 least;               /* [l] least size below node */
};

/* waiters.c. Lock held. */
void msg_receiver_add(struct msg_queue *q, struct msg_receiver *r);
void msg_receiver_del(struct msg_queue *q, struct msg_receiver *r);
static inline bool msg_receivers_wait(const struct msg_queue *q)
{
	return !list_empty(&q->others) || !rb_empty(&q->exact);
}
/* => who waits longest of those that a message of this type serves, or NULL. */
struct msg_receiver *msg_receiver_for(const struct msg_queue *q, s64 type);
/* => anybody who waits, or NULL. */
struct msg_receiver *msg_receiver_any(const struct msg_queue *q);
void msg_sender_add(struct msg_queue *q, struct msg_sender *s);
void msg_sender_del(struct msg_queue *q, struct msg_sender *s);
/* => who waits longest of those whose message has at most `room` bytes, or NULL. */
struct msg_sender *msg_sender_for(const struct msg_queue *q, u64 room);

/* send.c. Lock held. */
static ALWAYS_INLINE bool msg_fits(const struct msg_queue *q, u64 size)
{
	return q->bytes + size <= q->max_bytes && q->count < q->max_bytes;
}
/* Hands m to a waiting receiver or queues it; m has its age. */
void msg_deliver(struct msg_queue *q, struct msg *m, struct ipc_wake_list *wakes);
/* Completes the senders that there is room for. */
void msg_settle_senders(struct msg_queue *q, struct ipc_wake_list *wakes);

/* queue.c */
static ALWAYS_INLINE struct msg_queue *msg_find(const struct ipc_namespace *ns, ipc_id_t id)
{
	struct ipc_object *o = ipc_ids_find(&ns->msg, id);
	_Static_assert(offsetof(struct msg_queue, obj) == 0, "a NULL object is a NULL queue");
	return (struct msg_queue *)o;
}
/* As ipc_object_enter(); q may be NULL when err is set. */
static ALWAYS_INLINE int msg_lock(struct msg_queue *q, int err)
{
	return ipc_object_enter((struct ipc_object *)q, err);
}
/* For sending and receiving. => 0 and a locked queue in a read section; -EACCES, -EIDRM, or `missing` when there is none:
 * -EINVAL, or -EIDRM for who has slept at the queue and knows that it was there. */
static ALWAYS_INLINE int msg_enter(const struct ipc_namespace *ns, ipc_id_t id, u32 want,
                                   int missing, struct msg_queue **out_queue)
{
	port_read_lock();
	struct msg_queue *q = msg_find(ns, id);
	*out_queue = q;
	return msg_lock(q, likely(q) ? ipc_permit(&q->obj, want) : missing);
}
static ALWAYS_INLINE void msg_unlock(struct msg_queue *q)
{
	ipc_object_leave(&q->obj);
}
static ALWAYS_INLINE void msg_unlock_wake(struct msg_queue *q, struct ipc_wake_list *wakes)
{
	port_unlock(&q->obj.lock);
	ipc_wake_flush(wakes);
	port_read_unlock();
}
/* signal(7): these calls restart only when no handler ran. */
static inline int msg_wait_result(int result)
{
	return result == -EINTR ? -ERESTARTNOHAND : result;
}
