#include "kernel/lib/idmap.h"
#include "kernel/lib/bug.h"

enum { NODE_BITS = 6, NODE_SLOTS = 1 << NODE_BITS, NODE_MASK = NODE_SLOTS - 1 };

/*
 * `used`: slots that hold something (inner: a child; leaf: a claimed id). `full`: slots below which no
 * id is free (leaf: the same as used). Readers look only at shift and slot, and shift never changes.
 */
struct idmap_node {
	u32 shift; /* [I] of the id bits that select a slot; 0 in a leaf */
	u64 used, full;
	void *slot[NODE_SLOTS];
};

static u32 slot_of(const struct idmap_node *n, u32 id)
{
	return id >> n->shift & NODE_MASK;
}

/* => true when `id` lies below a tree with this root. */
static bool covers(const struct idmap_node *root, u32 id)
{
	return (u64)id >> root->shift < NODE_SLOTS;
}

void idmap_init(struct idmap *m, const struct idmap_ops *ops)
{
	*m = (struct idmap){.ops = ops};
}

static struct idmap_node *node_new(struct idmap *m, u32 shift)
{
	struct idmap_node *n = m->ops->alloc(sizeof(*n));

	if (n)
		n->shift = shift;
	return n;
}

static void node_free(struct idmap *m, struct idmap_node *n)
{
	m->ops->defer_free(n, sizeof(*n));
}

/* Depth is at most six: 32-bit ids, six bits for each level. fn may be NULL. */
static void node_destroy(struct idmap *m, struct idmap_node *n, void (*fn)(void *p))
{
	for (u64 left = n->shift || fn ? n->used : 0; left; left &= left - 1) {
		void *p = n->slot[__builtin_ctzll(left)];

		if (n->shift)
			node_destroy(m, p, fn);
		else if (p)
			fn(p);
	}
	node_free(m, n);
}

void idmap_drain(struct idmap *m, void (*fn)(void *p))
{
	struct idmap_node *root = m->root;

	store_release(&m->root, (struct idmap_node *)NULL);
	m->height = m->count = 0;
	if (root)
		node_destroy(m, root, fn);
}

void idmap_destroy(struct idmap *m)
{
	idmap_drain(m, NULL);
}

void *idmap_find(const struct idmap *m, u32 id)
{
	/* Pairs with the release stores of link_slot and grow: a node is seen initialised. */
	struct idmap_node *n = load_acquire(&m->root);

	if (!n || !covers(n, id))
		return NULL;
	while (n->shift) {
		n = load_acquire(&n->slot[slot_of(n, id)]);
		if (!n)
			return NULL;
	}
	return load_acquire(&n->slot[id & NODE_MASK]);
}

static void link_slot(struct idmap_node *n, u32 slot, void *p)
{
	n->used |= BIT(slot);
	store_release(&n->slot[slot], p);
}

/* Adds a level on top until the tree covers id. */
static int grow(struct idmap *m, u32 id)
{
	while (!m->root || !covers(m->root, id)) {
		struct idmap_node *old = m->root;
		struct idmap_node *n = node_new(m, old ? old->shift + NODE_BITS : 0);

		if (!n)
			return -ENOMEM;
		if (old) {
			link_slot(n, 0, old);
			n->full = old->full == UINT64_MAX;
		}
		store_release(&m->root, n);
		m->height++;
	}
	return 0;
}

/* A path is at most six nodes; walks that come back up keep it here. */
struct idmap_path {
	struct idmap_node *node[6];
	u32 depth;
};

static void path_find(const struct idmap *m, u32 id, struct idmap_path *path)
{
	path->depth = 0;
	for (struct idmap_node *n = m->root; n; n = n->shift ? n->slot[slot_of(n, id)] : NULL)
		path->node[path->depth++] = n;
}

/* The leaf of id is full: perhaps what is above it, too. */
static NOINLINE void propagate_full(struct idmap *m, u32 id)
{
	struct idmap_path path;

	path_find(m, id, &path);
	for (u32 i = path.depth - 1; i > 0 && path.node[i]->full == UINT64_MAX; i--)
		path.node[i - 1]->full |= BIT(slot_of(path.node[i - 1], id));
}

static NOINLINE bool node_below(struct idmap *m, struct idmap_node *n, u32 slot)
{
	struct idmap_node *below = node_new(m, n->shift - NODE_BITS);

	if (below)
		link_slot(n, slot, below);
	return below;
}

