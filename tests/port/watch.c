/* See watch.h, which comes with the world. */
#include "abi/poll.h"
#include "kernel/ipc/event/epoll.h"

void port_pollq_init(struct port_pollq *q)
{
	*q = (struct port_pollq){0};
	port_lock_init(&q->lock, LOCK_CLASS_WAITQ);
	list_init(&q->watches);
}

static void tell_watches(struct port_pollq *q, u32 events, bool all)
{
	struct port_watch *w, *next;
	port_lock(&q->lock);
	list_for_each_safe (w, next, &q->watches, link) {
		bool exclusive = w->exclusive;
		if (epoll_notice(w->item, events) && exclusive && !all)
			break;
	}
	port_unlock(&q->lock);
}

/* --- Queues to be woken when no queue is locked any more: a list for each thread --- */

static _Thread_local struct port_poll_later *later; /* tasks of the simulation share it */

void port_poll_later_init(struct port_poll_later *l)
{
	*l = (struct port_poll_later){0};
	port_pollq_init(&l->q);
}
void port_poll_wake_later(struct port_poll_later *l)
{
	struct port_thread *none = NULL;
	if (!__atomic_compare_exchange_n(&l->owner, &none, port_self(), false, __ATOMIC_SEQ_CST,
	                                 __ATOMIC_SEQ_CST))
		return;
	l->next = later;
	later = l;
}

static struct port_poll_later *later_pop(void)
{
	for (struct port_poll_later **at = &later; *at; at = &(*at)->next) {
		struct port_poll_later *l = *at;
		if (load_relaxed(&l->owner) != port_self())
			continue;
		*at = l->next;
		__atomic_store_n(&l->owner, NULL, __ATOMIC_SEQ_CST);
		return l;
	}
	return NULL;
}

static void wake(struct port_pollq *q, u32 events, bool all)
{
	struct port_poll_later *l;
	__atomic_add_fetch(&q->wakes, 1, __ATOMIC_RELAXED);
	store_relaxed(&q->events, events);
	port_read_lock(); /* keeps instances that are to be woken later */
	tell_watches(q, events, all);
	while ((l = later_pop()))
		tell_watches(&l->q, POLLIN | POLLRDNORM, false);
	port_read_unlock();
}
void port_poll_wake(struct port_pollq *q, u32 events)
{
	wake(q, events, false);
}
void port_poll_wake_all(struct port_pollq *q, u32 events)
{
	wake(q, events, true);
}

/* --- What is watched --- */

u32 port_watched_events(const struct port_watched *what)
{
	if (what->instance)
		return epoll_events(what->instance);
	port_step();
	return load_relaxed(&what->file->events);
}

s64 port_watch_begin(struct port_watch *w, const struct port_watched *what, struct epoll_item *item,
                     u32 events)
{
	w->q = what->instance ? &what->instance->poll.q : &what->file->q;
	w->item = item;
	w->exclusive = events & EPOLLEXCLUSIVE;
	port_lock(&w->q->lock);
	list_add_tail(&w->q->watches, &w->link);
	port_unlock(&w->q->lock);
	return port_watched_events(what);
}

void port_watch_init(struct port_watch *w)
{
	*w = (struct port_watch){0};
}
void port_watch_end(struct port_watch *w)
{
	if (!w->q)
		return;
	port_lock(&w->q->lock);
	list_del(&w->link);
	port_unlock(&w->q->lock);
	w->q = NULL;
}

void test_file_init(struct test_file *f)
{
	*f = (struct test_file){0};
	port_pollq_init(&f->q);
}
void test_file_set(struct test_file *f, u32 events)
{
	store_relaxed(&f->events, events);
	port_step();
	if (events)
		port_poll_wake(&f->q, events);
}

/* --- The user --- */

static u64 accounts[PORT_MQUEUE_BYTES + 1];
struct port_user *port_user_get(void)
{
	return NULL;
}
void port_user_put(struct port_user *u) {}
u64 *port_user_account(struct port_user *u, enum port_account which)
{
	return &accounts[which];
}
u64 test_epoll_watches(void)
{
	return load_relaxed(&accounts[PORT_EPOLL_WATCHES]);
}
