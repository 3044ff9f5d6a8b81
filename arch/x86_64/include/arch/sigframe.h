/*
 * The user-space side of signal delivery on x86-64: the frame that a handler runs on, and the way back.
 * The layout is the ABI's (abi/ucontext.h). All act on the current thread, whose registers are *regs.
 */
#pragma once
#include "abi/signal.h"
#include "arch/regs.h"
#include "kernel/lib/result.h"

/* Makes *regs enter the handler of `action` on a frame that remembers them and the mask `saved`.
 * => 0, or -EFAULT: the stack cannot take the frame (nothing is changed). May sleep. */
MUST_CHECK int sigframe_setup(struct regs *regs, int sig, const struct siginfo *info,
                              const struct sigaction_abi *action, u64 saved);
/* rt_sigreturn(2): puts back registers, FPU state, mask and alternate stack. => the restored rax; a frame that cannot be
 * read sends SIGSEGV. */
long sigframe_return(struct regs *regs);
/* Executes the system-call instruction again, with this number. */
void sigframe_restart(struct regs *regs, u64 number);
/* Largest frame that a handler may need below its stack pointer: AT_MINSIGSTKSZ. */
size_t sigframe_max_size(void);
