#include "kernel/sync/park_wall.h"
#include "arch/clock.h"
#include "kernel/sched/realtime.h"
#include "kernel/sync/waitq.h"

static struct waitq wall_clock_moved = WAITQ_INIT(wall_clock_moved);

static void wall_clock_changed(struct realtime_watch *w)
{
	waitq_wake_all(&wall_clock_moved, 0);
}

static void watch(void)
{
	static struct realtime_watch changes = {.changed = wall_clock_changed};
	static bool watched; /* [a] */
	if (unlikely(!load_relaxed(&watched)) &&
	    !__atomic_exchange_n(&watched, true, __ATOMIC_ACQ_REL))
		realtime_watch_add(&changes);
}

enum park_result park_wall(u64 deadline_ns, enum park_kind kind)
{
	WAITQ_THREAD_ENTRY(entry);
	watch();
	waitq_add(&wall_clock_moved, &entry);
	u64 now = realtime_ns();
	enum park_result why =
		park(deadline_ns > now ? clock_mono_ns() + (deadline_ns - now) : 0, kind);
	waitq_del(&wall_clock_moved, &entry);
	return why == PARK_TIMEOUT && realtime_ns() < deadline_ns ? PARK_WOKEN : why;
}
