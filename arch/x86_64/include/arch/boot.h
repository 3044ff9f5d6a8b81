/*
 * What the loader left: filled by arch/x86_64/boot from multiboot2 or PVH, read by everyone after.
 */
#pragma once
#include "kernel/lib/compiler.h"

struct boot_range {
	u64 start, end;
}; /* physical, page-aligned inwards */
struct boot_info {
	const char *command_line;
	struct boot_range ram[64]; /* usable memory, without kernel image, initrd and boot data */
	u32 ram_count;
	u64 initrd_start, initrd_size; /* physical; 0 when none. Freed by fs after unpacking */
	u64 highest_ram;               /* end of the direct map */
};
extern struct boot_info boot_info;

/* => the value of `name` on the command line into buf ("" for a bare word), or false. Words after "--" do not count. */
bool boot_option(const char *name, char *buf, size_t size);

/* => the word after *at, unquoted, into buf; false at the end. */
bool boot_word(const char **at, char *buf, size_t size);

/*
 * The upper half, the same in every address space:
 *	DIRECT_MAP	all RAM, writable, never executable (the image's text and rodata: read-only)
 *	VMAP_START	kernel/mm's vmap area: stacks, large allocations. Its one PML4 entry exists from boot
 *	KERNEL_MAP	the image, W^X; device registers at MMIO_MAP
 */
#define DIRECT_MAP 0xffff800000000000ull
#define VMAP_START 0xffffc90000000000ull
#define VMAP_END   0xffffc98000000000ull
#define KERNEL_MAP 0xffffffff80000000ull
#define MMIO_MAP   0xffffffffc0000000ull
typedef u64 phys_t;
/* The PML4 that processors run on without an address space. A new address space copies entries 256..511,
 * which never change after boot. */
extern phys_t kernel_page_table;
static inline void *phys_to_virt(phys_t p)
{
	return (void *)(DIRECT_MAP + p);
}
static inline phys_t virt_to_phys(const void *p)
{
	return (u64)p - DIRECT_MAP;
} /* direct-map addresses only */
