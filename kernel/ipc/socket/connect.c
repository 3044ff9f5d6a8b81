#include "kernel/ipc/socket/internal.h"

static struct socket_peer caller_ids(void)
{
	return (struct socket_peer){{port_pid(), port_euid(), port_egid()}, port_cred_get()};
}
void socket_peer_put(struct socket_peer *p)
{
	if (p->cred)
		port_cred_put(TAKE(p->cred));
}
static struct socket_peer peer_copy(const struct socket_peer *p)
{
	if (p->cred)
		port_cred_ref(p->cred);
	return *p;
}
struct socket_peer socket_peer_ids(struct socket *s)
{
	GUARD(port)(&s->lock);
	return peer_copy(&s->peer_ids);
}

void socket_pair(struct socket *a, struct socket *b)
{
	socket_get(a);
	socket_get(b);
	a->peer = b;
	b->peer = a;
	a->peer_ids = caller_ids();
	b->peer_ids = caller_ids();
	a->state = b->state = a->type == SOCKET_DGRAM ? SOCKET_UNCONNECTED : SOCKET_CONNECTED;
}

int socket_listen(struct socket *s, u32 backlog)
{
	struct ipc_wake_list wakes = {0};
	if (s->type == SOCKET_DGRAM)
		return -EOPNOTSUPP;
	if (!socket_name(s))
		return -EINVAL;
	struct socket_peer ids = caller_ids();
	port_lock(&s->lock);
	bool may = s->state != SOCKET_CONNECTED;
	if (may) {
		if (backlog > s->backlog)
			socket_wake_all_locked(&s->knocking, &wakes);
		store_relaxed(&s->backlog, backlog);
		store_relaxed(&s->state, SOCKET_LISTENING);
		struct socket_peer before = s->peer_ids;
		s->peer_ids = ids;
		ids = before;
	}
	port_unlock(&s->lock);
	ipc_wake_flush(&wakes);
	socket_peer_put(&ids);
	return may ? 0 : -EINVAL;
}

/* --- Streams and sequenced packets --- */

/* Both locks held, all checks done: n is the listener's end of a connection with s. */
static void connect_locked(struct socket *l, struct socket *s, struct socket *n,
                           struct ipc_wake_list *wakes)
{
	n->embryo = true;
	n->state = SOCKET_CONNECTED;
	n->peer = s;
	socket_get(s);
	n->name = socket_name(l);
	refcount_get(&n->name->refs);
	s->peer_ids = peer_copy(&l->peer_ids);
	socket_get(n);
	store_release(&s->peer, n);
	store_relaxed(&s->state, SOCKET_CONNECTED);
	if (l->accept_last)
		l->accept_last->accept_next = n;
	else
		l->accept_first = n;
	l->accept_last = n;
	store_relaxed(&l->queued, l->queued + 1);
	socket_wake_one_locked(&l->readers, wakes);
}

/* Waits until the listener has accepted somebody. => 0: look again. */
static int wait_at_door(struct socket *l, u64 deadline)
{
	struct socket_waiter w;
	port_lock(&l->lock);
	bool wait = !l->dead && l->state == SOCKET_LISTENING && socket_is_full(l);
	if (wait)
		socket_wait_begin(&w, l, &l->knocking);
	port_unlock(&l->lock);
	return wait ? socket_wait(&w, deadline) : 0;
}

enum { LOOK_AGAIN = 1 };
/* => 0: connected, n is used up; LOOK_AGAIN; -errno. */
static int knock(struct socket *l, struct socket *s, struct socket *n, u64 deadline)
{
	struct ipc_wake_list wakes = {0};
	int err = 0;
	port_lock2(&l->lock, &s->lock);
	bool full = socket_is_full(l);
	if (l->dead)
		err = LOOK_AGAIN;
	else if (l->state != SOCKET_LISTENING || l->shutdown & SOCKET_SHUT_READ)
		err = -ECONNREFUSED;
	else if (full)
		err = -EAGAIN;
	else if (s->state != SOCKET_UNCONNECTED)
		err = s->state == SOCKET_CONNECTED ? -EISCONN : -EINVAL;
	else
		connect_locked(l, s, n, &wakes);
	if (unlikely(err &&
	             !full)) /* whoever waits for the place that we do not take may have it */
		socket_wake_one_locked(&l->knocking, &wakes);
	port_unlock2(&l->lock, &s->lock);
	ipc_wake_flush(&wakes);
	if (!err)
		port_poll_wake(&l->poll, SOCKET_POLL_READ);
	if (err != -EAGAIN || !deadline)
		return err;
	err = wait_at_door(l, deadline);
	return err ? err : LOOK_AGAIN;
}

