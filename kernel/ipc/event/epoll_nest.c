/*
 * Instances that watch instances: no cycles, no chains beyond NESTS_MAX, and no more than a few paths from a file up to
 * instances that nobody watches, because each of them is walked when the file gives notice. Linux's limits.
 */
#include "kernel/ipc/event/epoll.h"

static struct port_mutex nest;
static u64 generation; /* [nest] of the walk in progress: marks what it has seen */

void epoll_init(void)
{
	port_mutex_init(&nest, LOCK_CLASS_EPOLL_NEST);
}
void epoll_nest_lock(void)
{
	port_mutex_lock(&nest);
}
void epoll_nest_unlock(void)
{
	port_mutex_unlock(&nest);
}

/* --- Downward: is `target` below `at`, or what is below too deep? --- */

static int find_below(struct epoll *at, const struct epoll *target, u32 depth)
{
	struct epoll_item *item;
	int err = 0;

	port_mutex_lock_nested(&at->mutex);
	at->visited = generation;
	epoll_for_each_item(item, at, slot)
	{
		struct epoll *inner = item->source->instance;
		if (err || !inner || inner->visited == generation)
			continue;
		err = inner == target || depth > NESTS_MAX ? -ELOOP
		                                           : find_below(inner, target, depth + 1);
	}
	port_mutex_unlock(&at->mutex);
	return err;
}

int epoll_check_cycle(struct epoll *ep, struct epoll_source *s)
{
	generation++;
	return find_below(s->instance, ep, 0);
}

/* --- Upward: how many paths there are, by their length --- */

/* Adds `paths` to each instance that watches s, and those that had none to the list of the level. => false: nobody
 * watches s. */
static bool spread(struct epoll_source *s, u64 paths, u32 level, struct epoll **list)
{
	enum { PLENTY = 1 << 20 }; /* beyond every limit, and far from overflow */
	struct epoll_item *item;
	GUARD(port)(&s->lock);
	list_for_each (item, &s->items, watching) {
		struct epoll *ep = item->ep;
		u64 *sum = &ep->walk[level].paths;
		if (!*sum) {
			refcount_get(&ep->refs);
			ep->walk[level].next = *list;
			*list = ep;
		}
		*sum = MIN(*sum + paths, (u64)PLENTY);
	}
	return !list_empty(&s->items);
}

static struct epoll *walk_pop(struct epoll **list, u32 level, u64 *out_paths)
{
	struct epoll *ep = *list;
	*list = ep->walk[level].next;
	*out_paths = ep->walk[level].paths;
	ep->walk[level].paths = 0;
	return ep;
}

/* One level after the other; when a limit is passed, what is on the lists is only given back. */
static int count_paths(struct epoll_source *leaf)
{
	static const u64 limits[NESTS_MAX + 1] = {UINT64_MAX, 500, 100, 50, 10};
	struct epoll *list[2] = {NULL, NULL};
	int err = 0;

	(void)spread(leaf, 1, 0, &list[0]);
	for (u32 depth = 0; list[depth % 2]; depth++) {
		u32 level = depth % 2, above = 1 - level;
		u64 ends = 0, paths;
		while (list[level]) {
			struct epoll *ep = walk_pop(&list[level], level, &paths);
			if (!err && !spread(&ep->self, paths, above, &list[above]))
				ends += paths;
			epoll_put(ep);
		}
		if (!err && (ends > limits[depth] || (depth == NESTS_MAX && list[above])))
			err = -EINVAL;
	}
	return err;
}

/* --- All files below --- */

static int check_below(struct epoll *at)
{
	struct epoll_item *item;
	int err = 0;

	port_mutex_lock_nested(&at->mutex);
	epoll_for_each_item(item, at, slot)
	{
		struct epoll_source *s = item->source;
		if (err || s->checked == generation)
			continue;
		s->checked = generation;
		err = s->instance ? check_below(s->instance) : count_paths(s);
	}
	port_mutex_unlock(&at->mutex);
	return err;
}

int epoll_check_paths(struct epoll_source *s)
{
	generation++;
	return s->instance ? check_below(s->instance) : count_paths(s);
}
