/* mq_timedsend(2): the order of messages, and what a sender does for receivers that wait. */
#include "kernel/ipc/mq/queue.h"

/* --- the order --- */

int mq_prepare_slow(struct mq_queue *q, u32 priority)
{
	u32 none = UINT32_MAX;
	if (__atomic_compare_exchange_n(&q->usual_priority, &none, priority, false,
	                                __ATOMIC_RELAXED, __ATOMIC_RELAXED) ||
	    none == priority)
		return 0;
	struct levels *l = levels_new(q->max_count), *there = NULL;
	if (!l)
		return -ENOMEM;
	/* Release: who finds the pointer finds the levels empty. */
	if (!__atomic_compare_exchange_n(&q->levels, &there, l, false, __ATOMIC_RELEASE,
	                                 __ATOMIC_RELAXED))
		port_free(l);
	return 0;
}

static struct mq_message *message_at(struct list *l)
{
	return list_entry(l, struct mq_message, link);
}

static void insert_before(struct mq_queue *q, struct list *at, struct mq_message *m)
{
	list_insert_between(&m->link, at->prev, at);
	q->count++;
	q->bytes += m->text.size;
}

/* A priority other than the last message's: => the message that m has to stand before. */
static NOINLINE struct list *place_of(struct mq_queue *q, const struct mq_message *m)
{
	if (!q->indexed) { /* all have one priority so far */
		levels_add(q->levels, message_at(q->messages.next));
		q->indexed = true;
	}
	if (m->priority < message_at(q->messages.prev)->priority)
		return &q->messages;
	return &levels_first(q->levels, levels_below(q->levels, m->priority))->link;
}

static ALWAYS_INLINE void enqueue(struct mq_queue *q, struct mq_message *m)
{
	struct list *at = &q->messages;
	if (!list_empty(at) && unlikely(message_at(at->prev)->priority != m->priority))
		at = place_of(q, m);
	struct list *before = at->prev;
	insert_before(q, at, m);
	if (unlikely(q->indexed) &&
	    (before == &q->messages || message_at(before)->priority != m->priority))
		levels_add(q->levels, m);
}

void mq_enqueue(struct mq_queue *q, struct mq_message *m)
{
	enqueue(q, m);
}

/* => the first message of m's priority, or NULL. */
static struct mq_message *first_alike(const struct mq_queue *q, const struct mq_message *m)
{
	if (q->indexed)
		return levels_first(q->levels, m->priority);
	struct mq_message *first = q->count ? message_at(q->messages.next) : NULL;
	return first && first->priority == m->priority ? first : NULL;
}

/* Older ones of its priority are only those that were taken out and came back like m: few. */
void mq_requeue(struct mq_queue *q, struct mq_message *m)
{
	struct mq_message *first = first_alike(q, m);
	if (!first) {
		enqueue(q, m);
		return;
	}
	struct list *at = &first->link;
	while (at != &q->messages && message_at(at)->priority == m->priority &&
	       message_at(at)->age < m->age)
		at = at->next;
	insert_before(q, at, m);
	if (q->indexed && at == &first->link)
		levels_replace(q->levels, first, m);
}

static NOINLINE void unindex(struct mq_queue *q, struct mq_message *m, struct list *next)
{
	if (next != &q->messages && message_at(next)->priority == m->priority) {
		levels_replace(q->levels, m, message_at(next));
		return;
	}
	levels_del(q->levels, m);
	q->indexed = next != &q->messages;
}

struct mq_message *mq_take(struct mq_queue *q)
{
	struct list *first = q->messages.next, *next = first->next;
	struct mq_message *m = message_at(first);
	q->messages.next = next;
	next->prev = &q->messages;
	if (unlikely(q->indexed))
		unindex(q, m, next);
	q->count--;
	q->bytes -= m->text.size;
	return m;
}

/* --- sending --- */

static NOINLINE s64 send_to_full(struct mq_queue *q, struct mq_message *m, enum mq_block block,
                                 u64 deadline)
{
	struct mq_waiter w;
	int result = -EAGAIN;
	w.message = m;
	if (block == MQ_NONBLOCK)
		port_unlock(&q->lock);
	else
		result = mq_sleep_unlock(q, &w, &q->senders, deadline);
	if (result)
		mq_message_free(m);
	return result;
}

/* Leaves the lock. */
static NOINLINE void hand_over_unlock(struct mq_queue *q, struct mq_message *m)
{
	struct ipc_wake_list wakes = {0};
	struct mq_waiter *receiver = mq_crowd_first(&q->receivers);
	receiver->message = m;
	mq_waiter_complete(receiver, &wakes);
	port_unlock(&q->lock);
	ipc_wake_flush(&wakes);
}

s64 mq_send(struct mq_queue *q, uptr_t text, u64 size, u32 priority, enum mq_block block,
            u64 deadline)
{
	if (unlikely(size > q->max_size))
		return -EMSGSIZE;
	TRY(mq_prepare(q, priority));
	struct mq_message *m = ipc_text_new(MQ_TEXT, text, size);
	if (unlikely(is_err(m)))
		return ptr_err(m);
	m->priority = priority;
	u64 now = port_real_ns();

	port_lock(&q->lock);
	if (unlikely(q->count >= q->max_count))
		return send_to_full(q, m, block, deadline);
	m->age = q->next_age++;
	store_relaxed(&q->changed_ns, now);
	if (!mq_crowd_empty(&q->receivers)) {
		hand_over_unlock(q, m);
		return 0;
	}
	enqueue(q, m);
	struct port_notice *notice = NULL;
	if (unlikely(q->notice) && q->count == 1)
		notice = TAKE(q->notice);
	port_unlock(&q->lock);
	if (unlikely(notice))
		port_notice_tell(notice);
	port_poll_wake(&q->poll, 0);
	return 0;
}
