/* Registrations: made, changed, and ended by whoever is first. */
#include "kernel/ipc/event/epoll.h"

u64 epoll_watches_max = UINT64_MAX;

struct epoll_source *epoll_source_new(struct port_watched what)
{
	struct epoll_source *s = port_alloc(sizeof *s);
	if (!s)
		return NULL;
	port_lock_init(&s->lock, LOCK_CLASS_EPOLL_SOURCE);
	list_init(&s->items);
	s->what = what;
	return s;
}

/* --- The table --- */

static ALWAYS_INLINE struct epoll_item **slot_of(struct epoll_table *t, s32 fd)
{
	return &t->slots[(u32)fd & t->mask];
}

static ALWAYS_INLINE struct epoll_item *find_locked(struct epoll *ep, const struct epoll_source *s,
                                                    s32 fd)
{
	struct epoll_item *item = *slot_of(&ep->table, fd);
	while (item && !(item->fd == fd && item->source == s))
		item = item->next;
	return item;
}

/* Twice as many slots. Without memory the chains become longer, and that is all. */
static NOINLINE void table_grow(struct epoll_table *t)
{
	struct epoll_table to = {.mask = 2 * t->mask + 1};
	to.slots = port_alloc((to.mask + 1) * sizeof *to.slots);
	if (!to.slots)
		return;
	for (u32 i = 0; i <= t->mask; i++)
		for (struct epoll_item *item = t->slots[i], *next; item; item = next) {
			struct epoll_item **slot = slot_of(&to, item->fd);
			next = item->next;
			item->next = *slot;
			*slot = item;
		}
	if (t->slots != t->first_slots)
		port_free(t->slots);
	t->slots = to.slots;
	t->mask = to.mask;
}

static ALWAYS_INLINE void table_add(struct epoll_table *t, struct epoll_item *item)
{
	if (unlikely(t->count++ > t->mask))
		table_grow(t);
	struct epoll_item **slot = slot_of(t, item->fd);
	item->next = *slot;
	*slot = item;
}

static ALWAYS_INLINE void table_del(struct epoll_table *t, struct epoll_item *item)
{
	struct epoll_item **at = slot_of(t, item->fd);
	while (*at != item)
		at = &(*at)->next;
	*at = item->next;
	t->count--;
}

/* --- The end of an item --- */

/* => false: the file's end does it. */
static bool source_leave(struct epoll_item *item)
{
	GUARD(port)(&item->source->lock);
	if (item->dying)
		return false;
	list_del(&item->watching);
	return true;
}

/* Nobody finds the item any more; ep->mutex is held. */
static void item_free(struct epoll_item *item)
{
	struct epoll *ep = item->ep;

	port_lock(&ep->lock);
	if (list_linked(&item->ready)) {
		list_del(&item->ready);
		ep->count--;
		store_relaxed(&ep->any, ep->count != 0);
	}
	port_unlock(&ep->lock);
	table_del(&ep->table, item);
	__atomic_sub_fetch(ep->watches, 1, __ATOMIC_RELAXED);
	port_buffer_free(item);
	epoll_put(ep); /* never the last: whoever holds the mutex has one */
}

static void item_end(struct epoll_item *item)
{
	port_watch_end(&item->watch);
	if (source_leave(item))
		item_free(item);
}

void epoll_release(struct epoll *ep)
{
	port_mutex_lock(&ep->mutex);
	for (u32 i = 0; i <= ep->table.mask; i++) {
		for (struct epoll_item *item = ep->table.slots[i], *next; item; item = next) {
			next = item->next;
			item_end(item);
		}
		if (i % 512 == 511)
			port_yield();
	}
	port_mutex_unlock(&ep->mutex);
	epoll_put(ep);
}

static struct epoll_item *source_take(struct epoll_source *s)
{
	GUARD(port)(&s->lock);
	struct list *node = list_pop(&s->items);
	if (!node)
		return NULL;
	struct epoll_item *item = list_entry(node, struct epoll_item, watching);
	item->dying = true;
	refcount_get(&item->ep->refs);
	return item;
}

void epoll_source_release(struct epoll_source *s)
{
	struct epoll_item *item;

	while ((item = source_take(s))) {
		struct epoll *ep = item->ep;
		port_mutex_lock(&ep->mutex);
		port_watch_end(&item->watch);
		item_free(item);
		port_mutex_unlock(&ep->mutex);
		epoll_put(ep);
	}
	if (!s->instance)
		port_free(s);
}

/* --- epoll_ctl(2) --- */

