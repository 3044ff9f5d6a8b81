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

/* --- The tree --- */

struct place { /* of an item that is there, or could be */
	struct epoll_item *item;
	struct rb_node *parent, **link;
};

static struct place find_locked(struct epoll *ep, const struct epoll_source *s, s32 fd)
{
	struct place p = {.link = &ep->items.node};
	while (*p.link) {
		struct epoll_item *at = rb_entry(*p.link, struct epoll_item, node);
		if (at->fd == fd && at->source == s) {
			p.item = at;
			return p;
		}
		bool left = fd < at->fd || (fd == at->fd && (uintptr_t)s < (uintptr_t)at->source);
		p.parent = *p.link;
		p.link = left ? &p.parent->left : &p.parent->right;
	}
	return p;
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
	list_del(&item->ready);
	store_relaxed(&ep->any, !list_empty(&ep->ready));
	port_unlock(&ep->lock);
	rb_erase(&ep->items, &item->node);
	__atomic_sub_fetch(port_user_account(ep->user, PORT_EPOLL_WATCHES), 1, __ATOMIC_RELAXED);
	port_free(item);
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
	struct rb_node *n, *next;

	port_mutex_lock(&ep->mutex);
	for (n = rb_first(&ep->items); n; n = next) {
		next = rb_next(n);
		item_end(rb_entry(n, struct epoll_item, node));
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
	u64 *watches = port_user_account(ep->user, PORT_EPOLL_WATCHES);
	if (load_relaxed(watches) >= load_relaxed(&epoll_watches_max))
		return -ENOSPC;
	__atomic_add_fetch(watches, 1, __ATOMIC_RELAXED);
	return 0;
}

/* => an item in the tree and among its file's, not yet on the file's queues; or err_ptr. */
static struct epoll_item *item_new(struct epoll *ep, struct epoll_source *s, s32 fd,
                                   const struct epoll_event *ev, const struct place *p)
{
	int err = charge(ep);
	if (err)
		return err_ptr(err);
	struct epoll_item *item = port_alloc(sizeof *item);
	if (!item) {
		__atomic_sub_fetch(port_user_account(ep->user, PORT_EPOLL_WATCHES), 1,
		                   __ATOMIC_RELAXED);
		return err_ptr(-ENOMEM);
	}
	item->ep = ep;
	item->source = s;
	item->fd = fd;
	item->events = ev->events | POLLERR | POLLHUP;
	item->data = ev->data;
	list_init(&item->ready);
	refcount_get(&ep->refs);
	rb_link(&ep->items, &item->node, p->parent, p->link);
	port_lock(&s->lock);
	list_add_tail(&s->items, &item->watching);
	port_unlock(&s->lock);
	return item;
}

/* How an item comes into being; `nested`: EPOLL_NEST is held, and cycles have been looked for. */
static int add_locked(struct epoll *ep, struct epoll_source *s, s32 fd,
                      const struct epoll_event *ev, bool nested)
{
	struct place p = find_locked(ep, s, fd);
	if (p.item)
		return -EEXIST;
	/* An instance that becomes watched must not take up a file meanwhile without a look at the paths. */
	if (s->instance)
		port_mutex_lock_nested(&s->instance->mutex);
	struct epoll_item *item = item_new(ep, s, fd, ev, &p);
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
	struct epoll_item *item = find_locked(ep, s, fd).item;
	return item ? change_locked(item, ev) : -ENOENT;
}

int epoll_remove(struct epoll *ep, struct epoll_source *s, s32 fd)
{
	GUARD(port_mutex)(&ep->mutex);
	struct epoll_item *item = find_locked(ep, s, fd).item;
	if (!item)
		return -ENOENT;
	item_end(item);
	return 0;
}
