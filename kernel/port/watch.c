/* Watching open files for epoll: entries on the files' wait queues that stay from call to call. */
#include "kernel/ipc/event/epoll.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/poll.h"

/* Runs under the queue's lock. */
static bool hook_gone(struct watch_hook *h)
{
	list_del(&h->entry.link);
	store_release(&h->q, NULL); /* the hook may be freed from here on */
	return false;
}
static bool hook_wake(struct waitq_entry *e, u64 key)
{
	if (unlikely(key == WAITQ_GONE))
		return hook_gone(container_of(e, struct watch_hook, entry));
	return epoll_notice(e->data, (u32)key);
}

struct watch_table {
	struct poll_table table;
	struct port_watch *watch;
	bool failed;
};

/* => a hook that stands on no queue, or NULL. */
static struct watch_hook *hook_new(struct port_watch *w)
{
	if (likely(!w->first.entry.wake))
		return &w->first;
	struct watch_hook *h = kzalloc(sizeof *h);
	if (h) {
		h->next = w->first.next;
		w->first.next = h;
	}
	return h;
}

static void watch_add(struct poll_table *pt, struct file *f, struct waitq *q)
{
	struct watch_table *t = container_of(pt, struct watch_table, table);
	struct watch_hook *h = hook_new(t->watch);
	if (!h) {
		t->failed = true;
		return;
	}
	h->q = q;
	h->entry = (struct waitq_entry){
		.link = LIST_INIT(h->entry.link), .wake = hook_wake, .data = t->watch->item};
	if (pt->events & EPOLLEXCLUSIVE)
		waitq_add_exclusive(q, &h->entry);
	else
		waitq_add(q, &h->entry);
}

s64 port_watch_begin(struct port_watch *w, const struct port_watched *what, struct epoll_item *item,
                     u32 events)
{
	struct watch_table t = {.table = {.add = watch_add, .events = events}, .watch = w};
	w->item = item;
	u32 now = what->file->ops->poll(what->file, &t.table);
	return t.failed ? -ENOMEM : (s64)now;
}

/* A queue that closes at the same time takes the hook off itself; its memory stays for a grace period. */
static void hook_end(struct watch_hook *h)
{
	rcu_read_lock();
	struct waitq *q = load_acquire(&h->q);
	if (q)
		waitq_del(q, &h->entry);
	rcu_read_unlock();
	h->q = NULL;
}

void port_watch_end(struct port_watch *w)
{
	struct watch_hook *h = TAKE(w->first.next), *next;
	hook_end(&w->first);
	for (; h; h = next) {
		next = h->next;
		hook_end(h);
		kfree(h);
	}
}
