/* Who has the ends of a pipe open. */
#include "kernel/ipc/pipe/internal.h"

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
	pipe_wake_all(p, &p->opening, wakes);
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
	pipe_wake_all(p, &p->reading, wakes);
	pipe_wake_all(p, &p->writing, wakes);
	port_poll_wake_all(&p->read_poll, POLLIN | POLLRDNORM | POLLHUP | POLLERR);
	port_poll_wake_all(&p->write_poll, POLLOUT | POLLWRNORM | POLLHUP | POLLERR);
}

void pipe_open_both(struct pipe *p)
{
	p->readers = p->writers = 1;
	p->readers_ever = p->writers_ever = 1;
	p->nameless = true;
}

/* => 0 once the counter of the other side has moved from `before`; -ERESTARTSYS. */
static int wait_for_partner(struct pipe *p, const u32 *counter, struct ipc_wake_list *wakes)
{
	u32 before = *counter;
	int err = 0;
	while (!err && *counter == before)
		err = pipe_sleep_relocked(p, &p->opening, wakes);
	return err;
}

/* Its end is counted. => 0 when it need not wait, or need not any more; -ERESTARTSYS. */
static int meet_partner(struct pipe *p, u32 ends, u32 flags, struct ipc_wake_list *wakes,
                        u32 *out_seen)
{
	if (ends == PIPE_WRITE && !p->readers)
		return wait_for_partner(p, &p->readers_ever, wakes);
	if (ends != PIPE_READ || p->writers)
		return 0;
	if (!(flags & PIPE_NONBLOCK))
		return wait_for_partner(p, &p->writers_ever, wakes);
	*out_seen = p->writers_ever;
	return 0;
}

int pipe_open_fifo(struct pipe *p, u32 ends, u32 flags, u32 *out_seen)
{
	struct ipc_wake_list wakes = {0};
	int err = 0;

	*out_seen = 0;
	port_mutex_lock(&p->io);
	if (ends == PIPE_WRITE && flags & PIPE_NONBLOCK && !p->readers && !p->nameless) {
		port_mutex_unlock(&p->io);
		return -ENXIO;
	}
	count_open(p, ends, &wakes);
	if (!p->nameless)
		err = meet_partner(p, ends, flags, &wakes, out_seen);
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
		pipe_drop_all(p);
	port_mutex_unlock(&p->io);
	ipc_wake_flush(&wakes);
	return last;
}

u32 pipe_events(const struct pipe *p, u32 ends, u32 seen)
{
	u32 events = 0;
	if (ends & PIPE_READ) {
		bool empty = pipe_is_empty(p);
		if (!empty)
			events |= POLLIN | POLLRDNORM;
		port_step();
		/* A FIFO opened without waiting has not been hung up on before somebody wrote. */
		if (!load_relaxed(&p->writers) && load_relaxed(&p->writers_ever) != seen &&
		    (!empty || pipe_is_drained(p)))
			events |= POLLHUP;
	}
	if (ends & PIPE_WRITE) {
		if (!pipe_is_full(p))
			events |= POLLOUT | POLLWRNORM;
		if (!load_relaxed(&p->readers))
			events |= POLLERR;
	}
	return events;
}
