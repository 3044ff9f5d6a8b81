#include "kernel/ipc/pipe/pipe.h"
#include "abi/poll.h"
#include "abi/signal.h"
#include "kernel/ipc/wait.h"
#include "kernel/lib/string.h"

u32 pipe_max_size = PIPE_MAX_SIZE;

struct pipe_waiter {
	struct ipc_waiter wait;
	struct pipe *pipe;
	struct list link; /* [io] */
};

struct pipe *pipe_new(void)
{
	struct pipe *p = port_alloc(sizeof *p);
	if (!p)
		return NULL;
	port_mutex_init(&p->io, LOCK_CLASS_PIPE_IO);
	p->slots = p->first_slots;
	p->mask = PIPE_SLOTS - 1;
	list_init(&p->reading);
	list_init(&p->writing);
	list_init(&p->opening);
	port_pollq_init(&p->read_poll);
	port_pollq_init(&p->write_poll);
	return p;
}

static bool is_empty(const struct pipe *p)
{
	return load_relaxed(&p->head) == load_relaxed(&p->tail);
}
static bool is_full(const struct pipe *p)
{
	return load_relaxed(&p->head) - load_relaxed(&p->tail) > p->mask;
}
static struct pipe_slot *slot_at(const struct pipe *p, u32 n)
{
	return &p->slots[n & p->mask];
}

static void page_release(struct pipe *p, void *page)
{
	if (p->spare)
		port_page_free(page);
	else
		p->spare = page;
}

static void drop_oldest(struct pipe *p)
{
	page_release(p, TAKE(slot_at(p, p->tail)->page));
	store_relaxed(&p->tail, p->tail + 1);
}

static void drop_all(struct pipe *p)
{
	while (!is_empty(p))
		drop_oldest(p);
	if (p->spare)
		port_page_free(TAKE(p->spare));
}

void pipe_free(struct pipe *p)
{
	drop_all(p);
	if (p->slots != p->first_slots)
		port_free(p->slots);
	port_free(p);
}

/* --- Waiting. A wake-up means "look again". --- */

static void wake_one(struct pipe *p, struct list *waiters, struct ipc_wake_list *wakes)
{
	struct list *node = list_pop(waiters);
	if (!node)
		return;
	p->waiting--;
	ipc_waiter_decide(&list_entry(node, struct pipe_waiter, link)->wait, 0, wakes);
}
static void wake_all(struct pipe *p, struct list *waiters, struct ipc_wake_list *wakes)
{
	while (!list_empty(waiters))
		wake_one(p, waiters, wakes);
}

/* After any transfer: one of each side that has something to do, who in turn wakes the next. */
static NOINLINE void wake_useful(struct pipe *p, struct ipc_wake_list *wakes)
{
	if (!is_empty(p))
		wake_one(p, &p->reading, wakes);
	if (!is_full(p))
		wake_one(p, &p->writing, wakes);
}

static bool withdraw(struct ipc_waiter *wait)
{
	struct pipe_waiter *w = container_of(wait, struct pipe_waiter, wait);
	GUARD(port_mutex)
	(&w->pipe->io);
	if (!ipc_waiter_pending(wait))
		return false;
	list_del(&w->link);
	w->pipe->waiting--;
	return true;
}

/* Sleeps in `queue`, with p->io released, which also wakes who is on `wakes`. => 0: look again;
 * -ERESTARTSYS. */
static int sleep_relocked(struct pipe *p, struct list *queue, struct ipc_wake_list *wakes)
{
	struct pipe_waiter w = {.pipe = p};

	ipc_waiter_init(&w.wait);
	list_add_tail(queue, &w.link);
	p->waiting++;
	port_mutex_unlock(&p->io);
	ipc_wake_flush(wakes);
	int err = ipc_wait(&w.wait, PORT_FOREVER, withdraw);
	port_mutex_lock(&p->io);
	return err ? -ERESTARTSYS : 0;
}

/* --- Reading --- */

/* Moves what is there. => 0, or -EFAULT; *done grows by what was moved. */
static int drain(struct pipe *p, struct port_io *io, ssize *done)
{
	while (!is_empty(p)) {
		struct pipe_slot *s = slot_at(p, p->tail);
		size_t n = MIN((size_t)s->length, port_io_left(io));
		bool packet = s->packet;

		if (port_io_put(io, (char *)s->page + s->offset, n) < n)
			return -EFAULT;
		*done += (ssize)n;
		s->offset += n;
		s->length -= n;
		if (!s->length || packet)
			drop_oldest(p);
		if (packet || !port_io_left(io))
			return 0;
	}
	return 0;
}

/* After a read. */
static ALWAYS_INLINE void read_wake(struct pipe *p, bool was_full, struct ipc_wake_list *wakes)
{
	if (unlikely(p->waiting))
		wake_useful(p, wakes);
	if (unlikely(was_full))
		port_poll_wake(&p->write_poll, POLLOUT | POLLWRNORM);
}

