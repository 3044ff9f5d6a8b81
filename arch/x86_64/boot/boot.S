/*
 * From the loader to C. Two loaders enter here in 32-bit protected mode, paging off:
 *	PVH (QEMU -kernel)	%ebx = struct hvm_start_info, found through the ELF note below
 *	multiboot2 (GRUB)	%eax = magic, %ebx = boot information
 * A multiboot 1 header must not exist: QEMU would prefer it and refuse a 64-bit ELF.
 *
 * Temporary map: the first 4 GiB at their physical addresses and at DIRECT_MAP, the first GiB at KERNEL_MAP;
 * kernel_map.c replaces it. It serves once more when application processors start (smp.c).
 */
#include "arch/x86_64/asm.h"
#define KERNEL_MAP 0xffffffff80000000
#define PHYS(symbol) ((symbol) - KERNEL_MAP)

	.section .boot.header, "a"
	.balign 8
header:
	.long 0xe85250d6, 0, header_end - header
	.long -(0xe85250d6 + 0 + (header_end - header))
	/* information request: command line, modules, memory map */
	.balign 8
	.short 1, 0
	.long 20, 1, 3, 6
	.balign 8
	/* modules page-aligned */
	.short 6, 0
	.long 8
	.balign 8
	.short 0, 0
	.long 8
header_end:

	.section .note.pvh, "a", @note
	.balign 4
	.long 4, 8, 18	/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.quad pvh_entry

	.section .boot.text, "ax"
	.code32
	.globl pvh_entry, multiboot2_entry
pvh_entry:
	mov $BOOT_MAGIC_PVH, %eax
multiboot2_entry:
	cld
	cli
	mov %eax, %ebp
	mov %ebx, %esi

	/* Four page directories map 4 GiB with 2 MiB pages: present, writable, large. */
	mov $PHYS(boot_directories), %edi
	mov $0x83, %eax
1:	mov %eax, (%edi)
	add $8, %edi
	add $0x200000, %eax
	jnc 1b
	mov $PHYS(boot_directories) + 3, %eax
	mov $PHYS(boot_pdpt), %edi
	mov $4, %ecx
2:	mov %eax, (%edi)
	add $8, %edi
	add $4096, %eax
	loop 2b
	movl $PHYS(boot_directories) + 3, PHYS(boot_pdpt_high) + 510 * 8
	movl $PHYS(boot_pdpt) + 3, PHYS(boot_pml4)
	movl $PHYS(boot_pdpt) + 3, PHYS(boot_pml4) + 256 * 8
	movl $PHYS(boot_pdpt_high) + 3, PHYS(boot_pml4) + 511 * 8

	mov $PHYS(boot_pml4), %eax
	mov %eax, %cr3
	mov %cr4, %eax
	or $0x20, %eax		/* PAE */
	mov %eax, %cr4
	mov $0xc0000080, %ecx	/* EFER */
	rdmsr
	or $0x100, %eax		/* LME */
	wrmsr
	mov %cr0, %eax
	or $0x80000000, %eax	/* PG; PE is set */
	mov %eax, %cr0
	lgdt boot_gdt_pointer
	ljmp $SEL_KERNEL_CS, $start64

	.code64
start64:
	mov $SEL_KERNEL_SS, %eax
	mov %eax, %ss
	mov %eax, %ds
	mov %eax, %es
	xor %eax, %eax
	mov %eax, %fs
	mov %eax, %gs
	mov $boot_stack_top, %rsp
	mov %ebp, %edi
	mov %esi, %esi		/* zero-extends */
	xor %ebp, %ebp
	mov $boot_main, %rax
	call *%rax
	ud2

	.balign 8
boot_gdt:
	.quad 0, 0
	.quad 0x00af9b000000ffff	/* SEL_KERNEL_CS */
	.quad 0x00cf93000000ffff	/* SEL_KERNEL_SS */
boot_gdt_pointer:
	.short 31
	.long boot_gdt

	.section .bss.boot_tables, "aw", @nobits
	.balign 4096
	.globl boot_pml4
boot_pml4:
	.skip 4096
boot_pdpt:
	.skip 4096
boot_pdpt_high:
	.skip 4096
boot_directories:
	.skip 4 * 4096

	/* Processor 0's stacks; kernel_map.c leaves the guard pages out of the map. */
	.section .bss.stacks, "aw", @nobits
	.balign 4096
	.globl boot_stack_guard, boot_stack_top, boot_ist_stacks
boot_stack_guard:
	.skip 4096
	.skip 16384
boot_stack_top:
boot_ist_stacks:		/* three times: guard page, stack page */
	.skip 3 * 8192
	.section .note.GNU-stack, "", @progbits
