/*
 * A map from small integers to pointers: a radix tree of 64-way nodes that grows with the highest
 * id, with "lowest free" and "next free, cyclic" allocation. Lookups need no lock against
 * concurrent changes when nodes are freed through `defer_free` (the world's grace period).
 * Changes: the caller's lock.
 */
#pragma once
#include "kernel/lib/result.h"

struct idmap_node;
struct idmap {
	struct idmap_node *root;
	u32 height;
	u32 count;
	const struct idmap_ops *ops;
};
struct idmap_ops {
	void *(*alloc)(size_t size); /* zeroed, or NULL */
	void (*defer_free)(void *p, size_t size);
};

void idmap_init(struct idmap *m, const struct idmap_ops *ops);
void idmap_destroy(struct idmap *m); /* frees the nodes, not what they point to */
void *idmap_find(const struct idmap *m, u32 id);
/* Prepares room so that idmap_set(m, id, ...) cannot fail. => 0 or -ENOMEM. */
MUST_CHECK int idmap_reserve(struct idmap *m, u32 id);
void idmap_set(struct idmap *m, u32 id, void *p); /* room reserved, or the slot in use */
void idmap_clear(struct idmap *m, u32 id);
/* => lowest free id >= from and <= max, or -ENOSPC. O(height). */
MUST_CHECK s64 idmap_find_free(const struct idmap *m, u32 from, u32 max);
/* => the entry with the lowest id >= *id, *id updated, or NULL. */
void *idmap_next(const struct idmap *m, u32 *id);
#define idmap_for_each(m, id, p) for (id = 0; (p = idmap_next(m, &id)); id++)
