#include "abi/signal.h"
#include "kernel/ipc/socket/internal.h"

/* => 0 when s may have more under way; pending error, -EPIPE (shut), -EAGAIN, -EINTR, -ERESTARTSYS. */
static NOINLINE int wait_for_room(struct socket *s, u64 deadline)
{
	for (;;) {
		struct socket_waiter w;
		TRY(socket_take_error(s));
		if (load_relaxed(&s->shutdown) & SOCKET_SHUT_WRITE)
			return -EPIPE;
		if (load_relaxed(&s->unsent) < load_relaxed(&s->send_limit))
			return 0;
		if (!deadline)
			return -EAGAIN;
		port_lock(&s->lock);
		socket_wait_begin(&w, s, &s->writers);
		/* Who takes the last bytes either sees us in the list, or we see his bytes gone. Partner:
		 * socket_uncharge(). */
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		bool wait = load_relaxed(&s->unsent) >= load_relaxed(&s->send_limit) &&
		            !load_relaxed(&s->error) &&
		            !(load_relaxed(&s->shutdown) & SOCKET_SHUT_WRITE);
		if (!wait)
			crowd_del_locked(&s->writers, &w.link);
		port_unlock(&s->lock);
		if (wait)
			TRY(socket_wait(&w, deadline));
	}
}

static ALWAYS_INLINE int room(struct socket *s, u64 deadline)
{
	if (likely(!load_relaxed(&s->error) && !(load_relaxed(&s->shutdown) & SOCKET_SHUT_WRITE) &&
	           load_relaxed(&s->unsent) < load_relaxed(&s->send_limit)))
		return 0;
	return wait_for_room(s, deadline);
}

/* Who sent it, when either side wants to know. */
static void sign(struct socket_message *m, const struct socket *s, const struct socket *to,
                 const struct socket_outgoing *out)
{
	if (out->has_ids)
		m->ids = out->ids;
	else if (load_relaxed(&s->want_ids) || load_relaxed(&to->want_ids) ||
	         load_relaxed(&to->embryo)) /* who accepts it may want to know */
		m->ids = (struct socket_ids){port_pid(), port_uid(), port_gid()};
	else
		m->ids = (struct socket_ids){0, PORT_NOBODY, PORT_NOBODY};
}

/* --- Streams --- */

/* What goes into the queue at once: a reader sees the whole of a write of so many bytes or nothing of it, and takes files
 * together with all of it, as Linux puts so much into one buffer (its linear part and its pages), or half of what the
 * sender may have under way. */
enum { STREAM_UNIT = 32768 + 3776, STREAM_UNIT_LEAST = 4608 / 2 - 64 };

static ALWAYS_INLINE size_t unit_size(const struct socket *s, size_t left)
{
	if (likely(left <= STREAM_UNIT_LEAST))
		return left;
	return MIN(MIN(left, (size_t)STREAM_UNIT), (size_t)load_relaxed(&s->send_limit) / 2 - 64);
}

/* => a chain of pieces; err_ptr(-ENOBUFS, -EFAULT). *out_n: bytes. */
static ALWAYS_INLINE struct socket_message *unit_new(struct socket *s, struct port_io *io,
                                                     ssize *out_n)
{
	size_t size = unit_size(s, port_io_left(io));
	struct socket_message *first = piece_new(s, io, size), *last = first;
	if (unlikely(is_err(first)))
		return first;
	ssize n = first->length;
	while (unlikely((size_t)n < size)) {
		struct socket_message *m = piece_new(s, io, size - (size_t)n);
		if (is_err(m)) {
			messages_free(first, s);
			return m;
		}
		n += m->length;
		m->joined = true;
		last->next = m;
		last = m;
	}
	*out_n = n;
	return first;
}

