/*
 * Exceptions and interrupts: entry, and the way back to user space or to interrupted kernel code.
 *
 * From user space the frame is the struct regs at the top of the thread's kernel stack; from the kernel it
 * lies below what was interrupted. Handlers are called as handler(regs, error) with interrupts off and leave
 * them as they like.
 *
 * NMI, double fault and machine check run on stacks of their own and may come anywhere, between syscall's
 * entry and its swapgs too: they take the gs base from the top of their stack (gdt.c) and put back what was there.
 */
#include "arch/x86_64/asm.h"

	.macro save_registers
	push %rdi
	push %rsi
	push %rdx
	push %rcx
	push %rax
	push %r8
	push %r9
	push %r10
	push %r11
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	.endm
	.macro restore_registers
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rax
	pop %rcx
	pop %rdx
	pop %rsi
	pop %rdi
	add $8, %rsp		/* orig_rax */
	.endm

	/* The interrupted code may have opened user memory (arch/uaccess.h); a handler, or the thread that it
	 * switches to, must not inherit that. iret puts it back. A nop until boot patches clac in. */
	.macro user_close
771:	.byte 0x0f, 0x1f, 0x01
	.pushsection .smap_patch, "a"
	.quad 771b
	.popsection
	.endm

	.section .text.entry, "ax"
	/* error: pushed by the processor or not */
	.macro entry_begin name, error
	.balign 16
	.globl entry_\name
	.type entry_\name, @function
entry_\name:
	.ifc \error, none
	push $0
	.endif
	save_registers
	.endm
	/* entry name, handler, error */
	.macro entry name, handler, error
	entry_begin \name, \error
	testb $3, R_CS(%rsp)
	jz 1f
	swapgs
1:	cld
	user_close
	mov R_ORIG_RAX(%rsp), %rsi
	movq $-1, R_ORIG_RAX(%rsp)
	mov %rsp, %rdi
	xor %ebp, %ebp
	call \handler
	jmp trap_return
	.endm

	entry page_fault, trap_page_fault, error
	entry device_not_available, fpu_trap, none
	entry timer, irq_timer, none
	entry kick, irq_kick, none
	entry call, irq_call, none
	entry serial, irq_serial, none
	entry spurious, irq_spurious, none
	.irp v, 0, 1, 3, 4, 5, 6, 9, 15, 16, 19, 20, 22, 23, 24, 25, 26, 27, 28, 31
	entry exception_\v, trap_exception_\v, none
	.endr
	.irp v, 10, 11, 12, 13, 17, 21, 29, 30
	entry exception_\v, trap_exception_\v, error
	.endr

	/* A trap handler that only differs by its vector: trap_exception(regs, error, vector). */
	.irp v, 0, 1, 3, 4, 5, 6, 9, 10, 11, 12, 13, 15, 16, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
trap_exception_\v:
	mov $\v, %edx
	jmp trap_exception
	.endr

	.balign 16
	.globl trap_return, return_to_user
trap_return:
	cli
	testb $3, R_CS(%rsp)
	jz 1f
	mov %gs:percpu_current, %rcx
	cmpl $0, THREAD_WORK(%rcx)
	jne return_to_user
	swapgs
1:	restore_registers
	iretq

/* The full frame at %rsp, any interrupt state: does pending work and restores everything. */
return_to_user:
	cli
	mov %rsp, %rdi
	call exit_to_user
	swapgs
	restore_registers
	iretq

/* First switch-in of a thread (context.c): prev in %rax. Outside of .text.entry, where the unwinder
 * (kernel/panic.c) takes what lies above a return address for a struct regs. */
	.section .text.thread_first, "ax"
	.globl thread_first_user, thread_first_kernel
thread_first_user:
	mov %rax, %rdi
	call thread_switched_in
	jmp return_to_user
thread_first_kernel:
	mov %rax, %rdi
	call thread_switched_in
	mov %r12, %rdi
	xor %ebp, %ebp
	call *%rbx
	ud2

	.section .text.entry, "ax"
	.macro entry_paranoid name, handler, error
	entry_begin \name, \error
	cld
	user_close
	mov $0xc0000101, %ecx	/* MSR_GS_BASE */
	rdmsr
	mov %eax, %r12d
	mov %edx, %r13d
	mov R_SIZE(%rsp), %eax
	mov R_SIZE + 4(%rsp), %edx
	wrmsr
	mov R_ORIG_RAX(%rsp), %rsi
	movq $-1, R_ORIG_RAX(%rsp)
	mov %rsp, %rdi
	call \handler
	mov $0xc0000101, %ecx
	mov %r12d, %eax
	mov %r13d, %edx
	wrmsr
	restore_registers
	iretq
	.endm
	entry_paranoid nmi, trap_nmi, none
	entry_paranoid double_fault, trap_double_fault, error
	entry_paranoid machine_check, trap_machine_check, none

	.section .rodata
	.balign 8
	.globl idt_entries
idt_entries:
	.quad entry_exception_0, entry_exception_1, entry_spurious, entry_exception_3
	.quad entry_exception_4, entry_exception_5, entry_exception_6, entry_device_not_available
	.quad entry_spurious, entry_exception_9, entry_exception_10, entry_exception_11
	.quad entry_exception_12, entry_exception_13, entry_page_fault, entry_exception_15
	.quad entry_exception_16, entry_exception_17, entry_spurious, entry_exception_19
	.quad entry_exception_20, entry_exception_21, entry_exception_22, entry_exception_23
	.quad entry_exception_24, entry_exception_25, entry_exception_26, entry_exception_27
	.quad entry_exception_28, entry_exception_29, entry_exception_30, entry_exception_31
	.rept VECTOR_SERIAL - 32
	.quad entry_spurious
	.endr
	.quad entry_serial
	.rept VECTOR_TIMER - VECTOR_SERIAL - 1
	.quad entry_spurious
	.endr
	.quad entry_timer, entry_kick, entry_call
	.rept 256 - VECTOR_CALL - 1
	.quad entry_spurious
	.endr
	.section .note.GNU-stack, "", @progbits
