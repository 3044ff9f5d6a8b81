#include "abi/ucontext.h"
#include "arch/context.h"
#include "arch/cpu.h"
#include "arch/sigframe.h"
#include "arch/uaccess.h"
#include "kernel/lib/string.h"
#include "kernel/proc/altstack.h"
#include "kernel/proc/task.h"

enum {
	RED_ZONE = 128, /* psABI: leaf functions use it without moving rsp */
	SYSCALL_INSN_SIZE = 2,
	FPU_ALIGN = 64,
};
/* Flags that a handler may change in the context it returns to. */
enum {
	RFLAGS_TF = 0x100,
	RFLAGS_RF = 0x10000,
	RFLAGS_DF = 0x400,
	RFLAGS_USER = 0x40000 | 0x10000 | 0x800 | 0x400 | 0x100 | 0x80 | 0x40 | 0x10 | 0x4 | 0x1,
};

void sigframe_restart(struct regs *regs, u64 number)
{
	regs->rax = number;
	regs->rip -= SYSCALL_INSN_SIZE;
}

size_t sigframe_max_size(void)
{
	return ROUND_UP(sizeof(struct rt_sigframe_abi) + RED_ZONE + arch_fpu_frame_size() +
	                        FPU_ALIGN - 1 + 16 + 8,
	                16ul);
}

#define FRAME(field) offsetof(struct rt_sigframe_abi, field)

struct frame_place {
	u64 frame, fpu;
};

/* => 0, or -EFAULT when an alternate stack would overflow. */
static int place_frame(const struct regs *regs, const struct sigaction_abi *action,
                       struct frame_place *out)
{
	const struct task *t = task_current();
	u64 sp = regs->rsp - RED_ZONE;
	bool nested = altstack_holds(t, regs->rsp), on_alternate = nested;

	if ((action->flags & SA_ONSTACK) && !nested && t->altstack_size) {
		sp = t->altstack_base + t->altstack_size;
		on_alternate = true;
	}
	out->fpu = ROUND_DOWN(sp - arch_fpu_frame_size(), (u64)FPU_ALIGN);
	/* The handler is entered as if called: rsp + 8 is a multiple of 16. */
	out->frame = ROUND_DOWN(out->fpu - sizeof(struct rt_sigframe_abi), 16ul) - 8;
	if (on_alternate && (out->frame < t->altstack_base || out->frame >= sp))
		return -EFAULT;
	return 0;
}

/* Registers and their places in the frame: stored and loaded one by one, without a copy in between. */
/* clang-format off */
#define CONTEXT_REGS(R)                                                                            \
	R(r8) R(r9) R(r10) R(r11) R(r12) R(r13) R(r14) R(r15) R(rdi) R(rsi) R(rbp) R(rbx) R(rdx)   \
	R(rax) R(rcx) R(rsp) R(rip)
/* clang-format on */

#define UC(field)      offsetof(struct ucontext_abi, field)
#define CONTEXT(field) UC(mcontext.field)
/* One word to or from the frame; the offset is an immediate, so each is one instruction. */
#define PUT(offset, expr)                                                                          \
	__asm__ volatile goto("1:\tmov %0, %c1(%2)\n\t" USER_FAULT("1b", "%l3", "0")               \
	                      :                                                                    \
	                      : "r"((u64)(expr)), "i"(offset), "r"(to)                             \
	                      : "memory"                                                           \
	                      : fault)
#define GET(offset, where)                                                                         \
	__asm__ volatile goto("1:\tmov %c2(%1), %0\n\t" USER_FAULT("1b", "%l3", "0")               \
	                      : "=&r"(where)                                                       \
	                      : "r"(from), "i"(offset)                                             \
	                      :                                                                    \
	                      : fault)

/* The user range has been checked; to: address of the ucontext. */
static int save_context(u64 to, const struct regs *r, u64 fpu, u64 saved,
                        const struct sigaltstack_abi *stack)
{
	const struct task *t = task_current();

	user_open();
	PUT(UC(flags),
	    UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS | (cpu_features.xsave ? (u64)UC_FP_XSTATE : 0));
	PUT(UC(link), 0);
	PUT(UC(stack.sp), stack->sp);
	PUT(UC(stack.flags), (u32)stack->flags);
	PUT(UC(stack.size), stack->size);
#define R(name) PUT(CONTEXT(name), r->name);
	CONTEXT_REGS(R)
#undef R
	PUT(CONTEXT(rflags), r->rflags);
	PUT(CONTEXT(cs), (u16)r->cs | (u64)(u16)r->ss << 48); /* gs and fs between them: 0 */
	PUT(CONTEXT(err), t->trap.error);
	PUT(CONTEXT(trapno), t->trap.number);
	PUT(CONTEXT(oldmask), saved);
	PUT(CONTEXT(cr2), t->trap.address);
	PUT(CONTEXT(fpstate), fpu);
	PUT(UC(sigmask), saved);
#define R(i) PUT(CONTEXT(reserved) + 8 * (i), 0);
	/* clang-format off */
	R(0) R(1) R(2) R(3) R(4) R(5) R(6) R(7)
	/* clang-format on */
#undef R
		user_close();
	return 0;
fault:
	return -EFAULT;
}