static int connect_stream(struct socket *s, const struct socket_route *route, u64 deadline)
{
	struct socket *n = socket_new(s->type);
	int err;
	if (!n)
		return -ENOMEM;
	n->peer_ids = caller_ids();
	do {
		AUTO_PUT(socket) l = route->find(route, s->type);
		err = is_err(l) ? ptr_err(l) : knock(l, s, n, deadline);
	} while (err == LOOK_AGAIN);
	if (err)
		socket_close(n);
	return err;
}

int socket_accept(struct socket *s, u64 deadline, struct socket **out)
{
	if (s->type == SOCKET_DGRAM)
		return -EOPNOTSUPP;
	for (;;) {
		struct ipc_wake_list wakes = {0};
		struct socket_waiter w;
		int err = -EAGAIN;
		port_lock(&s->lock);
		struct socket *n = s->accept_first;
		if (s->state != SOCKET_LISTENING) {
			err = -EINVAL;
		} else if (n) {
			s->accept_first = n->accept_next;
			if (!n->accept_next)
				s->accept_last = NULL;
			store_relaxed(&s->queued, s->queued - 1);
			socket_wake_one_locked(&s->knocking, &wakes);
			err = 0;
		} else if (deadline) {
			if (s->shutdown & SOCKET_SHUT_READ)
				err = -EINVAL;
			else
				socket_wait_begin(&w, s, &s->readers);
		}
		port_unlock(&s->lock);
		ipc_wake_flush(&wakes);
		if (!err) {
			port_lock(&n->lock);
			store_relaxed(&n->want_ids, load_relaxed(&s->want_ids));
			store_relaxed(&n->embryo, false);
			port_unlock(&n->lock);
			*out = n;
			return 0;
		}
		if (err != -EAGAIN || !deadline)
			return err;
		TRY(socket_wait(&w, deadline));
	}
}

/* --- Datagrams --- */

void socket_disconnected(struct socket *s, struct socket *old)
{
	struct ipc_wake_list wakes = {0};
	port_mutex_lock(&s->reading);
	port_lock(&s->lock);
	struct socket_message *lost = messages_take_locked(s);
	if (lost)
		socket_wake_all_locked(&s->knocking, &wakes);
	port_unlock(&s->lock);
	port_mutex_unlock(&s->reading);
	ipc_wake_flush(&wakes);
	if (!lost)
		return;
	socket_tell_throttled(s);
	messages_free(lost, NULL);
	/* Who sends here by default hears that it was in vain. */
	port_lock(&old->lock);
	bool told = !old->dead && old->peer == s;
	if (told) {
		store_relaxed(&old->error, ECONNRESET);
		socket_wake_all_locked(&old->readers, &wakes);
		socket_wake_all_locked(&old->writers, &wakes);
	}
	port_unlock(&old->lock);
	ipc_wake_flush(&wakes);
	if (told)
		port_poll_wake(&old->poll, SOCKET_POLL_ALL);
}

/* s sends to `peer` from now on (reference taken over), or to nobody. */
static void peer_replaced(struct socket *s, struct socket *old, struct socket *peer)
{
	if (!old)
		return;
	if (old != peer) {
		socket_unthrottle(s);
		port_poll_wake(&s->poll, SOCKET_POLL_WRITE);
		socket_disconnected(s, old);
	}
	socket_put(old);
}

/* => 0, LOOK_AGAIN: it has just died, -EPERM: it talks to somebody else. */
static int connect_datagram_to(struct socket *s, struct socket *peer)
{
	struct ipc_wake_list wakes = {0};
	struct socket *old = NULL;
	int err = 0;
	port_lock2(&s->lock, &peer->lock);
	if (peer->dead)
		err = LOOK_AGAIN;
	else if (peer->peer && peer->peer != s)
		err = -EPERM;
	if (!err) {
		old = s->peer;
		socket_get(peer);
		store_relaxed(&s->peer, peer);
		socket_wake_all_locked(&s->knocking, &wakes); /* strangers now */
	}
	port_unlock2(&s->lock, &peer->lock);
	ipc_wake_flush(&wakes);
	peer_replaced(s, old, peer);
	return err;
}

static int connect_datagram(struct socket *s, const struct socket_route *route)
{
	int err;
	if (!route) {
		port_lock(&s->lock);
		struct socket *old = s->peer;
		store_relaxed(&s->peer, NULL);
		port_unlock(&s->lock);
		peer_replaced(s, old, NULL);
		return 0;
	}
	do {
		AUTO_PUT(socket) peer = route->find(route, s->type);
		err = is_err(peer) ? ptr_err(peer) : connect_datagram_to(s, peer);
	} while (err == LOOK_AGAIN);
	return err;
}

int socket_connect(struct socket *s, const struct socket_route *route, u64 deadline)
{
	return s->type == SOCKET_DGRAM ? connect_datagram(s, route)
	                               : connect_stream(s, route, deadline);
}
