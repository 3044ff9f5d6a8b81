/*
 * Sets of disjoint address ranges, with the holes between them: the tree under address spaces and under
 * the kernel's vmap area.
 *
 * A range knows the hole below it (`gap`, down to the previous range or to `floor`), and the widest such
 * hole in its subtree, so that a free place is found top-down in O(log n). The caller embeds the
 * range, owns its memory and its lock.
 */
#pragma once
#include "kernel/lib/rbtree.h"
#include "kernel/lib/result.h"

struct range {
	struct rb_node node;
	u64 start, end;       /* [start, end), never empty */
	u64 gap, subtree_gap; /* hole below; widest hole below any node of this subtree */
};
struct range_set {
	struct rb_root root;
};

void range_set_init(struct range_set *s);
/* => the range that contains addr, else the lowest one above, or NULL. */
struct range *range_find(const struct range_set *s, u64 addr);
struct range *range_first(const struct range_set *s);
struct range *range_last(const struct range_set *s);
struct range *range_next(const struct range *r);
struct range *range_prev(const struct range *r);
/* r->start and r->end are set and overlap nothing. */
void range_insert(struct range_set *s, struct range *r);
/* Fills the empty set `to` with a copy of `from`, of the same shape: nothing is searched or balanced.
 * copy: => a range with the same bounds, or NULL, which ends it with what there is so far (=> false). */
MUST_CHECK bool range_clone(struct range_set *to, const struct range_set *from,
                            struct range *(*copy)(const struct range *r, void *arg), void *arg);
void range_remove(struct range_set *s, struct range *r);
/* New bounds that overlap no neighbour. */
void range_resize(struct range_set *s, struct range *r, u64 start, u64 end);
/* => the highest start of a hole of `length` bytes in [low, high), a multiple of align; or -ENOMEM. */
MUST_CHECK s64 range_place_down(const struct range_set *s, u64 low, u64 high, u64 length,
                                u64 align);
