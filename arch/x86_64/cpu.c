/* The processor: what it can do, switched on. SDM 3A 2.5 for the control bits. */
#include "arch/x86_64/internal.h"
#include "arch/boot.h"
#include "arch/trap.h"
#include "kernel/sched/softirq.h"
#include "kernel/sched/thread.h"

struct cpu_features cpu_features;
PERCPU(u64, cpu_offset);
PERCPU(u32, cpu_number);
u64 percpu_offset[MAX_CPUS]; /* processor 0 uses the section itself: offset 0 */
u32 cpu_count = 1;

extern char syscall_entry[], syscall_entry_compat[];

void cpu_features_init(void)
{
	struct cpuid one = cpuid(1, 0), seven = {0}, extended = cpuid(0x80000001, 0);
	if (cpuid(0, 0).a >= 7)
		seven = cpuid(7, 0);
	cpu_features = (struct cpu_features){
		.smep = seven.b >> 7 & 1,
		.smap = seven.b >> 20 & 1,
		.umip = seven.c >> 2 & 1,
		.fsgsbase = seven.b & 1,
		.xsave = one.c >> 26 & 1,
		.nx = extended.d >> 20 & 1,
		.pcid = one.c >> 17 & 1,
		.gbpages = extended.d >> 26 & 1,
		.hypervisor = one.c >> 31,
		.rdrand = one.c >> 30 & 1,
		.rdseed = seven.b >> 18 & 1,
		.rdtscp = extended.d >> 27 & 1,
		.invpcid = seven.b >> 10 & 1,
	};
}

static void syscall_init(void)
{
	/* SYSCALL loads CS and SS from 47:32; SYSRET takes SS = 63:48 + 8, CS = 63:48 + 16. */
	wrmsr(MSR_STAR, (u64)(SEL_USER_SS - 8) << 48 | (u64)SEL_KERNEL_CS << 32);
	wrmsr(MSR_LSTAR, (u64)syscall_entry);
	wrmsr(MSR_CSTAR, (u64)syscall_entry_compat);
	wrmsr(MSR_SYSCALL_MASK, RFLAGS_IF | RFLAGS_IOPL | RFLAGS_USER);
}

void cpu_init_control(void)
{
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE | (cpu_features.nx ? EFER_NXE : 0));
	write_cr0(read_cr0() | CR0_WP | CR0_MP | CR0_NE | CR0_AM);
	u64 cr4 = read_cr4() | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT;
	cr4 |= cpu_features.umip ? CR4_UMIP : 0;
	cr4 |= cpu_features.smep ? CR4_SMEP : 0;
	cr4 |= cpu_features.smap ? CR4_SMAP : 0;
	cr4 |= cpu_features.xsave ? CR4_OSXSAVE : 0;
	write_cr4(cr4);
	if (cpu_features.rdtscp)
		wrmsr(MSR_TSC_AUX, cpu_id());
	syscall_init();
}

void cpu_idle_wait(void)
{
	irq_disable();
	if (this_cpu(irq_pending) || load_relaxed(&thread_current()->work))
		irq_enable();
	else
		__asm__ volatile(
			"sti; hlt" ::
				: "memory"); /* sti takes effect after hlt: nothing is missed */
}

bool irq_enabled(void)
{
	u64 flags;
	__asm__ volatile("pushfq; pop %0" : "=r"(flags));
	return flags & RFLAGS_IF;
}
u64 irq_save(void)
{
	u64 flags;
	__asm__ volatile("pushfq; pop %0; cli" : "=r"(flags)::"memory");
	return flags;
}
void irq_restore(u64 flags)
{
	if (flags & RFLAGS_IF)
		irq_enable();
}

/* Both instructions fail transiently when many processors draw at once; the manual says ten tries. */
bool arch_random_u64(u64 *out)
{
	for (int i = 0; i < 10; i++) {
		u64 v;
		bool ok = false;
		if (cpu_features.rdseed)
			__asm__ volatile("rdseed %0" : "=r"(v), "=@ccc"(ok));
		if (!ok && cpu_features.rdrand)
			__asm__ volatile("rdrand %0" : "=r"(v), "=@ccc"(ok));
		if (ok) {
			*out = v;
			return true;
		}
	}
	return false;
}
