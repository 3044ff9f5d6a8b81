/* mq_timedreceive(2), and what a receiver does for senders that wait. */
#include "kernel/ipc/mq/queue.h"

/* There is room: the messages of senders that wait are queued for them. Lock held. */
static NOINLINE void settle_senders(struct mq_queue *q, struct ipc_wake_list *wakes)
{
	while (q->count < q->max_count && !mq_crowd_empty(&q->senders)) {
		struct mq_waiter *w = mq_crowd_first(&q->senders);
		w->message->age = q->next_age++;
		mq_enqueue(q, w->message);
		mq_waiter_complete(w, wakes);
	}
}

/* => 0 and *out: handed over by a sender. Leaves the lock. */
static NOINLINE int receive_from_empty(struct mq_queue *q, enum mq_block block, u64 deadline,
                                       struct mq_message **out)
{
	struct mq_waiter w;
	if (block == MQ_NONBLOCK) {
		port_unlock(&q->lock);
		return -EAGAIN;
	}
	int result = mq_sleep_unlock(q, &w, &q->receivers, deadline);
	*out = w.message;
	return result;
}

/* => 0 and *out, which is the caller's; or -errno. */
static ALWAYS_INLINE int take(struct mq_queue *q, enum mq_block block, u64 deadline,
                              struct mq_message **out)
{
	u64 now = port_real_ns();
	port_lock(&q->lock);
	if (unlikely(!q->count))
		return receive_from_empty(q, block, deadline, out);
	*out = mq_take(q);
	store_relaxed(&q->changed_ns, now);
	if (unlikely(!mq_crowd_empty(&q->senders))) {
		struct ipc_wake_list wakes = {0};
		settle_senders(q, &wakes);
		port_unlock(&q->lock);
		ipc_wake_flush(&wakes);
		return 0;
	}
	port_unlock(&q->lock);
	port_poll_wake(&q->poll, 0);
	return 0;
}

/* The receiver could not take the message after all: it goes back to its place, or to who waits for it. */
static NOINLINE void give_back(struct mq_queue *q, struct mq_message *m)
{
	struct ipc_wake_list wakes = {0};
	port_lock(&q->lock);
	if (!mq_crowd_empty(&q->receivers)) {
		struct mq_waiter *receiver = mq_crowd_first(&q->receivers);
		receiver->message = m;
		mq_waiter_complete(receiver, &wakes);
	} else {
		mq_requeue(q, m);
	}
	port_unlock(&q->lock);
	ipc_wake_flush(&wakes);
	port_poll_wake(&q->poll, 0);
}

static ALWAYS_INLINE int to_user(const struct mq_message *m, uptr_t text, uptr_t out_priority)
{
	if (!uptr_null(out_priority))
		TRY(port_copy_out(out_priority, &m->priority, sizeof m->priority));
	return ipc_text_out(m, MQ_TEXT, text, m->text.size);
}

s64 mq_receive(struct mq_queue *q, uptr_t text, u64 size, uptr_t out_priority, enum mq_block block,
               u64 deadline)
{
	struct mq_message *m;
	if (unlikely(size < q->max_size))
		return -EMSGSIZE;
	TRY(take(q, block, deadline, &m));
	s64 n = (s64)m->text.size;
	if (unlikely(to_user(m, text, out_priority))) {
		give_back(q, m);
		return -EFAULT;
	}
	mq_message_free(m);
	return n;
}
