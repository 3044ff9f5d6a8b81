#include "kernel/ipc/socket/socket.h"
#include "kernel/ipc/socket/internal.h"

u32 socket_dgram_backlog = SOCKET_DGRAM_BACKLOG;

static struct {
	struct port_lock lock; /* class SOCKET_LIST */
	struct list sockets;   /* [l] by all_link */
} all;

void socket_init(void)
{
	port_lock_init(&all.lock, LOCK_CLASS_SOCKET_LIST);
	list_init(&all.sockets);
	socket_names_init();
	socket_rights_init();
}

struct socket *socket_new(enum socket_type type)
{
	struct socket *s = port_alloc(sizeof *s);
	if (!s)
		return NULL;
	refcount_init(&s->refs, 1);
	s->type = type;
	port_lock_init(&s->lock, LOCK_CLASS_SOCKET);
	port_mutex_init(&s->reading, LOCK_CLASS_SOCKET_READ);
	s->backlog = load_relaxed(&socket_dgram_backlog);
	s->send_limit = SOCKET_BUFFER_DEFAULT;
	s->peek_offset = -1;
	s->low_water = 1;
	list_init(&s->readers.list);
	list_init(&s->writers.list);
	list_init(&s->knocking.list);
	list_init(&s->throttled.list);
	list_init(&s->throttle_link);
	list_init(&s->flight_link);
	list_init(&s->collect_link);
	port_pollq_init(&s->poll);
	GUARD(port)(&all.lock);
	list_add_tail(&all.sockets, &s->all_link);
	return s;
}

/* All that it referenced was dropped when it was closed. */
void socket_put(struct socket *s)
{
	if (!refcount_put(&s->refs))
		return;
	port_lock(&all.lock);
	list_del(&s->all_link);
	port_unlock(&all.lock);
	if (s->name)
		socket_name_put(s->name);
	socket_peer_put(&s->peer_ids);
	port_free(s);
}

void socket_set_file(struct socket *s, struct port_file *file, u64 number)
{
	s->number = number;
	store_release(&s->file, file);
}

/* A socket stands in the list until its last reference is gone, so that ours holds the place. */
struct socket *socket_next(struct socket *s)
{
	struct socket *next = NULL;
	port_lock(&all.lock);
	struct list *at = s ? s->all_link.next : all.sockets.next;
	for (; at != &all.sockets && !next; at = at->next) {
		struct socket *here = list_entry(at, struct socket, all_link);
		next = refcount_get_not_zero(&here->refs) ? here : NULL;
	}
	port_unlock(&all.lock);
	if (s)
		socket_put(s);
	return next;
}

int socket_take_error(struct socket *s)
{
	if (likely(!load_relaxed(&s->error)))
		return 0;
	return -__atomic_exchange_n(&s->error, 0, __ATOMIC_RELAXED);
}

struct socket *socket_peer_get(struct socket *s)
{
	GUARD(port)(&s->lock);
	if (s->peer)
		socket_get(s->peer);
	return s->peer;
}

/* --- Closing and shutting --- */

static bool has_partner(const struct socket *s)
{
	return s->type != SOCKET_DGRAM;
}

static void wake_everyone_locked(struct socket *s, struct ipc_wake_list *wakes)
{
	socket_wake_all_locked(&s->knocking, wakes);
	socket_wake_all_locked(&s->readers, wakes);
	socket_wake_all_locked(&s->writers, wakes);
}

/* The other end of a connection learns of a shutdown, or of a close: with an error when something was left unread. */
static void partner_told(struct socket *peer, u32 shut, int error)
{
	struct ipc_wake_list wakes = {0};
	port_lock(&peer->lock);
	store_relaxed(&peer->shutdown, peer->shutdown | shut);
	if (error)
		store_relaxed(&peer->error, error);
	wake_everyone_locked(peer, &wakes);
	port_unlock(&peer->lock);
	ipc_wake_flush(&wakes);
	port_poll_wake(&peer->poll, SOCKET_POLL_ALL);
}

/* What a closing socket leaves behind. */
struct remains {
	struct socket_message *messages;
	struct socket *peer, *unaccepted;
	bool unread;
};

static struct remains die(struct socket *s)
{
	struct ipc_wake_list wakes = {0};
	struct remains r;
	port_lock(&s->lock);
	s->dead = true;
	store_relaxed(&s->shutdown, SOCKET_SHUT_BOTH);
	r.messages = messages_take_locked(s);
	r.unread = r.messages || s->embryo;
	r.peer = s->peer;
	r.unaccepted = TAKE(s->accept_first);
	s->accept_last = NULL;
	wake_everyone_locked(s, &wakes);
	port_unlock(&s->lock);
	ipc_wake_flush(&wakes);
	return r;
}

