/*
 * The other processors: starting them, interrupting them.
 *
 * Start (SDM 3A 9.4.4): INIT to each, 10 ms, then one start-up IPI at a time: a processor takes its stack
 * from the trampoline page, switches to kernel_page_table and reports; the next one may follow then.
 */
#include "arch/boot.h"
#include "arch/clock.h"
#include "arch/x86_64/boot/loader.h"
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/internal.h"
#include "arch/x86_64/trap_entry.h"
#include "kernel/lib/bug.h"
#include "kernel/lib/log.h"
#include "kernel/lib/string.h"
#include "kernel/mm/page.h"
#include "kernel/mm/slab.h"
#include "kernel/sched/softirq.h"
#include "kernel/sched/thread.h"

u32 cpu_apic_id[MAX_CPUS];

extern char percpu_start[], percpu_end[];
extern char trampoline_start[], trampoline_end[];
extern u64 trampoline_cr3, trampoline_efer, trampoline_stack, trampoline_entry;
extern u64 boot_pml4[512];

static u32 starting_cpu, started_cpu; /* [a] started follows starting when it runs */
static u64 starting_ist[IST_COUNT];

enum { START_TIMEOUT_US = 3000000 /* generous: an emulated processor waits for the host */ };

/* The variables in the copy of the trampoline. */
static u64 *trampoline_variable(u64 *variable)
{
	return phys_to_virt(TRAMPOLINE_PHYS + ((u64)variable - (u64)trampoline_start));
}

static void ap_main(void)
{
	u32 cpu = load_acquire(&starting_cpu);
	write_cr3(kernel_page_table);
	gdt_init_cpu(cpu, starting_ist);
	idt_load();
	cpu_init_control();
	fpu_init_cpu();
	lapic_init_cpu();
	sched_init_cpu();
	store_release(&started_cpu, cpu);
	sched_idle_loop();
}

/* Per-processor block and stacks for the next processor. => false when memory is short. */
static bool ap_prepare(u32 cpu)
{
	size_t size = percpu_end - percpu_start;
	unsigned order = 0;
	while ((size_t)PAGE_SIZE << order < size)
		order++;
	struct page *block = page_alloc(order, PAGE_ZERO);
	char *stack = vmap_alloc(KERNEL_STACK_SIZE);
	bool ok = block && stack;
	for (u32 i = 0; i < IST_COUNT; i++) {
		char *ist = vmap_alloc(IST_STACK_SIZE);
		starting_ist[i] = (u64)ist + IST_STACK_SIZE;
		ok = ok && ist;
	}
	if (!ok)
		return false;
	percpu_offset[cpu] = (u64)page_virt(block) - (u64)percpu_start;
	*trampoline_variable(&trampoline_stack) = (u64)stack + KERNEL_STACK_SIZE;
	return true;
}

static bool ap_start(u32 cpu, u32 apic_id)
{
	store_release(&starting_cpu, cpu);
	for (int attempt = 0; attempt < 2; attempt++) {
		lapic_send_mode(apic_id, LAPIC_STARTUP | TRAMPOLINE_PHYS >> PAGE_SHIFT);
		u64 end = clock_mono_ns() + START_TIMEOUT_US * 1000ull;
		while (clock_mono_ns() < end) {
			if (load_acquire(&started_cpu) == cpu)
				return true;
			cpu_relax();
		}
	}
	return false;
}

static void trampoline_init(void)
{
	memcpy(phys_to_virt(TRAMPOLINE_PHYS), trampoline_start, trampoline_end - trampoline_start);
	*trampoline_variable(&trampoline_cr3) = trampoline_page_table();
	*trampoline_variable(&trampoline_efer) = EFER_LME | (cpu_features.nx ? EFER_NXE : 0);
	*trampoline_variable(&trampoline_entry) = (u64)ap_main;
}

void smp_init(void)
{
	u32 self = lapic_id();
	cpu_apic_id[0] = self;
	trampoline_init();
	for (u32 i = 0; i < acpi_info.cpu_count; i++) {
		if (acpi_info.cpu_apic_id[i] != self)
			lapic_send_mode(acpi_info.cpu_apic_id[i], LAPIC_INIT);
	}
	delay_us(10000);
	for (u32 i = 0; i < acpi_info.cpu_count; i++) {
		u32 apic_id = acpi_info.cpu_apic_id[i], cpu = cpu_count;
		if (apic_id == self)
			continue;
		cpu_apic_id[cpu] = apic_id;
		if (!ap_prepare(cpu) || !ap_start(cpu, apic_id)) {
			log_warn("smp: processor with APIC id %u does not start", apic_id);
			break; /* it may still wake up and use what was prepared: no further ones */
		}
		store_release(&cpu_count, cpu + 1);
	}
	memset(boot_pml4, 0, sizeof(boot_pml4));
	log_info("smp: %u processors", cpu_count);
}

void irq_timer(void)
{
	softirq_raise(SOFTIRQ_TIMER);
	lapic_eoi();
}

/* The kick's work is its arrival: the way back from it looks at the thread's work word. */
void irq_kick(void)
{
	lapic_eoi();
}

void irq_spurious(void) {}

void ipi_kick(u32 cpu)
{
	lapic_send(cpu_apic_id[cpu], VECTOR_KICK);
}

/*
 * Calls: each caller has one descriptor; each target a set of callers that want it. A caller waits until every
 * target has run it; its own interrupts stay on meanwhile, so that two callers serve each other.
 */
struct call {
	void (*fn)(void *arg);
	void *arg;
	u64 pending; /* [a] targets that have not finished */
};
PERCPU(struct call, ipi_outgoing);
PERCPU(u64, ipi_callers); /* [a] */

static void ipi_call_serve(void)
{
	u64 callers = __atomic_exchange_n(this_cpu_ptr(ipi_callers), 0, __ATOMIC_ACQUIRE);
	while (callers) {
		u32 caller = (u32)__builtin_ctzll(callers);
		struct call *c = cpu_ptr(ipi_outgoing, caller);
		callers &= callers - 1;
		c->fn(c->arg);
		__atomic_fetch_and(&c->pending, ~BIT(cpu_id()), __ATOMIC_RELEASE);
	}
}

void irq_call(void)
{
	lapic_eoi();
	ipi_call_serve();
}

void ipi_call(u64 mask, void (*fn)(void *arg), void *arg)
{
	u32 self = cpu_id();
	struct call *c = this_cpu_ptr(ipi_outgoing);
	*c = (struct call){fn, arg, mask & ~BIT(self)};
	for (u64 left = c->pending; left; left &= left - 1) {
		u32 cpu = (u32)__builtin_ctzll(left);
		/* release: the target that sees the bit sees the descriptor */
		__atomic_fetch_or(cpu_ptr(ipi_callers, cpu), BIT(self), __ATOMIC_RELEASE);
		lapic_send(cpu_apic_id[cpu], VECTOR_CALL);
	}
	if (mask & BIT(self))
		fn(arg);
	while (load_acquire(&c->pending)) {
		cpu_relax();
		if (unlikely(!irq_enabled()))
			ipi_call_serve();
	}
}

static bool stopping;

void smp_stop_others(void)
{
	store_release(&stopping, true);
	for_each_cpu (c) {
		if (c != cpu_id())
			lapic_send_mode(cpu_apic_id[c], LAPIC_NMI);
	}
}

void smp_nmi(void)
{
	if (!load_acquire(&stopping))
		return; /* a stray one, from a button or a broken device */
	for (;;)
		__asm__ volatile("cli; hlt");
}