/* => 0: there is data, or will never be; -EAGAIN, -ERESTARTSYS. Drops p->io to sleep. */
static NOINLINE int wait_for_data(struct pipe *p, u32 flags, struct ipc_wake_list *wakes)
{
	int err = 0;
	while (is_empty(p) && p->writers && !err)
		err = flags & PIPE_NONBLOCK ? -EAGAIN : sleep_relocked(p, &p->reading, wakes);
	return err;
}

ssize pipe_read(struct pipe *p, struct port_io *io, u32 flags)
{
	struct ipc_wake_list wakes = {0};
	ssize done = 0;
	int err = 0;

	if (!port_io_left(io))
		return 0;
	port_mutex_lock(&p->io);
	if (is_empty(p))
		err = wait_for_data(p, flags, &wakes);
	if (!err) {
		bool was_full = is_full(p);
		err = drain(p, io, &done);
		read_wake(p, was_full, &wakes);
	}
	port_mutex_unlock(&p->io);
	ipc_wake_flush(&wakes);
	return done ? done : err;
}

/* --- Writing --- */

/* Appends the odd part of a write to the last slot, when it fits there whole. Not empty. => 0 or -EFAULT. */
static int append(struct pipe *p, struct port_io *io, ssize *done)
{
	size_t n = port_io_left(io) % PIPE_BUF;
	struct pipe_slot *last = slot_at(p, p->head - 1);
	size_t end = last->offset + last->length;

	if (!n || last->packet || end + n > PIPE_BUF)
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
		page_release(p, page);
		return -EFAULT;
	}
	*slot_at(p, p->head) = (struct pipe_slot){.page = page, .length = (u16)n, .packet = packet};
	store_relaxed(&p->head, p->head + 1);
	*done += (ssize)n;
	return 0;
}

/* After a write. */
static ALWAYS_INLINE void write_wake(struct pipe *p, struct ipc_wake_list *wakes)
{
	if (unlikely(p->waiting))
		wake_useful(p, wakes);
	port_poll_wake(&p->read_poll, POLLIN | POLLRDNORM);
}

/* Writes on while there is more than fits; p->io is held, and dropped to sleep. => 0 or -errno. */
static NOINLINE int write_more(struct pipe *p, struct port_io *io, u32 flags, ssize *done,
                               struct ipc_wake_list *wakes)
{
	int err = 0;
	while (!err && port_io_left(io)) {
		if (unlikely(!p->readers))
			err = -EPIPE;
		else if (!is_full(p))
			err = fill_slot(p, io, flags & PIPE_PACKET, done);
		else if (flags & PIPE_NONBLOCK)
			err = -EAGAIN;
		else {
			write_wake(p, wakes);
			err = sleep_relocked(p, &p->writing, wakes);
		}
	}
	return err;
}

ssize pipe_write(struct pipe *p, struct port_io *io, u32 flags)
{
	struct ipc_wake_list wakes = {0};
	ssize done = 0;
	int err = 0;

	if (!port_io_left(io))
		return 0;
	port_mutex_lock(&p->io);
	if (likely(p->readers)) {
		if (!is_empty(p) && !(flags & PIPE_PACKET))
			err = append(p, io, &done);
		else if (likely(!is_full(p)))
			err = fill_slot(p, io, flags & PIPE_PACKET, &done);
	}
	if (!err && port_io_left(io))
		err = write_more(p, io, flags, &done, &wakes);
	write_wake(p, &wakes);
	port_mutex_unlock(&p->io);
	ipc_wake_flush(&wakes);
	if (unlikely(err == -EPIPE))
		port_raise(SIGPIPE);
	return done ? done : err;
}

/* --- Ends --- */

static void count_open(struct pipe *p, u32 ends, struct ipc_wake_list *wakes)
{
	if (ends & PIPE_READ) {
		store_relaxed(&p->readers, p->readers + 1);
		store_relaxed(&p->readers_ever, p->readers_ever + 1);
	}
	if (ends & PIPE_WRITE) {
		store_relaxed(&p->writers, p->writers + 1);
		store_relaxed(&p->writers_ever, p->writers_ever + 1);
	}
	wake_all(p, &p->opening, wakes);
}

/* A side without open ends lets the other one go. */
static void count_close(struct pipe *p, u32 ends, struct ipc_wake_list *wakes)
{
	if (ends & PIPE_READ)
		store_relaxed(&p->readers, p->readers - 1);
	if (ends & PIPE_WRITE)
		store_relaxed(&p->writers, p->writers - 1);
	if (!p->readers == !p->writers)
		return;
	wake_all(p, &p->reading, wakes);
	wake_all(p, &p->writing, wakes);
	port_poll_wake_all(&p->read_poll, POLLIN | POLLRDNORM | POLLHUP | POLLERR);
	port_poll_wake_all(&p->write_poll, POLLOUT | POLLWRNORM | POLLHUP | POLLERR);
}

