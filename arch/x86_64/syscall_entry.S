/*
 * System calls: from the syscall instruction to sys_NAME and back.
 *
 * The fast path builds struct regs at the top of the thread's kernel stack without the callee-saved
 * part, which C preserves anyway, and without the slots of rcx and r11, which equal rip and rflags. It ends
 * in sysret after one test of the thread's work word, interrupts off so that no work can arrive in between.
 * rip needs no canonical check there: it is where syscall returned to, and user space ends a page below the hole.
 * A thread that is only asked to give way, as a waker often is, does so as if at the end of its call, and looks again.
 * Everything else (other work, or a call in SYSCALL_FULL_REGS) completes the frame and leaves through
 * return_to_user, by iret.
 */
#include "arch/x86_64/asm.h"

	/* What the fast path leaves out of struct regs; scratch: a register to go through. */
	.macro complete_frame scratch
	store_callee_saved %rsp
	mov R_RIP(%rsp), \scratch
	mov \scratch, R_RCX(%rsp)
	mov R_RFLAGS(%rsp), \scratch
	mov \scratch, R_R11(%rsp)
	.endm

	.section .text.entry, "ax"
	.balign 64
	.globl syscall_entry, syscall_entry_compat, syscall_return
	.type syscall_entry, @function
syscall_entry:
	swapgs
	mov %rsp, %gs:percpu_user_rsp
	mov %gs:percpu_tss + TSS_RSP0, %rsp
	push $SEL_USER_SS
	push %gs:percpu_user_rsp
	push %r11
	push $SEL_USER_CS
	push %rcx
	push %rax
	push %rdi
	push %rsi
	push %rdx
	sub $16, %rsp			/* rcx, rax */
	push %r8
	push %r9
	push %r10
	sub $R_R10, %rsp		/* r11, callee-saved */
	sti
	mov %eax, %eax			/* the number is an int */
	cmp $ASM_NR_SYSCALLS, %eax
	jae 2f
	mov %r10, %rcx
	call *syscall_table(, %rax, 8)
syscall_return:
	cli
	mov %gs:percpu_current, %rcx
	cmpl $0, THREAD_WORK(%rcx)
	jne 3f
	mov R_R10(%rsp), %r10
	mov R_R9(%rsp), %r9
	mov R_R8(%rsp), %r8
	mov R_RDX(%rsp), %rdx
	mov R_RSI(%rsp), %rsi
	mov R_RDI(%rsp), %rdi
	mov R_RIP(%rsp), %rcx
	mov R_RFLAGS(%rsp), %r11
	mov R_RSP(%rsp), %rsp
	swapgs
	sysretq
2:	call sys_unsupported
	jmp syscall_return
3:	mov %rax, R_RAX(%rsp)
	cmpl $ASM_WORK_RESCHED, THREAD_WORK(%rcx)
	jne 4f
	sti
	call schedule
	mov R_RAX(%rsp), %rax
	jmp syscall_return
4:	complete_frame %rcx
	jmp return_to_user

/* syscall from compatibility mode, which no descriptor of ours lets user space enter. */
syscall_entry_compat:
	ud2

/*
 * SYSCALL_FULL_REGS: the table has these in place of sys_NAME. They complete the frame first and
 * restore everything from it afterwards.
 */
	.macro full_regs name
	.globl full_regs_\name
	.type full_regs_\name, @function
full_regs_\name:
	lea sys_\name, %rax
	jmp full_regs
	.endm
	full_regs fork
	full_regs vfork
	full_regs clone
	full_regs clone3
	full_regs execve
	full_regs execveat
	full_regs rt_sigreturn

full_regs:
	add $8, %rsp			/* the return into syscall_entry: not taken */
	complete_frame %r11
	call *%rax
	mov %rax, R_RAX(%rsp)
	jmp return_to_user
	.section .note.GNU-stack, "", @progbits
