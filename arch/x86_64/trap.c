/* Exceptions: what each becomes. signal(7), sigaction(2) for the codes; SDM 3A 6.15 for the causes. */
#include "arch/trap.h"
#include "abi/signal.h"
#include "arch/uaccess.h"
#include "arch/x86_64/internal.h"
#include "arch/x86_64/trap_entry.h"
#include "kernel/lib/bug.h"
#include "kernel/lib/result.h"
#include "kernel/panic.h"
#include "kernel/sched/thread.h"

static const char *const exception_names[32] = {"divide error",
                                                "debug",
                                                "NMI",
                                                "breakpoint",
                                                "overflow",
                                                "bound range",
                                                "invalid opcode",
                                                "device not available",
                                                "double fault",
                                                "coprocessor",
                                                "invalid TSS",
                                                "segment not present",
                                                "stack segment",
                                                "general protection",
                                                "page fault",
                                                "reserved",
                                                "x87 floating point",
                                                "alignment check",
                                                "machine check",
                                                "SIMD floating point",
                                                "virtualization",
                                                "control protection"};

/* si_code for the lowest unmasked exception of an x87 status or MXCSR flag set. */
static int fpe_code(u32 raised)
{
	if (raised & 1)
		return FPE_FLTINV;
	if (raised & 4)
		return FPE_FLTDIV;
	if (raised & 8)
		return FPE_FLTOVF;
	if (raised & 0x12) /* underflow, denormal */
		return FPE_FLTUND;
	return raised & 0x20 ? FPE_FLTRES : SI_KERNEL;
}

static int x87_code(void)
{
	u16 status, control;
	__asm__ volatile("fnstsw %0; fnstcw %1" : "=m"(status), "=m"(control));
	return fpe_code(status & ~control & 0x3f);
}
static int simd_code(void)
{
	u32 mxcsr;
	__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
	return fpe_code(mxcsr & ~(mxcsr >> 7) & 0x3f);
}

static NORETURN void trap_panic(const char *what, struct regs *regs, u64 error)
{
	panic_at(regs, "%s, error %#llx, address %#llx", what, (unsigned long long)error,
	         (unsigned long long)read_cr2());
}

/* Resumes at the fixup with user access closed again: fixups need no clac. */
static void resume_at(struct regs *regs, u64 fixup)
{
	regs->rip = fixup;
	regs->rflags &= ~(u64)RFLAGS_AC;
}

static void user_exception(struct regs *regs, u64 vector)
{
	switch (vector) {
	case 0: signal_fault(SIGFPE, FPE_INTDIV, regs->rip); break;
	case 1: signal_fault(SIGTRAP, TRAP_TRACE, regs->rip); break;
	case 3: signal_fault(SIGTRAP, SI_KERNEL, 0); break;
	case 6: signal_fault(SIGILL, ILL_ILLOPN, regs->rip); break;
	case 11:
	case 12: signal_fault(SIGBUS, SI_KERNEL, 0); break;
	case 16: signal_fault(SIGFPE, x87_code(), regs->rip); break;
	case 17: signal_fault(SIGBUS, BUS_ADRALN, 0); break;
	case 19: signal_fault(SIGFPE, simd_code(), regs->rip); break;
	default: signal_fault(SIGSEGV, SI_KERNEL, 0);
	}
}

void trap_exception(struct regs *regs, u64 error, u64 vector)
{
	if (!regs_from_user(regs)) {
		bool nofault;
		u64 fixup = fault_table_find(regs->rip, &nofault);
		if (!fixup || vector != 13)
			trap_panic(exception_names[vector] ?: "reserved exception", regs, error);
		resume_at(regs, fixup);
		return;
	}
	irq_enable();
	signal_trap(vector, error, 0);
	user_exception(regs, vector);
}

static NOINLINE void signal_page_fault(int failure, u64 address, u64 error)
{
	/* As Linux: an address of the kernel's shows as a protection fault, whatever is there. */
	signal_trap(14, error | PF_USER | (address >= USER_END ? PF_PRESENT : 0), address);
	switch (failure) {
	case -EACCES: signal_fault(SIGSEGV, SEGV_ACCERR, address); break;
	case -ENXIO: signal_fault(SIGBUS, BUS_ADRERR, address); break;
	case -ENOMEM: signal_fault(SIGKILL, SI_KERNEL, 0); break;
	default: signal_fault(SIGSEGV, SEGV_MAPERR, address);
	}
}

/* The kernel touched a user address through uaccess.h, or something is badly wrong. */
static NOINLINE void kernel_page_fault(struct regs *regs, u64 address, u64 error)
{
	bool nofault;
	u64 fixup = fault_table_find(regs->rip, &nofault);
	if (!fixup || address >= USER_END || (error & PF_FETCH))
		trap_panic("page fault in the kernel", regs, error);
	if (nofault) {
		resume_at(regs, fixup);
		return;
	}
	irq_enable();
	if (mm_page_fault(address, error, false) < 0)
		resume_at(regs, fixup);
}

void trap_page_fault(struct regs *regs, u64 error)
{
	u64 address = read_cr2();
	if (unlikely(!regs_from_user(regs))) {
		kernel_page_fault(regs, address, error);
		return;
	}
	irq_enable();
	int failure = address < USER_END ? mm_page_fault(address, error, true) : -EFAULT;
	if (unlikely(failure < 0))
		signal_page_fault(failure, address, error);
}

void trap_nmi(struct regs *regs)
{
	smp_nmi();
}

void trap_double_fault(struct regs *regs, u64 error)
{
	/* The first fault was a push into the guard page below the kernel stack. */
	trap_panic("double fault (kernel stack overflow?)", regs, error);
}

void trap_machine_check(struct regs *regs)
{
	trap_panic("machine check", regs, 0);
}

static bool canonical(u64 a)
{
	return (u64)((s64)(a << 16) >> 16) == a;
}

/*
 * The last C code before iret. Whatever wrote *regs (sigreturn, execve, signal frames), what leaves
 * here cannot fault in iret: selectors and the flags beyond user space's own are forced.
 */
void exit_to_user(struct regs *regs)
{
	while (load_relaxed(&thread_current()->work) || !canonical(regs->rip)) {
		irq_enable();
		if (!canonical(regs->rip))
			signal_fault(SIGSEGV, SI_KERNEL, 0);
		user_return_work(regs);
		irq_disable();
	}
	regs->cs = SEL_USER_CS;
	regs->ss = SEL_USER_SS;
	regs->rflags = (regs->rflags & RFLAGS_USER) | RFLAGS_IF | RFLAGS_ONE;
}
