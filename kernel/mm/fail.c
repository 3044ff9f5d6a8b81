#include "kernel/mm/fail.h"
#include "kernel/mm/slab.h"
#include "kernel/sched/thread.h"

#if DEBUG_BUILD
/* In a countdown: when it has come to one, it stays there. */
static const u32 FAIL_ON = 1u << 31, FAIL_ALL = (1u << 31) | 1;

bool alloc_should_fail(void)
{
	struct thread *t = thread_current();

	/* Boot allocates before there are threads. */
	if (!t || likely(!t->fail_countdown))
		return false;
	return t->fail_countdown == FAIL_ALL || --t->fail_countdown == 0;
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

void alloc_fail_from(u32 n)
{
	thread_current()->fail_countdown = FAIL_ON | n;
}
#else
bool alloc_fail_nth(u32 n)
{
	return false;
}

void alloc_fail_from(u32 n) {}
#endif
