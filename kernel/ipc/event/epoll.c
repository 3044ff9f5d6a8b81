#include "kernel/ipc/event/epoll.h"
#include "kernel/ipc/wait.h"

struct waiter {
	struct ipc_waiter wait;
	struct epoll *ep;
	struct list link; /* [ep->lock] */
};

struct epoll *epoll_new(void)
{
	struct epoll *ep = port_alloc(sizeof *ep);
	if (!ep)
		return NULL;
	port_lock_init(&ep->lock, LOCK_CLASS_EPOLL_READY);
	port_mutex_init(&ep->mutex, LOCK_CLASS_EPOLL);
	port_lock_init(&ep->self.lock, LOCK_CLASS_EPOLL_SOURCE);
	list_init(&ep->self.items);
	ep->self.instance = ep;
	list_init(&ep->ready);
	list_init(&ep->waiters);
	refcount_init(&ep->refs, 1);
	port_poll_later_init(&ep->poll);
	ep->user = port_user_get();
	return ep;
}

static void epoll_free(struct port_defer *d)
{
	port_free(container_of(d, struct epoll, defer));
}

void epoll_put(struct epoll *ep)
{
	if (!refcount_put(&ep->refs))
		return;
	port_user_put(ep->user);
	port_defer(&ep->defer, epoll_free); /* a notice may still be on its way to our pollers */
}

/* --- Notices --- */

/* Chooses one of those who sleep. => false: there is none. */
static bool choose_waiter_locked(struct epoll *ep, struct ipc_wake_list *wakes)
{
	struct list *node = list_pop(&ep->waiters);
	if (node)
		ipc_waiter_decide(&list_entry(node, struct waiter, link)->wait, 0, wakes);
	return node;
}

/* => true: somebody sleeps, or slept until now, who will take care of the item. */
static bool link_ready(struct epoll *ep, struct epoll_item *item)
{
	struct ipc_wake_list wakes = {0};
	port_lock(&ep->lock);
	bool waited_for = !list_empty(&ep->waiters);
	if (!list_linked(&item->ready)) {
		list_add_tail(&ep->ready, &item->ready);
		store_relaxed(&ep->any, true);
		if (waited_for)
			(void)choose_waiter_locked(ep, &wakes);
	}
	port_unlock(&ep->lock);
	ipc_wake_flush(&wakes);
	return waited_for;
}

/* Linux's rule: an exclusive watcher has used up a wake-up if a thread waits for it, and for just that kind of event. */
static bool is_consumed(u32 wanted, u32 events)
{
	u32 kind = events & (POLLIN | POLLOUT);
	if (kind == (POLLIN | POLLOUT))
		return false;
	return !kind || wanted & kind;
}

bool epoll_notice(struct epoll_item *item, u32 events)
{
	u32 wanted = load_relaxed(&item->events);
	if (!(wanted & ~EPOLL_PRIVATE) || (events && !(events & wanted)))
		return false;
	struct epoll *ep = item->ep;
	bool waited_for = link_ready(ep, item);
	port_poll_wake_later(&ep->poll);
	return waited_for && is_consumed(wanted, events);
}

void epoll_make_ready(struct epoll_item *item)
{
	(void)link_ready(item->ep, item);
	port_poll_wake(&item->ep->poll.q, POLLIN | POLLRDNORM);
}

/* --- Asking those on the ready list --- */

struct scan {
	struct epoll *ep;
	struct list mark;        /* behind the last item to be asked */
	struct epoll_item *back; /* the last one asked, when it is to be linked again */
	bool back_first;         /* where it stood; else at the tail: others get their turn */
};

/* Links `back`, then takes the next item off. => NULL, and the end of the scan, at its mark or when `stop`. */
static struct epoll_item *scan_step(struct scan *s, bool stop)
{
	struct ipc_wake_list wakes = {0};
	struct epoll_item *next = NULL;
	struct epoll *ep = s->ep;

	port_lock(&ep->lock);
	if (s->back && !list_linked(&s->back->ready)) {
		if (s->back_first)
			list_add(&ep->ready, &s->back->ready);
		else
			list_add_tail(&ep->ready, &s->back->ready);
	}
	s->back = NULL;
	if (!stop && ep->ready.next != &s->mark) {
		next = list_entry(list_pop(&ep->ready), struct epoll_item, ready);
	} else {
		list_del(&s->mark);
		if (list_empty(&ep->ready))
			store_relaxed(&ep->any, false);
		else
			(void)choose_waiter_locked(ep, &wakes);
	}
	port_unlock(&ep->lock);
	ipc_wake_flush(&wakes);
	return next;
}

