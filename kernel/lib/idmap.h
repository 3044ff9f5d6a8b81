/*
 * A map from 32-bit integers to pointers: a radix tree of 64-way nodes that grows with the highest
 * id. A bitmap of full subtrees in each node finds the lowest free id without a scan; a cyclic
 * allocator asks from its last id upward and then from its first.
 *
 * An id is free, claimed (idmap_reserve: not found yet, but not free either) or set:
 *
 *	      idmap_reserve          idmap_set
 *	FREE ---------------> CLAIMED ---------> SET
 *	  ^                      | idmap_clear     | idmap_clear
 *	  +----------------------+-----------------+
 *
 * Locking: changes under the caller's lock. idmap_find and idmap_next need none when nodes are freed
 * through a `defer_free` that waits for readers (the kernel: RCU); they see each pointer either
 * before or after its change. Only idmap_reserve can fail.
 */
#pragma once
#include "kernel/lib/result.h"

struct idmap_node;
struct idmap {
	struct idmap_node *root;
	u32 height;
	u32 count; /* ids set */
	const struct idmap_ops *ops;
};
struct idmap_ops {
	void *(*alloc)(size_t size); /* zeroed, or NULL */
	void (*defer_free)(void *p, size_t size);
};

void idmap_init(struct idmap *m, const struct idmap_ops *ops);
void idmap_destroy(struct idmap *m); /* frees the nodes, not what they point to */
/* The same, and passes on what was set, in order: the end of a map that nobody else uses. */
void idmap_drain(struct idmap *m, void (*fn)(void *p));
void *idmap_find(const struct idmap *m, u32 id);
/* Claims id, so that idmap_set(m, id, ...) cannot fail; give up a claim with idmap_clear.
 * => 0, also when already claimed or set; or -ENOMEM. */
MUST_CHECK int idmap_reserve(struct idmap *m, u32 id);
void idmap_set(struct idmap *m, u32 id, void *p); /* the id is claimed or set */
/* Both at once, of a free id. => 0, -EEXIST, -ENOMEM. */
MUST_CHECK int idmap_insert(struct idmap *m, u32 id, void *p);
/* Frees the id; nothing happens when it is free. */
void idmap_clear(struct idmap *m, u32 id);
/* => lowest free id >= from and <= max, or -ENOSPC. O(height). */
MUST_CHECK s64 idmap_find_free(const struct idmap *m, u32 from, u32 max);
/* => the entry with the lowest id >= *id, *id updated, or NULL. */
void *idmap_next(const struct idmap *m, u32 *id);
/* `id`: u32 that the body may read. The id UINT32_MAX ends the loop even when it is set. */
#define idmap_for_each(m, id, p) for (id = 0; (p = idmap_next(m, &id)) && id != UINT32_MAX; id++)
