/*
 * Slow paths of what is inlined into functions that do not expect a call there (arch/spinlock.h, arch/thunk.h): these save
 * what C would change, and describe their frames for arch/unwind.h.
 */
	.macro keep register
	push \register
	.cfi_adjust_cfa_offset 8
	.endm
	.macro restore register
	pop \register
	.cfi_adjust_cfa_offset -8
	.endm

	/* name: target with all registers kept but %rax, its result. */
	.macro thunk name, target
	.globl \name
	.type \name, @function
\name:
	.cfi_startproc
	keep %rcx
	keep %rdx
	keep %rsi
	keep %rdi
	keep %r8
	keep %r9
	keep %r10
	keep %r11
	call \target
	restore %r11
	restore %r10
	restore %r9
	restore %r8
	restore %rdi
	restore %rsi
	restore %rdx
	restore %rcx
	ret
	.cfi_endproc
	.endm

	.text
	thunk raw_spin_lock_thunk, raw_spin_lock_slow
	thunk realtime_seconds_refresh_thunk, realtime_seconds_refresh
	.section .note.GNU-stack, "", @progbits
