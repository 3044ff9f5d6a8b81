#include "kernel/lib/rbtree.h"

/* The colour is bit 0 of parent_colour: 0 red, 1 black. Absent children count as black. */
enum { RED = 0, BLACK = 1 };

static struct rb_node *parent_of(const struct rb_node *n)
{
	return (struct rb_node *)(n->parent_colour & ~(uintptr_t)1);
}
static bool is_red(const struct rb_node *n)
{
	return n && !(n->parent_colour & 1);
}
static void set_parent(struct rb_node *n, struct rb_node *parent)
{
	n->parent_colour = (uintptr_t)parent | (n->parent_colour & 1);
}
static void set_colour(struct rb_node *n, uintptr_t colour)
{
	n->parent_colour = (n->parent_colour & ~(uintptr_t)1) | colour;
}
static struct rb_node **child(struct rb_node *n, bool right)
{
	return right ? &n->right : &n->left;
}

static void replace_child(struct rb_root *r, struct rb_node *parent, struct rb_node *old,
                          struct rb_node *new)
{
	if (!parent)
		r->node = new;
	else if (parent->left == old)
		parent->left = new;
	else
		parent->right = new;
}

/* Turns n down to the given side; its child of the other side takes its place. */
static void rotate(struct rb_root *r, struct rb_node *n, bool right)
{
	struct rb_node *up = *child(n, !right), *inner = *child(up, right);
	struct rb_node *parent = parent_of(n);

	*child(n, !right) = inner;
	if (inner)
		set_parent(inner, n);
	*child(up, right) = n;
	set_parent(n, up);
	set_parent(up, parent);
	replace_child(r, parent, n, up);
	if (r->augment) {
		r->augment(n);
		r->augment(up);
	}
}

void rb_augment_path(struct rb_root *r, struct rb_node *n)
{
	if (likely(!r->augment))
		return;
	while (n && r->augment(n))
		n = parent_of(n);
}

/* All the way: a node on it may have come from elsewhere with a value from there. */
static void augment_all(struct rb_root *r, struct rb_node *n)
{
	if (likely(!r->augment))
		return;
	for (; n; n = parent_of(n))
		r->augment(n);
}

static void rebalance_insert(struct rb_root *r, struct rb_node *n)
{
	struct rb_node *parent;

	while ((parent = parent_of(n)) && is_red(parent)) {
		struct rb_node *grand = parent_of(parent);
		bool right = parent == grand->right;
		struct rb_node *uncle = *child(grand, !right);

		if (is_red(uncle)) {
			set_colour(parent, BLACK);
			set_colour(uncle, BLACK);
			set_colour(grand, RED);
			n = grand;
			continue;
		}
		if (n == *child(parent, !right)) {
			rotate(r, parent, right);
			parent = n;
		}
		set_colour(parent, BLACK);
		set_colour(grand, RED);
		rotate(r, grand, !right);
		break;
	}
	set_colour(r->node, BLACK);
}

void rb_link(struct rb_root *r, struct rb_node *n, struct rb_node *parent, struct rb_node **link)
{
	n->parent_colour = (uintptr_t)parent | RED;
	n->left = n->right = NULL;
	*link = n;
	if (!parent || (r->first == parent && link == &parent->left))
		r->first = n;
	if (r->augment) {
		r->augment(n);
		rb_augment_path(r, parent);
	}
	rebalance_insert(r, n);
}

void rb_insert(struct rb_root *r, struct rb_node *n,
               bool (*less)(const struct rb_node *, const struct rb_node *))
{
	struct rb_node **link = &r->node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = child(parent, !less(n, parent));
	}
	rb_link(r, n, parent, link);
}

/* The subtree at `n` (may be absent) below `parent` is one black short. */
static void rebalance_erase(struct rb_root *r, struct rb_node *n, struct rb_node *parent)
{
	while (parent && !is_red(n)) {
		/* An absent n has a sibling (it is a black short), so the sides still differ. */
		bool right = n == parent->right;
		struct rb_node *sibling = *child(parent, !right);

		if (is_red(sibling)) {
			set_colour(sibling, BLACK);
			set_colour(parent, RED);
			rotate(r, parent, right);
			sibling = *child(parent, !right);
		}
		if (!is_red(sibling->left) && !is_red(sibling->right)) {
			set_colour(sibling, RED);
			n = parent;
			parent = parent_of(n);
			continue;
		}
		if (!is_red(*child(sibling, !right))) {
			set_colour(*child(sibling, right), BLACK);
			set_colour(sibling, RED);
			rotate(r, sibling, !right);
			sibling = *child(parent, !right);
		}
		set_colour(sibling, parent->parent_colour & 1);
		set_colour(parent, BLACK);
		set_colour(*child(sibling, !right), BLACK);
		rotate(r, parent, right);
		return;
	}
	if (n)
		set_colour(n, BLACK);
}

/* Puts the in-order successor, unlinked from below n, in the place of n. => where the black may be missing. */
static struct rb_node *replace_by_successor(struct rb_root *r, struct rb_node *n,
                                            struct rb_node **out_short, uintptr_t *out_colour)
{
	struct rb_node *next = n->right, *parent;

	while (next->left)
		next = next->left;
	*out_short = next->right;
	*out_colour = next->parent_colour & 1;
	parent = parent_of(next);
	if (parent == n) {
		parent = next;
	} else {
		parent->left = next->right;
		if (next->right)
			set_parent(next->right, parent);
		next->right = n->right;
		set_parent(n->right, next);
	}
	next->left = n->left;
	set_parent(n->left, next);
	next->parent_colour = n->parent_colour;
	replace_child(r, parent_of(n), n, next);
	return parent;
}

void rb_erase(struct rb_root *r, struct rb_node *n)
{
	struct rb_node *parent, *shrunk;
	uintptr_t colour;

	if (r->first == n)
		r->first = rb_next(n);
	if (n->left && n->right) {
		parent = replace_by_successor(r, n, &shrunk, &colour);
	} else {
		shrunk = n->left ? n->left : n->right;
		parent = parent_of(n);
		colour = n->parent_colour & 1;
		replace_child(r, parent, n, shrunk);
		if (shrunk)
			set_parent(shrunk, parent);
	}
	augment_all(r, parent);
	if (colour == BLACK)
		rebalance_erase(r, shrunk, parent);
	rb_clear(n);
}

void rb_replace(struct rb_root *r, struct rb_node *old, struct rb_node *n)
{
	*n = *old;
	if (n->left)
		set_parent(n->left, n);
	if (n->right)
		set_parent(n->right, n);
	replace_child(r, parent_of(n), old, n);
	if (r->first == old)
		r->first = n;
	augment_all(r, n);
	rb_clear(old);
}

struct rb_node *rb_last(const struct rb_root *r)
{
	struct rb_node *n = r->node;

	while (n && n->right)
		n = n->right;
	return n;
}

static struct rb_node *step(const struct rb_node *start, bool right)
{
	struct rb_node *n = (struct rb_node *)start, *parent;

	if (*child(n, right)) {
		n = *child(n, right);
		while (*child(n, !right))
			n = *child(n, !right);
		return n;
	}
	while ((parent = parent_of(n)) && n == *child(parent, right))
		n = parent;
	return parent;
}

struct rb_node *rb_next(const struct rb_node *n)
{
	return step(n, true);
}
