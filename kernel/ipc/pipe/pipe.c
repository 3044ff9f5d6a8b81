#include "kernel/ipc/pipe/internal.h"
#include "abi/signal.h"

/* --- Reading --- */

/* Moves what is there. => 0, or -EFAULT; *done grows by what was moved. */
static int drain(struct pipe *p, struct port_io *io, ssize *done)
{
	for (u32 slots = p->head - p->tail; slots && port_io_left(io); slots--) {
		struct pipe_slot *s = pipe_slot_at(p, p->tail);
		size_t n = MIN((size_t)s->length, port_io_left(io));
		bool packet = s->kind == SLOT_PACKET;

		if (port_io_put(io, (char *)s->page + s->offset, n) < n)
			return -EFAULT;
		*done += (ssize)n;
		if (unlikely(n < s->length) && !packet) {
			s->offset += n;
			s->length -= n;
			return 0;
		}
		pipe_page_release(p, s->page, s->shared);
		pipe_drop_slot(p);
		if (packet)
			return 0;
	}
	return 0;
}

/* p->io is held, and released. */
static NOINLINE ssize read_any(struct pipe *p, struct port_io *io, u32 flags)
{
	struct ipc_wake_list wakes = {0};
	ssize done = 0;
	int err = pipe_wait_for_data(p, flags, &wakes);

	if (!err) {
		bool was_full = pipe_is_full(p);
		err = drain(p, io, &done);
		pipe_read_wake(p, was_full, &wakes);
	}
	port_mutex_unlock(&p->io);
	ipc_wake_flush(&wakes);
	return done ? done : err;
}

ssize pipe_read(struct pipe *p, struct port_io *io, u32 flags)
{
	size_t n = port_io_left(io);

	if (unlikely(!n))
		return 0;
	port_mutex_lock(&p->io);
	/* What most reads are: the oldest slot has all that is asked for. */
	struct pipe_slot *s = pipe_slot_at(p, p->tail);
	if (unlikely(p->head == p->tail) || n > s->length || unlikely(s->kind == SLOT_PACKET))
		return read_any(p, io, flags);
	if (unlikely(port_io_put(io, (char *)s->page + s->offset, n) < n)) {
		port_mutex_unlock(&p->io);
		return -EFAULT;
	}
	bool was_full = pipe_is_full(p);
	s->offset += n;
	s->length -= n;
	if (!s->length)
		pipe_drop_oldest(p);
	if (unlikely(p->waiting) || unlikely(was_full))
		pipe_wake_unlock(p, was_full);
	else
		port_mutex_unlock(&p->io);
	return (ssize)n;
}

/* --- Writing --- */

/* Appends the odd part of a write to the last slot, when it fits there whole. Not empty. => 0 or -EFAULT. */
static int append(struct pipe *p, struct port_io *io, ssize *done)
{
	size_t n = port_io_left(io) % PIPE_BUF;
	struct pipe_slot *last = pipe_slot_at(p, p->head - 1);
	size_t end = last->offset + last->length;

	if (!n || last->kind || end + n > PIPE_BUF)
		return 0;
	if (port_io_take(io, (char *)last->page + end, n) < n)
		return -EFAULT;
	last->length += n;
	*done += (ssize)n;
	return 0;
}

/* Fills one fresh slot. => 0, -EFAULT, -ENOMEM. */
static ALWAYS_INLINE int fill_slot(struct pipe *p, struct port_io *io, bool packet, ssize *done)
{
	size_t n = MIN(port_io_left(io), (size_t)PIPE_BUF);
	void *page = p->spare ? TAKE(p->spare) : port_page_alloc();

	if (!page)
		return -ENOMEM;
	if (port_io_take(io, page, n) < n) {
		pipe_page_release(p, page, false);
		return -EFAULT;
	}
	*pipe_slot_at(p, p->head) = (struct pipe_slot){
		.page = page, .length = (u16)n, .kind = packet ? SLOT_PACKET : SLOT_BYTES};
	store_relaxed(&p->head, p->head + 1);
	*done += (ssize)n;
	return 0;
}

/* Fills slots while there are free ones. => 0, -EFAULT, -ENOMEM. */
static ALWAYS_INLINE int fill_free(struct pipe *p, struct port_io *io, bool packet, ssize *done)
{
	int err = 0;
	for (u32 slots = pipe_slots_free(p); slots && port_io_left(io) && !err; slots--)
		err = fill_slot(p, io, packet, done);
	return err;
}

/* Writes on while there is more than fits; p->io is held, and dropped to sleep. => 0 or -errno. */
static NOINLINE int write_more(struct pipe *p, struct port_io *io, u32 flags, ssize *done,
                               struct ipc_wake_list *wakes)
{
	int err = 0;
	while (!err && port_io_left(io)) {
		if (unlikely(!p->readers))
			err = -EPIPE;
		else if (!pipe_is_full(p))
			err = fill_free(p, io, flags & PIPE_PACKET, done);
		else if (flags & PIPE_NONBLOCK)
			err = -EAGAIN;
		else {
			pipe_write_wake(p, wakes);
			err = pipe_sleep_relocked(p, &p->writing, wakes);
		}
	}
	return err;
}

/* p->io is held, and released. */
static NOINLINE ssize write_any(struct pipe *p, struct port_io *io, u32 flags)
{
	struct ipc_wake_list wakes = {0};
	ssize done = 0;
	int err = 0;

	if (p->readers && !pipe_is_empty(p) && !(flags & PIPE_PACKET))
		err = append(p, io, &done);
	if (!err && port_io_left(io))
		err = write_more(p, io, flags, &done, &wakes);
	pipe_write_wake(p, &wakes);
	port_mutex_unlock(&p->io);
	ipc_wake_flush(&wakes);
	if (unlikely(err == -EPIPE))
		port_raise(SIGPIPE);
	return done ? done : err;
}

ssize pipe_write(struct pipe *p, struct port_io *io, u32 flags)
{
	ssize done = 0;

	if (unlikely(!port_io_left(io)))
		return 0;
	port_mutex_lock(&p->io);
	/* What most writes are: one slot's worth into an empty pipe. */
	if (unlikely(!p->readers) || p->head != p->tail || unlikely(p->promised) ||
	    unlikely(port_io_left(io) > PIPE_BUF))
		return write_any(p, io, flags);
	int err = fill_slot(p, io, flags & PIPE_PACKET, &done);
	if (unlikely(p->waiting))
		pipe_wake_unlock(p, false);
	else
		port_mutex_unlock(&p->io);
	if (unlikely(err))
		return err;
	port_poll_wake(&p->read_poll, POLLIN | POLLRDNORM);
	return done;
}
