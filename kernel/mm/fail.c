#include "kernel/mm/fail.h"
#include "kernel/mm/slab.h"
#include "kernel/sched/thread.h"

#if DEBUG_BUILD
static struct thread *fail_thread; /* [a] whose allocations count; NULL: off */
static u32 fail_countdown;         /* [own: fail_thread] */
static bool fail_fired;

bool alloc_should_fail(void)
{
	if (likely(!load_relaxed(&fail_thread)) || fail_thread != thread_current())
		return false;
	if (--fail_countdown)
		return false;
	store_relaxed(&fail_thread, (struct thread *)NULL);
	fail_fired = true;
	return true;
}

bool alloc_fail_nth(u32 n)
{
	bool fired = fail_fired;

	fail_fired = false;
	fail_countdown = n;
	store_relaxed(&fail_thread, n ? thread_current() : NULL);
	return fired;
}

u32 alloc_fail_left(void)
{
	return load_relaxed(&fail_thread) == thread_current() ? fail_countdown : 0;
}
#else
u32 alloc_fail_left(void)
{
	return 0;
}
bool alloc_fail_nth(u32 n)
{
	return false;
}
#endif
