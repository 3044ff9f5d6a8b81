#include "kernel/proc/fdtable.h"
#include "kernel/proc/poll.h"
#include "kernel/proc/signal.h"

/* Which events put a descriptor into which set: select(2), "Correspondence between select() and poll()". */
static const u32 select_events[3] = {
	POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR | POLLNVAL,
	POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR | POLLNVAL,
	POLLPRI | POLLNVAL,
};

struct select_scan {
	const struct select_sets *sets;
	u32 n;
	bool first; /* a descriptor that is not open fails the call; later it counts as ready */
	struct poll_table *pt;
};

/* => events of fd, or -EBADF. */
static int select_one(struct select_scan *s, int fd, u32 wanted)
{
	AUTO_FDREF r = fdref_get(fd);
	if (unlikely(!r.file)) {
		AUTO_FDREF path = fdref_get_path(fd);
		return s->first && !path.file ? -EBADF : POLLNVAL;
	}
	if (!r.file->ops->poll)
		return POLL_ALWAYS_READY;
	if (s->pt)
		s->pt->events = wanted;
	return (int)r.file->ops->poll(r.file, s->pt);
}

/* The descriptors base + bit of word `w`. => result bits added, or -EBADF. */
static int select_word(struct select_scan *s, u32 w, u64 any)
{
	const struct select_sets *sets = s->sets;
	int ready = 0;
	for (; any; any &= any - 1) {
		u64 bit = any & -any;
		u32 wanted = 0;
		for (int k = 0; k < 3; k++)
			wanted |= sets->in[k][w] & bit ? select_events[k] : 0;
		int events = select_one(s, (int)(w * 64) + __builtin_ctzll(bit), wanted);
		if (events < 0)
			return events;
		for (int k = 0; k < 3; k++)
			if ((sets->in[k][w] & bit) && (events & select_events[k])) {
				sets->out[k][w] |= bit;
				ready++;
			}
		if (ready)
			s->pt = NULL;
	}
	return ready;
}

static int select_scan(struct select_scan *s)
{
	const struct select_sets *sets = s->sets;
	int ready = 0;
	for (u32 w = 0; w * 64 < s->n; w++) {
		u64 any = sets->in[0][w] | sets->in[1][w] | sets->in[2][w];
		if (s->n - w * 64 < 64)
			any &= BIT(s->n - w * 64) - 1;
		ready += TRY(select_word(s, w, any));
	}
	s->first = false;
	return ready;
}

static NOINLINE int select_fds_sleep(struct select_scan *s, u64 deadline_ns)
{
	struct poll_waiter w;
	poll_waiter_init(&w, s->n);
	s->pt = &w.table;
	int ready = select_scan(s);
	s->pt = NULL;
	int slept = 0;
	while (!ready && !slept) {
		slept = w.error ? w.error : poll_waiter_sleep(&w, deadline_ns);
		if (slept == 0 || slept == -ETIMEDOUT)
			ready = select_scan(s);
	}
	poll_waiter_destroy(&w);
	return ready || slept == -ETIMEDOUT ? ready : slept;
}

int select_fds(const struct select_sets *sets, u32 n, u64 deadline_ns)
{
	struct select_scan s = {.sets = sets, .n = n, .first = true};
	int ready = select_scan(&s);
	if (ready)
		return ready;
	if (deadline_ns == 0)
		return signal_pending() ? -ERESTARTNOHAND : 0;
	return select_fds_sleep(&s, deadline_ns);
}
