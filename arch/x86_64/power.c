/* The ways to end: off, reset, halt. */
#include "arch/boot.h"
#include "arch/x86_64/internal.h"

enum { PM1_SLP_TYPE_SHIFT = 10, PM1_SLP_ENABLE = 1 << 13, PM1_SCI_ENABLE = 1 };
enum { DEBUG_EXIT_PORT = 0xf4, DEBUG_EXIT_PASSED = 16, DEBUG_EXIT_FAILED = 17 };
enum { RESET_CONTROL_PORT = 0xcf9, KEYBOARD_COMMAND_PORT = 0x64, KEYBOARD_PULSE_RESET = 0xfe };

static void wait_a_little(void)
{
	for (u32 i = 0; i < 1000; i++)
		inb(0x80);
}

void arch_halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* ACPI 16.1.5: sleep type and enable bit into the PM1 control registers. */
void arch_power_off(void)
{
	u16 a = acpi_info.pm1a_control, b = acpi_info.pm1b_control;
	irq_disable();
	if (a && acpi_info.s5_known) {
		if (!(inw(a) & PM1_SCI_ENABLE) && acpi_info.smi_command && acpi_info.acpi_enable) {
			outb(acpi_info.smi_command, acpi_info.acpi_enable);
			wait_a_little();
		}
		outw(a, (u16)(acpi_info.s5_type_a << PM1_SLP_TYPE_SHIFT | PM1_SLP_ENABLE));
		if (b)
			outw(b, (u16)(acpi_info.s5_type_b << PM1_SLP_TYPE_SHIFT | PM1_SLP_ENABLE));
		wait_a_little();
	}
	arch_halt();
}

void arch_reset(void)
{
	enum { ACPI_SPACE_IO = 1 };
	irq_disable();
	if (acpi_info.reset_known && acpi_info.reset_space == ACPI_SPACE_IO) {
		outb((u16)acpi_info.reset_address, acpi_info.reset_value);
		wait_a_little();
	}
	outb(RESET_CONTROL_PORT, 6);
	wait_a_little();
	outb(KEYBOARD_COMMAND_PORT, KEYBOARD_PULSE_RESET);
	wait_a_little();
	/* No way out of a fault without descriptors: the processor shuts down, which resets the machine. */
	struct {
		u16 limit;
		u64 base;
	} PACKED none = {0};
	__asm__ volatile("lidt %0; int3" ::"m"(none));
	arch_halt();
}

void arch_exit(int status)
{
	outl(DEBUG_EXIT_PORT, status ? DEBUG_EXIT_FAILED : DEBUG_EXIT_PASSED);
	arch_power_off();
}
