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
static NOINLINE bool hand_over(struct msg_queue *q, struct msg *m, struct ipc_wake_list *wakes)
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
	if (unlikely(msg_receivers_wait(q)) && hand_over(q, m, wakes))
		return;
	enqueue(q, m);
}

void msg_deliver(struct msg_queue *q, struct msg *m, struct ipc_wake_list *wakes)
{
	deliver(q, m, wakes);
}

/* The infallible part of a send, by the sender itself or on behalf of one that sleeps. */
static ALWAYS_INLINE void commit(struct msg_queue *q, struct msg *m, s32 pid,
                                 struct ipc_wake_list *wakes)
{
	m->typed.age = q->next_age++;
	q->send_pid = pid;
	q->stime = port_real_seconds();
	deliver(q, m, wakes);
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
		commit(q, s->m, s->pid, wakes);
		ipc_waiter_decide(&s->wait, 0, wakes);
	}
}

/* ipc_wait() asks: the sleeper gives up, unless its outcome is decided. */
static bool withdraw(struct ipc_waiter *wait)
{
	struct msg_sender *s = container_of(wait, struct msg_sender, wait);
	bool pending = false;
	port_read_lock();
	if (!ipc_waiter_over(wait)) { /* so the queue's memory is still there, see wait.h */
		port_lock(&s->queue->obj.lock);
		pending = ipc_waiter_pending(wait);
		if (pending)
			msg_sender_del(s->queue, s);
		port_unlock(&s->queue->obj.lock);
	}
	port_read_unlock();
	return pending;
}

/* => 0: sent by whoever made room; MSG_ASK_AGAIN; or why not. Leaves lock and read section. */
static NOINLINE int sleep_unlock(struct msg_queue *q, struct msg *m, u64 deadline)
{
	struct msg_sender s = {
		.queue = q, .m = m, .pid = port_pid(), .permissions = q->permissions};
	ipc_waiter_init(&s.wait);
	msg_sender_add(q, &s);
	msg_unlock(q);
	return msg_wait_result(ipc_wait(&s.wait, deadline, withdraw));
}

/* => 0 when the queue has taken m over. */
static ALWAYS_INLINE int send_once(struct ipc_namespace *ns, ipc_id_t id, struct msg *m, u32 flags,
                                   u64 deadline)
{
	struct ipc_wake_list wakes = {0};
	port_read_lock();
	struct msg_queue *q = msg_find(ns, id);
	TRY(msg_lock(q, q ? ipc_permit(&q->obj, IPC_WRITE) : -EINVAL));
	if (unlikely(!msg_fits(q, m->text.size))) {
		if (!(flags & IPC_NOWAIT))
			return sleep_unlock(q, m, deadline);
		msg_unlock(q);
		return -EAGAIN;
	}
	commit(q, m, port_pid(), &wakes);
	msg_unlock_wake(q, &wakes);
	return 0;
}

int msg_send(struct ipc_namespace *ns, ipc_id_t id, s64 type, uptr_t text, u64 size, u32 flags,
             u64 deadline)
{
	if (unlikely(size > (u64)(u32)load_relaxed(&ns->msg_max) || id.n < 0 || type < 1))
		return -EINVAL;
	struct msg *m = msg_new(type, text, size);
	if (unlikely(is_err(m)))
		return ptr_err(m);
	int result = send_once(ns, id, m, flags, deadline);
	while (unlikely(result == MSG_ASK_AGAIN))
		result = msg_asked_again(send_once(ns, id, m, flags, deadline));
	if (unlikely(result))
		msg_free(m);
	return result;
}
