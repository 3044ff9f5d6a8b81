/* Segment descriptors and task state: one set for each processor. SDM 3A 3.4, 7.7. */
#include "arch/x86_64/internal.h"

enum { GDT_ENTRIES = 16 };
PERCPU(u64, gdt)
[GDT_ENTRIES] ALIGNED(16);
PERCPU(struct tss, tss)
ALIGNED(64);

#define KERNEL_CODE 0x00af9b000000ffffull
#define DATA        0x00cf93000000ffffull
#define DPL_USER    (3ull << 45)

/* No 32-bit user code segment: compatibility mode is out of reach, as in a kernel without IA32 emulation. */
static void gdt_fill(u64 *gdt, u32 cpu)
{
	u64 tss = (u64)cpu_ptr(tss, cpu), limit = sizeof(struct tss) - 1;
	gdt[SEL_KERNEL_CS / 8] = KERNEL_CODE;
	gdt[SEL_KERNEL_SS / 8] = DATA;
	gdt[SEL_USER_SS / 8] = DATA | DPL_USER;
	gdt[SEL_USER_CS / 8] = KERNEL_CODE | DPL_USER;
	gdt[SEL_TSS / 8] =
		limit | (tss & 0xffffff) << 16 | 0x89ull << 40 | (tss >> 24 & 0xff) << 56;
	gdt[SEL_TSS / 8 + 1] = tss >> 32;
	/* Expand-down would change what lsl means: plain read-only data, byte granular, limit = cpu. */
	gdt[SEL_CPU / 8] = 0x0040f10000000000ull | cpu;
}

void gdt_init_cpu(u32 cpu, const u64 ist[IST_COUNT])
{
	u64 *gdt = *cpu_ptr(gdt, cpu);
	struct tss *tss = cpu_ptr(tss, cpu);
	gdt_fill(gdt, cpu);
	tss->io_map = sizeof(struct tss);
	for (u32 i = 0; i < IST_COUNT; i++) {
		/* Entry from an unknown context finds this processor's gs base at the top of its stack. */
		u64 top = ist[i] - 16;
		*(u64 *)top = percpu_offset[cpu];
		tss->ist[i] = top;
	}
	struct {
		u16 limit;
		u64 base;
	} PACKED pointer = {sizeof(u64) * GDT_ENTRIES - 1, (u64)gdt};
	__asm__ volatile("lgdt %0\n\t"
	                 "pushq %1\n\t"
	                 "leaq 1f(%%rip), %%rax\n\t"
	                 "pushq %%rax\n\t"
	                 "lretq\n"
	                 "1:\tmov %2, %%ss\n\t"
	                 "mov %3, %%ds\n\t"
	                 "mov %3, %%es\n\t"
	                 "mov %3, %%fs\n\t"
	                 "mov %3, %%gs\n\t"
	                 "ltr %w4"
	                 :
	                 : "m"(pointer), "i"(SEL_KERNEL_CS), "r"(SEL_KERNEL_SS), "r"(0),
	                   "r"(SEL_TSS)
	                 : "rax", "memory");
	wrmsr(MSR_GS_BASE, percpu_offset[cpu]);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	*cpu_ptr(cpu_offset, cpu) = percpu_offset[cpu];
	*cpu_ptr(cpu_number, cpu) = cpu;
}
