/* The multiboot2 boot information (specification 2.0, 3.6), as GRUB fills it. */
#include "arch/x86_64/boot/loader.h"
#include "kernel/lib/string.h"

struct mb2_tag {
	u32 type, size;
};
enum {
	MB2_END = 0,
	MB2_COMMAND_LINE = 1,
	MB2_MODULE = 3,
	MB2_MEMORY_MAP = 6,
	MB2_ACPI_OLD = 14,
	MB2_ACPI_NEW = 15,
	MB2_MEMORY_RAM = 1
};
struct mb2_module {
	struct mb2_tag tag;
	u32 start, end;
};
struct mb2_memory_map {
	struct mb2_tag tag;
	u32 entry_size, entry_version;
};
struct mb2_memory {
	u64 start, size;
	u32 type, reserved;
};

/* The tag holds a copy of the root pointer, in memory that page_init() will hand out: keep our own. */
static u8 rsdp_copy[64] ALIGNED(16);

static void parse_memory_map(const struct mb2_memory_map *map)
{
	const char *entry = (const char *)(map + 1), *end = (const char *)map + map->tag.size;
	for (; entry < end; entry += map->entry_size) {
		const struct mb2_memory *m = (const void *)entry;
		if (m->type == MB2_MEMORY_RAM)
			loader_ram(m->start, m->size);
	}
}

static void parse_rsdp(const struct mb2_tag *tag)
{
	memcpy(rsdp_copy, tag + 1, MIN(tag->size - sizeof(*tag), sizeof(rsdp_copy)));
	loader_info.rsdp = (u64)rsdp_copy - KERNEL_MAP;
}

void multiboot2_parse(u64 address)
{
	const struct mb2_tag *tag = phys_to_virt(address + 8);
	for (; tag->type != MB2_END; tag = (const void *)((u64)tag + ROUND_UP(tag->size, 8))) {
		const struct mb2_module *module = (const void *)tag;
		if (tag->type == MB2_COMMAND_LINE)
			loader_command_line((const char *)(tag + 1), tag->size - sizeof(*tag));
		else if (tag->type == MB2_MODULE && !boot_info.initrd_size)
			loader_initrd(module->start, module->end - module->start);
		else if (tag->type == MB2_MEMORY_MAP)
			parse_memory_map((const void *)tag);
		else if (tag->type == MB2_ACPI_NEW ||
		         (tag->type == MB2_ACPI_OLD && !loader_info.rsdp))
			parse_rsdp(tag);
	}
}
