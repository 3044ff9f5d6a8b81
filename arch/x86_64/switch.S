/* struct thread *arch_switch_stacks(u64 *save_rsp, u64 rsp, struct thread *prev): => prev, on the other stack.
 * The frame is struct switch_frame in context.c. */
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
	.section .note.GNU-stack, "", @progbits
