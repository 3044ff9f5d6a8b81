/*
 * What of a thread the processor knows: kernel stack, saved stack pointer, segment bases, FPU state.
 * Owned by struct thread (kernel/sched/thread.h), touched only through this header.
 *
 * FPU: lazy. State is loaded at the first use after a switch (#NM) and saved at switch-out only if the
 * thread used it; a thread that comes back to a processor that still holds its state skips the load.
 */
#pragma once
#include "arch/regs.h"
#include "kernel/lib/result.h"

struct thread;
struct arch_thread {
	u64 rsp;       /* saved kernel stack pointer while switched out */
	u64 stack_top; /* [I] top of the kernel stack; struct regs ends here, the FPU save area begins */
	u64 fs_base, gs_base; /* [own] user segment bases */
	u32 user;             /* [I] runs in user space: the bases matter */
	u32 fpu_used;         /* [own] the save area or the registers hold something */
	u32 fpu_cpu;          /* [own] processor whose registers hold the state, or ~0 */
	u32 fpu_live; /* [own] used since switched in: the registers are newer than the save area */
};

enum { KERNEL_STACK_SIZE = 16384 };

/* A stack with guard page for t; its first switch-in calls fn(arg), which must not return. */
MUST_CHECK int arch_thread_init(struct arch_thread *a, void (*fn)(void *arg), void *arg);
/* Makes the first switch-in of a new thread land in user space with *regs. */
void arch_thread_set_user(struct arch_thread *a, const struct regs *regs);
/* Leaves a thread that began in a kernel function, after its first execve, for user space with the registers in
 * arch_thread_regs(), through the normal exit path. */
NORETURN void arch_enter_user(void);
void arch_thread_destroy(struct arch_thread *a);
/* Shutdown: frees the stacks that processors keep for their next threads; nobody makes or ends threads meanwhile. */
void arch_stacks_drain(void);
/* fork: copies FPU state and segment bases of the current thread. */
MUST_CHECK int arch_thread_clone(struct arch_thread *to);
/* execve: drops FPU state, zeroes bases. */
void arch_thread_reset(struct arch_thread *a);
static inline struct regs *arch_thread_regs(struct arch_thread *a)
{
	return (struct regs *)a->stack_top - 1;
}

/* Switches stacks, segment bases and lazy FPU; => the thread switched away from, in the new one.
 * Caller: kernel/sched, run queue lock held; it has switched the address space and set `current` before.
 * The first switch-in of a new thread does not return from arch_switch: it calls
 * thread_switched_in(prev) below, then the thread's function or user space. */
struct thread *arch_switch(struct thread *prev, struct thread *next);
/* kernel/sched: what the caller of arch_switch does after it, for a thread that has never run. */
void thread_switched_in(struct thread *prev);

/* Signal frames, sigreturn(2): the FPU state in the XSAVE layout that the ABI shows user space. */
size_t arch_fpu_frame_size(void);
MUST_CHECK int arch_fpu_to_user(u64 user_addr);
MUST_CHECK int arch_fpu_from_user(u64 user_addr); /* 0: reset to initial state */

/* arch_prctl(2) ARCH_SET_FS and friends act on the current thread. */
void arch_set_fs_base(u64 base);
u64 arch_get_fs_base(void);
void arch_set_gs_base(u64 base);
u64 arch_get_gs_base(void);
