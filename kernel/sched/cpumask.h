/* A set of processors. */
#pragma once
#include "kernel/lib/compiler.h"

struct cpumask {
	u64 bits; /* MAX_CPUS is 64 */
};
static inline bool cpumask_has(struct cpumask m, u32 cpu)
{
	return m.bits >> cpu & 1;
}
