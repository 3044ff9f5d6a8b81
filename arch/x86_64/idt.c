/* Interrupt gates. Every gate clears IF; handlers that may sleep set it again. SDM 3A 6.14. */
#include "arch/x86_64/internal.h"

struct gate {
	u16 offset_low, selector;
	u8 ist, type;
	u16 offset_middle;
	u32 offset_high, reserved;
};
static struct gate idt[256] ALIGNED(16);

extern char entry_double_fault[], entry_nmi[], entry_machine_check[];
extern const u64 idt_entries[256]; /* entry.S: addresses by vector */

enum { GATE_INTERRUPT = 0x8e, GATE_USER = 0x60 };
enum {
	VECTOR_NMI = 2,
	VECTOR_BREAKPOINT = 3,
	VECTOR_OVERFLOW = 4,
	VECTOR_DOUBLE_FAULT = 8,
	VECTOR_MACHINE_CHECK = 18
};

static void gate_set(u32 vector, u64 entry, u8 ist, u8 type)
{
	idt[vector] = (struct gate){.offset_low = (u16)entry,
	                            .selector = SEL_KERNEL_CS,
	                            .ist = ist,
	                            .type = type,
	                            .offset_middle = (u16)(entry >> 16),
	                            .offset_high = (u32)(entry >> 32)};
}

void idt_init(void)
{
	for (u32 v = 0; v < 256; v++)
		gate_set(v, idt_entries[v], 0, GATE_INTERRUPT);
	gate_set(VECTOR_BREAKPOINT, idt_entries[VECTOR_BREAKPOINT], 0, GATE_INTERRUPT | GATE_USER);
	gate_set(VECTOR_OVERFLOW, idt_entries[VECTOR_OVERFLOW], 0, GATE_INTERRUPT | GATE_USER);
	gate_set(VECTOR_NMI, (u64)entry_nmi, IST_NMI, GATE_INTERRUPT);
	gate_set(VECTOR_DOUBLE_FAULT, (u64)entry_double_fault, IST_DOUBLE_FAULT, GATE_INTERRUPT);
	gate_set(VECTOR_MACHINE_CHECK, (u64)entry_machine_check, IST_MACHINE_CHECK, GATE_INTERRUPT);
	idt_load();
}

void idt_load(void)
{
	struct {
		u16 limit;
		u64 base;
	} PACKED pointer = {sizeof(idt) - 1, (u64)idt};
	__asm__ volatile("lidt %0" ::"m"(pointer));
}
