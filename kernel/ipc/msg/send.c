/* msgsnd(2), and what a sender does for receivers that wait. */
#include "kernel/ipc/msg/queue.h"

/* A second type appears: the index begins. */
static NOINLINE void types_mix(struct msg_queue *q)
{
	struct msg *m;
	q->mixed = true;
	q->types = (struct rb_root){0};
	list_for_each (m, &q->messages, link)
		typed_add(&q->types, &m->typed);
}

/* Newcomers are the youngest; one that comes back goes where it was. */
static ALWAYS_INLINE void enqueue(struct msg_queue *q, struct msg *m)
{
	struct list *before = q->messages.prev;
	bool differs = before != &q->messages &&
	               list_entry(before, struct msg, link)->typed.type != m->typed.type;
	while (unlikely(before != &q->messages) &&
	       unlikely(list_entry(before, struct msg, link)->typed.age > m->typed.age))
		before = before->prev;
	list_insert_between(&m->link, before, before->next);
	if (unlikely(q->mixed))
		typed_add(&q->types, &m->typed);
	else if (unlikely(differs))
		types_mix(q);
	q->bytes += m->text.size;
	q->count++;
}

/* => true when a receiver took m. Those whose buffer is too small learn it, and the next is asked. */
static ALWAYS_INLINE bool hand_over(struct msg_queue *q, struct msg *m, struct ipc_wake_list *wakes)
{
	struct msg_receiver *r;
	while ((r = msg_receiver_for(q, m->typed.type))) {
		msg_receiver_del(q, r);
		if (r->max < m->text.size) {
			ipc_waiter_decide(&r->wait, -E2BIG, wakes);
			continue;
		}
		r->got = m;
		q->receive_pid = r->pid;
		q->rtime = port_real_seconds();
		ipc_waiter_decide(&r->wait, 0, wakes);
		return true;
	}
	return false;
}

static ALWAYS_INLINE void deliver(struct msg_queue *q, struct msg *m, struct ipc_wake_list *wakes)
{
	if (!msg_receivers_wait(q) || !hand_over(q, m, wakes))
		enqueue(q, m);
}
void msg_deliver(struct msg_queue *q, struct msg *m, struct ipc_wake_list *wakes)
{
	deliver(q, m, wakes);
}

/* The infallible part of a send, by the sender itself or on behalf of one that sleeps; m is to be delivered. */
static ALWAYS_INLINE void commit(struct msg_queue *q, struct msg *m, s32 pid)
{
	m->typed.age = q->next_age++;
	q->send_pid = pid;
	q->stime = port_real_seconds();
}

void msg_settle_senders(struct msg_queue *q, struct ipc_wake_list *wakes)
{
	struct msg_sender *s;
	while (q->count < q->max_bytes &&
	       (s = msg_sender_for(q, q->max_bytes - MIN(q->bytes, q->max_bytes)))) {
		msg_sender_del(q, s);
		if (s->permissions != q->permissions) {
			ipc_waiter_decide(&s->wait, MSG_ASK_AGAIN, wakes);
			continue;
		}
		commit(q, s->m, s->pid);
		msg_deliver(q, s->m, wakes);
		ipc_waiter_decide(&s->wait, 0, wakes);
	}
}

/* --- sleeping --- */

static void dequeue(struct ipc_waiter *wait)
{
	struct msg_sender *s = container_of(wait, struct msg_sender, wait);
	msg_sender_del(s->queue, s);
}
/* ipc_wait() asks: the sleeper gives up, unless its outcome is decided. */
static bool withdraw(struct ipc_waiter *wait)
{
	struct msg_sender *s = container_of(wait, struct msg_sender, wait);
	return ipc_waiter_withdraw(wait, &s->queue->obj.lock, dequeue);
}

/* => 0: sent by whoever made room; MSG_ASK_AGAIN; or why not. Leaves lock and read section. */
static int sleep_unlock(struct msg_queue *q, struct msg *m, u64 deadline)
{
	struct msg_sender s = {
		.queue = q, .m = m, .pid = port_pid(), .permissions = q->permissions};
	ipc_waiter_init(&s.wait);
	msg_sender_add(q, &s);
	msg_unlock(q);
	return msg_wait_result(ipc_wait(&s.wait, deadline, withdraw));
}

/* --- sending. The queue is locked in a read section, and afterwards neither. --- */

/* Receivers wait, and one may want m. */
static NOINLINE void deliver_unlock(struct msg_queue *q, struct msg *m)
{
	struct ipc_wake_list wakes = {0};
	deliver(q, m, &wakes);
	msg_unlock_wake(q, &wakes);
}

static ALWAYS_INLINE void send_unlock(struct msg_queue *q, struct msg *m)
{
	commit(q, m, port_pid());
	if (unlikely(msg_receivers_wait(q))) {
		deliver_unlock(q, m);
		return;
	}
	enqueue(q, m);
	msg_unlock(q);
}

/* There is no room. => 0: sent. */
static NOINLINE int send_later_unlock(struct ipc_namespace *ns, ipc_id_t id, struct msg_queue *q,
                                      struct msg *m, u64 deadline)
{
	for (;;) {
		int result = sleep_unlock(q, m, deadline);
		if (result != MSG_ASK_AGAIN)
			return result;
		TRY(msg_enter(ns, id, IPC_WRITE, -EIDRM, &q));
		if (msg_fits(q, m->text.size)) {
			send_unlock(q, m);
			return 0;
		}
	}
}

/* => 0 when the queue has taken m over. */
static ALWAYS_INLINE int send(struct ipc_namespace *ns, ipc_id_t id, struct msg *m, u32 flags,
                              u64 deadline)
{
	struct msg_queue *q;
	TRY(msg_enter(ns, id, IPC_WRITE, -EINVAL, &q));
	if (unlikely(!msg_fits(q, m->text.size))) {
		if (!(flags & IPC_NOWAIT))
			return send_later_unlock(ns, id, q, m, deadline);
		msg_unlock(q);
		return -EAGAIN;
	}
	send_unlock(q, m);
	return 0;
}

int msg_send(struct ipc_namespace *ns, ipc_id_t id, s64 type, uptr_t text, u64 size, u32 flags,
             u64 deadline)
{
	if (unlikely(size > (u64)(u32)load_relaxed(&ns->msg_max) || id.n < 0 || type < 1))
		return -EINVAL;
	struct msg *m = TRY_PTR(msg_new(type, text, size));
	int result = send(ns, id, m, flags, deadline);
	if (unlikely(result))
		msg_free(m);
	return result;
}
