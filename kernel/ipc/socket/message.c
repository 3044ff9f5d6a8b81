#include "kernel/ipc/socket/internal.h"

/* --- Making and freeing --- */

static struct socket_message *part_new(size_t n)
{
	struct socket_message *m = port_buffer_alloc(sizeof *m + n);
	if (m)
		*m = (struct socket_message){.end = (u32)n};
	return m;
}

static void parts_free(struct socket_message *m)
{
	while (m) {
		struct socket_message *more = m->more;
		port_buffer_free(m);
		m = more;
	}
}

/* What a part of n bytes takes, as it is charged. */
static u32 part_charge(size_t n)
{
	return (u32)ROUND_UP(sizeof(struct socket_message) + n, (size_t)CACHE_LINE);
}

/* The parts after the first, as many as n bytes need. => 0, -ENOBUFS, -EFAULT; m is whole enough to be freed. */
static NOINLINE int message_fill_more(struct socket_message *m, struct port_io *io, size_t n)
{
	struct socket_message *last = m;
	while (n) {
		size_t part = MIN(n, (size_t)MESSAGE_PART_MAX);
		last->more = part_new(part);
		if (!last->more)
			return -ENOBUFS;
		last = last->more;
		if (port_io_take(io, last->data, part) < part)
			return -EFAULT;
		m->charge += part_charge(part);
		n -= part;
	}
	return 0;
}

struct socket_message *message_new(struct socket *s, struct port_io *io, size_t n)
{
	size_t part = MIN(n, (size_t)MESSAGE_PART_MAX);
	struct socket_message *m = part_new(part);
	int err = 0;
	if (unlikely(!m))
		return err_ptr(-ENOBUFS);
	m->charge = part_charge(part);
	m->length = (u32)n;
	if (port_io_take(io, m->data, part) < part)
		err = -EFAULT;
	else if (n > part)
		err = message_fill_more(m, io, n - part);
	if (unlikely(err)) {
		parts_free(m);
		return err_ptr(err);
	}
	socket_charge(s, m->charge);
	return m;
}

void message_free(struct socket_message *m, struct socket *sender)
{
	struct socket_rights *rights = m->rights;
	struct socket *from = m->from;
	socket_uncharge(sender, m->charge);
	parts_free(m);
	if (rights) {
		socket_rights_land(rights);
		socket_rights_free(rights);
	}
	if (from)
		socket_put(from);
}

void messages_free(struct socket_message *m, struct socket *peer)
{
	while (m) {
		struct socket_message *next = m->next;
		message_free(m, m->from ? m->from : peer);
		m = next;
	}
}

/* --- Under way --- */

/* Who waits for room goes on when it is there for most of what he may have to send: one wake-up for many messages. */
static NOINLINE void announce_room(struct socket *s)
{
	struct ipc_wake_list wakes = {0};
	if (!list_empty(&s->writers)) {
		port_lock(&s->lock);
		socket_wake_all_locked(&s->writers, &wakes);
		port_unlock(&s->lock);
		ipc_wake_flush(&wakes);
	}
	port_poll_wake(&s->poll, SOCKET_POLL_WRITE);
}

void socket_uncharge(struct socket *s, u32 bytes)
{
	/* A full barrier: a writer that queues itself after the look at s->writers sees the new value.
	 * Partner: wait_for_room(). */
	u32 left = __atomic_sub_fetch(&s->unsent, bytes, __ATOMIC_SEQ_CST);
	u32 enough = load_relaxed(&s->send_limit) / 4;
	if (left <= enough && left + bytes > enough)
		announce_room(s);
}

void socket_set_send_limit(struct socket *s, u32 bytes)
{
	__atomic_store_n(&s->send_limit, bytes, __ATOMIC_SEQ_CST);
	announce_room(s);
}

/* --- The queue --- */

void message_queue_locked(struct socket *s, struct socket_message *m, struct ipc_wake_list *wakes)
{
	port_assert_held(&s->lock);
	/* Release: a reader walks the queue without the lock. */
	if (s->first)
		store_release(&s->last->next, m);
	else
		store_release(&s->first, m);
	s->last = m;
	store_relaxed(&s->queued, s->queued + 1);
	if (!list_empty(&s->readers))
		socket_wake_one_locked(&s->readers, wakes);
}

struct socket_message *messages_take_locked(struct socket *s)
{
	struct socket_message *all = s->first;
	store_relaxed(&s->first, NULL);
	s->last = NULL;
	if (s->state != SOCKET_LISTENING)
		store_relaxed(&s->queued, 0);
	return all;
}
