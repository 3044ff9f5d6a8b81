/* The local APIC: xAPIC registers in memory, or x2APIC registers in MSRs where firmware switched that on.
 * SDM 3A 11. */
#include "arch/clock.h"
#include "arch/x86_64/boot/loader.h"
#include "arch/x86_64/internal.h"

enum {
	LAPIC_ID = 0x20,
	LAPIC_TPR = 0x80,
	LAPIC_EOI = 0xb0,
	LAPIC_SPURIOUS = 0xf0,
	LAPIC_ICR_LOW = 0x300,
	LAPIC_ICR_HIGH = 0x310,
	LAPIC_LVT_TIMER = 0x320,
	LAPIC_LVT_LINT0 = 0x350,
	LAPIC_LVT_LINT1 = 0x360,
	LAPIC_LVT_ERROR = 0x370,
	LAPIC_TIMER_INITIAL = 0x380,
	LAPIC_TIMER_CURRENT = 0x390,
	LAPIC_TIMER_DIVIDE = 0x3e0,
};
enum {
	LVT_MASKED = 1 << 16,
	LVT_NMI = 0x400,
	SPURIOUS_ENABLE = 0x100,
	ICR_PENDING = 1 << 12,
	DIVIDE_BY_1 = 11
};
enum { APIC_BASE_X2APIC = 1 << 10, APIC_BASE_ENABLE = 1 << 11 };

static volatile char *registers;
static bool x2apic;
static u64 timer_mult; /* timer ticks = ns * timer_mult >> CLOCK_SHIFT */

static inline u32 lapic_read(u32 reg)
{
	return x2apic ? (u32)rdmsr(MSR_X2APIC + (reg >> 4)) : *(volatile u32 *)(registers + reg);
}
static inline void lapic_write(u32 reg, u32 v)
{
	if (unlikely(x2apic))
		wrmsr(MSR_X2APIC + (reg >> 4), v);
	else
		*(volatile u32 *)(registers + reg) = v;
}

void lapic_init(void)
{
	x2apic = rdmsr(MSR_APIC_BASE) & APIC_BASE_X2APIC;
	registers = mmio_map(acpi_info.lapic, 4096);
}

void lapic_init_cpu(void)
{
	u64 base = rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE;
	wrmsr(MSR_APIC_BASE, x2apic ? base | APIC_BASE_X2APIC : base);
	lapic_write(LAPIC_TPR, 0);
	lapic_write(LAPIC_LVT_LINT0, LVT_MASKED);
	lapic_write(LAPIC_LVT_LINT1, LVT_NMI);
	lapic_write(LAPIC_LVT_ERROR, LVT_MASKED);
	lapic_write(LAPIC_TIMER_DIVIDE, DIVIDE_BY_1);
	lapic_write(LAPIC_LVT_TIMER, VECTOR_TIMER);
	lapic_write(LAPIC_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
}

u32 lapic_id(void)
{
	u32 id = lapic_read(LAPIC_ID);
	return x2apic ? id : id >> 24;
}
void lapic_eoi(void)
{
	lapic_write(LAPIC_EOI, 0);
}

void lapic_timer_start_counting(void)
{
	lapic_write(LAPIC_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
	lapic_write(LAPIC_TIMER_INITIAL, UINT32_MAX);
}
u32 lapic_timer_count(void)
{
	return UINT32_MAX - lapic_read(LAPIC_TIMER_CURRENT);
}
void lapic_calibrate(u64 ticks, u64 ns)
{
	lapic_write(LAPIC_TIMER_INITIAL, 0);
	lapic_write(LAPIC_LVT_TIMER, VECTOR_TIMER);
	timer_mult = mul_div_u64(ticks, 1ull << CLOCK_SHIFT, ns);
}

void clock_set_alarm(u64 mono_ns)
{
	u64 ticks = 0;
	if (mono_ns != UINT64_MAX) {
		u64 now = clock_mono_ns(), ns = mono_ns > now ? mono_ns - now : 0;
		/* One more than computed: never early, and 0 would stop the timer. Too far ahead for the counter
		 * is an alarm that comes early and finds nothing due. */
		ticks = (u64)((unsigned __int128)ns * timer_mult >> CLOCK_SHIFT) + 1;
		ticks = MIN(ticks, (u64)UINT32_MAX);
	}
	lapic_write(LAPIC_TIMER_INITIAL, (u32)ticks);
}

/* What the upper half of the command register holds, plus 1: it stays, and writing it costs as much as sending. */
PERCPU(u32, icr_target);

void lapic_send_mode(u32 apic_id, u32 mode)
{
	u64 flags = irq_save(); /* an interrupt between the two halves may send as well */
	if (x2apic) {
		wrmsr(MSR_X2APIC + (LAPIC_ICR_LOW >> 4), (u64)apic_id << 32 | mode);
	} else {
		/* A hypervisor delivers at once, and each look at a register costs an exit. */
		while (!cpu_features.hypervisor && (lapic_read(LAPIC_ICR_LOW) & ICR_PENDING))
			cpu_relax();
		if (this_cpu(icr_target) != apic_id + 1) {
			this_cpu(icr_target) = apic_id + 1;
			lapic_write(LAPIC_ICR_HIGH, apic_id << 24);
		}
		lapic_write(LAPIC_ICR_LOW, mode);
	}
	irq_restore(flags);
}
void lapic_send(u32 apic_id, u32 vector)
{
	lapic_send_mode(apic_id, vector);
}
