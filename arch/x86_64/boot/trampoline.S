/*
 * Where an application processor begins: real mode, in the page that the start-up IPI names
 * (SDM 3A, 9.4.4). smp.c copies this code to TRAMPOLINE_PHYS and fills in the variables; processors come
 * through one at a time.
 */
#include "arch/x86_64/asm.h"
#define AT(label) (TRAMPOLINE_PHYS + (label) - trampoline_start)

	.section .boot.trampoline, "a"
	.globl trampoline_start, trampoline_end, trampoline_cr3, trampoline_stack, trampoline_entry, trampoline_efer
	.code16
	.balign 16
trampoline_start:
	cli
	cld
	xor %ax, %ax
	mov %ax, %ds
	lgdtl AT(gdt_pointer)
	mov %cr0, %eax
	or $1, %al
	mov %eax, %cr0
	ljmpl $8, $AT(start32)

	.code32
start32:
	mov $16, %eax
	mov %eax, %ds
	mov %eax, %ss
	mov %cr4, %eax
	or $0x20, %eax
	mov %eax, %cr4
	mov AT(trampoline_cr3), %eax
	mov %eax, %cr3
	mov $0xc0000080, %ecx
	mov AT(trampoline_efer), %eax
	xor %edx, %edx
	wrmsr
	mov %cr0, %eax
	or $0x80000000, %eax
	mov %eax, %cr0
	ljmp $24, $AT(ap_start64)

	.code64
ap_start64:
	mov $16, %eax
	mov %eax, %ss
	xor %eax, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %fs
	mov %eax, %gs
	mov AT(trampoline_stack), %rsp
	xor %ebp, %ebp
	mov AT(trampoline_entry), %rax
	call *%rax
	ud2

	.balign 8
gdt:	.quad 0
	.quad 0x00cf9b000000ffff	/* 32-bit code */
	.quad 0x00cf93000000ffff	/* data */
	.quad 0x00af9b000000ffff	/* 64-bit code */
gdt_pointer:
	.short 31
	.long AT(gdt)
	.balign 8
trampoline_cr3:		.quad 0
trampoline_efer:	.quad 0
trampoline_stack:	.quad 0
trampoline_entry:	.quad 0
trampoline_end:
	.section .note.GNU-stack, "", @progbits
