/* msgrcv(2). */
#include "kernel/ipc/msg/queue.h"

static struct msg_want want_of(s64 type, u32 flags)
{
	if (flags & MSG_COPY)
		return (struct msg_want){MSG_NUMBERED, type};
	if (type == 0)
		return (struct msg_want){MSG_ANY, 0};
	if (type < 0)
		return (struct msg_want){MSG_UP_TO, type == INT64_MIN ? INT64_MAX : -type};
	return (struct msg_want){flags & MSG_EXCEPT ? MSG_NOT_OF_TYPE : MSG_OF_TYPE, type};
}

static struct msg *message_of(struct typed *t)
{
	return t ? container_of(t, struct msg, typed) : NULL;
}

/* MSG_COPY: the n-th message, whatever its type. */
static struct msg *numbered(const struct msg_queue *q, s64 n)
{
	struct msg *m;
	list_for_each (m, &q->messages, link)
		if (n-- == 0)
			return m;
	return NULL;
}

/* Messages of different types: the index knows. */
static NOINLINE struct msg *choose_mixed(struct msg_queue *q, struct msg_want want)
{
	struct msg *first = list_first(&q->messages, struct msg, link);
	switch (want.choice) {
	case MSG_ANY: return first;
	case MSG_OF_TYPE: return message_of(typed_of_type(&q->types, want.type));
	case MSG_UP_TO: return message_of(typed_of_lowest(&q->types, want.type));
	case MSG_NOT_OF_TYPE:
		return first->typed.type != want.type
		               ? first
		               : message_of(typed_except(&q->types, want.type));
	case MSG_NUMBERED: return numbered(q, want.type);
	}
	return NULL;
}

/* => the message to receive, or NULL. */
static ALWAYS_INLINE struct msg *choose(struct msg_queue *q, struct msg_want want)
{
	if (list_empty(&q->messages))
		return NULL;
	struct msg *first = list_first(&q->messages, struct msg, link);
	if (likely(want.choice == MSG_ANY))
		return first;
	if (q->mixed || want.choice == MSG_NUMBERED)
		return choose_mixed(q, want);
	return msg_wanted(want, first->typed.type) ? first : NULL;
}

void msg_take(struct msg_queue *q, struct msg *m)
{
	list_del(&m->link);
	if (unlikely(q->mixed)) {
		typed_del(&q->types, &m->typed);
		q->mixed = !list_empty(&q->messages);
	}
	q->bytes -= m->text.size;
	q->count--;
}

/* --- sleeping --- */

static bool withdraw(struct ipc_waiter *wait)
{
	struct msg_receiver *r = container_of(wait, struct msg_receiver, wait);
	bool pending = false;
	port_read_lock();
	if (!ipc_waiter_over(wait)) { /* so the queue's memory is still there, see wait.h */
		port_lock(&r->queue->obj.lock);
		pending = ipc_waiter_pending(wait);
		if (pending)
			msg_receiver_del(r->queue, r);
		port_unlock(&r->queue->obj.lock);
	}
	port_read_unlock();
	return pending;
}

struct receive_request {
	struct msg_want want;
	u64 size;
	u32 flags;
	u64 deadline;
};

/* => 0 and *out: handed over by a sender; MSG_ASK_AGAIN; or why not. Leaves lock and read section. */
static NOINLINE int sleep_unlock(struct msg_queue *q, const struct receive_request *rq,
                                 struct msg **out)
{
	struct msg_receiver r = {
		.queue = q,
		.want = rq->want,
		.max = rq->flags & MSG_NOERROR ? UINT64_MAX : rq->size,
		.pid = port_pid(),
	};
	ipc_waiter_init(&r.wait);
	msg_receiver_add(q, &r);
	msg_unlock(q);
	int result = msg_wait_result(ipc_wait(&r.wait, rq->deadline, withdraw));
	*out = r.got;
	return result;
}

/* --- receiving --- */

