#include "kernel/sched/test_crew.h"
#include "kernel/lib/bug.h"
#include "kernel/lib/result.h"

enum { MAX_CREW = 16 };
static struct {
	void (*fn)(u32 id);
	struct thread *leader;
	u32 left; /* [a] */
} crew;

static void crew_main(void *arg)
{
	crew.fn((u32)(uintptr_t)arg);
	if (__atomic_sub_fetch(&crew.left, 1, __ATOMIC_ACQ_REL) == 0)
		unpark(crew.leader);
}

void crew_start_keep(u32 count, void (*fn)(u32 id), struct thread **out_threads)
{
	ASSERT(count <= MAX_CREW && !load_relaxed(&crew.left));
	crew.fn = fn;
	crew.leader = thread_current();
	store_release(&crew.left, count);
	for (u32 i = 0; i < count; i++) {
		struct thread *t = kthread_start(crew_main, (void *)(uintptr_t)i, "crew");

		ASSERT(!is_err(t));
		if (out_threads)
			out_threads[i] = t;
	}
}

void crew_start(u32 count, void (*fn)(u32 id))
{
	crew_start_keep(count, fn, NULL);
}

void crew_join(void)
{
	while (load_acquire(&crew.left))
		(void)park(PARK_FOREVER, PARK_UNINTERRUPTIBLE);
}

void crew_wait_parked(struct thread *t)
{
	while (load_acquire(&t->park_token) != PARK_PARKED)
		sched_yield_current();
}

void crew_wait_parked_at(struct thread **slot)
{
	while (!load_acquire(slot))
		sched_yield_current();
	crew_wait_parked(*slot);
}
