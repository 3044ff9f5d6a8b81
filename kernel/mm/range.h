/*
 * Sets of disjoint address ranges, with the holes between them: the tree under address spaces and under
 * the kernel's vmap area.
 *
 * A range knows the hole below it (`gap`, down to the previous range or to `floor`), and the widest such
 * hole in its subtree, so that a free place is found top-down in O(log n). The caller embeds the
 * range, owns its memory and its lock.
 *
 * Who maps and unmaps in turn finds the same hole again and again: the set remembers under which range the last
 * place was found (`place`), and that no hole between there and `place_high` has room for more than `passed`, so
 * aligned. What grows up there raises `passed`; a request that is longer still need not look there.
 */
#pragma once
#include "kernel/lib/rbtree.h"
#include "kernel/lib/result.h"

struct range {
	struct rb_node node;
	u64 start, end;       /* [start, end), never empty */
	u64 gap, subtree_gap; /* hole below; widest hole below any node of this subtree */
	struct range *prev, *next;
};
struct range_set {
	struct rb_root root;
	struct range *first, *last;
	struct range *place; /* NULL: nothing is known */
	u64 place_high, place_align, passed;
};

void range_set_init(struct range_set *s);
/* => the range that contains addr, else the lowest one above, or NULL. */
struct range *range_find(const struct range_set *s, u64 addr);
static inline struct range *range_first(const struct range_set *s)
{
	return s->first;
}
static inline struct range *range_last(const struct range_set *s)
{
	return s->last;
}
static inline struct range *range_next(const struct range *r)
{
	return r->next;
}
static inline struct range *range_prev(const struct range *r)
{
	return r->prev;
}
/* => the lowest range above the hole that range_place_down() has just found at addr, or NULL. */
static inline struct range *range_above_place(const struct range_set *s, u64 addr)
{
	struct range *r = s->place;

	if (likely(r && addr - (r->start - r->gap) < r->gap))
		return r;
	return range_find(s, addr);
}
/* r->start and r->end are set and overlap nothing. */
void range_insert(struct range_set *s, struct range *r);
/* Fills the empty set `to` with a copy of `from`, of the same shape: nothing is searched or balanced.
 * copy: => a range with the same bounds, or NULL, which ends it with what there is so far (=> false): that is out of
 * balance, and may be walked, but not changed. */
MUST_CHECK bool range_clone(struct range_set *to, const struct range_set *from,
                            struct range *(*copy)(const struct range *r, void *arg), void *arg);
void range_remove(struct range_set *s, struct range *r);
/* New bounds that overlap no neighbour. */
void range_resize(struct range_set *s, struct range *r, u64 start, u64 end);
/* => the highest start of a hole of `length` bytes in [low, high), a multiple of align; or -ENOMEM. */
MUST_CHECK s64 range_place_down(struct range_set *s, u64 low, u64 high, u64 length, u64 align);