/* => 0: queued; -EPIPE, and the chain is still ours. */
static ALWAYS_INLINE int deliver_unit(struct socket *peer, struct socket_message *first)
{
	struct ipc_wake_list wakes = {0};
	port_lock(&peer->lock);
	bool gone = peer->dead || peer->shutdown & SOCKET_SHUT_READ;
	for (struct socket_message *m = gone ? NULL : first, *next; m; m = next) {
		next = m->next;
		m->next = NULL;
		message_queue_locked(peer, m, &wakes);
	}
	port_unlock(&peer->lock);
	if (unlikely(gone))
		return -EPIPE;
	ipc_wake_flush(&wakes);
	port_poll_wake(&peer->poll, SOCKET_POLL_READ);
	return 0;
}

/* => bytes queued, or -errno; *shut: the peer reads no more, which is worth a signal. */
static ssize send_unit(struct socket *s, struct socket *peer, struct port_io *io,
                       struct socket_outgoing *out, bool *shut)
{
	ssize n;
	TRY(room(s, out->deadline));
	struct socket_message *first = TRY_PTR(unit_new(s, io, &n));
	first->rights = TAKE(out->rights);
	for (struct socket_message *m = first; m; m = m->next)
		sign(m, s, peer, out);
	if (unlikely(deliver_unit(peer, first))) {
		*shut = true;
		messages_free(first, s);
		return -EPIPE;
	}
	return n;
}

static ssize send_stream(struct socket *s, struct port_io *io, struct socket_outgoing *out)
{
	struct socket *peer = load_acquire(&s->peer);
	size_t done = 0;
	ssize n = 0;
	if (unlikely(out->route))
		return load_relaxed(&s->state) == SOCKET_CONNECTED ? -EISCONN : -EOPNOTSUPP;
	if (unlikely(!peer))
		return -ENOTCONN;
	bool shut = load_relaxed(&s->shutdown) & SOCKET_SHUT_WRITE;
	while (!shut && port_io_left(io)) {
		n = send_unit(s, peer, io, out, &shut);
		if (unlikely(n < 0))
			break;
		done += (size_t)n;
	}
	if (unlikely(shut)) {
		if (!done && !out->no_signal)
			port_raise(SIGPIPE);
		n = -EPIPE;
	}
	return done ? (ssize)done : n;
}

/* --- Datagrams and sequenced packets --- */

enum delivery { DELIVERED, REFUSED, DEAD, FULL };

static enum delivery deliver(struct socket *s, struct socket *to, struct socket_message *m,
                             const struct socket_outgoing *out, int *err)
{
	struct ipc_wake_list wakes = {0};
	enum delivery d = DELIVERED;
	port_lock(&to->lock);
	if (to->peer && to->peer != s) {
		*err = -EPERM;
		d = REFUSED;
	} else if (to->dead) {
		d = DEAD;
	} else if (to->shutdown & SOCKET_SHUT_READ) {
		*err = -EPIPE;
		d = REFUSED;
	} else if (to != s && to->peer != s && socket_is_full(to)) {
		d = FULL;
	} else {
		sign(m, s, to, out);
		m->time = load_relaxed(&to->want_times) ? port_real_ns() : 0;
		message_queue_locked(to, m, &wakes);
	}
	if (unlikely(d == REFUSED && !socket_is_full(to))) /* somebody else may have the room */
		socket_wake_one_locked(&to->knocking, &wakes);
	port_unlock(&to->lock);
	ipc_wake_flush(&wakes);
	if (d == DELIVERED)
		port_poll_wake(&to->poll, SOCKET_POLL_READ);
	return d;
}

/* The receiver has closed. => 0: it was found by name, look again; -ECONNREFUSED: it was the peer, and is no longer. */
static int receiver_died(struct socket *s, struct socket *to)
{
	if (s->type == SOCKET_SEQPACKET)
		return -EPIPE;
	port_lock(&s->lock);
	bool was_peer = s->peer == to;
	if (was_peer)
		store_relaxed(&s->peer, NULL);
	port_unlock(&s->lock);
	if (!was_peer)
		return 0;
	socket_unthrottle(s);
	port_poll_wake(&s->poll, SOCKET_POLL_WRITE);
	socket_disconnected(s, to);
	socket_put(to);
	return -ECONNREFUSED;
}

