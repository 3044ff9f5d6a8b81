#include "kernel/ipc/socket/internal.h"

/* --- Making and freeing --- */

static ALWAYS_INLINE void part_init(struct socket_message *m, size_t n)
{
	/* Field by field: `ids` and the data are filled in anyway. */
	m->next = m->more = NULL;
	m->from = NULL;
	m->rights = NULL;
	m->charge = m->length = 0;
	m->start = 0;
	m->end = (u32)n;
	m->joined = m->peeked = false;
	m->time = 0;
}

/* Of a long message: the smallest block that holds it, so that a write of a page or a few is read in one piece, as programs
 * have come to expect; or else as large a block as there is. => NULL: no memory. */
static NOINLINE struct socket_message *part_new_large(size_t n)
{
	size_t block = PORT_BUFFER_MAX;
	struct socket_message *m = NULL;
	while (block / 2 >= sizeof *m + n)
		block /= 2;
	while (!(m = port_buffer_alloc(block)) && block > PORT_PAGE_SIZE)
		block /= 2;
	if (m)
		part_init(m, MIN(n, block - sizeof *m));
	return m;
}

/* => a part for up to n bytes: its `end` says for how many; or NULL. */
static ALWAYS_INLINE struct socket_message *part_new(size_t n)
{
	if (unlikely(n > PORT_PAGE_SIZE - sizeof(struct socket_message)))
		return part_new_large(n);
	struct socket_message *m = port_buffer_alloc(sizeof *m + n);
	if (likely(m))
		part_init(m, n);
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
		last->more = part_new(n);
		if (!last->more)
			return -ENOBUFS;
		last = last->more;
		if (port_io_take(io, last->data, last->end) < last->end)
			return -EFAULT;
		m->charge += part_charge(last->end);
		n -= last->end;
	}
	return 0;
}

/* The first part. => err_ptr(-ENOBUFS, -EFAULT) */
static ALWAYS_INLINE struct socket_message *first_part(struct port_io *io, size_t n)
{
	struct socket_message *m = part_new(n);
	if (unlikely(!m))
		return err_ptr(-ENOBUFS);
	m->length = m->end;
	m->charge = part_charge(m->end);
	if (likely(port_io_take(io, m->data, m->end) == m->end))
		return m;
	port_buffer_free(m);
	return err_ptr(-EFAULT);
}

struct socket_message *piece_new(struct socket *s, struct port_io *io, size_t n)
{
	struct socket_message *m = first_part(io, n);
	if (likely(!is_err(m)))
		socket_charge(s, m->charge);
	return m;
}

struct socket_message *message_new(struct socket *s, struct port_io *io)
{
	size_t n = port_io_left(io);
	struct socket_message *m = first_part(io, n);
	if (unlikely(is_err(m)))
		return m;
	m->length = (u32)n;
	int err = unlikely(n > m->end) ? message_fill_more(m, io, n - m->end) : 0;
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
	if (!crowd_empty(&s->writers)) {
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
	store_relaxed(&s->arrived, s->arrived + 1);
	store_relaxed(&s->queued, s->queued + 1);
	if (!crowd_empty(&s->readers))
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