/* Claims id. => its leaf, or NULL: no memory; empty nodes above wait for the next user or destroy. */
static ALWAYS_INLINE struct idmap_node *claim(struct idmap *m, u32 id)
{
	struct idmap_node *n;

	if (unlikely(!m->root || !covers(m->root, id)) && grow(m, id) < 0)
		return NULL;
	for (n = m->root; n->shift;) {
		u32 slot = slot_of(n, id);

		if (unlikely(!n->slot[slot]) && !node_below(m, n, slot))
			return NULL;
		n = n->slot[slot];
	}
	n->used |= BIT(id & NODE_MASK);
	n->full = n->used;
	if (unlikely(n->full == UINT64_MAX))
		propagate_full(m, id);
	return n;
}

int idmap_reserve(struct idmap *m, u32 id)
{
	return claim(m, id) ? 0 : -ENOMEM;
}

int idmap_insert(struct idmap *m, u32 id, void *p)
{
	struct idmap_node *leaf = claim(m, id);

	if (unlikely(!leaf))
		return -ENOMEM;
	if (unlikely(leaf->slot[id & NODE_MASK]))
		return -EEXIST;
	m->count++;
	store_release(&leaf->slot[id & NODE_MASK], p);
	return 0;
}

static struct idmap_node *leaf_of(const struct idmap *m, u32 id)
{
	struct idmap_node *n = m->root;

	if (!n || !covers(n, id))
		return NULL;
	while (n && n->shift)
		n = n->slot[slot_of(n, id)];
	return n;
}

void idmap_set(struct idmap *m, u32 id, void *p)
{
	struct idmap_node *leaf = leaf_of(m, id);
	u32 slot = id & NODE_MASK;

	ASSERT(leaf && leaf->used & BIT(slot));
	m->count += !!p - !!leaf->slot[slot];
	store_release(&leaf->slot[slot], p);
}

void idmap_clear(struct idmap *m, u32 id)
{
	struct idmap_path path;
	struct idmap_node *n = m->root;

	if (!n || !covers(n, id))
		return;
	path_find(m, id, &path);
	n = path.node[path.depth - 1];
	if (n->shift)
		return;
	m->count -= !!n->slot[id & NODE_MASK];
	/* Bottom-up: this slot goes; a node left empty goes as well, the root stays for the next id. */
	for (u32 i = path.depth; i-- > 0;) {
		u32 slot;

		n = path.node[i];
		slot = slot_of(n, id);
		if (i + 1 < path.depth && path.node[i + 1]->used) {
			n->full &= ~BIT(slot);
			continue;
		}
		store_release(&n->slot[slot], NULL);
		n->used &= ~BIT(slot);
		n->full &= ~BIT(slot);
		if (i + 1 < path.depth)
			node_free(m, path.node[i + 1]);
	}
}

/* => lowest free id >= from below n, whose first id is `base`; UINT64_MAX when there is none. */
static u64 find_free_below(const struct idmap_node *n, u64 base, u64 from)
{
	u32 first = from > base ? (from - base) >> n->shift : 0;

	while (first < NODE_SLOTS) {
		u64 open = ~n->full & (UINT64_MAX << first);
		u64 start, found;
		u32 slot;

		if (!open)
			return UINT64_MAX;
		slot = __builtin_ctzll(open);
		start = base + ((u64)slot << n->shift);
		if (!n->shift || !n->slot[slot])
			return MAX(start, from);
		found = find_free_below(n->slot[slot], start, from);
		if (found != UINT64_MAX)
			return found;
		/* Only the slot that holds `from` can be open and yet have nothing at or above it. */
		first = slot + 1;
	}
	return UINT64_MAX;
}

s64 idmap_find_free(const struct idmap *m, u32 from, u32 max)
{
	const struct idmap_node *root = m->root;
	u64 id = from;

	if (root && covers(root, from)) {
		id = find_free_below(root, 0, from);
		if (id == UINT64_MAX)
			id = (u64)NODE_SLOTS << root->shift;
	}
	return id <= max ? (s64)id : -ENOSPC;
}

static void *next_below(const struct idmap_node *n, u64 base, u64 from, u32 *id)
{
	u32 first = from > base ? (from - base) >> n->shift : 0;

	for (u32 slot = first; slot < NODE_SLOTS; slot++) {
		void *p = load_acquire(&n->slot[slot]);
		u64 start = base + ((u64)slot << n->shift);

		if (!p)
			continue;
		if (n->shift)
			p = next_below(p, start, from, id);
		else
			*id = (u32)start;
		if (p)
			return p;
	}
	return NULL;
}

void *idmap_next(const struct idmap *m, u32 *id)
{
	const struct idmap_node *root = load_acquire(&m->root);

	return root && covers(root, *id) ? next_below(root, 0, *id, id) : NULL;
}
