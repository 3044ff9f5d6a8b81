/* What the files of the pipe room share. Unless said otherwise p->io is held. */
#pragma once
#include "abi/poll.h"
#include "kernel/ipc/pipe/pipe.h"
#include "kernel/ipc/wait.h"

struct pipe_waiter {
	struct ipc_waiter wait;
	struct pipe *pipe;
	struct list link; /* [io] */
};

static inline bool pipe_is_empty(const struct pipe *p)
{
	return load_relaxed(&p->head) == load_relaxed(&p->tail);
}
/*
 * Empty, and no slot is out that may come back. Right without the lock, too: when no more had been taken after the look than
 * were settled before it, none was out in between.
 */
static inline bool pipe_is_drained(const struct pipe *p)
{
	u32 settled = load_acquire(&p->settled);
	if (load_relaxed(&p->head) != load_acquire(&p->tail))
		return false;
	port_step();
	return load_relaxed(&p->taken) == settled;
}
/* Nothing will ever be read again, unless a FIFO is opened anew. */
static inline bool pipe_has_ended(const struct pipe *p)
{
	return !load_relaxed(&p->writers) && pipe_is_drained(p);
}
static inline u32 pipe_slots_free(const struct pipe *p)
{
	return p->mask + 1 - (p->head - p->tail) - p->promised;
}
/* Slots that a transfer has promised itself count as filled. */
static inline bool pipe_is_full(const struct pipe *p)
{
	return load_relaxed(&p->head) - load_relaxed(&p->tail) + load_relaxed(&p->promised) >
	       load_relaxed(&p->mask);
}
static inline struct pipe_slot *pipe_slot_at(const struct pipe *p, u32 n)
{
	return &p->slots[n & p->mask];
}
static inline void pipe_push(struct pipe *p, struct pipe_slot s)
{
	*pipe_slot_at(p, p->head) = s;
	store_relaxed(&p->head, p->head + 1);
}
static inline void pipe_drop_slot(struct pipe *p)
{
	store_relaxed(&p->tail, p->tail + 1);
}

static inline void *pipe_page_new(struct pipe *p)
{
	return p->spare ? TAKE(p->spare) : port_page_alloc();
}
static ALWAYS_INLINE void pipe_page_release(struct pipe *p, void *page, bool shared)
{
	if (unlikely(shared))
		port_page_free(page);
	else if (p->spare)
		port_page_free_sole(page);
	else
		p->spare = page;
}
static ALWAYS_INLINE void pipe_drop_oldest(struct pipe *p)
{
	struct pipe_slot *s = pipe_slot_at(p, p->tail);
	pipe_page_release(p, s->page, s->shared);
	pipe_drop_slot(p);
}
void pipe_drop_all(struct pipe *p);

/* Sleeps in `queue`, with p->io released, which also wakes who is on `wakes`. => 0: look again;
 * -ERESTARTSYS. */
MUST_CHECK int pipe_sleep_relocked(struct pipe *p, struct list *queue, struct ipc_wake_list *wakes);
void pipe_wake_all(struct pipe *p, struct list *waiters, struct ipc_wake_list *wakes);
/* After any transfer: one of each side that has something to do, who in turn wakes the next. */
void pipe_wake_useful(struct pipe *p, struct ipc_wake_list *wakes);
/* => 0: there is data, or will never be; -EAGAIN, -ERESTARTSYS. Drops p->io to sleep. */
MUST_CHECK int pipe_wait_for_data(struct pipe *p, u32 flags, struct ipc_wake_list *wakes);
/* => 0: a slot is free; -EPIPE, -EAGAIN, -ERESTARTSYS. Drops p->io to sleep. */
MUST_CHECK int pipe_wait_for_room(struct pipe *p, u32 flags, struct ipc_wake_list *wakes);

/* p->io is held, and released, after what has made room or brought data; `was_full`: before. */
void pipe_wake_unlock(struct pipe *p, bool was_full);

/* After a read. */
static ALWAYS_INLINE void pipe_read_wake(struct pipe *p, bool was_full, struct ipc_wake_list *wakes)
{
	if (unlikely(p->waiting))
		pipe_wake_useful(p, wakes);
	if (unlikely(was_full))
		port_poll_wake(&p->write_poll, POLLOUT | POLLWRNORM);
}
/* After a write. */
static ALWAYS_INLINE void pipe_write_wake(struct pipe *p, struct ipc_wake_list *wakes)
{
	if (unlikely(p->waiting))
		pipe_wake_useful(p, wakes);
	port_poll_wake(&p->read_poll, POLLIN | POLLRDNORM);
}
