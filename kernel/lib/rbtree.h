/*
 * Intrusive red-black trees. The caller compares: rb_insert() takes a less function, or walk by hand
 * and rb_link(). The leftmost node is cached, so rb_first() is O(1). An optional `augment` callback
 * (interval trees) recomputes a node from its children; it is called bottom-up after every change.
 */
#pragma once
#include "kernel/lib/compiler.h"

struct rb_node {
	uintptr_t parent_colour;
	struct rb_node *left, *right;
};
struct rb_root {
	struct rb_node *node, *first;
	bool (*augment)(struct rb_node *n); /* => true when n's value changed */
};
#define rb_entry(n, type, member) container_of(n, type, member)

static inline bool rb_empty(const struct rb_root *r)
{
	return !r->node;
}
static inline struct rb_node *rb_first(const struct rb_root *r)
{
	return r->first;
}
struct rb_node *rb_last(const struct rb_root *r);
struct rb_node *rb_next(const struct rb_node *n);
/* Equal nodes go behind those already there (FIFO). */
void rb_insert(struct rb_root *r, struct rb_node *n,
               bool (*less)(const struct rb_node *, const struct rb_node *));
/* Links n at *link below parent and rebalances. */
void rb_link(struct rb_root *r, struct rb_node *n, struct rb_node *parent, struct rb_node **link);
void rb_erase(struct rb_root *r, struct rb_node *n);
/* n takes the place of old, which compares alike; old is in no tree afterwards. */
void rb_replace(struct rb_root *r, struct rb_node *old, struct rb_node *n);
/* Copying a tree of the same shape from the top: places n, the copy of `from`, below the copy of from's
 * parent; when all are placed, rb_find_first(). Augmented values are the caller's. */
static inline void rb_place_copy(struct rb_node **link, struct rb_node *parent, struct rb_node *n,
                                 const struct rb_node *from)
{
	n->parent_colour = (uintptr_t)parent | (from->parent_colour & 1);
	n->left = n->right = NULL;
	*link = n;
}
static inline void rb_find_first(struct rb_root *r)
{
	struct rb_node *n = r->node;

	while (n && n->left)
		n = n->left;
	r->first = n;
}
/* After what `augment` depends on changed inside n: recomputes n, and ancestors as far as values change. */
void rb_augment_path(struct rb_root *r, struct rb_node *n);
/* Marks / tests a node that is in no tree. */
static inline void rb_clear(struct rb_node *n)
{
	n->parent_colour = (uintptr_t)n;
}
static inline bool rb_linked(const struct rb_node *n)
{
	return n->parent_colour != (uintptr_t)n;
}
#define rb_for_each(pos, root) for (pos = rb_first(root); pos; pos = rb_next(pos))
