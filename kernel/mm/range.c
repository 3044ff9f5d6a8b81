#include "kernel/mm/range.h"
#include "kernel/lib/bug.h"
#include "kernel/lib/checked.h"

static u64 widest(const struct rb_node *n)
{
	return n ? rb_entry(n, struct range, node)->subtree_gap : 0;
}

static bool gap_augment(struct rb_node *n)
{
	struct range *r = rb_entry(n, struct range, node);
	u64 before = r->subtree_gap;

	r->subtree_gap = MAX(r->gap, MAX(widest(n->left), widest(n->right)));
	return r->subtree_gap != before;
}

void range_set_init(struct range_set *s)
{
	*s = (struct range_set){.root.augment = gap_augment};
}

struct range *range_find(const struct range_set *s, u64 addr)
{
	struct rb_node *n = s->root.node;
	struct range *best = NULL;

	while (n) {
		struct range *r = rb_entry(n, struct range, node);
		if (addr >= r->end) {
			n = n->right;
			continue;
		}
		best = r;
		if (addr >= r->start)
			break;
		n = n->left;
	}
	return best;
}

/* A hole under r, or above all when r is NULL, has grown. */
static void place_note(struct range_set *s, const struct range *r)
{
	if (!r)
		s->place = NULL;
	else if (s->place && r->start > s->place->start)
		s->passed = MAX(s->passed, r->gap);
}

/* The hole below r, or below what follows r, is another one now. => did that change r? */
static bool gap_set(struct range_set *s, struct range *r, u64 floor)
{
	u64 gap, before;

	if (!r) {
		place_note(s, r);
		return false;
	}
	gap = r->start - floor, before = r->gap;
	r->gap = gap;
	if (gap > before)
		place_note(s, r);
	return gap != before;
}

static void gap_update(struct range_set *s, struct range *r, u64 floor)
{
	if (gap_set(s, r, floor))
		rb_augment_path(&s->root, &r->node);
}

/* Between two neighbours one of which has no child on that side. */
static void link_between(struct range_set *s, struct range *r)
{
	struct range *below = r->prev, *above = r->next;

	*(below ? &below->next : &s->first) = r;
	*(above ? &above->prev : &s->last) = r;
	if (above && !above->node.left)
		rb_link(&s->root, &r->node, &above->node, &above->node.left);
	else if (below)
		rb_link(&s->root, &r->node, &below->node, &below->node.right);
	else
		rb_link(&s->root, &r->node, NULL, &s->root.node);
}

static bool fits_under(const struct range *r, const struct range *above)
{
	return r->end <= above->start && r->start >= above->start - above->gap;
}

void range_insert(struct range_set *s, struct range *r)
{
	DEBUG_ASSERT(r->start < r->end);
	struct range *above =
		s->place && fits_under(r, s->place) ? s->place : range_find(s, r->start);
	struct range *below = above ? above->prev : s->last;
	DEBUG_ASSERT(!below || below->end <= r->start);
	DEBUG_ASSERT(!above || r->end <= above->start);
	r->prev = below, r->next = above;
	r->gap = r->start - (below ? below->end : 0);
	bool changed = above && gap_set(s, above, r->end);
	link_between(s, r);
	if (changed) /* an ancestor: linking may have stopped short of it */
		rb_augment_path(&s->root, &above->node);
	if (above && above == s->place && above->start == r->end)
		s->place = r;
}

struct range_copier {
	struct range *(*copy)(const struct range *r, void *arg);
	void *arg;
	struct range_set *to;
	struct range *last; /* copied in order so far */
};

static void clone_append(struct range_copier *c, struct range *r)
{
	r->prev = c->last;
	r->next = NULL;
	*(c->last ? &c->last->next : &c->to->first) = r;
	c->last = r;
}

