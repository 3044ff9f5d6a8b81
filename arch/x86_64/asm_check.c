/* asm.h against the C types. */
#include "abi/syscalls.h"
#include "arch/regs.h"
#include "arch/x86_64/internal.h"
#include "kernel/sched/thread.h"

#define CHECK_OFFSET(type, field, value) _Static_assert(offsetof(type, field) == (value), #field)
CHECK_OFFSET(struct regs, r15, R_R15);
CHECK_OFFSET(struct regs, rbx, R_RBX);
CHECK_OFFSET(struct regs, r11, R_R11);
CHECK_OFFSET(struct regs, r10, R_R10);
CHECK_OFFSET(struct regs, rax, R_RAX);
CHECK_OFFSET(struct regs, rcx, R_RCX);
CHECK_OFFSET(struct regs, rdi, R_RDI);
CHECK_OFFSET(struct regs, orig_rax, R_ORIG_RAX);
CHECK_OFFSET(struct regs, rip, R_RIP);
CHECK_OFFSET(struct regs, rflags, R_RFLAGS);
CHECK_OFFSET(struct regs, ss, R_SS);
_Static_assert(sizeof(struct regs) == R_SIZE, "struct regs");
CHECK_OFFSET(struct thread, work, THREAD_WORK);
CHECK_OFFSET(struct tss, rsp, TSS_RSP0);
_Static_assert(NR_SYSCALLS == ASM_NR_SYSCALLS, "abi/syscalls.h");
_Static_assert(THREAD_WORK_RESCHED == ASM_WORK_RESCHED, "thread.h");
_Static_assert(USER_CS == SEL_USER_CS && USER_SS == SEL_USER_SS, "selectors");
_Static_assert(KERNEL_CS == SEL_KERNEL_CS && KERNEL_SS == SEL_KERNEL_SS, "selectors");
