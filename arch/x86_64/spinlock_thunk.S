/*
 * raw_spin_lock_slow(%rdi) for raw_spin_lock(), which is inlined into functions that do not expect a call there: saves what C
 * would change, and describes its frame for arch/unwind.h.
 */
	.macro keep register
	push \register
	.cfi_adjust_cfa_offset 8
	.endm
	.macro restore register
	pop \register
	.cfi_adjust_cfa_offset -8
	.endm
	.text
	.globl raw_spin_lock_thunk
	.type raw_spin_lock_thunk, @function
raw_spin_lock_thunk:
	.cfi_startproc
	keep %rax
	keep %rcx
	keep %rdx
	keep %rsi
	keep %rdi
	keep %r8
	keep %r9
	keep %r10
	keep %r11
	call raw_spin_lock_slow
	restore %r11
	restore %r10
	restore %r9
	restore %r8
	restore %rdi
	restore %rsi
	restore %rdx
	restore %rcx
	restore %rax
	ret
	.cfi_endproc
	.section .note.GNU-stack, "", @progbits