/* ep->mutex is held until the scan has ended. => the first item, or NULL. */
static ALWAYS_INLINE struct epoll_item *scan_begin(struct scan *s, struct epoll *ep)
{
	*s = (struct scan){.ep = ep};
	port_lock(&ep->lock);
	list_add_tail(&ep->ready, &s->mark);
	store_relaxed(&ep->any, true);
	port_unlock(&ep->lock);
	return scan_step(s, false);
}

static ALWAYS_INLINE u32 item_events(const struct epoll_item *item)
{
	return port_watched_events(&item->source->what) & item->events;
}

/* => 1 reported, 0 not ready, -EFAULT. */
static int report_item(struct scan *s, struct epoll_item *item, uptr_t to)
{
	struct epoll_event e = {.events = item_events(item), .data = item->data};
	if (!e.events)
		return 0;
	if (port_copy_out(to, &e, sizeof e)) {
		s->back = item;
		s->back_first = true;
		return -EFAULT;
	}
	if (item->events & EPOLLONESHOT)
		store_relaxed(&item->events, item->events & EPOLL_PRIVATE);
	else if (!(item->events & EPOLLET))
		s->back = item;
	return 1;
}

/* => events reported, or -EFAULT when that is none. */
static s64 report(struct epoll *ep, uptr_t to, u32 max)
{
	struct scan s;
	u32 n = 0;
	int got = 0;

	port_mutex_lock(&ep->mutex);
	struct epoll_item *item = scan_begin(&s, ep);
	while (item) {
		got = report_item(&s, item, uptr_add(to, n * sizeof(struct epoll_event)));
		n += got > 0;
		item = scan_step(&s, got < 0 || n == max);
	}
	port_mutex_unlock(&ep->mutex);
	return n ? (s64)n : got;
}

static NOINLINE u32 events_scan(struct epoll *ep)
{
	struct scan s;
	u32 events = 0;

	port_mutex_lock_nested(&ep->mutex); /* that of an outer instance may be held */
	struct epoll_item *item = scan_begin(&s, ep);
	while (item) {
		if (item_events(item)) {
			events = POLLIN | POLLRDNORM;
			s.back = item;
			s.back_first = true;
		}
		item = scan_step(&s, events);
	}
	port_mutex_unlock(&ep->mutex);
	return events;
}

u32 epoll_events(struct epoll *ep)
{
	return load_relaxed(&ep->any) ? events_scan(ep) : 0;
}

/* --- Waiting --- */

static bool withdraw(struct ipc_waiter *wait)
{
	struct waiter *w = container_of(wait, struct waiter, wait);
	GUARD(port)(&w->ep->lock);
	if (!ipc_waiter_pending(wait))
		return false;
	list_del(&w->link);
	return true;
}

/* => 0: look again; -EAGAIN: the deadline; -EINTR. */
static int sleep(struct epoll *ep, u64 deadline)
{
	struct waiter w = {.ep = ep};

	ipc_waiter_init(&w.wait);
	port_lock(&ep->lock);
	bool empty = list_empty(&ep->ready);
	if (empty)
		list_add_tail(&ep->waiters, &w.link);
	port_unlock(&ep->lock);
	return empty ? ipc_wait(&w.wait, deadline, withdraw) : 0;
}

s64 epoll_wait(struct epoll *ep, uptr_t to, u32 max, u64 deadline)
{
	for (;;) {
		s64 n = load_relaxed(&ep->any) ? report(ep, to, max) : 0;
		if (n || !deadline)
			return n;
		int slept = sleep(ep, deadline);
		if (slept)
			return slept == -EAGAIN ? 0 : slept;
	}
}

void epoll_for_each(struct epoll *ep, void (*fn)(const struct epoll_item *item, void *arg),
                    void *arg)
{
	struct rb_node *n;
	GUARD(port_mutex)(&ep->mutex);
	rb_for_each (n, &ep->items)
		fn(rb_entry(n, struct epoll_item, node), arg);
}
