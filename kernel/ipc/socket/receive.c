#include "kernel/ipc/socket/internal.h"
#include "kernel/lib/string.h"

void socket_incoming_put(struct socket_incoming *in)
{
	socket_rights_free(TAKE(in->rights));
	if (in->from)
		socket_name_put(TAKE(in->from));
}

/* The address that the sender has now, as on Linux. */
static void note_sender(struct socket_incoming *in, const struct socket *sender)
{
	struct socket_name *name;
	if (likely(!in->want_from || !sender || !(name = socket_name(sender))))
		return;
	refcount_get(&name->refs);
	in->from = name;
}

/* Takes m off the head of the queue; the reading lock held. One more may read when something is left. */
static void unqueue(struct socket *s, struct socket_message *m, struct ipc_wake_list *wakes)
{
	port_lock(&s->lock);
	store_relaxed(&s->first, m->next);
	if (!m->next)
		s->last = NULL;
	else if (unlikely(!crowd_empty(&s->readers)))
		socket_wake_one_locked(&s->readers, wakes);
	store_relaxed(&s->queued, s->queued - 1);
	if (unlikely(!crowd_empty(&s->knocking)))
		socket_wake_one_locked(&s->knocking, wakes);
	port_unlock(&s->lock);
}

/* The files of m, which stays queued or not, go to the receiver: as copies when he peeks. */
static NOINLINE int receive_rights(struct socket *s, struct socket_message *m, bool peek,
                                   struct socket_incoming *in)
{
	if (peek) {
		in->rights = socket_rights_copy(m->rights);
		return in->rights ? 0 : -ENOMEM;
	}
	port_lock(&s->lock); /* against collect.c, which looks into queues */
	in->rights = TAKE(m->rights);
	port_unlock(&s->lock);
	socket_rights_land(in->rights);
	return 0;
}

static void peek_moved(struct socket *s, s32 by)
{
	s32 offset = load_relaxed(&s->peek_offset);
	if (unlikely(offset >= 0))
		store_relaxed(&s->peek_offset, MAX(offset + by, 0));
}

/* After what left something in the queue: another reader may go on. */
static void pass_on(struct socket *s)
{
	struct ipc_wake_list wakes = {0};
	if (crowd_empty(&s->readers) || !load_relaxed(&s->first))
		return;
	port_lock(&s->lock);
	if (s->first)
		socket_wake_one_locked(&s->readers, &wakes);
	port_unlock(&s->lock);
	ipc_wake_flush(&wakes);
}

/* --- Streams --- */

enum { END_OF_STREAM = 1 };

/* Nothing to read: why not to wait for more, POSIX's order. => 0: wait; END_OF_STREAM, -errno. */
static int why_not_wait(struct socket *s, u64 deadline)
{
	int err = socket_take_error(s);
	if (err)
		return err;
	if (s->shutdown & SOCKET_SHUT_READ)
		return END_OF_STREAM;
	return deadline ? 0 : -EAGAIN;
}

/* The queue holds nothing beyond `seen`. Drops the reading lock to sleep. => 0: look again; END_OF_STREAM; -errno. */
static NOINLINE int await_piece(struct socket *s, const struct socket_message *seen, u64 deadline)
{
	struct socket_waiter w;
	port_lock(&s->lock);
	bool more = s->last != seen;
	int result = more ? 0 : why_not_wait(s, deadline);
	bool wait = !more && !result;
	if (wait)
		socket_wait_begin(&w, s, &s->readers);
	port_unlock(&s->lock);
	if (!wait)
		return result;
	port_mutex_unlock(&s->reading);
	result = socket_wait(&w, deadline);
	port_mutex_lock(&s->reading);
	return result;
}

static bool same_ids(const struct socket_ids *a, const struct socket_ids *b)
{
	return a->pid == b->pid && a->uid == b->uid && a->gid == b->gid;
}

/* Copies from one piece. => bytes, or -EFAULT. */
static ssize read_piece(struct socket *s, struct socket_message *m, size_t skip, struct port_io *io,
                        struct socket_incoming *in)
{
	size_t n = MIN((size_t)message_left(m) - skip, port_io_left(io));
	if (port_io_put(io, m->data + m->start + skip, n) < n)
		return -EFAULT;
	if (in->peek) {
		peek_moved(s, (s32)n);
	} else {
		store_relaxed(&m->start, m->start + (u32)n);
		peek_moved(s, -(s32)n);
	}
	return (ssize)n;
}

