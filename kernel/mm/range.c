#include "kernel/mm/range.h"
#include "kernel/lib/bug.h"
#include "kernel/lib/checked.h"

static struct range *range_of(struct rb_node *n)
{
	return n ? rb_entry(n, struct range, node) : NULL;
}

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
	s->root = (struct rb_root){.augment = gap_augment};
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

struct range *range_first(const struct range_set *s)
{
	return range_of(rb_first(&s->root));
}

struct range *range_last(const struct range_set *s)
{
	return range_of(rb_last(&s->root));
}

struct range *range_next(const struct range *r)
{
	return range_of(rb_next(&r->node));
}

struct range *range_prev(const struct range *r)
{
	return range_of(rb_prev(&r->node));
}

/* The hole below r, or below what follows r, is another one now. */
static void gap_update(struct range_set *s, struct range *r, u64 floor)
{
	if (!r || r->gap == r->start - floor)
		return;
	r->gap = r->start - floor;
	rb_augment_path(&s->root, &r->node);
}

void range_insert(struct range_set *s, struct range *r)
{
	struct rb_node **link = &s->root.node, *parent = NULL;
	struct range *below = NULL, *above = NULL;

	DEBUG_ASSERT(r->start < r->end);
	while (*link) {
		parent = *link;
		struct range *p = rb_entry(parent, struct range, node);
		if (r->start < p->start) {
			above = p;
			link = &parent->left;
		} else {
			below = p;
			link = &parent->right;
		}
	}
	DEBUG_ASSERT(!below || below->end <= r->start);
	DEBUG_ASSERT(!above || r->end <= above->start);
	r->gap = r->start - (below ? below->end : 0);
	rb_link(&s->root, &r->node, parent, link);
	gap_update(s, above, r->end);
}

struct range_copier {
	struct range *(*copy)(const struct range *r, void *arg);
	void *arg;
};

/* Below a red-black tree's height, so the recursion is short. */
static bool subtree_clone(struct rb_node **link, struct rb_node *parent, const struct rb_node *from,
                          const struct range_copier *c)
{
	while (from) {
		const struct range *r = rb_entry(from, struct range, node);
		struct range *copy = c->copy(r, c->arg);
		if (!copy)
			return false;
		copy->gap = r->gap;
		copy->subtree_gap = r->subtree_gap;
		rb_place_copy(link, parent, &copy->node, from);
		if (from->left && !subtree_clone(&copy->node.left, &copy->node, from->left, c))
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
	struct range_copier c = {copy, arg};
	bool all = subtree_clone(&to->root.node, NULL, from->root.node, &c);

	rb_find_first(&to->root);
	return all;
}

void range_remove(struct range_set *s, struct range *r)
{
	struct range *below = range_prev(r), *above = range_next(r);

	rb_erase(&s->root, &r->node);
	gap_update(s, above, below ? below->end : 0);
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

s64 range_place_down(const struct range_set *s, u64 low, u64 high, u64 length, u64 align)
{
	struct range *last = range_last(s);
	s64 at = place_in(last ? last->end : 0, UINT64_MAX, low, high, length, align);

	return at >= 0 ? at : place_below(s->root.node, low, high, length, align);
}
