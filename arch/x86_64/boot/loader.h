/*
 * Between the loaders' parsers and boot_main(): the memory map in the making, and early allocation.
 *
 * Both loaders describe memory as ranges with a type. loader_ram() and loader_reserve() collect them;
 * memory_settle() subtracts what is in use and leaves boot_info.ram sorted, page-aligned and disjoint.
 * Until then nothing may be allocated; from then until page_init() early_alloc_page() takes pages from it.
 */
#pragma once
#include "arch/boot.h"

enum { BOOT_COMMAND_LINE_SIZE = 4096 };

/* What the loader said besides boot_info. */
struct loader_info {
	u64 rsdp; /* physical address of the ACPI root pointer, or 0 */
	char command_line[BOOT_COMMAND_LINE_SIZE];
};
extern struct loader_info loader_info;

void pvh_parse(u64 info);
void multiboot2_parse(u64 info);

void loader_ram(u64 start, u64 size);
void loader_reserve(u64 start, u64 size);
void loader_initrd(u64 start, u64 size);
void loader_command_line(const char *text, size_t max);

void memory_settle(void);
/* => a zeroed page below 4 GiB. Panics when there is none. */
phys_t early_alloc_page(void);

/* kernel_map.c: builds the final page tables and switches to them. */
void kernel_map_init(void);
/* Adds [start, start + size) to the direct map where it is missing: firmware tables outside of RAM. Before
 * page_init() only. => its address there. */
void *direct_map_extend(phys_t start, u64 size);
/* Maps device registers, uncached. Before page_init() only. */
volatile void *mmio_map(phys_t start, u64 size);
/* Another root with the low 2 MiB at their own addresses too, for the trampoline. */
phys_t trampoline_page_table(void);
