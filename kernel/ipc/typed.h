/*
 * What has a type and an age, found by type: messages, and receivers that wait for one type.
 *
 * The oldest of each type stands in a tree by type; younger ones of the type hang behind it in a ring. When the
 * oldest leaves, the next takes its place in the tree. So no memory is needed beyond the items.
 *
 *	root:	      (type 2)
 *		     /        \
 *		(type 1)   (type 7) = younger 7 = younger 7 = ...
 *
 * The tree learns the least age below each node when somebody first asks for "any type but t".
 * Locking: the owner's.
 */
#pragma once
#include "kernel/lib/list.h"
#include "kernel/lib/rbtree.h"

struct typed {
	s64 type;
	u64 age; /* unique; less is older */
	struct list ring;
	struct rb_node node; /* linked: it is the oldest of its type */
	u64 oldest;          /* least age in node's subtree */
};

void typed_add(struct rb_root *root, struct typed *t);
void typed_del(struct rb_root *root, struct typed *t);
/* => the oldest of the type; of the lowest type if that is at most `bound`; of all types but one; or NULL. */
struct typed *typed_of_type(const struct rb_root *root, s64 type);
struct typed *typed_of_lowest(const struct rb_root *root, s64 bound);
struct typed *typed_except(struct rb_root *root, s64 type);
