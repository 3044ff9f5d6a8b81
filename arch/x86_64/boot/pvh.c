/* The PVH start-of-day structure (Xen public/arch-x86/hvm/start_info.h), as QEMU -kernel fills it. */
#include "arch/x86_64/asm.h"
#include "arch/x86_64/boot/loader.h"
#include "kernel/lib/bug.h"

struct pvh_start_info {
	u32 magic, version, flags, module_count;
	u64 modules, command_line, rsdp;
	u64 memory_map; /* version 1 */
	u32 memory_map_entries, reserved;
};
struct pvh_module {
	u64 start, size, command_line, reserved;
};
struct pvh_memory {
	u64 start, size;
	u32 type, reserved;
};
enum { PVH_MEMORY_RAM = 1 };

/* All that the loader left lies below 4 GiB, which the temporary map has in the direct map. */
void pvh_parse(u64 address)
{
	const struct pvh_start_info *info = phys_to_virt(address);
	if (info->magic != BOOT_MAGIC_PVH || info->version < 1)
		panic("boot: PVH start info of version %u has no memory map", info->version);
	const struct pvh_memory *map = phys_to_virt(info->memory_map);
	for (u32 i = 0; i < info->memory_map_entries; i++) {
		if (map[i].type == PVH_MEMORY_RAM)
			loader_ram(map[i].start, map[i].size);
	}
	if (info->module_count) {
		const struct pvh_module *initrd = phys_to_virt(info->modules);
		loader_initrd(initrd->start, initrd->size);
	}
	if (info->command_line)
		loader_command_line(phys_to_virt(info->command_line), SIZE_MAX);
	loader_info.rsdp = info->rsdp;
}
