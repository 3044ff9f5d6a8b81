/* External interrupts: the I/O APICs, and the two 8259s out of the way. Intel 82093AA data sheet. */
#include "arch/x86_64/boot/loader.h"
#include "arch/x86_64/internal.h"
#include "kernel/lib/log.h"

enum {
	IOAPIC_VERSION = 1,
	IOAPIC_TABLE = 0x10,
	IOAPIC_MASKED = 1 << 16,
	IOAPIC_LEVEL = 1 << 15,
	IOAPIC_LOW = 1 << 13
};
enum { INTI_POLARITY_LOW = 3, INTI_TRIGGER_LEVEL = 3 << 2 }; /* ACPI 5.2.12.5 */

static volatile u32 *ioapics[8];

static u32 ioapic_read(volatile u32 *io, u32 reg)
{
	io[0] = reg;
	return io[4];
}
static void ioapic_write(volatile u32 *io, u32 reg, u32 v)
{
	io[0] = reg;
	io[4] = v;
}
static u32 ioapic_inputs(volatile u32 *io)
{
	return (ioapic_read(io, IOAPIC_VERSION) >> 16 & 255) + 1;
}

/* The 8259s start with vectors that look like exceptions: moved to 0x20, then every line masked. */
static void pic_mask(void)
{
	outb(0x20, 0x11);
	outb(0xa0, 0x11);
	outb(0x21, 0x20);
	outb(0xa1, 0x28);
	outb(0x21, 4);
	outb(0xa1, 2);
	outb(0x21, 1);
	outb(0xa1, 1);
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
}

void ioapic_init(void)
{
	pic_mask();
	for (u32 i = 0; i < acpi_info.ioapic_count; i++) {
		ioapics[i] = mmio_map(acpi_info.ioapic[i].address, 32);
		for (u32 n = 0; n < ioapic_inputs(ioapics[i]); n++)
			ioapic_write(ioapics[i], IOAPIC_TABLE + 2 * n, IOAPIC_MASKED);
	}
}

void ioapic_route(u32 isa_irq, u32 vector, u32 apic_id)
{
	u32 gsi = acpi_info.irq_gsi[isa_irq], flags = acpi_info.irq_flags[isa_irq];
	for (u32 i = 0; i < acpi_info.ioapic_count; i++) {
		u32 input = gsi - acpi_info.ioapic[i].gsi_base;
		if (gsi < acpi_info.ioapic[i].gsi_base || input >= ioapic_inputs(ioapics[i]))
			continue;
		u32 low = vector;
		low |= (flags & 3) == INTI_POLARITY_LOW ? IOAPIC_LOW : 0;
		low |= (flags & 12) == INTI_TRIGGER_LEVEL ? IOAPIC_LEVEL : 0;
		ioapic_write(ioapics[i], IOAPIC_TABLE + 2 * input + 1, apic_id << 24);
		ioapic_write(ioapics[i], IOAPIC_TABLE + 2 * input, low);
		return;
	}
	log_warn("ioapic: no input for irq %u", isa_irq);
}
