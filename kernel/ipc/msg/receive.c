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

/* Lock held: takes a queued message out. */
static void msg_take(struct msg_queue *q, struct msg *m)
{
	list_unlink(&m->link);
	if (unlikely(q->mixed)) {
		typed_del(&q->types, &m->typed);
		q->mixed = !list_empty(&q->messages);
	}
	q->bytes -= m->text.size;
	q->count--;
}

/* --- sleeping --- */

static void dequeue(struct ipc_waiter *wait)
{
	struct msg_receiver *r = container_of(wait, struct msg_receiver, wait);
	msg_receiver_del(r->queue, r);
}
/* ipc_wait() asks: the sleeper gives up, unless its outcome is decided. */
static bool withdraw(struct ipc_waiter *wait)
{
	struct msg_receiver *r = container_of(wait, struct msg_receiver, wait);
	return ipc_waiter_withdraw(wait, &r->queue->obj.lock, dequeue);
}

/* => 0 and *out: handed over by a sender; MSG_ASK_AGAIN; or why not. Leaves lock and read section. */
static int sleep_unlock(struct msg_queue *q, struct msg_want want, u64 max, u64 deadline,
                        struct msg **out)
{
	struct msg_receiver r; /* what is not set here is when it is queued */
	ipc_waiter_init(&r.wait);
	r.queue = q;
	r.want = want;
	r.max = max;
	r.pid = port_pid();
	r.got = NULL;
	msg_receiver_add(q, &r);
	msg_unlock(q);
	int result = msg_wait_result(ipc_wait(&r.wait, deadline, withdraw));
	*out = r.got;
	return result;
}

/* --- receiving. The queue is locked in a read section, and afterwards neither. --- */

/* There is room for senders that sleep. */
static NOINLINE void settle_unlock(struct msg_queue *q)
{
	struct ipc_wake_list wakes = {0};
	msg_settle_senders(q, &wakes);
	msg_unlock_wake(q, &wakes);
}

/* => m, which is the caller's; or err_ptr -E2BIG. max: what the caller takes; UINT64_MAX: any, cut off. */
static ALWAYS_INLINE struct msg *take_unlock(struct msg_queue *q, struct msg *m, u64 max)
{
	if (unlikely(max < m->text.size)) {
		msg_unlock(q);
		return err_ptr(-E2BIG);
	}
	msg_take(q, m);
	q->rtime = port_real_seconds();
	q->receive_pid = port_pid();
	if (unlikely(!list_empty(&q->senders)))
		settle_unlock(q);
	else
		msg_unlock(q);
	return m;
}

/* There is no such message yet. => one, or err_ptr. */
static NOINLINE struct msg *receive_later_unlock(struct ipc_namespace *ns, ipc_id_t id,
                                                 struct msg_queue *q, struct msg_want want, u64 max,
                                                 u64 deadline)
{
	for (;;) {
		struct msg *m;
		int result = sleep_unlock(q, want, max, deadline, &m);
		if (result == MSG_ASK_AGAIN)
			result = msg_enter(ns, id, IPC_READ, -EIDRM, &q);
		else if (!result)
			return m;
		if (result)
			return err_ptr(result);
		m = choose(q, want);
		if (m)
			return take_unlock(q, m, max);
	}
}

/* => a message, which is the caller's, or err_ptr. */
static ALWAYS_INLINE struct msg *receive(struct ipc_namespace *ns, ipc_id_t id,
                                         struct msg_want want, u64 max, u32 flags, u64 deadline)
{
	struct msg_queue *q;
	int err = msg_enter(ns, id, IPC_READ, -EINVAL, &q);
	if (unlikely(err))
		return err_ptr(err);
	struct msg *m = choose(q, want);
	if (likely(m))
		return take_unlock(q, m, max);
	if (!(flags & IPC_NOWAIT))
		return receive_later_unlock(ns, id, q, want, max, deadline);
	msg_unlock(q);
	return err_ptr(-ENOMSG);
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
	/* Filled from the caller's buffer although that is of no use, as Linux does: EFAULT comes before ENOMSG. */
	AUTO_PUT(msg)
	copy = TRY_PTR(msg_new(0, buf, MIN(size, (u64)(u32)load_relaxed(&ns->msg_max))));
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
	struct msg *m = TRY_PTR(receive(ns, id, want_of(type, flags),
	                                flags & MSG_NOERROR ? UINT64_MAX : size, flags, deadline));
	u64 n = MIN(size, m->text.size);
	if (unlikely(to_user(m, buf, n))) {
		give_back(ns, id, m);
		return -EFAULT;
	}
	msg_free(m);
	return (s64)n;
}
