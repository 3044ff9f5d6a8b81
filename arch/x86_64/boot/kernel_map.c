/* The kernel's half of every address space: direct map, image, device registers. W^X throughout. */
#include "arch/x86_64/boot/loader.h"
#include "arch/x86_64/internal.h"
#include "arch/cpu.h"
#include "kernel/lib/bug.h"
#include "kernel/lib/string.h"
#include "kernel/mm/page.h"

enum {
	PTE_PRESENT = 1,
	PTE_WRITE = 2,
	PTE_UNCACHED = 0x18,
	PTE_LARGE = 0x80,
	PTE_GLOBAL = 0x100,
};
#define PTE_NX      (cpu_features.nx ? BIT(63) : 0)
#define PTE_ADDRESS 0x000ffffffffff000ull

extern char text_start[], text_end[], rodata_start[], rodata_end[], data_start[], image_end[];
extern char boot_stack_guard[], boot_ist_stacks[];
extern u64 boot_pml4[512];

static u64 kernel_pml4[512] ALIGNED(4096);
phys_t kernel_page_table;
static u64 mmio_next = MMIO_MAP;

/* => the entry for virt at level (1: 4 KiB pages, 2: 2 MiB pages), tables above it made as needed. */
static u64 *entry_make(u64 virt, unsigned level)
{
	u64 *table = kernel_pml4;
	for (unsigned l = 4;; l--) {
		u64 *e = &table[virt >> (12 + 9 * (l - 1)) & 511];
		if (l == level)
			return e;
		if (!(*e & PTE_PRESENT))
			*e = early_alloc_page() | PTE_PRESENT | PTE_WRITE;
		ASSERT(!(*e & PTE_LARGE));
		table = phys_to_virt(*e & PTE_ADDRESS);
	}
}

static void map_pages(u64 virt, phys_t phys, u64 size, u64 flags)
{
	for (u64 o = 0; o < size; o += PAGE_SIZE)
		*entry_make(virt + o, 1) = (phys + o) | flags | PTE_PRESENT;
}

static bool in_image_constants(phys_t phys)
{
	u64 v = phys + KERNEL_MAP;
	return v >= (u64)text_start && v < (u64)rodata_end;
}

/* The low megabytes page by page, since the image's text and constants must not be writable here either. */
static void direct_map_low(u64 end)
{
	for (phys_t p = 0; p < end; p += PAGE_SIZE) {
		u64 write = in_image_constants(p) ? 0 : PTE_WRITE;
		map_pages((u64)phys_to_virt(p), p, PAGE_SIZE, write | PTE_GLOBAL | PTE_NX);
	}
}

static u64 low_end(void)
{
	return ROUND_UP((u64)image_end - KERNEL_MAP, HUGE_PAGE_SIZE);
}

void *direct_map_extend(phys_t start, u64 size)
{
	phys_t p = MAX(ROUND_DOWN(start, HUGE_PAGE_SIZE), low_end());
	for (; p < start + size; p += HUGE_PAGE_SIZE) {
		u64 *e = entry_make((u64)phys_to_virt(p), 2);
		*e = p | PTE_PRESENT | PTE_WRITE | PTE_LARGE | PTE_GLOBAL | PTE_NX;
	}
	return phys_to_virt(start);
}

static void direct_map_init(void)
{
	struct boot_range ram[ARRAY_SIZE(boot_info.ram)];
	u32 count = boot_info.ram_count; /* a copy: building tables takes pages from the list */
	memcpy(ram, boot_info.ram, sizeof(ram));
	direct_map_low(low_end());
	for (u32 i = 0; i < count; i++)
		direct_map_extend(ram[i].start, ram[i].end - ram[i].start);
	direct_map_extend(boot_info.initrd_start, boot_info.initrd_size);
}

static void image_map(char *start, char *end, u64 flags)
{
	map_pages((u64)start, (u64)start - KERNEL_MAP,
	          (u64)ROUND_UP((u64)end - (u64)start, PAGE_SIZE), flags | PTE_GLOBAL);
}

static void guard_page(char *at)
{
	*entry_make((u64)at, 1) = 0;
}

void kernel_map_init(void)
{
	kernel_page_table = (u64)kernel_pml4 - KERNEL_MAP;
	direct_map_init();
	image_map(text_start, text_end, 0);
	image_map(rodata_start, rodata_end, PTE_NX);
	image_map(data_start, image_end, PTE_WRITE | PTE_NX);
	guard_page(boot_stack_guard);
	for (u32 i = 0; i < 3; i++)
		guard_page(boot_ist_stacks + i * 2 * PAGE_SIZE);
	/* The one root entry of the vmap area, so that no address space ever lacks it. */
	entry_make(VMAP_START, 3);
	entry_make(MMIO_MAP, 1);
	__asm__ volatile("mov %0, %%cr3" ::"r"(kernel_page_table) : "memory");
}

volatile void *mmio_map(phys_t start, u64 size)
{
	phys_t page = ROUND_DOWN(start, PAGE_SIZE);
	u64 virt = mmio_next, length = ROUND_UP(start + size, PAGE_SIZE) - page;
	map_pages(virt, page, length, PTE_WRITE | PTE_UNCACHED | PTE_NX);
	mmio_next += length;
	return (volatile void *)(virt + start - page);
}

/* boot.S's table, whose lower half is still the identity map, with the final upper half. */
phys_t trampoline_page_table(void)
{
	memcpy(&boot_pml4[256], &kernel_pml4[256], 256 * sizeof(u64));
	return (u64)boot_pml4 - KERNEL_MAP;
}
