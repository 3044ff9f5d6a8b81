/* Times and clocks, time(7), clock_gettime(2). Layouts of Linux x86-64. */
#pragma once
#include "kernel/lib/compiler.h"

struct abi_timespec {
	s64 sec;
	s64 nsec;
};
_Static_assert(sizeof(struct abi_timespec) == 16, "ABI");
