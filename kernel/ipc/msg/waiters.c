/*
 * Who sleeps at a queue. Lists in order of age serve while all that wait are alike, which is nearly always: receivers
 * that take anything, senders with messages of one size. When they differ, a tree by age that knows what is
 * below each node finds the first that can go in O(log n); it is dropped when the list has drained.
 */
#include "kernel/ipc/msg/queue.h"

/* --- receivers --- */

static struct msg_receiver *receiver_at(const struct rb_node *n)
{
	return rb_entry(n, struct msg_receiver, node);
}
static struct msg_receiver *receiver_of(struct typed *t)
{
	return t ? container_of(t, struct msg_receiver, typed) : NULL;
}
static bool receiver_older(const struct rb_node *a, const struct rb_node *b)
{
	return receiver_at(a)->typed.age < receiver_at(b)->typed.age;
}

static void receiver_alone(struct msg_receiver *r)
{
	bool refuses = r->want.choice == MSG_NOT_OF_TYPE;
	r->bound = r->want.choice == MSG_ANY ? INT64_MAX : refuses ? 0 : r->want.type;
	r->not_low = refuses ? r->want.type : INT64_MAX;
	r->not_high = refuses ? r->want.type : INT64_MIN;
}

static void receiver_include(struct msg_receiver *r, const struct rb_node *child)
{
	if (!child)
		return;
	const struct msg_receiver *c = receiver_at(child);
	r->bound = MAX(r->bound, c->bound);
	r->not_low = MIN(r->not_low, c->not_low);
	r->not_high = MAX(r->not_high, c->not_high);
}

static bool receiver_update(struct rb_node *n)
{
	struct msg_receiver *r = receiver_at(n);
	s64 bound = r->bound, low = r->not_low, high = r->not_high;
	receiver_alone(r);
	receiver_include(r, n->left);
	receiver_include(r, n->right);
	return r->bound != bound || r->not_low != low || r->not_high != high;
}

/* Does a message of this type serve anybody in n's subtree? Of those that refuse one type, two different
 * refusals mean that one of them does not refuse this. */
static bool serves_below(const struct rb_node *n, s64 type)
{
	if (!n)
		return false;
	const struct msg_receiver *r = receiver_at(n);
	return r->bound >= type ||
	       (r->not_low <= r->not_high && (r->not_low != type || r->not_high != type));
}

static NOINLINE void others_mix(struct msg_queue *q)
{
	struct msg_receiver *r;
	q->others_mixed = true;
	q->other_tree = (struct rb_root){.augment = receiver_update};
	list_for_each (r, &q->others, link)
		rb_insert(&q->other_tree, &r->node, receiver_older);
}

void msg_receiver_add(struct msg_queue *q, struct msg_receiver *r)
{
	r->typed.age = q->next_age++;
	if (r->want.choice == MSG_OF_TYPE) {
		r->typed.type = r->want.type;
		typed_add(&q->exact, &r->typed);
		return;
	}
	list_add_tail(&q->others, &r->link);
	if (q->others_mixed)
		rb_insert(&q->other_tree, &r->node, receiver_older);
	else if (r->want.choice != MSG_ANY)
		others_mix(q);
}

void msg_receiver_del(struct msg_queue *q, struct msg_receiver *r)
{
	if (r->want.choice == MSG_OF_TYPE) {
		typed_del(&q->exact, &r->typed);
		return;
	}
	list_del(&r->link);
	if (q->others_mixed) {
		rb_erase(&q->other_tree, &r->node);
		q->others_mixed = !list_empty(&q->others);
	}
}

static struct msg_receiver *other_for(const struct msg_queue *q, s64 type)
{
	if (list_empty(&q->others))
		return NULL;
	if (likely(!q->others_mixed))
		return list_first(&q->others, struct msg_receiver, link);
	const struct rb_node *n = q->other_tree.node;
	if (!serves_below(n, type))
		return NULL;
	for (;;) {
		if (serves_below(n->left, type))
			n = n->left;
		else if (msg_wanted(receiver_at(n)->want, type))
			return receiver_at(n);
		else
			n = n->right;
	}
}

struct msg_receiver *msg_receiver_for(const struct msg_queue *q, s64 type)
{
	struct msg_receiver *other = other_for(q, type);
	if (likely(rb_empty(&q->exact)))
		return other;
	struct msg_receiver *exact = receiver_of(typed_of_type(&q->exact, type));
	if (!exact || !other)
		return exact ? exact : other;
	return exact->typed.age < other->typed.age ? exact : other;
}

struct msg_receiver *msg_receiver_any(const struct msg_queue *q)
{
	if (!list_empty(&q->others))
		return list_first(&q->others, struct msg_receiver, link);
	return receiver_of(typed_of_lowest(&q->exact, INT64_MAX));
}

/* --- senders --- */

static struct msg_sender *sender_at(const struct rb_node *n)
{
	return rb_entry(n, struct msg_sender, node);
}
static bool sender_older(const struct rb_node *a, const struct rb_node *b)
{
	return sender_at(a)->age < sender_at(b)->age;
}
static bool sender_update(struct rb_node *n)
{
	struct msg_sender *s = sender_at(n);
	u64 before = s->least;
	s->least = s->m->text.size;
	if (n->left)
		s->least = MIN(s->least, sender_at(n->left)->least);
	if (n->right)
		s->least = MIN(s->least, sender_at(n->right)->least);
	return s->least != before;
}

static NOINLINE void senders_mix(struct msg_queue *q)
{
	struct msg_sender *s;
	q->senders_mixed = true;
	q->sender_tree = (struct rb_root){.augment = sender_update};
	list_for_each (s, &q->senders, link)
		rb_insert(&q->sender_tree, &s->node, sender_older);
}

void msg_sender_add(struct msg_queue *q, struct msg_sender *s)
{
	bool differs =
		!list_empty(&q->senders) &&
		list_first(&q->senders, struct msg_sender, link)->m->text.size != s->m->text.size;
	s->age = q->next_age++;
	list_add_tail(&q->senders, &s->link);
	if (q->senders_mixed)
		rb_insert(&q->sender_tree, &s->node, sender_older);
	else if (differs)
		senders_mix(q);
}

void msg_sender_del(struct msg_queue *q, struct msg_sender *s)
{
	list_del(&s->link);
	if (q->senders_mixed) {
		rb_erase(&q->sender_tree, &s->node);
		q->senders_mixed = !list_empty(&q->senders);
	}
}

struct msg_sender *msg_sender_for(const struct msg_queue *q, u64 room)
{
	if (list_empty(&q->senders))
		return NULL;
	if (likely(!q->senders_mixed)) {
		struct msg_sender *s = list_first(&q->senders, struct msg_sender, link);
		return s->m->text.size <= room ? s : NULL;
	}
	const struct rb_node *n = q->sender_tree.node;
	if (sender_at(n)->least > room)
		return NULL;
	for (;;) {
		if (n->left && sender_at(n->left)->least <= room)
			n = n->left;
		else if (sender_at(n)->m->text.size <= room)
			return sender_at(n);
		else
			n = n->right;
	}
}
