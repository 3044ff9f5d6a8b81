/*
 * What a signal handler finds on its stack (x86-64 psABI and Linux): sigcontext, ucontext, rt_sigframe.
 * Debuggers and unwinders know these layouts.
 */
#pragma once
#include "abi/signal.h"

struct sigcontext_abi {
	u64 r8, r9, r10, r11, r12, r13, r14, r15;
	u64 rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
	u16 cs, gs, fs, ss;
	u64 err, trapno, oldmask, cr2;
	u64 fpstate; /* user address of the XSAVE image */
	u64 reserved[8];
};
_Static_assert(sizeof(struct sigcontext_abi) == 256, "struct sigcontext");

enum {
	UC_FP_XSTATE = 1,
	UC_SIGCONTEXT_SS = 2,
	UC_STRICT_RESTORE_SS = 4,
};
struct ucontext_abi {
	u64 flags, link;
	struct sigaltstack_abi stack;
	struct sigcontext_abi mcontext;
	u64 sigmask;
};
_Static_assert(sizeof(struct ucontext_abi) == 304, "struct ucontext");

struct rt_sigframe_abi {
	u64 return_address; /* sa_restorer */
	struct ucontext_abi uc;
	struct siginfo info;
};
_Static_assert(sizeof(struct rt_sigframe_abi) == 440, "struct rt_sigframe");
