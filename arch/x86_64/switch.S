/* struct thread *arch_switch_stacks(u64 *save_rsp, u64 rsp, struct thread *prev): => prev, on the other stack.
 * The frame is struct switch_frame in context.c. */
#include "arch/x86_64/asm.h"
	.section .text.hot.switch, "ax"
	.balign 16
	.globl arch_switch_stacks
	.type arch_switch_stacks, @function
arch_switch_stacks:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, (%rdi)
	mov %rsi, %rsp
	mov %rdx, %rax
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret

/* void unwind_capture(struct regs *r): the caller's registers as they are when this returns. */
	.text
	.globl unwind_capture
	.type unwind_capture, @function
unwind_capture:
	store_callee_saved %rdi
	mov (%rsp), %rax
	mov %rax, R_RIP(%rdi)
	lea 8(%rsp), %rax
	mov %rax, R_RSP(%rdi)
	ret
	.section .note.GNU-stack, "", @progbits
