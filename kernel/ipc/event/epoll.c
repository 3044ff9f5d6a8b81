#include "kernel/ipc/event/epoll.h"
#include "kernel/ipc/wait.h"

enum { YIELD_EVERY = 512 }; /* items, in long loops */

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
	ep->table.slots = ep->table.first_slots;
	ep->table.mask = EPOLL_SLOTS - 1;
	ep->user = port_user_get();
	ep->watches = port_user_account(ep->user, PORT_EPOLL_WATCHES);
	return ep;
}

static void epoll_free(struct port_defer *d)
{
	struct epoll *ep = container_of(d, struct epoll, defer);
	if (ep->table.slots != ep->table.first_slots)
		port_free(ep->table.slots);
	port_free(ep);
}

void epoll_put(struct epoll *ep)
{
	if (!refcount_put(&ep->refs))
		return;
	port_user_put(ep->user);
	port_defer(&ep->defer, epoll_free); /* a notice may still be on its way to our pollers */
}

/* --- Notices --- */

/* Chooses one of those who sleep, there are some, and wakes it. The lock is held, and released. */
static NOINLINE void choose_waiter_unlock(struct epoll *ep)
{
	struct ipc_wake_list wakes = {0};
	struct list *node = list_pop(&ep->waiters);
	ipc_waiter_decide(&list_entry(node, struct waiter, link)->wait, 0, &wakes);
	port_unlock(&ep->lock);
	ipc_wake_flush(&wakes);
}

/* => true: somebody sleeps, or slept until now, who will take care of the item. */
static ALWAYS_INLINE bool link_ready(struct epoll *ep, struct epoll_item *item)
{
	port_lock(&ep->lock);
	bool waited_for = !list_empty(&ep->waiters), fresh = !list_linked(&item->ready);
	if (fresh) {
		list_add_tail(&ep->ready, &item->ready);
		ep->count++;
		store_relaxed(&ep->any, true);
	}
	if (unlikely(waited_for) && fresh)
		choose_waiter_unlock(ep);
	else
		port_unlock(&ep->lock);
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
	u32 left;                /* items still to be asked */
	struct epoll_item *back; /* the last one asked, when it is to be linked again */
	bool back_first;         /* where it stood; else at the tail: others get their turn */
};

static void scan_back_locked(struct scan *s)
{
	struct epoll_item *item = TAKE(s->back);
	if (list_linked(&item->ready))
		return;
	s->ep->count++;
	if (s->back_first)
		list_add(&s->ep->ready, &item->ready);
	else
		list_add_tail(&s->ep->ready, &item->ready);
}

/* The lock is held, and released. Who sleeps takes care of what is left. */
static ALWAYS_INLINE void scan_end_unlock(struct epoll *ep)
{
	store_relaxed(&ep->any, ep->count != 0);
	if (unlikely(!list_empty(&ep->waiters)) && ep->count)
		choose_waiter_unlock(ep);
	else
		port_unlock(&ep->lock);
}

/* Links `back`, then takes the next item off. => NULL: the end of the scan. */
static ALWAYS_INLINE struct epoll_item *scan_step(struct scan *s)
{
	struct epoll *ep = s->ep;

	port_lock(&ep->lock);
	if (s->back)
		scan_back_locked(s);
	if (!s->left) {
		scan_end_unlock(ep);
		return NULL;
	}
	s->left--;
	ep->count--;
	struct epoll_item *next = list_entry(list_pop(&ep->ready), struct epoll_item, ready);
	port_unlock(&ep->lock);
	return next;
}

/* ep->mutex is held until the scan has ended: nobody else takes items off, so the first `left` are those of now. => the
 * first item, or NULL. */
static ALWAYS_INLINE struct epoll_item *scan_begin(struct scan *s, struct epoll *ep)
{
	*s = (struct scan){.ep = ep};
	port_lock(&ep->lock);
	if (unlikely(!ep->count)) {
		scan_end_unlock(ep);
		return NULL;
	}
	s->left = ep->count - 1;
	ep->count--;
	struct epoll_item *first = list_entry(list_pop(&ep->ready), struct epoll_item, ready);
	port_unlock(&ep->lock);
	return first;
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
	u32 n = 0, asked = 0;
	int got = 0;

	port_mutex_lock(&ep->mutex);
	struct epoll_item *item = scan_begin(&s, ep);
	while (item) {
		got = report_item(&s, item, uptr_add(to, n * sizeof(struct epoll_event)));
		n += got > 0;
		if (unlikely(got < 0 || n == max))
			s.left = 0;
		item = scan_step(&s);
		if (unlikely(++asked % YIELD_EVERY == 0))
			port_yield();
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
			s.left = 0;
		}
		item = scan_step(&s);
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
	bool any = ep->any;
	if (!any)
		list_add_tail(&ep->waiters, &w.link);
	port_unlock(&ep->lock);
	return any ? 0 : ipc_wait(&w.wait, deadline, withdraw);
}

s64 epoll_wait_some(struct epoll *ep, uptr_t to, u32 max, u64 deadline)
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
	struct epoll_item *item;
	GUARD(port_mutex)(&ep->mutex);
	epoll_for_each_item(item, ep, slot) fn(item, arg);
}