/* A piece that was read to its end. */
static void finish_piece(struct socket *s, struct socket_message *m)
{
	struct ipc_wake_list wakes = {0};
	struct socket *sender = load_relaxed(&s->peer);
	unqueue(s, m, &wakes);
	ipc_wake_flush(&wakes);
	message_free(m, sender);
}

/* => the piece to go on with, *skip bytes into it; NULL: none yet, *seen is the last one passed over. */
static struct socket_message *next_piece(struct socket *s, struct socket_message *peeked,
                                         size_t *skip, struct socket_message **seen)
{
	struct socket_message *m = peeked ? load_acquire(&peeked->next) : load_acquire(&s->first);
	*seen = peeked;
	while (m && unlikely(*skip) && *skip >= message_left(m)) {
		*skip -= message_left(m);
		*seen = m;
		m = load_acquire(&m->next);
	}
	return m;
}

struct stream_read {
	size_t target, skip;
	ssize done;
	struct socket_message *peeked;
	bool signed_, files;
};

/* One step. => 0: go on; END_OF_STREAM: enough; -errno. */
static int stream_step(struct socket *s, struct port_io *io, struct socket_incoming *in,
                       struct stream_read *r)
{
	struct socket_message *seen;
	struct socket_message *m = next_piece(s, r->peeked, &r->skip, &seen);
	/* Files end what is read together with them, at the end of their send. */
	if (unlikely(r->files) && !(m && m->joined))
		return END_OF_STREAM;
	if (!m) {
		if (r->peeked || (size_t)r->done >= r->target)
			return END_OF_STREAM;
		return await_piece(s, seen, in->deadline);
	}
	if (unlikely(r->signed_)) {
		if (!same_ids(&in->ids, &m->ids))
			return END_OF_STREAM;
	} else if (unlikely(load_relaxed(&s->want_ids))) {
		in->ids = m->ids;
		r->signed_ = true;
	}
	ssize n = TRY(read_piece(s, m, r->skip, io, in));
	r->skip = 0;
	r->done += n;
	if (unlikely(m->rights)) {
		r->files = true;
		TRY(receive_rights(s, m, in->peek, in));
	}
	if (in->peek)
		r->peeked = m;
	else if (message_left(m))
		return END_OF_STREAM;
	else
		finish_piece(s, m);
	return port_io_left(io) ? 0 : END_OF_STREAM;
}

static ssize receive_stream(struct socket *s, struct port_io *io, struct socket_incoming *in)
{
	size_t size = port_io_left(io);
	struct stream_read r = {
		.target = in->wait_all ? size : MIN((size_t)load_relaxed(&s->low_water), size)};
	int err;
	if (unlikely(load_relaxed(&s->state) != SOCKET_CONNECTED))
		return -EINVAL;
	r.target = MAX(r.target, (size_t)1);
	port_mutex_lock(&s->reading);
	if (unlikely(in->peek))
		r.skip = (size_t)MAX(load_relaxed(&s->peek_offset), 0);
	do {
		err = stream_step(s, io, in, &r);
	} while (!err);
	port_mutex_unlock(&s->reading);
	pass_on(s);
	if (r.done)
		note_sender(in, load_relaxed(&s->peer));
	if (r.done)
		return r.done;
	return err == END_OF_STREAM ? 0 : err;
}

/* --- Datagrams and sequenced packets --- */

/* => the message to receive, *skip bytes into it, or NULL; the reading lock held. */
static struct socket_message *pick(struct socket *s, bool peek, size_t *skip)
{
	struct socket_message *m = load_acquire(&s->first);
	s32 offset = load_relaxed(&s->peek_offset);
	*skip = 0;
	if (likely(!peek || offset < 0))
		return m;
	size_t off = (size_t)offset;
	while (m && off >= m->length && (off || m->peeked)) {
		off -= m->length;
		m = load_acquire(&m->next);
	}
	*skip = off;
	return m;
}

/* There was nothing to pick when `arrived` messages had come. The reading lock is not held. => 0: look again;
 * END_OF_STREAM; -errno. */
