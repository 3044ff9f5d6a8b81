/* The memory map: RAM as the loader names it, minus what is in use. */
#include "arch/x86_64/boot/loader.h"
#include "kernel/lib/bug.h"
#include "kernel/lib/string.h"
#include "kernel/mm/page.h"

extern char image_start_phys[], image_end_phys[];

enum { LOW_MEMORY = 1 << 20 }; /* firmware's, the trampoline's: not worth handing out */

struct boot_info boot_info;
struct loader_info loader_info;
static struct boot_range reserved[8];
static u32 reserved_count;

void loader_ram(u64 start, u64 size)
{
	u64 end = ROUND_DOWN(start + size, PAGE_SIZE);
	start = MAX(ROUND_UP(start, PAGE_SIZE), (u64)LOW_MEMORY);
	if (start < end && boot_info.ram_count < ARRAY_SIZE(boot_info.ram))
		boot_info.ram[boot_info.ram_count++] = (struct boot_range){start, end};
}

void loader_reserve(u64 start, u64 size)
{
	ASSERT(reserved_count < ARRAY_SIZE(reserved));
	reserved[reserved_count++] = (struct boot_range){ROUND_DOWN(start, PAGE_SIZE),
	                                                 ROUND_UP(start + size, PAGE_SIZE)};
}

void loader_initrd(u64 start, u64 size)
{
	boot_info.initrd_start = start;
	boot_info.initrd_size = size;
	loader_reserve(start, size);
}

void loader_command_line(const char *text, size_t max)
{
	size_t n = MIN(strnlen(text, max), sizeof(loader_info.command_line) - 1);
	memcpy(loader_info.command_line, text, n);
	boot_info.command_line = loader_info.command_line;
}

static void ram_remove(u32 i)
{
	boot_info.ram_count--;
	memmove(&boot_info.ram[i], &boot_info.ram[i + 1],
	        (boot_info.ram_count - i) * sizeof(boot_info.ram[0]));
}

/* Cuts `hole` out of range i; a part behind the hole becomes a range of its own. => ranges left in its place. */
static u32 ram_subtract(u32 i, struct boot_range hole)
{
	struct boot_range *r = &boot_info.ram[i];
	if (hole.end <= r->start || hole.start >= r->end)
		return 1;
	struct boot_range behind = {hole.end, r->end};
	bool front = r->start < hole.start, back = behind.start < behind.end;
	if (front)
		r->end = hole.start;
	if (!front && back)
		*r = behind;
	else if (front && back && boot_info.ram_count < ARRAY_SIZE(boot_info.ram))
		boot_info.ram[boot_info.ram_count++] = behind;
	else if (!front)
		ram_remove(i);
	return front || back;
}

static void ram_sort(void)
{
	for (u32 i = 1; i < boot_info.ram_count; i++) {
		struct boot_range r = boot_info.ram[i];
		u32 j = i;
		for (; j && boot_info.ram[j - 1].start > r.start; j--)
			boot_info.ram[j] = boot_info.ram[j - 1];
		boot_info.ram[j] = r;
	}
}

void memory_settle(void)
{
	loader_reserve((u64)image_start_phys, image_end_phys - image_start_phys);
	for (u32 h = 0; h < reserved_count; h++) {
		for (u32 i = 0; i < boot_info.ram_count;)
			i += ram_subtract(i, reserved[h]);
	}
	ram_sort();
	if (!boot_info.ram_count)
		panic("boot: the loader gave no memory map");
	boot_info.highest_ram = boot_info.ram[boot_info.ram_count - 1].end;
}

phys_t early_alloc_page(void)
{
	for (u32 i = 0; i < boot_info.ram_count; i++) {
		struct boot_range *r = &boot_info.ram[i];
		if (r->end - r->start < PAGE_SIZE || r->start >= 1ull << 32)
			continue;
		phys_t page = r->start;
		r->start += PAGE_SIZE;
		if (r->start == r->end)
			ram_remove(i);
		memset(phys_to_virt(page), 0, PAGE_SIZE);
		return page;
	}
	panic("boot: no memory below 4 GiB");
}
