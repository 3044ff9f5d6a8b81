/*
 * The user registers of a thread inside the kernel: a full frame at the top of its kernel stack.
 * In the fast system-call path the callee-saved part (r15 .. rbx) holds garbage: only calls in
 * SYSCALL_FULL_REGS (arch/x86_64/syscall_entry.S: fork, vfork, clone, clone3, execve, execveat,
 * rt_sigreturn) and the exit-work path may read or write it.
 */
#pragma once
#include "kernel/lib/compiler.h"

struct regs {
	u64 r15, r14, r13, r12, rbp, rbx;
	u64 r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	u64 orig_rax; /* system call number, or -1 when not from a system call */
	u64 rip, cs, rflags, rsp, ss;
};
_Static_assert(sizeof(struct regs) == 168, "entry.S knows this layout");

enum {
	USER_CS = 0x33,
	USER_SS = 0x2b,
	KERNEL_CS = 0x10,
	KERNEL_SS = 0x18
}; /* as Linux: visible in sigcontext */
static inline bool regs_from_user(const struct regs *r)
{
	return r->cs & 3;
}
