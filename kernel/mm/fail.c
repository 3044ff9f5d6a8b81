#include "kernel/mm/fail.h"
#include "kernel/mm/slab.h"
#include "kernel/sched/thread.h"

#if DEBUG_BUILD
bool alloc_should_fail(void)
{
	struct thread *t = thread_current();

	/* Boot allocates before there are threads. */
	return t && unlikely(t->fail_countdown) && --t->fail_countdown == 0;
}

u32 alloc_fail_pause(void)
{
	u32 left = thread_current()->fail_countdown;

	thread_current()->fail_countdown = 0;
	return left;
}

void alloc_fail_resume(u32 left)
{
	thread_current()->fail_countdown = left;
}

bool alloc_fail_nth(u32 n)
{
	struct thread *t = thread_current();
	bool fired = t->fail_armed && !t->fail_countdown;

	t->fail_armed = n;
	t->fail_countdown = n;
	return fired;
}
#else
bool alloc_fail_nth(u32 n)
{
	return false;
}
#endif