/* Below a red-black tree's height, so the recursion is short. */
static bool subtree_clone(struct rb_node **link, struct rb_node *parent, const struct rb_node *from,
                          struct range_copier *c)
{
	while (from) {
		const struct range *r = rb_entry(from, struct range, node);
		struct range *copy = c->copy(r, c->arg);
		if (!copy)
			return false;
		copy->gap = r->gap;
		copy->subtree_gap = r->subtree_gap;
		rb_place_copy(link, parent, &copy->node, from);
		bool all =
			!from->left || subtree_clone(&copy->node.left, &copy->node, from->left, c);
		clone_append(c, copy);
		if (!all)
			return false;
		link = &copy->node.right;
		parent = &copy->node;
		from = from->right;
	}
	return true;
}

bool range_clone(struct range_set *to, const struct range_set *from,
                 struct range *(*copy)(const struct range *r, void *arg), void *arg)
{
	struct range_copier c = {copy, arg, to, NULL};
	bool all = subtree_clone(&to->root.node, NULL, from->root.node, &c);

	rb_find_first(&to->root);
	to->last = c.last;
	return all;
}

void range_remove(struct range_set *s, struct range *r)
{
	struct range *below = r->prev, *above = r->next;

	if (s->place == r)
		s->place = above;
	*(below ? &below->next : &s->first) = above;
	*(above ? &above->prev : &s->last) = below;
	/* Above is an ancestor of r, or a leaf below it, or takes its place: erasing updates the rest. */
	if (gap_set(s, above, below ? below->end : 0))
		gap_augment(&above->node);
	rb_erase(&s->root, &r->node);
}

void range_resize(struct range_set *s, struct range *r, u64 start, u64 end)
{
	u64 floor = r->start - r->gap;

	DEBUG_ASSERT(start < end && start >= floor);
	r->start = start;
	gap_update(s, r, floor);
	if (r->end == end)
		return;
	r->end = end;
	gap_update(s, range_next(r), end);
}

/* => the highest place in the hole [floor, ceiling) cut to [low, high), or -ENOMEM. */
static s64 place_in(u64 floor, u64 ceiling, u64 low, u64 high, u64 length, u64 align)
{
	u64 from = MAX(floor, low), to = MIN(ceiling, high);

	if (to < length || to - length < from)
		return -ENOMEM;
	u64 at = ROUND_DOWN(to - length, align);
	return at >= from ? (s64)at : -ENOMEM;
}

static s64 place_below(struct rb_node *n, u64 low, u64 high, u64 length, u64 align)
{
	/* Right, node, left: from the top down. Subtrees whose widest hole is too small are not entered;
	 * one that is wide enough may still fail by alignment or the bounds, so the search goes on. */
	if (!n || widest(n) < length)
		return -ENOMEM;
	struct range *r = rb_entry(n, struct range, node);
	s64 at = -ENOMEM;
	if (r->start < high)
		at = place_below(n->right, low, high, length, align);
	if (at < 0)
		at = place_in(r->start - r->gap, r->start, low, high, length, align);
	if (at < 0 && r->start - r->gap > low)
		at = place_below(n->left, low, high, length, align);
	return at;
}

/* => the place in the hole that is remembered, or -ENOMEM: it will not do, or a higher one might. */
static s64 place_again(const struct range_set *s, u64 low, u64 high, u64 length, u64 align)
{
	const struct range *r = s->place;

	if (!r || high != s->place_high || align != s->place_align || length <= s->passed)
		return -ENOMEM;
	return place_in(r->start - r->gap, r->start, low, high, length, align);
}

s64 range_place_down(struct range_set *s, u64 low, u64 high, u64 length, u64 align)
{
	struct range *last = s->last;
	s64 at = place_again(s, low, high, length, align);

	if (likely(at >= 0))
		return at;
	at = place_in(last ? last->end : 0, UINT64_MAX, low, high, length, align);
	if (at >= 0)
		return at;
	at = place_below(s->root.node, low, high, length, align);
	if (at >= 0) {
		s->place = range_find(s, (u64)at);
		s->place_high = high;
		s->place_align = align;
		s->passed = length - 1;
	}
	return at;
}
