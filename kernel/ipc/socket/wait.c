#include "kernel/ipc/socket/internal.h"

static bool withdraw(struct ipc_waiter *wait)
{
	struct socket_waiter *w = container_of(wait, struct socket_waiter, wait);
	GUARD(port)(&w->at->lock);
	if (!ipc_waiter_pending(wait))
		return false;
	crowd_del_locked(w->crowd, &w->link);
	return true;
}

int socket_wait(struct socket_waiter *w, u64 deadline)
{
	int err = ipc_wait(&w->wait, deadline, withdraw);
	return err == -EINTR && deadline == PORT_FOREVER ? -ERESTARTSYS : err;
}

void socket_wake_one_locked(struct socket_crowd *crowd, struct ipc_wake_list *wakes)
{
	struct list *node = crowd_pop_locked(crowd);
	if (node)
		ipc_waiter_decide(&list_entry(node, struct socket_waiter, link)->wait, 0, wakes);
}

void socket_wake_all_locked(struct socket_crowd *crowd, struct ipc_wake_list *wakes)
{
	while (crowd->count)
		socket_wake_one_locked(crowd, wakes);
}

/* --- Pollers that wait for room in another socket's queue --- */

void socket_unthrottle(struct socket *s)
{
	port_lock(&s->lock);
	struct socket *at = s->throttled_by;
	if (at)
		socket_get(at);
	port_unlock(&s->lock);
	if (!at)
		return;
	port_lock2(&s->lock, &at->lock);
	bool still = s->throttled_by == at;
	if (still) {
		if (list_linked(&s->throttle_link))
			crowd_del_locked(&at->throttled, &s->throttle_link);
		s->throttled_by = NULL;
	}
	port_unlock2(&s->lock, &at->lock);
	if (still)
		socket_put(at);
	socket_put(at);
}

enum throttle { THROTTLE_DONE, THROTTLE_ROOM, THROTTLE_ELSEWHERE };
static enum throttle throttle_locked(struct socket *s, struct socket *to)
{
	if (s->peer != to || to->dead || !socket_is_full(to))
		return THROTTLE_ROOM;
	if (s->throttled_by && s->throttled_by != to)
		return THROTTLE_ELSEWHERE;
	if (!s->throttled_by) {
		s->throttled_by = to;
		socket_get(to);
	}
	if (!list_linked(&s->throttle_link))
		crowd_add_locked(&to->throttled, &s->throttle_link);
	return THROTTLE_DONE;
}

bool socket_throttle(struct socket *s, struct socket *to)
{
	for (;;) {
		port_lock2(&s->lock, &to->lock);
		enum throttle result = throttle_locked(s, to);
		port_unlock2(&s->lock, &to->lock);
		if (result != THROTTLE_ELSEWHERE)
			return result == THROTTLE_DONE;
		socket_unthrottle(s);
	}
}

/* => the next one to be told, with a reference, or NULL. */
static struct socket *next_throttled(struct socket *s)
{
	GUARD(port)(&s->lock);
	struct list *node = crowd_pop_locked(&s->throttled);
	if (!node)
		return NULL;
	struct socket *t = list_entry(node, struct socket, throttle_link);
	socket_get(t);
	return t;
}

void socket_tell_throttled(struct socket *s)
{
	/* As many as there are now: whoever is told may come back. */
	for (u32 turn = load_relaxed(&s->throttled.count); turn; turn--) {
		AUTO_PUT(socket) t = next_throttled(s);
		if (!t)
			return;
		port_poll_wake(&t->poll, SOCKET_POLL_WRITE);
	}
}
