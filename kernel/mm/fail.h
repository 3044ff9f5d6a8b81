/*
 * Fault injection: one countdown for the whole kernel, armed by alloc_fail_nth() (slab.h) for one thread.
 * Compiled away in release builds.
 */
#pragma once
#include "kernel/lib/compiler.h"

#if DEBUG_BUILD
bool alloc_should_fail(void);
#else
static inline bool alloc_should_fail(void)
{
	return false;
}
#endif
