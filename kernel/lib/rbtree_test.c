#include "kernel/lib/rbtree.h"
#include "kernel/lib/test.h"

struct item {
	struct rb_node node;
	u32 key, order;
	u32 subtree_max; /* augment */
};

static u32 random_next(u32 *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static bool item_less(const struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct item, node)->key < rb_entry(b, struct item, node)->key;
}

static bool item_augment(struct rb_node *n)
{
	struct item *it = rb_entry(n, struct item, node);
	u32 max = it->key;

	if (n->left)
		max = MAX(max, rb_entry(n->left, struct item, node)->subtree_max);
	if (n->right)
		max = MAX(max, rb_entry(n->right, struct item, node)->subtree_max);
	bool changed = max != it->subtree_max;
	it->subtree_max = max;
	return changed;
}

/* => black height, or -1 when a red-black rule or the augmented value is broken. */
static int black_height(const struct rb_node *n)
{
	int left, right;
	struct item copy;

	if (!n)
		return 1;
	left = black_height(n->left);
	right = black_height(n->right);
	if (left < 0 || left != right)
		return -1;
	if (!(n->parent_colour & 1) && ((n->left && !(n->left->parent_colour & 1)) ||
	                                (n->right && !(n->right->parent_colour & 1))))
		return -1;
	copy = *rb_entry(n, struct item, node);
	item_augment(&copy.node);
	if (copy.subtree_max != rb_entry(n, struct item, node)->subtree_max)
		return -1;
	return left + (n->parent_colour & 1);
}

/* Ascending keys, FIFO among equals, both ways, and as many as the model has. */
static void check_order(const struct rb_root *r, u32 count)
{
	const struct item *last = NULL;
	struct rb_node *pos;
	u32 seen = 0;

	rb_for_each (pos, r) {
		const struct item *it = rb_entry(pos, struct item, node);

		CHECK(!last || last->key < it->key ||
		      (last->key == it->key && last->order < it->order));
		last = it;
		seen++;
	}
	CHECK_EQ(seen, count);
	CHECK(rb_last(r) == (last ? &last->node : NULL));
}

TEST(rbtree_matches_model_under_random_changes)
{
	static struct item items[200];
	struct rb_root root = {.augment = item_augment};
	u32 state = 7, order = 0, count = 0;

	for (u32 i = 0; i < ARRAY_SIZE(items); i++)
		rb_clear(&items[i].node);
	for (u32 round = 0; round < 4000; round++) {
		struct item *it = &items[random_next(&state) % ARRAY_SIZE(items)];

		if (rb_linked(&it->node)) {
			rb_erase(&root, &it->node);
			CHECK(!rb_linked(&it->node));
			count--;
		} else {
			it->key = random_next(&state) % 50;
			it->order = order++;
			rb_insert(&root, &it->node, item_less);
			count++;
		}
		if (round % 16 == 0) {
			CHECK(black_height(root.node) >= 0);
			check_order(&root, count);
		}
	}
	for (struct rb_node *n; (n = rb_first(&root)); count--)
		rb_erase(&root, n);
	CHECK_EQ(count, 0);
	CHECK(rb_empty(&root));
}

TEST(rbtree_ascending_inserts_stay_balanced)
{
	static struct item items[1024];
	struct rb_root root = {.augment = item_augment};

	for (u32 i = 0; i < ARRAY_SIZE(items); i++) {
		items[i].key = items[i].order = i;
		rb_insert(&root, &items[i].node, item_less);
	}
	CHECK(black_height(root.node) > 0 && black_height(root.node) <= 11);
	check_order(&root, ARRAY_SIZE(items));
	CHECK(rb_first(&root) == &items[0].node);
}