void pipe_open_both(struct pipe *p)
{
	p->readers = p->writers = 1;
	p->readers_ever = p->writers_ever = 1;
}

/* => 0 once the counter of the other side has moved from `before`; -ERESTARTSYS. */
static int wait_for_partner(struct pipe *p, const u32 *counter, struct ipc_wake_list *wakes)
{
	u32 before = *counter;
	int err = 0;
	while (!err && *counter == before)
		err = sleep_relocked(p, &p->opening, wakes);
	return err;
}

int pipe_open_fifo(struct pipe *p, u32 ends, u32 flags, u32 *out_seen)
{
	struct ipc_wake_list wakes = {0};
	int err = 0;

	*out_seen = 0;
	port_mutex_lock(&p->io);
	if (ends == PIPE_WRITE && flags & PIPE_NONBLOCK && !p->readers) {
		port_mutex_unlock(&p->io);
		return -ENXIO;
	}
	count_open(p, ends, &wakes);
	if (ends == PIPE_READ && !p->writers) {
		if (flags & PIPE_NONBLOCK)
			*out_seen = p->writers_ever;
		else
			err = wait_for_partner(p, &p->writers_ever, &wakes);
	} else if (ends == PIPE_WRITE && !p->readers) {
		err = wait_for_partner(p, &p->readers_ever, &wakes);
	}
	if (err)
		count_close(p, ends, &wakes);
	port_mutex_unlock(&p->io);
	ipc_wake_flush(&wakes);
	return err;
}

bool pipe_close(struct pipe *p, u32 ends)
{
	struct ipc_wake_list wakes = {0};

	port_mutex_lock(&p->io);
	count_close(p, ends, &wakes);
	bool last = !p->readers && !p->writers;
	if (last)
		drop_all(p);
	port_mutex_unlock(&p->io);
	ipc_wake_flush(&wakes);
	return last;
}

u32 pipe_events(const struct pipe *p, u32 ends, u32 seen)
{
	u32 events = 0;
	if (ends & PIPE_READ) {
		if (!is_empty(p))
			events |= POLLIN | POLLRDNORM;
		/* A FIFO opened without waiting has not been hung up on before somebody wrote. */
		if (!load_relaxed(&p->writers) && load_relaxed(&p->writers_ever) != seen)
			events |= POLLHUP;
	}
	if (ends & PIPE_WRITE) {
		if (!is_full(p))
			events |= POLLOUT | POLLWRNORM;
		if (!load_relaxed(&p->readers))
			events |= POLLERR;
	}
	return events;
}

/* --- Size --- */

u64 pipe_bytes(struct pipe *p)
{
	u64 bytes = 0;
	GUARD(port_mutex)
	(&p->io);
	for (u32 i = p->tail; i != p->head; i++)
		bytes += slot_at(p, i)->length;
	return bytes;
}

u32 pipe_capacity(struct pipe *p)
{
	return (load_relaxed(&p->mask) + 1) * PORT_PAGE_SIZE;
}

/* => slots for a capacity of `size` bytes, a power of two; 0: too many. */
static u32 slots_for(u64 size)
{
	u32 slots = 1;
	if (size > 1u << 31)
		return 0;
	while ((u64)slots * PORT_PAGE_SIZE < size)
		slots *= 2;
	return slots;
}

s64 pipe_resize(struct pipe *p, u64 size)
{
	struct ipc_wake_list wakes = {0};
	u32 slots = slots_for(size);

	if (!slots)
		return -EINVAL;
	if ((u64)slots * PORT_PAGE_SIZE > MAX(pipe_capacity(p), load_relaxed(&pipe_max_size)) &&
	    !port_capable(PORT_CAP_SYS_RESOURCE))
		return -EPERM;
	AUTO_PUT(port_mem) old = port_alloc(slots * sizeof(struct pipe_slot));
	if (!old)
		return -ENOMEM;
	port_mutex_lock(&p->io);
	u32 used = p->head - p->tail;
	bool fits = used <= slots, was_full = is_full(p);
	if (fits) {
		struct pipe_slot *fresh = old;
		for (u32 i = 0; i < used; i++)
			fresh[i] = *slot_at(p, p->tail + i);
		old = p->slots == p->first_slots ? NULL : p->slots;
		p->slots = fresh;
		store_relaxed(&p->mask, slots - 1);
		p->tail = 0;
		store_relaxed(&p->head, used);
		read_wake(p, was_full, &wakes);
	}
	port_mutex_unlock(&p->io);
	ipc_wake_flush(&wakes);
	return fits ? (s64)slots * PORT_PAGE_SIZE : -EBUSY;
}
