/*
 * Who waits for one semaphore. Nearly always all want the same (one), so the queue is a list in order of
 * arrival and the first in it is the first to go. As soon as two want different values, a tree over the
 * same waiters, ordered by arrival and knowing the least need below each node, finds the first whose need
 * is met in O(log n); it is dropped when the queue drains.
 */
#include "kernel/ipc/sem/set.h"

static struct sem_waiter *waiter_of(struct rb_node *n)
{
	return rb_entry(n, struct sem_waiter, node);
}

static bool arrived_before(const struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct sem_waiter, node)->arrival <
	       rb_entry(b, struct sem_waiter, node)->arrival;
}

static bool update_least_need(struct rb_node *n)
{
	struct sem_waiter *w = waiter_of(n);
	__typeof__(w->least_need) before = w->least_need;
	w->least_need = w->need;
	if (n->left)
		w->least_need = MIN(w->least_need, waiter_of(n->left)->least_need);
	if (n->right)
		w->least_need = MIN(w->least_need, waiter_of(n->right)->least_need);
	return w->least_need != before;
}

/* Newcomers have the highest number; one that moved here from another queue may be older. */
static ALWAYS_INLINE void insert_by_arrival(struct list *head, struct sem_waiter *w)
{
	struct list *before = head->prev;
	while (unlikely(before != head) &&
	       list_entry(before, struct sem_waiter, link)->arrival > w->arrival)
		before = before->prev;
	list_insert_between(&w->link, before, before->next);
}

/* The needs differ from now on: builds the tree. */
static void start_tree(struct sem_queue *q)
{
	struct sem_waiter *w;
	q->mixed = true;
	q->tree = (struct rb_root){.augment = update_least_need};
	list_for_each (w, &q->blocked, link)
		rb_insert(&q->tree, &w->node, arrived_before);
}

static ALWAYS_INLINE void add_blocked(struct sem_queue *q, struct sem_waiter *w)
{
	bool differs = !list_empty(&q->blocked) &&
	               list_first(&q->blocked, struct sem_waiter, link)->need != w->need;

	insert_by_arrival(&q->blocked, w);
	if (unlikely(q->mixed))
		rb_insert(&q->tree, &w->node, arrived_before);
	else if (unlikely(differs))
		start_tree(q);
	q->simple_blocked += w->rq.n == 1;
}

void sem_queue_del_mixed(struct sem_queue *q, struct sem_waiter *w)
{
	rb_erase(&q->tree, &w->node);
	q->mixed = !list_empty(&q->blocked);
}

void sem_queue_add(struct sem_queue *q, struct sem_waiter *w)
{
	w->queue = q;
	q->waiters++;
	switch (w->kind) {
	case SEM_AT_LEAST: add_blocked(q, w); return;
	case SEM_EQUAL:
		insert_by_arrival(&q->equal, w);
		q->equal_not_zero += w->need != 0;
		return;
	case SEM_ZERO:
		insert_by_arrival(&q->zero, w);
		q->simple_zero += w->rq.n == 1;
		return;
	}
}

void sem_queue_del(struct sem_waiter *w)
{
	struct sem_queue *q = w->queue;
	switch (w->kind) {
	case SEM_AT_LEAST: sem_queue_del_blocked(q, w); return;
	case SEM_EQUAL:
		list_del(&w->link);
		q->waiters--;
		q->equal_not_zero -= w->need != 0;
		return;
	case SEM_ZERO:
		list_del(&w->link);
		q->waiters--;
		q->simple_zero -= w->rq.n == 1;
		return;
	}
}

/* => the first by arrival whose need is at most value, or NULL. */
static struct sem_waiter *first_blocked(const struct sem_queue *q, s32 value)
{
	if (likely(!q->mixed)) {
		struct sem_waiter *w = list_first(&q->blocked, struct sem_waiter, link);
		return !list_empty(&q->blocked) && w->need <= value ? w : NULL;
	}
	struct rb_node *n = q->tree.node;
	if (waiter_of(n)->least_need > value)
		return NULL;
	for (;;) {
		if (n->left && waiter_of(n->left)->least_need <= value)
			n = n->left;
		else if (waiter_of(n)->need <= value)
			return waiter_of(n);
		else
			n = n->right; /* somebody below n is met, and it is there */
	}
}

static struct sem_waiter *first_equal(const struct sem_queue *q, s32 value)
{
	struct sem_waiter *w;
	if (likely(list_empty(&q->equal)) || (value != 0 && !q->equal_not_zero))
		return NULL;
	list_for_each (w, &q->equal, link)
		if (w->need == value)
			return w;
	return NULL;
}

struct sem_waiter *sem_queue_first_slow(const struct sem_queue *q, s32 value)
{
	struct sem_waiter *a = first_blocked(q, value), *b = first_equal(q, value);
	if (likely(!b))
		return a;
	return !a || b->arrival < a->arrival ? b : a;
}

bool sem_queues_ready(const struct sem_set *set, const struct sem_request *rq)
{
	for (u32 i = 0; i < rq->n; i++)
		if (!sem_queue_of(set, rq->ops[i].sem_num))
			return false;
	return true;
}

/* Installs *q, and *leaf where there is none yet; NULLs what it took. Set locked. */
static void install(struct sem_set *set, u32 num, struct sem_queue_leaf **leaf,
                    struct sem_queue **q)
{
	struct sem_queue_leaf **slot = &set->leaf[num / QUEUE_LEAF];
	if (!*slot)
		*slot = TAKE(*leaf);
	if ((*slot)->queue[num % QUEUE_LEAF])
		return;
	(*q)->next = set->queues;
	set->queues = *q;
	(*slot)->queue[num % QUEUE_LEAF] = TAKE(*q);
}

static int queue_reserve(struct sem_set *set, u32 num)
{
	struct sem_queue_leaf *leaf = port_alloc(sizeof *leaf);
	struct sem_queue *q = port_alloc(sizeof *q);
	int err = leaf && q ? 0 : -ENOMEM;

	if (!err) {
		q->num = num;
		list_init(&q->blocked);
		list_init(&q->equal);
		list_init(&q->zero);
		port_lock(&set->obj.lock);
		install(set, num, &leaf, &q);
		port_unlock(&set->obj.lock);
	}
	port_free(leaf);
	port_free(q);
	return err;
}

int sem_queues_reserve(struct sem_set *set, const struct sem_request *rq)
{
	for (u32 i = 0; i < rq->n; i++) {
		u32 num = rq->ops[i].sem_num;
		port_lock(&set->obj.lock);
		bool there = sem_queue_of(set, num);
		port_unlock(&set->obj.lock);
		if (!there)
			TRY(queue_reserve(set, num));
	}
	return 0;
}

void sem_queues_free(struct sem_set *set)
{
	for (struct sem_queue *q = set->queues, *next; q; q = next) {
		next = q->next;
		port_free(q);
	}
	for (u32 i = 0; i <= (set->nsems - 1) / QUEUE_LEAF; i++)
		port_free(set->leaf[i]);
}
