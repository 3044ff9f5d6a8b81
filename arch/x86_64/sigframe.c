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

static void save_context(struct sigcontext_abi *c, const struct regs *r, u64 fpu, u64 saved)
{
	const struct task *t = task_current();

	c->r8 = r->r8;
	c->r9 = r->r9;
	c->r10 = r->r10;
	c->r11 = r->r11;
	c->r12 = r->r12;
	c->r13 = r->r13;
	c->r14 = r->r14;
	c->r15 = r->r15;
	c->rdi = r->rdi;
	c->rsi = r->rsi;
	c->rbp = r->rbp;
	c->rbx = r->rbx;
	c->rdx = r->rdx;
	c->rax = r->rax;
	c->rcx = r->rcx;
	c->rsp = r->rsp;
	c->rip = r->rip;
	c->rflags = r->rflags;
	c->cs = r->cs;
	c->gs = c->fs = 0;
	c->ss = r->ss;
	c->err = t->trap.error;
	c->trapno = t->trap.number;
	c->oldmask = saved;
	c->cr2 = t->trap.address;
	c->fpstate = fpu;
	for (u32 i = 0; i < ARRAY_SIZE(c->reserved); i++)
		c->reserved[i] = 0;
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
	regs->rsi = frame + offsetof(struct rt_sigframe_abi, info);
	regs->rdx = frame + offsetof(struct rt_sigframe_abi, uc);
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
	struct rt_sigframe_abi f;
	struct frame_place at;

	/* x86-64 has no trampoline of the kernel's: without SA_RESTORER there is no way back. */
	if (!(action->flags & SA_RESTORER))
		return -EFAULT;
	TRY(place_frame(regs, action, &at));
	f.return_address = action->restorer;
	f.uc.flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS |
	             (cpu_features.xsave ? (u64)UC_FP_XSTATE : 0);
	f.uc.link = 0;
	altstack_save(&f.uc.stack, regs->rsp);
	save_context(&f.uc.mcontext, regs, at.fpu, saved);
	f.uc.sigmask = saved;
	TRY(arch_fpu_to_user(at.fpu));
	TRY(copy_to_user(UPTR(at.frame), &f, offsetof(struct rt_sigframe_abi, info)));
	if (action->flags & SA_SIGINFO)
		TRY(siginfo_to_user(UPTR(at.frame + offsetof(struct rt_sigframe_abi, info)), info));
	altstack_disarm();
	enter_handler(regs, sig, action, at.frame);
	return 0;
}

static void load_context(struct regs *r, const struct sigcontext_abi *c)
{
	r->r8 = c->r8;
	r->r9 = c->r9;
	r->r10 = c->r10;
	r->r11 = c->r11;
	r->r12 = c->r12;
	r->r13 = c->r13;
	r->r14 = c->r14;
	r->r15 = c->r15;
	r->rdi = c->rdi;
	r->rsi = c->rsi;
	r->rbp = c->rbp;
	r->rbx = c->rbx;
	r->rdx = c->rdx;
	r->rax = c->rax;
	r->rcx = c->rcx;
	r->rsp = c->rsp;
	r->rip = c->rip;
	r->cs = USER_CS;
	r->ss = USER_SS;
	r->rflags = (r->rflags & ~(u64)RFLAGS_USER) | (c->rflags & RFLAGS_USER);
	r->orig_rax = -1; /* not a system call any more: nothing to restart */
}

static int restore_frame(struct regs *regs, u64 frame)
{
	struct ucontext_abi uc;

	TRY(copy_from_user(&uc, UPTR(frame + offsetof(struct rt_sigframe_abi, uc)), sizeof(uc)));
	TRY(arch_fpu_from_user(uc.mcontext.fpstate));
	load_context(regs, &uc.mcontext);
	signal_mask_set(uc.sigmask);
	altstack_restore(&uc.stack, regs->rsp);
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