void socket_close(struct socket *s)
{
	socket_unname(s);
	struct remains r = die(s);
	if (r.peer && has_partner(s))
		partner_told(r.peer, SOCKET_SHUT_BOTH, r.unread ? ECONNRESET : 0);
	socket_unthrottle(s);
	socket_tell_throttled(s);
	messages_free(r.messages, r.peer);
	for (struct socket *n = r.unaccepted, *next; n; n = next) {
		next = n->accept_next;
		socket_close(n);
	}
	if (r.peer) {
		port_lock(&s->lock);
		store_relaxed(&s->peer, NULL);
		port_unlock(&s->lock);
		socket_put(r.peer);
	}
	socket_put(s);
	socket_collect_after_close();
}

void socket_shutdown(struct socket *s, enum socket_shut how)
{
	struct ipc_wake_list wakes = {0};
	port_lock(&s->lock);
	store_relaxed(&s->shutdown, s->shutdown | how);
	struct socket *peer = has_partner(s) ? s->peer : NULL;
	if (peer)
		socket_get(peer);
	wake_everyone_locked(s, &wakes);
	port_unlock(&s->lock);
	ipc_wake_flush(&wakes);
	port_poll_wake(&s->poll, SOCKET_POLL_ALL);
	if (!peer)
		return;
	u32 mirrored = (how & SOCKET_SHUT_READ ? SOCKET_SHUT_WRITE : 0) |
	               (how & SOCKET_SHUT_WRITE ? SOCKET_SHUT_READ : 0);
	partner_told(peer, mirrored, 0);
	socket_put(peer);
}

/* --- State --- */

/* A datagram socket can send unless its peer, who does not send back here, has too much to read already. */
static bool peer_takes(struct socket *s)
{
	if (!load_relaxed(&s->peer))
		return true;
	AUTO_PUT(socket) peer = socket_peer_get(s);
	if (!peer || load_relaxed(&peer->peer) == s || !socket_is_full(peer))
		return true;
	return !socket_throttle(s, peer);
}

u32 socket_events(struct socket *s, bool out)
{
	u32 events = 0, shut = load_relaxed(&s->shutdown), state = load_relaxed(&s->state);
	if (load_relaxed(&s->error))
		events |= POLLERR;
	if (shut == SOCKET_SHUT_BOTH)
		events |= POLLHUP;
	if (shut & SOCKET_SHUT_READ)
		events |= POLLRDHUP | POLLIN | POLLRDNORM;
	if (load_acquire(&s->first) || (state == SOCKET_LISTENING && load_relaxed(&s->queued)))
		events |= POLLIN | POLLRDNORM;
	if (has_partner(s) && state == SOCKET_UNCONNECTED)
		events |= POLLHUP;
	if (state != SOCKET_LISTENING && socket_has_room(s) &&
	    (s->type != SOCKET_DGRAM || !out || peer_takes(s)))
		events |= SOCKET_POLL_WRITE;
	return events;
}

s64 socket_unread(struct socket *s)
{
	u64 bytes = 0;
	GUARD(port)(&s->lock);
	if (s->state == SOCKET_LISTENING)
		return -EINVAL;
	if (s->type == SOCKET_DGRAM)
		return s->first ? s->first->length : 0;
	for (struct socket_message *m = s->first; m; m = m->next)
		bytes += s->type == SOCKET_STREAM ? message_left(m) : m->length;
	return (s64)bytes;
}

u32 socket_files_waiting(struct socket *s)
{
	u32 files = 0;
	GUARD(port)(&s->lock);
	for (struct socket_message *m = s->first; m; m = m->next)
		files += m->rights ? m->rights->count : 0;
	return files;
}

u32 socket_state_shown(struct socket *s)
{
	enum { SS_UNCONNECTED = 1, SS_CONNECTING, SS_CONNECTED, SS_DISCONNECTING };
	bool connected = s->type == SOCKET_DGRAM ? load_relaxed(&s->peer) != NULL
	                                         : load_relaxed(&s->state) == SOCKET_CONNECTED;
	if (load_relaxed(&s->file))
		return connected ? SS_CONNECTED : SS_UNCONNECTED;
	return connected ? SS_CONNECTING : SS_DISCONNECTING;
}
