/*
 * Per-processor variables.
 *
 *	PERCPU(struct run_queue, run_queue);	defines one for each processor, zeroed
 *	EXTERN_PERCPU(type, name);		declares it in a header
 *	this_cpu(name)				lvalue on this processor; one instruction through %gs
 *	this_cpu_ptr(name), cpu_ptr(name, cpu)	addresses
 *
 * The kernel is not preemptible (docs/design.md): a thread stays on its processor until it blocks
 * or returns to user space, so a pointer from this_cpu_ptr() is good until then. Interrupt handlers
 * run on the same processor: what they share with threads is a single word or is masked.
 *
 * gs.base = this processor's block - __percpu_start, so that %gs:symbol reaches the variable.
 */
#pragma once
#include "kernel/lib/compiler.h"

enum { MAX_CPUS = 64 };

#define PERCPU(type, name)        SECTION(".percpu") __typeof__(type) percpu_##name
#define EXTERN_PERCPU(type, name) extern __typeof__(type) percpu_##name
#define this_cpu(name)            (*(__seg_gs __typeof__(percpu_##name) *)(uintptr_t)&percpu_##name)
#define cpu_ptr(name, cpu)                                                                         \
	((__typeof__(percpu_##name) *)((uintptr_t)&percpu_##name + percpu_offset[cpu]))
#define this_cpu_ptr(name)                                                                         \
	((__typeof__(percpu_##name) *)((uintptr_t)&percpu_##name + this_cpu(cpu_offset)))

extern u64 percpu_offset[MAX_CPUS]; /* gs base of each processor */
EXTERN_PERCPU(u64, cpu_offset);     /* this processor's own gs base */
EXTERN_PERCPU(u32, cpu_number);
static inline u32 cpu_id(void)
{
	return this_cpu(cpu_number);
}