/* A handler that does not ask for siginfo finds that part of the frame unwritten, as on Linux. */
static int siginfo_to_user(uptr_t to, const struct siginfo *info)
{
	TRY(copy_to_user(to, info, SIGINFO_USED));
	return clear_user(uptr_add(to, SIGINFO_USED), sizeof(*info) - SIGINFO_USED);
}

static void enter_handler(struct regs *regs, int sig, const struct sigaction_abi *action, u64 frame)
{
	regs->rdi = sig;
	regs->rsi = frame + FRAME(info);
	regs->rdx = frame + FRAME(uc);
	regs->rax = 0;
	regs->rip = action->handler;
	regs->rsp = frame;
	regs->cs = USER_CS;
	regs->ss = USER_SS;
	regs->rflags &= ~(u64)(RFLAGS_DF | RFLAGS_TF | RFLAGS_RF);
}

int sigframe_setup(struct regs *regs, int sig, const struct siginfo *info,
                   const struct sigaction_abi *action, u64 saved)
{
	struct sigaltstack_abi stack;
	struct frame_place at;

	/* x86-64 has no trampoline of the kernel's: without SA_RESTORER there is no way back. */
	if (!(action->flags & SA_RESTORER))
		return -EFAULT;
	TRY(place_frame(regs, action, &at));
	if (!user_range_ok(UPTR(at.frame), sizeof(struct rt_sigframe_abi)))
		return -EFAULT;
	altstack_save(&stack, regs->rsp);
	TRY(arch_fpu_to_user(at.fpu));
	TRY(save_context(at.frame + FRAME(uc), regs, at.fpu, saved, &stack));
	TRY(copy_to_user(UPTR(at.frame), &action->restorer, sizeof(u64)));
	if (action->flags & SA_SIGINFO)
		TRY(siginfo_to_user(UPTR(at.frame + FRAME(info)), info));
	altstack_disarm();
	enter_handler(regs, sig, action, at.frame);
	return 0;
}

struct saved_context {
	u64 rflags, fpu, sigmask;
	struct sigaltstack_abi stack;
};

/* Reads a frame into *r and *out; from: address of the ucontext. On failure *r is partly overwritten. */
static int load_context(struct regs *r, u64 from, struct saved_context *out)
{
	u64 stack_flags;

	if (!user_range_ok(UPTR(from), sizeof(struct ucontext_abi)))
		return -EFAULT;
	user_open();
#define R(name) GET(CONTEXT(name), r->name);
	CONTEXT_REGS(R)
#undef R
	GET(CONTEXT(rflags), out->rflags);
	GET(CONTEXT(fpstate), out->fpu);
	GET(UC(sigmask), out->sigmask);
	GET(UC(stack.sp), out->stack.sp);
	GET(UC(stack.flags), stack_flags);
	GET(UC(stack.size), out->stack.size);
	user_close();
	out->stack.flags = (s32)stack_flags;
	return 0;
fault:
	return -EFAULT;
}

static int restore_frame(struct regs *regs, u64 frame)
{
	struct saved_context saved;

	TRY(load_context(regs, frame + FRAME(uc), &saved));
	regs->cs = USER_CS;
	regs->ss = USER_SS;
	regs->rflags = (regs->rflags & ~(u64)RFLAGS_USER) | (saved.rflags & RFLAGS_USER);
	regs->orig_rax = -1; /* not a system call any more: nothing to restart */
	TRY(arch_fpu_from_user(saved.fpu));
	signal_mask_set(saved.sigmask);
	altstack_restore(&saved.stack, regs->rsp);
	return 0;
}

/* The handler's return popped return_address, so the frame begins 8 below. */
long sigframe_return(struct regs *regs)
{
	if (restore_frame(regs, regs->rsp - 8) < 0) {
		regs->orig_rax = -1;
		signal_force(task_current(), SIGSEGV, NULL);
		return 0;
	}
	return regs->rax;
}
