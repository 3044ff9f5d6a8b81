/* How large a pipe is, and who pays for it: pipe(7), "/proc files". */
#include "kernel/ipc/pipe/internal.h"

u32 pipe_max_size = PIPE_MAX_SIZE;
u64 pipe_user_pages_soft = PIPE_SLOTS * 1024;
u64 pipe_user_pages_hard;

enum { SLOTS_MOST = 65536 };    /* Linux's array of them ends at 4 MiB */
enum { SLOTS_BEYOND_SOFT = 2 }; /* of a pipe whose owner has more than the soft limit */

static bool is_privileged(void)
{
	return port_capable(PORT_CAP_SYS_RESOURCE) || port_capable(PORT_CAP_SYS_ADMIN);
}

static u64 charge(struct port_user *u, s64 slots)
{
	return __atomic_add_fetch(port_user_account(u, PORT_PIPE_PAGES), (u64)slots,
	                          __ATOMIC_RELAXED);
}
static bool is_beyond(u64 pages, const u64 *limit)
{
	u64 most = load_relaxed(limit);
	return most && pages > most;
}

/* => slots of a new pipe, charged, or 0: beyond the hard limit. */
static u32 charge_new(struct port_user *u)
{
	u32 slots = PIPE_SLOTS, most = load_relaxed(&pipe_max_size) / PORT_PAGE_SIZE;
	if (unlikely(slots > most) && !port_capable(PORT_CAP_SYS_RESOURCE))
		slots = most;
	u64 pages = charge(u, slots);
	if (unlikely(is_beyond(pages, &pipe_user_pages_soft)) && !is_privileged() &&
	    slots > SLOTS_BEYOND_SOFT) {
		pages = charge(u, SLOTS_BEYOND_SOFT - (s64)slots);
		slots = SLOTS_BEYOND_SOFT;
	}
	if (unlikely(is_beyond(pages, &pipe_user_pages_hard)) && !is_privileged()) {
		(void)charge(u, -(s64)slots);
		return 0;
	}
	return slots;
}

struct pipe *pipe_new(void)
{
	struct port_user *u = port_user_get();
	u32 slots = charge_new(u);
	struct pipe *p = slots ? port_alloc(sizeof *p) : NULL;
	if (!p) {
		(void)charge(u, -(s64)slots);
		port_user_put(u);
		return NULL;
	}
	port_mutex_init(&p->io, LOCK_CLASS_PIPE_IO);
	p->user = u;
	p->slots = p->first_slots;
	p->mask = slots - 1;
	list_init(&p->reading);
	list_init(&p->writing);
	list_init(&p->opening);
	port_pollq_init(&p->read_poll);
	port_pollq_init(&p->write_poll);
	return p;
}

void pipe_drop_all(struct pipe *p)
{
	while (!pipe_is_empty(p))
		pipe_drop_oldest(p);
	if (p->spare)
		port_page_free(TAKE(p->spare));
}

void pipe_free(struct pipe *p)
{
	pipe_drop_all(p);
	if (p->slots != p->first_slots)
		port_free(p->slots);
	(void)charge(p->user, -((s64)p->mask + 1));
	port_user_put(p->user);
	port_free(p);
}

u64 pipe_bytes(struct pipe *p)
{
	u64 bytes = 0;
	GUARD(port_mutex)(&p->io);
	for (u32 i = p->tail; i != p->head; i++)
		bytes += pipe_slot_at(p, i)->length;
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

/* `fresh` takes the place of the slots. => what it replaced, to be freed; `fresh` itself when it is too small. */
static struct pipe_slot *slots_replace(struct pipe *p, struct pipe_slot *fresh, u32 slots)
{
	u32 used = p->head - p->tail;
	if (used + p->promised > slots)
		return fresh;
	for (u32 i = 0; i < used; i++)
		fresh[i] = *pipe_slot_at(p, p->tail + i);
	struct pipe_slot *old = p->slots == p->first_slots ? NULL : p->slots;
	p->slots = fresh;
	store_relaxed(&p->mask, slots - 1);
	store_relaxed(&p->tail, 0);
	store_relaxed(&p->head, used);
	return old;
}

/* p->io held, the new slots are charged. => 0, -ENOMEM, -EBUSY. */
static int resize_charged(struct pipe *p, u32 slots, struct ipc_wake_list *wakes)
{
	bool was_full = pipe_is_full(p);
	struct pipe_slot *fresh =
		slots > SLOTS_MOST ? NULL : port_alloc(slots * sizeof(struct pipe_slot));
	if (!fresh)
		return -ENOMEM;
	struct pipe_slot *old = slots_replace(p, fresh, slots);
	port_free(old);
	if (old == fresh)
		return -EBUSY;
	pipe_read_wake(p, was_full, wakes);
	return 0;
}

/* As Linux: who is not privileged may not grow a pipe beyond its limits. */
static int resize_locked(struct pipe *p, u32 slots, struct ipc_wake_list *wakes)
{
	u32 had = p->mask + 1;
	if (slots > had && (u64)slots * PORT_PAGE_SIZE > load_relaxed(&pipe_max_size) &&
	    !port_capable(PORT_CAP_SYS_RESOURCE))
		return -EPERM;
	u64 pages = charge(p->user, (s64)slots - had);
	bool beyond =
		is_beyond(pages, &pipe_user_pages_soft) || is_beyond(pages, &pipe_user_pages_hard);
	int err = slots > had && beyond && !is_privileged() ? -EPERM
	                                                    : resize_charged(p, slots, wakes);
	if (err)
		(void)charge(p->user, (s64)had - slots);
	return err;
}

s64 pipe_resize(struct pipe *p, u64 size)
{
	struct ipc_wake_list wakes = {0};
	u32 slots = slots_for(size);

	if (!slots)
		return -EINVAL;
	port_mutex_lock(&p->io);
	int err = resize_locked(p, slots, &wakes);
	port_mutex_unlock(&p->io);
	ipc_wake_flush(&wakes);
	return err ? err : (s64)slots * PORT_PAGE_SIZE;
}
