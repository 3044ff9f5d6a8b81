/* Making queues, their attributes, notification. */
#include "kernel/ipc/mq/queue.h"
#include "abi/poll.h"
#include "kernel/lib/printf.h"

/* --- namespaces --- */

void mq_space_init(struct mq_space *s)
{
	*s = (struct mq_space){
		.queues_max = MQ_QUEUES_MAX,
		.msg_max = MQ_MSG_MAX,
		.msgsize_max = MQ_MSGSIZE_MAX,
		.msg_default = MQ_MSG_MAX,
		.msgsize_default = MQ_MSGSIZE_MAX,
	};
	refcount_init(&s->refs, 1);
}

struct mq_space *mq_space_new(void)
{
	struct mq_space *s = port_alloc(sizeof *s);
	if (!s)
		return NULL;
	mq_space_init(s);
	s->uid = port_euid();
	s->gid = port_egid();
	return s;
}

void mq_space_put(struct mq_space *s)
{
	if (refcount_put(&s->refs))
		port_free(s);
}

void mq_space_close(struct mq_space *s)
{
	store_relaxed(&s->closed, true);
	if (s->names)
		port_mq_names_drop(TAKE(s->names));
}

/* --- making --- */

/* => 0, or -EINVAL: not a queue that the caller may make. */
static int attributes_check(const struct mq_space *s, const struct mq_attr *attr)
{
	bool privileged = port_capable(PORT_CAP_SYS_RESOURCE);
	s64 messages = privileged ? MQ_MSG_MAX_MOST : load_relaxed(&s->msg_max);
	s64 size = privileged ? MQ_MSGSIZE_MAX_MOST : load_relaxed(&s->msgsize_max);
	return attr->maxmsg <= 0 || attr->msgsize <= 0 || attr->maxmsg > messages ||
	                       attr->msgsize > size
	               ? -EINVAL
	               : 0;
}

/* What RLIMIT_MSGQUEUE counts, getrlimit(2). The bounds of attributes keep it from overflowing. */
static u64 charge_of(u64 messages, u64 size)
{
	return messages * (size + MQ_MESSAGE_BYTES) +
	       MIN(messages, (u64)MQ_PRIO_MAX) * MQ_PRIORITY_BYTES;
}

/* => false: the user has no room left for it. */
static bool charge(struct mq_queue *q)
{
	u64 bytes = charge_of(q->max_count, q->max_size);
	u64 *account = port_user_account(q->user, PORT_MQUEUE_BYTES);
	if (__atomic_add_fetch(account, bytes, __ATOMIC_RELAXED) <= port_mqueue_limit())
		return true;
	__atomic_fetch_sub(account, bytes, __ATOMIC_RELAXED);
	return false;
}
static void uncharge(struct mq_queue *q)
{
	u64 bytes = charge_of(q->max_count, q->max_size);
	__atomic_fetch_sub(port_user_account(q->user, PORT_MQUEUE_BYTES), bytes, __ATOMIC_RELAXED);
}

static struct mq_queue *queue_new(struct mq_space *s, const struct mq_attr *attr)
{
	struct mq_queue *q = port_alloc(sizeof *q);
	if (!q)
		return err_ptr(-ENOMEM);
	port_lock_init(&q->lock, LOCK_CLASS_MQ);
	list_init(&q->messages);
	mq_crowd_init(&q->receivers);
	mq_crowd_init(&q->senders);
	port_pollq_init(&q->poll);
	q->usual_priority = UINT32_MAX;
	q->max_count = (u32)attr->maxmsg;
	q->max_size = (u64)attr->msgsize;
	q->user = port_user_get();
	if (!charge(q)) {
		port_user_put(q->user);
		port_free(q);
		return err_ptr(-EMFILE);
	}
	mq_space_get(s);
	q->space = s;
	return q;
}

static bool count_up(struct mq_space *s)
{
	u32 now = __atomic_add_fetch(&s->queues, 1, __ATOMIC_RELAXED);
	return now <= (u32)load_relaxed(&s->queues_max) || port_capable(PORT_CAP_SYS_RESOURCE);
}
static void count_down(struct mq_space *s)
{
	__atomic_fetch_sub(&s->queues, 1, __ATOMIC_RELAXED);
}

struct mq_queue *mq_new(struct mq_space *s, const struct mq_attr *attr)
{
	const struct mq_attr usual = {
		.maxmsg = MIN(load_relaxed(&s->msg_max), load_relaxed(&s->msg_default)),
		.msgsize = MIN(load_relaxed(&s->msgsize_max), load_relaxed(&s->msgsize_default)),
	};
	if (load_relaxed(&s->closed))
		return err_ptr(-EACCES);
	struct mq_queue *q = err_ptr(-ENOSPC);
	if (count_up(s)) {
		if (!attr)
			attr = &usual;
		int err = attributes_check(s, attr);
		q = err ? err_ptr(err) : queue_new(s, attr);
	}
	if (is_err(q))
		count_down(s);
	return q;
}

void mq_free(struct mq_queue *q)
{
	DEBUG_ASSERT(mq_crowd_empty(&q->receivers) && mq_crowd_empty(&q->senders));
	if (q->notice)
		port_notice_remove(q->notice);
	while (q->count)
		mq_message_free(mq_take(q));
	port_free(q->levels);
	uncharge(q);
	port_user_put(q->user);
	count_down(q->space);
	mq_space_put(q->space);
	port_free(q);
}

/* --- looking --- */

void mq_attributes(struct mq_queue *q, struct mq_attr *out)
{
	*out = (struct mq_attr){.maxmsg = q->max_count,
	                        .msgsize = (s64)q->max_size,
	                        .curmsgs = load_relaxed(&q->count)};
}

/* With the lock: a poller that registered before is seen by the next send, or sees what that did. */
u32 mq_events(struct mq_queue *q)
{
	GUARD(port)(&q->lock);
	return (q->count ? POLLIN | POLLRDNORM : 0) |
	       (q->count < q->max_count ? POLLOUT | POLLWRNORM : 0);
}

struct port_pollq *mq_pollq(struct mq_queue *q)
{
	return &q->poll;
}

u64 mq_changed_take(struct mq_queue *q)
{
	return __atomic_exchange_n(&q->changed_ns, 0, __ATOMIC_RELAXED);
}
u64 mq_changed_peek(const struct mq_queue *q)
{
	return load_relaxed(&q->changed_ns);
}

int mq_line(struct mq_queue *q, char buf[MQ_LINE])
{
	struct port_notice_facts facts = {0};
	port_lock(&q->lock);
	u64 bytes = q->bytes;
	if (q->notice)
		port_notice_facts(q->notice, &facts);
	port_unlock(&q->lock);
	return snprintf(buf, MQ_LINE, "QSIZE:%-10llu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n",
	                (unsigned long long)bytes, facts.how, facts.signal, facts.pid);
}

/* --- notification --- */

int mq_notify(struct mq_queue *q, struct port_notice *notice)
{
	GUARD(port)(&q->lock);
	if (q->notice)
		return -EBUSY;
	q->notice = notice;
	return 0;
}

bool mq_notify_end(struct mq_queue *q)
{
	struct port_notice *mine = NULL;
	port_lock(&q->lock);
	if (q->notice && port_notice_mine(q->notice))
		mine = TAKE(q->notice);
	port_unlock(&q->lock);
	if (mine)
		port_notice_remove(mine);
	return mine;
}

void mq_closed(struct mq_queue *q)
{
	if (unlikely(load_relaxed(&q->notice)))
		(void)mq_notify_end(q);
}
