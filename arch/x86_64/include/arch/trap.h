/*
 * Hooks that the architecture calls. Defined by the rooms named.
 */
#pragma once
#include "arch/regs.h"

/* kernel/mm: a page fault; kernel code faulting on a user address comes here too. error: x86 bits.
 * => 0 resolved; negative: the trap code fixes up a user access, else sends the signal or panics.
 * -EFAULT: SIGSEGV MAPERR, -EACCES: SIGSEGV ACCERR, -ENXIO (beyond end of file) SIGBUS ADRERR, -ENOMEM: SIGKILL. */
int mm_page_fault(u64 addr, u64 error, bool from_user);
enum { PF_PRESENT = 1, PF_WRITE = 2, PF_USER = 4, PF_FETCH = 16 };

/* kernel/proc: the thread executed something faulty; queues the forced signal to it. */
void signal_fault(int sig, int code, u64 addr);

/* kernel/proc: what sigcontext will say of the fault (trapno, err, cr2); before signal_fault(). */
void signal_trap(u64 number, u64 error, u64 address);

/* kernel/proc: the slow path before returning to user space, interrupts enabled; runs until the
 * current thread's work word is 0: softirq_run, schedule, signals, stops, exits. In a system call
 * regs->rax holds the result. */
void user_return_work(struct regs *regs);

/* syscalls/table.c */
typedef long syscall_fn(long, long, long, long, long, long);
extern syscall_fn *const syscall_table[];
syscall_fn sys_unsupported; /* -ENOSYS */
/* What the table has for the calls that read or write callee-saved user registers (SYSCALL_FULL_REGS). */
syscall_fn full_regs_fork, full_regs_vfork, full_regs_clone, full_regs_clone3, full_regs_execve,
	full_regs_execveat, full_regs_rt_sigreturn;
