#include "kernel/ipc/socket/rights.h"
#include "kernel/ipc/socket/internal.h"

struct socket_flight socket_flight;

/* A thread that is freeing rights, on its stack. */
struct dropper {
	struct list link; /* [droppers.lock] */
	struct port_thread *thread;
	struct socket_rights *todo; /* [own] */
	bool collect;               /* [own] a socket was closed: search for cycles at the end */
};
static struct {
	struct port_lock lock; /* class SOCKET_LIST */
	struct list threads;   /* [l] struct dropper */
} droppers;

void socket_rights_init(void)
{
	port_lock_init(&socket_flight.lock, LOCK_CLASS_SOCKET_FLIGHT);
	list_init(&socket_flight.sockets);
	port_lock_init(&droppers.lock, LOCK_CLASS_SOCKET_LIST);
	list_init(&droppers.threads);
}

struct socket_rights *socket_rights_new(u32 room)
{
	return port_alloc(sizeof(struct socket_rights) + room * sizeof(struct port_file *));
}

/* --- In flight --- */

static u32 count_sockets(const struct socket_rights *r)
{
	u32 n = 0;
	for (u32 i = 0; i < r->count; i++)
		n += port_file_socket(r->files[i]) != NULL;
	return n;
}

static void departs_locked(struct socket *s)
{
	if (s->in_flight++)
		return;
	list_add_tail(&socket_flight.sockets, &s->flight_link);
	store_relaxed(&socket_flight.count, socket_flight.count + 1);
}
static void arrives_locked(struct socket *s)
{
	if (--s->in_flight)
		return;
	list_del(&s->flight_link);
	store_relaxed(&socket_flight.count, socket_flight.count - 1);
}

int socket_rights_launch(struct socket_rights *r)
{
	TRY(port_flight_begin(r->count, &r->payer));
	r->sockets = count_sockets(r);
	if (!r->sockets)
		return 0;
	GUARD(port)(&socket_flight.lock);
	for (u32 i = 0; i < r->count; i++) {
		struct socket *s = port_file_socket(r->files[i]);
		if (s)
			departs_locked(s);
	}
	return 0;
}

void socket_rights_land(struct socket_rights *r)
{
	port_flight_end(TAKE(r->payer), r->count);
	if (!r->sockets)
		return;
	GUARD(port)(&socket_flight.lock);
	for (u32 i = 0; i < r->count; i++) {
		struct socket *s = port_file_socket(r->files[i]);
		if (s)
			arrives_locked(s);
	}
	r->sockets = 0;
}

/* The new references are taken under the lock of the flight, so that a search for cycles sees either all references of a
 * socket in a queue, or the file by which that queue is open. */
struct socket_rights *socket_rights_copy(const struct socket_rights *r)
{
	struct socket_rights *copy = socket_rights_new(r->count);
	if (!copy)
		return NULL;
	GUARD(port)(&socket_flight.lock);
	for (; copy->count < r->count; copy->count++) {
		copy->files[copy->count] = r->files[copy->count];
		port_file_get(r->files[copy->count]);
	}
	return copy;
}

/* --- Freeing --- */

static struct dropper *find_dropper(void)
{
	struct port_thread *self = port_self();
	struct dropper *d;
	GUARD(port)(&droppers.lock);
	list_for_each (d, &droppers.threads, link)
		if (d->thread == self)
			return d;
	return NULL;
}

static void drop_all(struct dropper *d)
{
	while (d->todo) {
		struct socket_rights *r = d->todo;
		d->todo = r->next;
		for (u32 i = 0; i < r->count; i++)
			port_file_put(r->files[i]);
		port_free(r);
	}
}

void socket_rights_free(struct socket_rights *r)
{
	if (!r)
		return;
	struct dropper *outer = find_dropper();
	if (outer) {
		r->next = outer->todo;
		outer->todo = r;
		return;
	}
	struct dropper self = {.thread = port_self(), .todo = r};
	r->next = NULL;
	port_lock(&droppers.lock);
	list_add_tail(&droppers.threads, &self.link);
	port_unlock(&droppers.lock);
	drop_all(&self);
	port_lock(&droppers.lock);
	list_del(&self.link);
	port_unlock(&droppers.lock);
	if (self.collect)
		socket_collect();
}

/* A search looks at all that are in flight: when these are many, not every close is worth one. */
enum { SEARCHED_PER_CLOSE = 64 };

void socket_collect_after_close(void)
{
	static u32 closes; /* [a] since the last search */
	u32 count = load_relaxed(&socket_flight.count);
	if (likely(!count))
		return;
	if (__atomic_add_fetch(&closes, 1, __ATOMIC_RELAXED) * (u64)SEARCHED_PER_CLOSE < count)
		return;
	store_relaxed(&closes, 0);
	struct dropper *outer = find_dropper();
	if (outer)
		outer->collect = true;
	else
		socket_collect();
}
