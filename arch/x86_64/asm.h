/*
 * What assembly and C of this directory share. Offsets are checked against the C types in asm_check.c.
 */
#pragma once

/* struct regs */
#define R_R15      0
#define R_R14      8
#define R_R13      16
#define R_R12      24
#define R_RBP      32
#define R_RBX      40
#define R_R11      48
#define R_R10      56
#define R_R9       64
#define R_R8       72
#define R_RAX      80
#define R_RCX      88
#define R_RDX      96
#define R_RSI      104
#define R_RDI      112
#define R_ORIG_RAX 120
#define R_RIP      128
#define R_CS       136
#define R_RFLAGS   144
#define R_RSP      152
#define R_SS       160
#define R_SIZE     168

/* Selectors: the user's are Linux's, visible in sigcontext; their order is what SYSCALL and SYSRET want. */
#define SEL_KERNEL_CS 0x10
#define SEL_KERNEL_SS 0x18
#define SEL_USER_SS   0x2b
#define SEL_USER_CS   0x33
#define SEL_TSS       0x40
#define SEL_CPU       0x78 /* its limit is the processor's number: lsl in the vDSO's getcpu */

#define TSS_RSP0 4

#define THREAD_WORK      0 /* struct thread.work */
#define ASM_WORK_RESCHED 1 /* THREAD_WORK_RESCHED */

/* Interrupt vectors above the exceptions. */
#define VECTOR_SERIAL   0x24
#define VECTOR_TIMER    0xf0
#define VECTOR_KICK     0xf1
#define VECTOR_CALL     0xf2
#define VECTOR_SPURIOUS 0xff

#define ASM_NR_SYSCALLS 451 /* NR_SYSCALLS of abi/syscalls.h */

/* The page below 1 MiB that application processors start in. */
#define TRAMPOLINE_PHYS 0x8000

#define BOOT_MAGIC_PVH        0x336ec578
#define BOOT_MAGIC_MULTIBOOT2 0x36d76289

#ifdef __ASSEMBLER__
/* clang-format off */
	/* What C preserves, into the struct regs that `regs` points to. */
	.macro store_callee_saved regs
	mov %rbx, R_RBX(\regs)
	mov %rbp, R_RBP(\regs)
	mov %r12, R_R12(\regs)
	mov %r13, R_R13(\regs)
	mov %r14, R_R14(\regs)
	mov %r15, R_R15(\regs)
	.endm
/* clang-format on */
#endif
