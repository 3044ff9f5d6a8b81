/*
 * Between pipes, and between a pipe and something else: splice(2), tee(2), vmsplice(2), sendfile(2).
 *
 * Between two pipes slots move, or pages are shared; nothing is copied. Something else reads into pages that become
 * slots, or is written from slots. That may sleep for long (a terminal, a socket), so the pipe is not locked meanwhile:
 *
 *	pipe_fill	promises itself free slots, which others find filled, then reads and pushes page by page
 *	pipe_drain	takes the oldest slot out, its place still promised, so that what could not be written can be
 *			put back in front
 *
 * Whoever was woken for data or room and now waits for something else lets the next of its kind go on first: the one
 * wake-up may have been for several.
 */
#include "abi/signal.h"
#include "kernel/ipc/pipe/internal.h"

static ssize result_of(ssize done, ssize err)
{
	if (!done && err == -EPIPE)
		port_raise(SIGPIPE);
	return done ? done : err;
}

static ALWAYS_INLINE void let_others_go_on(struct pipe *p, struct ipc_wake_list *wakes)
{
	if (unlikely(p->waiting))
		pipe_wake_useful(p, wakes);
}

/* --- From and to something else --- */

/* => slots, at least one, that nobody else will fill, enough for `len`; or -errno. */
static s32 promise(struct pipe *p, size_t len, u32 flags)
{
	struct ipc_wake_list wakes = {0};
	port_mutex_lock(&p->io);
	s32 n = pipe_wait_for_room(p, flags, &wakes);
	if (!n) {
		n = (s32)MIN((u64)pipe_slots_free(p), (len + PIPE_BUF - 1) / PIPE_BUF);
		store_relaxed(&p->promised, p->promised + (u32)n);
		let_others_go_on(p, &wakes);
	}
	port_mutex_unlock(&p->io);
	ipc_wake_flush(&wakes);
	return n;
}

static void promise_return(struct pipe *p, s32 n)
{
	struct ipc_wake_list wakes = {0};
	port_mutex_lock(&p->io);
	bool was_full = pipe_is_full(p);
	store_relaxed(&p->promised, p->promised - (u32)n);
	pipe_read_wake(p, was_full, &wakes);
	port_mutex_unlock(&p->io);
	ipc_wake_flush(&wakes);
}

/* One promised slot is filled with n bytes of the page, or with nothing. => 0 or -EPIPE. */
static int promise_keep(struct pipe *p, void *page, size_t n)
{
	struct ipc_wake_list wakes = {0};
	port_mutex_lock(&p->io);
	store_relaxed(&p->promised, p->promised - 1);
	int err = p->readers ? 0 : -EPIPE;
	if (!err)
		pipe_push(p, (struct pipe_slot){.page = page, .length = (u16)n});
	pipe_write_wake(p, &wakes);
	port_mutex_unlock(&p->io);
	ipc_wake_flush(&wakes);
	return err;
}

/* => bytes that went into one slot, or -errno; 0: the source has no more. */
static ssize fill_one(struct pipe *p, size_t len, const struct pipe_other *from)
{
	void *page = port_page_alloc();
	if (!page)
		return -ENOMEM;
	ssize got = from->move(from, page, MIN(len, (size_t)PIPE_BUF));
	int err = got > 0 ? promise_keep(p, page, (size_t)got) : 0;
	if (got <= 0 || err)
		port_page_free(page);
	return err ? err : got;
}

ssize pipe_fill(struct pipe *p, size_t len, u32 flags, const struct pipe_other *from)
{
	s32 promised = promise(p, len, flags), kept = 0;
	ssize done = 0, got = promised < 0 ? promised : 1;

	while (got > 0 && kept < promised) {
		size_t want = MIN(len - (size_t)done, (size_t)PIPE_BUF);
		got = fill_one(p, want, from);
		if (got <= 0) {
			kept += got == -EPIPE;
			break;
		}
		kept++;
		done += got;
		if ((size_t)got < want)
			break;
	}
	if (promised > kept)
		promise_return(p, promised - kept);
	return result_of(done, got < 0 ? got : 0);
}

/* The oldest slot, whose place stays promised. p->io is held. */
static struct pipe_slot take_out(struct pipe *p)
{
	struct pipe_slot s = *pipe_slot_at(p, p->tail);
	/* Taken before it is missed, and settled after it is back: pipe_is_drained(). */
	__atomic_store_n(&p->taken, p->taken + 1, __ATOMIC_SEQ_CST);
	pipe_drop_slot(p);
	store_relaxed(&p->promised, p->promised + 1);
	return s;
}

/* What is left of a slot that was taken out goes back to its place. p->io is held. */
static void put_back(struct pipe *p, struct pipe_slot s)
{
	store_relaxed(&p->promised, p->promised - 1);
	if (s.length) {
		store_relaxed(&p->tail, p->tail - 1);
		*pipe_slot_at(p, p->tail) = s;
	} else {
		pipe_page_release(p, s.page, s.shared);
	}
	store_release(&p->settled, p->settled + 1);
}

/* Who found the pipe empty meanwhile: there is data again, or it has ended. p->io is held. */
static void tell_after_put_back(struct pipe *p, struct ipc_wake_list *wakes)
{
	if (!pipe_is_empty(p)) {
		port_poll_wake(&p->read_poll, POLLIN | POLLRDNORM);
	} else if (pipe_has_ended(p)) {
		pipe_wake_all(p, &p->reading, wakes);
		port_poll_wake_all(&p->read_poll, POLLIN | POLLRDNORM | POLLHUP);
	}
}