/* Linux counts before it compares, so that races may go a little beyond, too. => 0 or -ENOSPC. */
static int charge(struct epoll *ep)
{
	if (load_relaxed(ep->watches) >= load_relaxed(&epoll_watches_max))
		return -ENOSPC;
	__atomic_add_fetch(ep->watches, 1, __ATOMIC_RELAXED);
	return 0;
}

/* => an item in the table and among its file's, not yet on the file's queues; or err_ptr. */
static ALWAYS_INLINE struct epoll_item *item_new(struct epoll *ep, struct epoll_source *s, s32 fd,
                                                 const struct epoll_event *ev)
{
	int err = charge(ep);
	if (unlikely(err))
		return err_ptr(err);
	struct epoll_item *item = port_buffer_alloc(sizeof *item);
	if (unlikely(!item)) {
		__atomic_sub_fetch(ep->watches, 1, __ATOMIC_RELAXED);
		return err_ptr(-ENOMEM);
	}
	item->ep = ep;
	item->source = s;
	item->fd = fd;
	item->events = ev->events | POLLERR | POLLHUP;
	item->data = ev->data;
	item->dying = false;
	list_init(&item->ready);
	port_watch_init(&item->watch);
	refcount_get(&ep->refs);
	table_add(&ep->table, item);
	port_lock(&s->lock);
	list_add_tail(&s->items, &item->watching);
	port_unlock(&s->lock);
	return item;
}

/* How an item comes into being; `nested`: EPOLL_NEST is held, and cycles have been looked for. */
static int add_locked(struct epoll *ep, struct epoll_source *s, s32 fd,
                      const struct epoll_event *ev, bool nested)
{
	if (find_locked(ep, s, fd))
		return -EEXIST;
	/* An instance that becomes watched must not take up a file meanwhile without a look at the paths. */
	if (s->instance)
		port_mutex_lock_nested(&s->instance->mutex);
	struct epoll_item *item = item_new(ep, s, fd, ev);
	if (s->instance)
		port_mutex_unlock(&s->instance->mutex);
	if (is_err(item))
		return ptr_err(item);
	s64 events = nested ? epoll_check_paths(s) : 0;
	if (!events)
		events = port_watch_begin(&item->watch, &s->what, item, item->events);
	if (events < 0) {
		item_end(item);
		return (int)events;
	}
	if (events & item->events)
		epoll_make_ready(item);
	return 0;
}

static bool is_watched(struct epoll *ep)
{
	GUARD(port)(&ep->self.lock);
	return !list_empty(&ep->self.items);
}

static NOINLINE int add_nested(struct epoll *ep, struct epoll_source *s, s32 fd,
                               const struct epoll_event *ev)
{
	epoll_nest_lock();
	int err = s->instance ? epoll_check_cycle(ep, s) : 0;
	if (!err) {
		port_mutex_lock(&ep->mutex);
		err = add_locked(ep, s, fd, ev, true);
		port_mutex_unlock(&ep->mutex);
	}
	epoll_nest_unlock();
	return err;
}

int epoll_add(struct epoll *ep, struct epoll_source *s, s32 fd, const struct epoll_event *ev)
{
	port_mutex_lock(&ep->mutex);
	bool nested = s->instance || is_watched(ep);
	int err = nested ? 0 : add_locked(ep, s, fd, ev, false);
	port_mutex_unlock(&ep->mutex);
	return nested ? add_nested(ep, s, fd, ev) : err;
}

static int change_locked(struct epoll_item *item, const struct epoll_event *ev)
{
	if (item->events & EPOLLEXCLUSIVE)
		return -EINVAL;
	store_relaxed(&item->events, ev->events | POLLERR | POLLHUP);
	item->data = ev->data;
	/* A notice that still saw the old events came before this; then the file, asked now, shows what it was about.
	 * Partner: the fence between a change and its announcement, kernel/sync/waitq.c. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (port_watched_events(&item->source->what) & item->events)
		epoll_make_ready(item);
	return 0;
}

int epoll_change(struct epoll *ep, struct epoll_source *s, s32 fd, const struct epoll_event *ev)
{
	GUARD(port_mutex)(&ep->mutex);
	struct epoll_item *item = find_locked(ep, s, fd);
	return item ? change_locked(item, ev) : -ENOENT;
}

int epoll_remove(struct epoll *ep, struct epoll_source *s, s32 fd)
{
	GUARD(port_mutex)(&ep->mutex);
	struct epoll_item *item = find_locked(ep, s, fd);
	if (!item)
		return -ENOENT;
	item_end(item);
	return 0;
}