static NOINLINE int await_message(struct socket *s, u32 arrived, u64 deadline)
{
	struct socket_waiter w;
	int result = 0;
	port_lock(&s->lock);
	bool changed = s->arrived != arrived, shut = s->shutdown & SOCKET_SHUT_READ;
	if (!deadline)
		result = shut && s->type == SOCKET_SEQPACKET ? END_OF_STREAM : -EAGAIN;
	else if (changed || (result = socket_take_error(s)))
		;
	else if (shut)
		result = END_OF_STREAM;
	else if (s->type == SOCKET_SEQPACKET && s->state != SOCKET_CONNECTED)
		result = -ENOTCONN;
	bool wait = !result && !changed;
	if (wait)
		socket_wait_begin(&w, s, &s->readers);
	port_unlock(&s->lock);
	return wait ? socket_wait(&w, deadline) : result;
}

/* Copies parts out. => bytes, or -EFAULT. */
static ssize read_parts(const struct socket_message *m, size_t skip, struct port_io *io)
{
	size_t done = 0;
	for (; m && port_io_left(io); m = m->more) {
		size_t have = m->end;
		if (skip >= have && m->more) {
			skip -= have;
			continue;
		}
		size_t n = MIN(have - skip, port_io_left(io));
		if (port_io_put(io, m->data + skip, n) < n)
			return -EFAULT;
		done += n;
		skip = 0;
	}
	return (ssize)done;
}

static ssize read_message(struct socket *s, struct socket_message *m, size_t skip,
                          struct port_io *io, struct socket_incoming *in)
{
	size_t there = m->length - skip;
	in->truncated = there > port_io_left(io);
	note_sender(in, message_sender(m, s));
	ssize n = TRY(read_parts(m, skip, io));
	in->ids = m->ids;
	in->time = m->time;
	in->has_time = load_relaxed(&s->want_times);
	if (unlikely(m->rights))
		TRY(receive_rights(s, m, in->peek, in));
	peek_moved(s, in->peek ? (s32)n : -(s32)m->length);
	m->peeked |= in->peek;
	return in->want_whole ? (ssize)there : n;
}

/* Taken off the queue, it is ours alone: others may read on while it is copied. */
static ssize take_message(struct socket *s, struct socket_message *m, struct port_io *io,
                          struct socket_incoming *in)
{
	struct ipc_wake_list wakes = {0};
	unqueue(s, m, &wakes);
	port_mutex_unlock(&s->reading);
	ipc_wake_flush(&wakes);
	if (unlikely(!crowd_empty(&s->throttled)))
		socket_tell_throttled(s);
	ssize n = read_message(s, m, 0, io, in);
	message_free(m, message_sender(m, s));
	return n;
}

static ssize receive_message(struct socket *s, struct port_io *io, struct socket_incoming *in)
{
	if (unlikely(s->type == SOCKET_SEQPACKET && load_relaxed(&s->state) != SOCKET_CONNECTED))
		return -ENOTCONN;
	for (;;) {
		size_t skip;
		port_mutex_lock(&s->reading);
		int err = socket_take_error(s);
		/* Before the look at the queue: what comes after it is then seen to have come. */
		u32 arrived = load_acquire(&s->arrived);
		struct socket_message *m = err ? NULL : pick(s, in->peek, &skip);
		if (likely(m && !in->peek))
			return take_message(s, m, io, in);
		if (m) {
			ssize n = read_message(s, m, skip, io, in);
			port_mutex_unlock(&s->reading);
			pass_on(s);
			return n;
		}
		port_mutex_unlock(&s->reading);
		port_step(); /* a message that comes here has to be noticed */
		if (err)
			pass_on(s);
		else
			err = await_message(s, arrived, in->deadline);
		if (err)
			return err == END_OF_STREAM ? 0 : err;
	}
}

/* A look without any lock, for those who ask again and again: what comes in a moment has not come yet. */
static ALWAYS_INLINE bool nothing_yet(const struct socket *s)
{
	return !load_relaxed(&s->first) && !load_relaxed(&s->error) &&
	       !load_relaxed(&s->shutdown) &&
	       (s->type == SOCKET_DGRAM || load_relaxed(&s->state) == SOCKET_CONNECTED);
}

ssize socket_receive(struct socket *s, struct port_io *io, struct socket_incoming *in)
{
	if (!in->deadline && nothing_yet(s))
		return -EAGAIN;
	ssize n = likely(s->type == SOCKET_STREAM) ? receive_stream(s, io, in)
	                                           : receive_message(s, io, in);
	if (unlikely(n < 0))
		socket_incoming_put(in);
	return n;
}
