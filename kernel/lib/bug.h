/*
 * Invariants. ASSERT holds in every build and costs a compare; DEBUG_ASSERT holds in debug and
 * hosted builds only and may be expensive. Never for input from user space: that gets an errno.
 * The world that links the code supplies panic(): the kernel stops all processors and prints a
 * backtrace, the hosted build prints and aborts.
 */
#pragma once
#include "kernel/lib/compiler.h"

NORETURN COLD void panic(const char *fmt, ...) PRINTF_LIKE(1, 2);

#define ASSERT(x)                                                                                  \
	do {                                                                                       \
		if (unlikely(!(x)))                                                                \
			panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, #x);              \
	} while (0)
#define DEBUG_ASSERT(x)                                                                            \
	do {                                                                                       \
		if (DEBUG_BUILD)                                                                   \
			ASSERT(x);                                                                 \
	} while (0)
#define UNREACHABLE() panic("%s:%d: unreachable", __FILE__, __LINE__)