/* => 0 and *out, which is the caller's; or -errno, MSG_ASK_AGAIN. */
static ALWAYS_INLINE int receive_once(struct ipc_namespace *ns, ipc_id_t id,
                                      const struct receive_request *rq, struct msg **out)
{
	struct ipc_wake_list wakes = {0};
	port_read_lock();
	struct msg_queue *q = msg_find(ns, id);
	TRY(msg_lock(q, q ? ipc_permit(&q->obj, IPC_READ) : -EINVAL));
	struct msg *m = choose(q, rq->want);
	if (unlikely(!m)) {
		if (!(rq->flags & IPC_NOWAIT))
			return sleep_unlock(q, rq, out);
		msg_unlock(q);
		return -ENOMSG;
	}
	if (unlikely(rq->size < m->text.size && !(rq->flags & MSG_NOERROR))) {
		msg_unlock(q);
		return -E2BIG;
	}
	msg_take(q, m);
	q->rtime = port_real_seconds();
	q->receive_pid = port_pid();
	if (unlikely(!list_empty(&q->senders)))
		msg_settle_senders(q, &wakes);
	msg_unlock_wake(q, &wakes);
	*out = m;
	return 0;
}

/* The receiver could not take the message after all: it goes back to its place, or to who waits for it. It goes with
 * the queue when that is gone. */
static NOINLINE void give_back(struct ipc_namespace *ns, ipc_id_t id, struct msg *m)
{
	struct ipc_wake_list wakes = {0};
	port_read_lock();
	struct msg_queue *q = msg_find(ns, id);
	if (msg_lock(q, q ? 0 : -EINVAL)) {
		msg_free(m);
		return;
	}
	msg_deliver(q, m, &wakes);
	msg_unlock_wake(q, &wakes);
}

/* struct msgbuf: the type, then the text. */
static ALWAYS_INLINE int to_user(const struct msg *m, uptr_t buf, u64 n)
{
	TRY(port_copy_out(buf, &m->typed.type, sizeof m->typed.type));
	return ipc_text_out(m, MSG_TEXT, uptr_add(buf, sizeof m->typed.type), n);
}

/* MSG_COPY, msgrcv(2): a copy of the n-th message, which stays. */
static NOINLINE s64 receive_copy(struct ipc_namespace *ns, ipc_id_t id, uptr_t buf, u64 size,
                                 s64 position, u32 flags)
{
	if ((flags & MSG_EXCEPT) || !(flags & IPC_NOWAIT))
		return -EINVAL;
	AUTO_PUT(msg)
	copy = ipc_text_new_empty(MSG_TEXT, MIN(size, (u64)(u32)load_relaxed(&ns->msg_max)));
	if (!copy)
		return -ENOMEM;
	u64 room = copy->text.size;
	port_read_lock();
	struct msg_queue *q = msg_find(ns, id);
	TRY(msg_lock(q, q ? ipc_permit(&q->obj, IPC_READ) : -EINVAL));
	const struct msg *m = numbered(q, position);
	int err = !m ? -ENOMSG : size < m->text.size && !(flags & MSG_NOERROR) ? -E2BIG : 0;
	/* Larger than what was reserved: cut off only if asked (Linux says EINVAL when msgmax has shrunk since). */
	if (!err && m->text.size > room)
		err = -EINVAL;
	if (!err) {
		copy->typed.type = m->typed.type;
		ipc_text_fill(copy, m, MSG_TEXT);
	}
	msg_unlock(q);
	TRY(err);
	u64 n = MIN(size, copy->text.size);
	TRY(to_user(copy, buf, n));
	return (s64)n;
}

s64 msg_receive(struct ipc_namespace *ns, ipc_id_t id, uptr_t buf, u64 size, s64 type, u32 flags,
                u64 deadline)
{
	if (unlikely(id.n < 0 || (s64)size < 0))
		return -EINVAL;
	if (unlikely(flags & MSG_COPY))
		return receive_copy(ns, id, buf, size, type, flags);
	const struct receive_request rq = {want_of(type, flags), size, flags, deadline};
	struct msg *m = NULL;
	int result = receive_once(ns, id, &rq, &m);
	while (unlikely(result == MSG_ASK_AGAIN))
		result = msg_asked_again(receive_once(ns, id, &rq, &m));
	if (unlikely(result))
		return result;
	u64 n = MIN(size, m->text.size);
	if (unlikely(to_user(m, buf, n))) {
		give_back(ns, id, m);
		return -EFAULT;
	}
	msg_free(m);
	return (s64)n;
}