/* => 0: look again; -EAGAIN (the caller's pollers will be told), -EINTR, -ERESTARTSYS. */
static int wait_for_receiver(struct socket *s, struct socket *to, u64 deadline)
{
	struct socket_waiter w;
	if (!deadline)
		return load_relaxed(&s->peer) != to || socket_throttle(s, to) ? -EAGAIN : 0;
	port_lock(&to->lock);
	bool wait = !to->dead && !(to->shutdown & SOCKET_SHUT_READ) && socket_is_full(to);
	if (wait)
		socket_wait_begin(&w, to, &to->knocking);
	port_unlock(&to->lock);
	return wait ? socket_wait(&w, deadline) : 0;
}

/* => where out goes, with a reference, or err_ptr. */
static struct socket *receiver(struct socket *s, const struct socket_outgoing *out, int no_peer)
{
	if (out->route)
		return out->route->find(out->route, s->type);
	struct socket *peer = socket_peer_get(s);
	return peer ? peer : err_ptr(no_peer);
}

/* Who waits for room keeps to whom he has found, whatever becomes of the name. *err: of a wait, or a refusal. */
static enum delivery deliver_waiting(struct socket *s, struct socket *to, struct socket_message *m,
                                     const struct socket_outgoing *out, int *err)
{
	for (;;) {
		enum delivery d = deliver(s, to, m, out, err);
		if (likely(d != FULL))
			return d;
		*err = wait_for_receiver(s, to, out->deadline);
		if (*err)
			return d;
	}
}

/* => 0: queued, m is no longer ours; -errno. */
static int post(struct socket *s, struct socket_message *m, struct socket_outgoing *out)
{
	int no_peer = -ENOTCONN;
	for (;;) {
		AUTO_PUT(socket) to = TRY_PTR(receiver(s, out, no_peer));
		int err = 0;
		enum delivery d = deliver_waiting(s, to, m, out, &err);
		if (likely(d == DELIVERED))
			return 0;
		if (d == DEAD)
			err = receiver_died(s, to);
		if (err)
			return err;
		no_peer = -ECONNRESET; /* there was one, and it went while we looked */
	}
}

int socket_check_sender(struct socket *s)
{
	if (likely(s->type != SOCKET_SEQPACKET))
		return 0;
	TRY(socket_take_error(s));
	return load_relaxed(&s->state) == SOCKET_CONNECTED ? 0 : -ENOTCONN;
}

static ssize send_message(struct socket *s, struct port_io *io, struct socket_outgoing *out)
{
	size_t n = port_io_left(io);
	TRY(socket_check_sender(s));
	if (s->type == SOCKET_SEQPACKET) {
		out->route = NULL;
	} else if (!out->route && !load_relaxed(&s->peer)) {
		return -ENOTCONN;
	}
	if (unlikely(n > (size_t)load_relaxed(&s->send_limit) - SOCKET_MESSAGE_OVERHEAD))
		return -EMSGSIZE;
	TRY(room(s, out->deadline));
	struct socket_message *m = TRY_PTR(message_new(s, io));
	m->rights = TAKE(out->rights);
	if (s->type == SOCKET_DGRAM) {
		socket_get(s);
		m->from = s;
	}
	int err = post(s, m, out);
	if (unlikely(err)) {
		message_free(m, s);
		return err;
	}
	return (ssize)n;
}

/* What was not sent has to come back from its flight. */
static NOINLINE void rights_stay(struct socket_rights *r)
{
	socket_rights_land(r);
	socket_rights_free(r);
}

ssize socket_send(struct socket *s, struct port_io *io, struct socket_outgoing *out)
{
	if (unlikely(out->rights)) {
		int err = socket_rights_launch(out->rights);
		if (err) {
			socket_rights_free(TAKE(out->rights));
			return err;
		}
	}
	ssize n = likely(s->type == SOCKET_STREAM) ? send_stream(s, io, out)
	                                           : send_message(s, io, out);
	if (unlikely(out->rights))
		rights_stay(TAKE(out->rights));
	return n;
}
