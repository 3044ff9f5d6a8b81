/* From boot.S to the portable kernel: what must be done before anything can be allocated. */
#include "arch/x86_64/boot/loader.h"
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/internal.h"
#include "kernel/lib/bug.h"
#include "kernel/main.h"

extern char boot_ist_stacks[];

NORETURN void boot_main(u64 magic, u64 info);

static void stacks_init(void)
{
	u64 ist[IST_COUNT];
	for (u32 i = 0; i < IST_COUNT; i++)
		ist[i] = (u64)boot_ist_stacks + (2 * i + 2) * IST_STACK_SIZE;
	gdt_init_cpu(0, ist);
}

void boot_main(u64 magic, u64 info)
{
	serial_init();
	cpu_features_init();
	cpu_init_control();
	stacks_init();
	idt_init();
	if (magic == BOOT_MAGIC_PVH)
		pvh_parse(info);
	else if (magic == BOOT_MAGIC_MULTIBOOT2)
		multiboot2_parse(info);
	else
		panic("boot: unknown loader, magic %#llx", (unsigned long long)magic);
	memory_settle();
	fault_table_init();
	smap_patch();
	kernel_map_init();
	fpu_init_cpu();
	acpi_init();
	lapic_init();
	ioapic_init();
	lapic_init_cpu();
	clock_init();
	kernel_main();
}
