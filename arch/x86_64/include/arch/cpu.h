/*
 * The processor: identification, interrupts, inter-processor interrupts, idling, power.
 *
 * Interrupt rule of the house: handlers take no lock and wake nobody. They record (a bit in
 * irq_pending of this processor, a byte in a ring) and set THREAD_WORK_IRQ on the current thread;
 * the recorded work runs in softirq_run() (kernel/sched/softirq.h) when the processor next returns
 * to user space, schedules or idles. So no lock ever needs interrupts off.
 */
#pragma once
#include "arch/percpu.h"

extern u32 cpu_count; /* [I] after boot: processors online, numbered 0 .. cpu_count - 1 */
#define for_each_cpu(c) for (u32 c = 0; c < cpu_count; c++)

struct cpu_features {
	bool smep, smap, umip, fsgsbase, xsave, nx, pcid, gbpages, rdrand, rdseed, rdtscp, invpcid,
		hypervisor;
};
extern struct cpu_features cpu_features;

static inline void cpu_relax(void)
{
	__asm__ volatile("pause" ::: "memory");
}
static inline void irq_enable(void)
{
	__asm__ volatile("sti" ::: "memory");
}
static inline void irq_disable(void)
{
	__asm__ volatile("cli" ::: "memory");
}
bool irq_enabled(void);
/* irq_disable(), and => what irq_restore() wants. */
u64 irq_save(void);
void irq_restore(u64 flags);

/* Sleeps until an interrupt; => at once when this processor has irq_pending or its current thread has
 * work. The check and the halt are atomic against interrupts (sti; hlt). */
void cpu_idle_wait(void);

/* Makes `cpu` look at its current thread's work word soon: leaves hlt or user mode. Any context. */
void ipi_kick(u32 cpu);
/* Runs fn(arg) in interrupt context on each processor in `mask` (bit per cpu, self allowed) and waits.
 * fn takes no lock. The caller may hold P locks: whoever spins for one has interrupts enabled. */
void ipi_call(u64 mask, void (*fn)(void *arg), void *arg);

/* Panic: stops all other processors, whatever they do. */
void smp_stop_others(void);
/* Boot, processor 0: starts the others. */
void smp_init(void);

NORETURN void arch_power_off(void); /* ends QEMU (ACPI S5) */
NORETURN void arch_reset(void);
NORETURN void arch_halt(void);
/* Ends QEMU with a process exit status where `-device isa-debug-exit,iobase=0xf4,iosize=4` is there: 33 when
 * status is 0 (passed), else 35 (QEMU makes 2 * value + 1 of what is written). Powers off otherwise. */
NORETURN void arch_exit(int status);

/* The block of /proc/cpuinfo for one processor. => characters written, less than size. */
int cpu_info_print(u32 cpu, char *buf, size_t size);
/* A hardware random number, RDSEED or RDRAND; false when there is none or it failed. */
MUST_CHECK bool arch_random_u64(u64 *out);
