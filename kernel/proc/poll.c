#include "kernel/proc/poll.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/fdtable.h"
#include "kernel/proc/signal.h"
#include "kernel/proc/task.h"

struct poll_block {
	struct poll_block *next;
	u32 capacity;
	struct poll_entry entries[];
};
enum { POLL_BLOCK_MIN = 32, QUEUES_PER_FILE = 2 };

/* Runs under the queue's lock. */
static bool poll_entry_wake(struct waitq_entry *e, u64 key)
{
	struct poll_entry *entry = container_of(e, struct poll_entry, wait);
	if (key && !(key & entry->events))
		return false;
	struct poll_waiter *w = entry->waiter;
	/* Pairs with the exchange in poll_waiter_sleep: who sees the flag sees the change that was announced. */
	store_release(&w->triggered, 1);
	unpark(w->thread);
	return false; /* a poller takes nothing: exclusive waiters behind it must still be woken */
}

static struct poll_entry *poll_entry_new(struct poll_waiter *w)
{
	u32 capacity = w->blocks ? w->blocks->capacity : POLL_INLINE_ENTRIES;
	if (w->used == capacity) {
		u32 more = MAX(w->expected * QUEUES_PER_FILE, (u32)POLL_BLOCK_MIN);
		struct poll_block *b =
			kvzalloc(sizeof *b + (size_t)more * sizeof(struct poll_entry));
		if (!b) {
			w->error = -ENOMEM;
			return NULL;
		}
		b->next = w->blocks;
		b->capacity = more;
		w->blocks = b;
		w->used = 0;
	}
	return w->blocks ? &w->blocks->entries[w->used++] : &w->first[w->used++];
}

static void poll_waiter_add(struct poll_table *pt, struct file *f, struct waitq *q)
{
	struct poll_waiter *w = container_of(pt, struct poll_waiter, table);
	struct poll_entry *entry = poll_entry_new(w);
	if (!entry)
		return;
	file_get(f);
	*entry = (struct poll_entry){
		.wait = {.link = LIST_INIT(entry->wait.link), .wake = poll_entry_wake},
		.q = q,
		.file = f,
		.waiter = w,
		.events = pt->events | POLLERR | POLLHUP};
	waitq_add(q, &entry->wait);
}

void poll_waiter_init(struct poll_waiter *w, u32 expected)
{
	w->table = (struct poll_table){.add = poll_waiter_add};
	w->thread = thread_current();
	w->triggered = 0;
	w->error = 0;
	w->used = 0;
	w->expected = expected;
	w->blocks = NULL;
}

static void poll_entries_drop(struct poll_entry *entries, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		waitq_del(entries[i].q, &entries[i].wait);
		file_put(entries[i].file);
	}
}

void poll_waiter_destroy(struct poll_waiter *w)
{
	u32 used = w->used;
	while (w->blocks) {
		struct poll_block *b = w->blocks;
		poll_entries_drop(b->entries, used);
		w->blocks = b->next;
		used = b->next ? b->next->capacity : POLL_INLINE_ENTRIES;
		kvfree(b);
	}
	poll_entries_drop(w->first, used);
}

int poll_waiter_sleep(struct poll_waiter *w, u64 deadline_ns)
{
	while (!__atomic_exchange_n(&w->triggered, 0, __ATOMIC_ACQUIRE)) {
		switch (park(deadline_ns, PARK_INTERRUPTIBLE)) {
		case PARK_WOKEN: break;
		case PARK_TIMEOUT: return -ETIMEDOUT;
		case PARK_SIGNAL: return -ERESTARTNOHAND;
		}
	}
	return 0;
}

u32 poll_always_ready(struct file *f, struct poll_table *pt)
{
	return POLL_ALWAYS_READY;
}

/* An O_PATH descriptor has no operations and is, for poll, not open. */
static inline u32 poll_without_op(const struct file *f)
{
	return f->flags & FILE_O_PATH ? POLLNVAL : POLL_ALWAYS_READY;
}

/* => the events of one descriptor, revents' way. */
static u32 poll_one(const struct pollfd *p, struct poll_table *pt)
{
	if (p->fd < 0)
		return 0;
	AUTO_FDREF r = fdref_get(p->fd);
	if (unlikely(!r.file))
		return POLLNVAL;
	u32 wanted = (u16)p->events | POLLERR | POLLHUP;
	if (!r.file->ops->poll)
		return POLL_ALWAYS_READY & wanted;
	if (pt)
		pt->events = wanted;
	return r.file->ops->poll(r.file, pt) & wanted;
}

static int poll_scan(struct pollfd *fds, u32 n, struct poll_table *pt)
{
	int ready = 0;
	for (u32 i = 0; i < n; i++) {
		u32 events = poll_one(&fds[i], pt);
		fds[i].revents = (s16)events;
		if (events) {
			ready++;
			pt = NULL; /* the call will not sleep */
		}
	}
	return ready;
}

/* A descriptor that is not open, or whose file has no poll operation. */
static NOINLINE s16 poll_unusual(const struct pollfd *p, const struct file *f)
{
	if (p->fd < 0)
		return 0;
	return f ? poll_without_op(f) & ((u16)p->events | POLLERR | POLLHUP | POLLNVAL) : POLLNVAL;
}

/* What is ready now: the pass that every call makes. A table of our own cannot change under us, so its
 * array is looked up once and files are used without a reference, as fdref_get does. */
static int poll_scan_now(struct pollfd *fds, u32 n)
{
	struct fdtable *t = fdtable_current();
	if (unlikely(refcount_read(&t->refs) != 1))
		return poll_scan(fds, n, NULL);
	struct file *const *files = t->array->files;
	u32 size = t->array->size;
	int ready = 0;
	for (struct pollfd *p = fds, *end = fds + n; p < end; p++) {
		u32 fd = (u32)p->fd;
		struct file *f = likely(fd < size) ? files[fd] : NULL;
		if (likely(f) && likely(f->ops->poll)) {
			u32 events = f->ops->poll(f, NULL);
			events &= (u32)p->events | POLLERR | POLLHUP;
			p->revents = (s16)events;
			if (likely(!events))
				continue;
		} else if (!(p->revents = poll_unusual(p, f))) {
			continue;
		}
		ready++;
	}
	return ready;
}

static NOINLINE int poll_fds_sleep(struct pollfd *fds, u32 n, u64 deadline_ns)
{
	struct poll_waiter w;
	poll_waiter_init(&w, n);
	int ready = poll_scan(fds, n, &w.table);
	int slept = 0;
	while (!ready && !slept) {
		slept = w.error ? w.error : poll_waiter_sleep(&w, deadline_ns);
		if (slept == 0 || slept == -ETIMEDOUT)
			ready = poll_scan(fds, n, NULL);
	}
	poll_waiter_destroy(&w);
	return ready || slept == -ETIMEDOUT ? ready : slept;
}

int poll_fds(struct pollfd *fds, u32 n, u64 deadline_ns)
{
	int ready = poll_scan_now(fds, n);
	if (ready)
		return ready;
	if (deadline_ns == 0)
		return signal_pending() ? -ERESTARTNOHAND : 0;
	return poll_fds_sleep(fds, n, deadline_ns);
}
