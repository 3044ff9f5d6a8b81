#include "kernel/ipc/typed.h"

static struct typed *typed_at(const struct rb_node *n)
{
	return rb_entry(n, struct typed, node);
}

static bool update_oldest(struct rb_node *n)
{
	struct typed *t = typed_at(n);
	u64 before = t->oldest;
	t->oldest = t->age;
	if (n->left)
		t->oldest = MIN(t->oldest, typed_at(n->left)->oldest);
	if (n->right)
		t->oldest = MIN(t->oldest, typed_at(n->right)->oldest);
	return t->oldest != before;
}

/* Puts t into the ring that `first` leads, at its age. */
static void ring_add(struct rb_root *root, struct typed *first, struct typed *t)
{
	if (t->age < first->age) { /* one that comes back */
		list_add_tail(&first->ring, &t->ring);
		rb_replace(root, &first->node, &t->node);
		return;
	}
	struct list *before = first->ring.prev;
	while (unlikely(list_entry(before, struct typed, ring)->age > t->age))
		before = before->prev;
	list_insert_between(&t->ring, before, before->next);
	rb_clear(&t->node);
}

void typed_add(struct rb_root *root, struct typed *t)
{
	struct rb_node **link = &root->node, *parent = NULL;
	list_init(&t->ring);
	while (*link) {
		struct typed *at = typed_at(*link);
		if (t->type == at->type) {
			ring_add(root, at, t);
			return;
		}
		parent = *link;
		link = t->type < at->type ? &parent->left : &parent->right;
	}
	rb_link(root, &t->node, parent, link);
}

void typed_del(struct rb_root *root, struct typed *t)
{
	if (rb_linked(&t->node)) {
		if (list_linked(&t->ring))
			rb_replace(root, &t->node,
			           &list_entry(t->ring.next, struct typed, ring)->node);
		else
			rb_erase(root, &t->node);
	}
	list_del(&t->ring);
}

struct typed *typed_of_type(const struct rb_root *root, s64 type)
{
	const struct rb_node *n = root->node;
	while (n && typed_at(n)->type != type)
		n = type < typed_at(n)->type ? n->left : n->right;
	return n ? typed_at(n) : NULL;
}

struct typed *typed_of_lowest(const struct rb_root *root, s64 bound)
{
	const struct rb_node *n = rb_first(root);
	return n && typed_at(n)->type <= bound ? typed_at(n) : NULL;
}

/* Bottom up; the depth is logarithmic. */
static void learn_ages(struct rb_node *n)
{
	if (!n)
		return;
	learn_ages(n->left);
	learn_ages(n->right);
	update_oldest(n);
}

/* => the oldest in n's subtree. */
static struct typed *oldest_below(struct rb_node *n)
{
	u64 age = typed_at(n)->oldest;
	while (typed_at(n)->age != age)
		n = n->left && typed_at(n->left)->oldest == age ? n->left : n->right;
	return typed_at(n);
}

static void prefer(struct typed **best, struct typed *t)
{
	if (!*best || t->age < (*best)->age)
		*best = t;
}

struct typed *typed_except(struct rb_root *root, s64 type)
{
	struct rb_node *beside =
		NULL;              /* the subtree beside the way down to `type` with the oldest */
	struct typed *best = NULL; /* the oldest on the way */
	if (!root->augment) {
		root->augment = update_oldest;
		learn_ages(root->node);
	}
	for (struct rb_node *n = root->node; n;) {
		struct typed *at = typed_at(n);
		struct rb_node *sides[2] = {type >= at->type ? n->left : NULL,
		                            type <= at->type ? n->right : NULL};
		for (int i = 0; i < 2; i++)
			if (sides[i] &&
			    (!beside || typed_at(sides[i])->oldest < typed_at(beside)->oldest))
				beside = sides[i];
		if (at->type == type)
			break;
		prefer(&best, at);
		n = type < at->type ? n->left : n->right;
	}
	if (beside)
		prefer(&best, oldest_below(beside));
	return best;
}
