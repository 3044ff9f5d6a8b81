/*
 * Fault injection: each thread may have a countdown; the allocation at which it ends fails. Armed by alloc_fail_nth()
 * (slab.h) for tests in the kernel, by /proc/PID/fail-nth for programs. A page fault of user memory does not count:
 * its only answer would be to kill somebody. Compiled away in release builds.
 */
#pragma once
#include "kernel/lib/compiler.h"

#if DEBUG_BUILD
bool alloc_should_fail(void);
u32 alloc_fail_pause(void); /* => for alloc_fail_resume() */
void alloc_fail_resume(u32 left);
#else
static inline bool alloc_should_fail(void)
{
	return false;
}
static inline u32 alloc_fail_pause(void)
{
	return 0;
}
static inline void alloc_fail_resume(u32 left) {}
#endif