/* The oldest slot, or `len` bytes of it. p->io is held, and dropped meanwhile. => bytes moved or -errno. */
static ssize drain_one(struct pipe *p, size_t len, const struct pipe_other *to,
                       struct ipc_wake_list *wakes)
{
	bool was_full = pipe_is_full(p);
	struct pipe_slot s = take_out(p);

	let_others_go_on(p, wakes);
	port_mutex_unlock(&p->io);
	ipc_wake_flush(wakes);
	*wakes = (struct ipc_wake_list){0};
	ssize put = to->move(to, (char *)s.page + s.offset, MIN(len, (size_t)s.length));
	port_mutex_lock(&p->io);
	if (put > 0) {
		s.offset += put;
		s.length -= put;
	}
	bool was_empty = pipe_is_empty(p);
	put_back(p, s);
	pipe_read_wake(p, was_full, wakes);
	if (was_empty)
		tell_after_put_back(p, wakes);
	return put;
}

ssize pipe_drain(struct pipe *p, size_t len, u32 flags, const struct pipe_other *to)
{
	struct ipc_wake_list wakes = {0};
	ssize done = 0, put = 0;

	port_mutex_lock(&p->io);
	put = pipe_wait_for_data(p, flags, &wakes);
	while (!put && (size_t)done < len && !pipe_is_empty(p)) {
		size_t want = MIN(len - (size_t)done, (size_t)pipe_slot_at(p, p->tail)->length);
		put = drain_one(p, want, to, &wakes);
		done += put > 0 ? put : 0;
		put = put == (ssize)want ? 0 : put < 0 ? put : 1; /* 1: it wants no more */
	}
	port_mutex_unlock(&p->io);
	ipc_wake_flush(&wakes);
	return done ? done : MIN(put, (ssize)0);
}

/* --- Between two pipes --- */

/* Slots of `in` as far as there is room, and len: moved, or their pages shared. Both locked. => bytes. */
static ssize share(struct pipe *in, struct pipe *out, size_t len)
{
	ssize done = 0;
	for (u32 i = in->tail; i != in->head && len && !pipe_is_full(out); i++) {
		pipe_slot_at(in, i)->shared = true;
		struct pipe_slot s = *pipe_slot_at(in, i);
		s.length = (u16)MIN((size_t)s.length, len);
		s.kind = s.kind == SLOT_PACKET ? SLOT_PACKET : SLOT_SEALED;
		port_page_get(s.page);
		pipe_push(out, s);
		done += s.length;
		len -= s.length;
	}
	return done;
}
static ssize move(struct pipe *in, struct pipe *out, size_t len)
{
	ssize done = 0;
	while (!pipe_is_empty(in) && len && !pipe_is_full(out)) {
		struct pipe_slot *s = pipe_slot_at(in, in->tail);
		if (s->length > len) {
			done += share(in, out, len);
			s->offset += len;
			s->length -= len;
			break;
		}
		pipe_push(out, *s);
		done += s->length;
		len -= s->length;
		pipe_drop_slot(in);
	}
	return done;
}

/* until: pipe_wait_for_data() or pipe_wait_for_room(). */
static int wait_in(struct pipe *p, u32 flags,
                   int (*until)(struct pipe *p, u32 flags, struct ipc_wake_list *wakes))
{
	struct ipc_wake_list wakes = {0};
	port_mutex_lock(&p->io);
	int err = until(p, flags, &wakes);
	if (!err)
		let_others_go_on(p, &wakes);
	port_mutex_unlock(&p->io);
	ipc_wake_flush(&wakes);
	return err;
}

typedef ssize transfer_fn(struct pipe *in, struct pipe *out, size_t len);

/* => bytes; 0: the end of `in`; -EPIPE; -EAGAIN: somebody else was faster. */
static ssize transfer_once(struct pipe *in, struct pipe *out, size_t len, transfer_fn *transfer)
{
	struct ipc_wake_list wakes = {0};
	port_mutex_lock2(&in->io, &out->io);
	bool was_full = pipe_is_full(in), at_end = pipe_has_ended(in);
	ssize done = out->readers ? transfer(in, out, len) : -EPIPE;
	if (done > 0) {
		pipe_read_wake(in, was_full && !pipe_is_full(in), &wakes);
		pipe_write_wake(out, &wakes);
	}
	port_mutex_unlock2(&in->io, &out->io);
	ipc_wake_flush(&wakes);
	return done ? done : at_end ? 0 : -EAGAIN;
}

static ssize transfer_waiting(struct pipe *in, struct pipe *out, size_t len, u32 flags,
                              transfer_fn *transfer)
{
	ssize done;
	do {
		TRY(wait_in(in, flags, pipe_wait_for_data));
		TRY(wait_in(out, flags, pipe_wait_for_room));
		done = transfer_once(in, out, len, transfer);
	} while (done == -EAGAIN && !(flags & PIPE_NONBLOCK));
	return done;
}
static ssize transfer(struct pipe *in, struct pipe *out, size_t len, u32 flags, transfer_fn *how)
{
	ssize done = transfer_waiting(in, out, len, flags, how);
	return result_of(MAX(done, (ssize)0), done);
}

ssize pipe_splice(struct pipe *in, struct pipe *out, size_t len, u32 flags)
{
	return transfer(in, out, len, flags, move);
}
ssize pipe_tee(struct pipe *in, struct pipe *out, size_t len, u32 flags)
{
	return transfer(in, out, len, flags, share);
}
