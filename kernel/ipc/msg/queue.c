/* Making and removing queues. */
#include "kernel/ipc/msg/queue.h"

static struct ipc_object *queue_new(struct ipc_get_request rq)
{
	struct msg_queue *q = port_alloc(sizeof *q);
	if (!q)
		return err_ptr(-ENOMEM);
	ipc_object_init(&q->obj, rq.key, rq.flags, LOCK_CLASS_MSG_QUEUE);
	list_init(&q->messages);
	list_init(&q->others);
	list_init(&q->senders);
	q->max_bytes = (u64)(u32)load_relaxed(&port_ipc_ns()->msg_mnb);
	q->ctime = port_real_seconds();
	return &q->obj;
}

static void queue_free(struct ipc_object *o)
{
	port_free(container_of(o, struct msg_queue, obj));
}
static void queue_free_deferred(struct port_defer *d)
{
	queue_free(container_of(d, struct ipc_object, defer));
}

s32 msg_get(struct ipc_namespace *ns, ipc_key_t key, u32 flags)
{
	static const struct ipc_family family = {.new = queue_new, .free = queue_free};
	return ipc_get(&ns->msg, &family, (struct ipc_get_request){.key = key, .flags = flags});
}

/* The queue is withdrawn from its namespace: ends all that waits; its messages pass to *messages. */
static void queue_retire(struct msg_queue *q, struct ipc_wake_list *wakes, struct list *messages)
{
	struct msg_receiver *r;
	GUARD(port)(&q->obj.lock);
	q->obj.removed = true;
	while ((r = msg_receiver_any(q))) {
		msg_receiver_del(q, r);
		ipc_waiter_decide(&r->wait, -EIDRM, wakes);
	}
	while (!list_empty(&q->senders)) {
		struct msg_sender *s = list_first(&q->senders, struct msg_sender, link);
		msg_sender_del(q, s);
		ipc_waiter_decide(&s->wait, -EIDRM, wakes);
	}
	list_splice_tail(messages, &q->messages);
	q->bytes = q->count = 0;
}

/* Read section. */
static int queue_remove(struct ipc_namespace *ns, struct msg_queue *q, struct list *messages)
{
	struct ipc_wake_list wakes = {0};
	if (!ipc_ids_del(&ns->msg, &q->obj))
		return -EIDRM;
	queue_retire(q, &wakes, messages);
	/* Before port_defer(): a sleeper whose wait is not over relies on the queue's memory. */
	ipc_wake_flush(&wakes);
	port_defer(&q->obj.defer, queue_free_deferred);
	return 0;
}

/* Nobody looks at them any more; there may be very many. */
static void messages_free(struct list *messages)
{
	for (struct list *l; (l = list_pop(messages));) {
		msg_free(list_entry(l, struct msg, link));
		port_yield();
	}
}

int msg_remove(struct ipc_namespace *ns, ipc_id_t id)
{
	struct list messages = LIST_INIT(messages);
	port_read_lock();
	struct msg_queue *q = msg_find(ns, id);
	int err = q ? ipc_permit_control(&q->obj) : -EINVAL;
	if (!err)
		err = queue_remove(ns, q, &messages);
	port_read_unlock();
	messages_free(&messages);
	return err;
}

void msg_ns_teardown(struct ipc_namespace *ns)
{
	struct list messages = LIST_INIT(messages);
	struct ipc_object *o;
	port_read_lock();
	for (u32 i = 0; (o = ipc_ids_next(&ns->msg, &i)); i++)
		ASSERT(queue_remove(ns, container_of(o, struct msg_queue, obj), &messages) == 0);
	port_read_unlock();
	messages_free(&messages);
}
