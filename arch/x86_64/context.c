/*
 * Threads' stacks, first frames, and the switch.
 *
 * A kernel stack, with guard pages below and above it (vmap_alloc):
 *
 *	| stack grows down ...  struct regs | FPU save area |
 *	                        stack_top --^
 */
#include "arch/context.h"
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/internal.h"
#include "kernel/lib/string.h"
#include "kernel/mm/slab.h"
#include "kernel/sched/thread.h"

extern char thread_first_user[], thread_first_kernel[];

/* What arch_switch_stacks pops, bottom first. */
struct switch_frame {
	u64 r15, r14, r13, r12, rbp, rbx, rip;
};

/* A few stacks of dead threads, so that a thread's life does not cost two changes of the kernel map. */
enum { STACK_CACHE = 8 };
struct stack_cache {
	void *stacks[STACK_CACHE];
	u32 count;
};
PERCPU(struct stack_cache, stack_cache);

/*
 * The base of user space's gs that this processor was last given. The registers may hold less: loading the null
 * selector, which leaves no trace, makes a base 0. So a base that is not 0 is written at every switch, even when the
 * two threads have the same one, as parent and child do; a 0 can only have stayed a 0. Thread pointers are never
 * 0 for long: fs has no such test.
 */
PERCPU(u64, loaded_gs_base);
PERCPU(u64, user_rsp); /* syscall_entry's scratch */

static void *stack_alloc(void)
{
	struct stack_cache *cache = this_cpu_ptr(stack_cache);
	return cache->count ? cache->stacks[--cache->count] : vmap_alloc(KERNEL_STACK_SIZE);
}

static void *stack_base(const struct arch_thread *a)
{
	return (void *)(a->stack_top - (KERNEL_STACK_SIZE - fpu_state_size));
}

int arch_thread_init(struct arch_thread *a, void (*fn)(void *arg), void *arg)
{
	char *stack = stack_alloc();
	if (!stack)
		return -ENOMEM;
	u64 top = (u64)stack + KERNEL_STACK_SIZE - fpu_state_size;
	*a = (struct arch_thread){.stack_top = top, .fpu_cpu = ~0u};
	/* Below the place of struct regs: the function may end in arch_enter_user(). */
	struct switch_frame *frame = (struct switch_frame *)arch_thread_regs(a) - 1;
	*frame = (struct switch_frame){
		.rbx = (u64)fn, .r12 = (u64)arg, .rip = (u64)thread_first_kernel};
	a->rsp = (u64)frame;
	return 0;
}

void arch_thread_set_user(struct arch_thread *a, const struct regs *regs)
{
	struct regs *to = arch_thread_regs(a);
	*to = *regs;
	struct switch_frame *frame = (struct switch_frame *)to - 1;
	*frame = (struct switch_frame){.rip = (u64)thread_first_user};
	a->rsp = (u64)frame;
	a->user = 1;
}

void arch_thread_destroy(struct arch_thread *a)
{
	struct stack_cache *cache = this_cpu_ptr(stack_cache);
	if (!a->stack_top)
		return;
	void *stack = stack_base(a);
	a->stack_top = 0;
	if (cache->count < STACK_CACHE)
		cache->stacks[cache->count++] = stack;
	else
		vmap_free(stack, KERNEL_STACK_SIZE);
}

void arch_stacks_drain(void)
{
	for_each_cpu (cpu) {
		struct stack_cache *cache = cpu_ptr(stack_cache, cpu);
		while (cache->count)
			vmap_free(cache->stacks[--cache->count], KERNEL_STACK_SIZE);
	}
}

int arch_thread_clone(struct arch_thread *to)
{
	struct arch_thread *from = &thread_current()->arch;
	to->fs_base = from->fs_base;
	to->gs_base = from->gs_base;
	fpu_copy(to, from);
	return 0;
}

void arch_thread_reset(struct arch_thread *a)
{
	fpu_drop(a);
	arch_set_fs_base(0);
	arch_set_gs_base(0);
}

void arch_enter_user(void)
{
	struct arch_thread *a = &thread_current()->arch;
	irq_disable();
	a->user = 1;
	this_cpu(tss).rsp[0] = a->stack_top;
	arch_set_fs_base(a->fs_base);
	arch_set_gs_base(a->gs_base);
	__asm__ volatile("mov %0, %%rsp; jmp return_to_user" ::"r"(arch_thread_regs(a)) : "memory");
	__builtin_unreachable();
}

void arch_set_fs_base(u64 base)
{
	thread_current()->arch.fs_base = base;
	wrmsr(MSR_FS_BASE, base);
}
/* What user space sees now: it may have loaded a selector since the base was set. */
u64 arch_get_fs_base(void)
{
	return rdmsr(MSR_FS_BASE);
}
/* In the kernel the user's gs base waits in KERNEL_GS_BASE for swapgs. */
void arch_set_gs_base(u64 base)
{
	thread_current()->arch.gs_base = base;
	this_cpu(loaded_gs_base) = base;
	wrmsr(MSR_KERNEL_GS_BASE, base);
}
u64 arch_get_gs_base(void)
{
	return rdmsr(MSR_KERNEL_GS_BASE);
}

/*
 * User space loaded a selector into fs or gs, which changed the base behind our back (only the null
 * selector is of use in 64-bit mode). Keeps the base, drops the selector: the next thread must not inherit it.
 */
static COLD void selectors_drop(struct thread *prev)
{
	u64 kernel_gs = rdmsr(MSR_GS_BASE);
	prev->arch.fs_base = rdmsr(MSR_FS_BASE);
	prev->arch.gs_base = this_cpu(loaded_gs_base) = rdmsr(MSR_KERNEL_GS_BASE);
	u64 fs_base = prev->arch.fs_base;
	__asm__ volatile("cli; mov %0, %%fs; mov %0, %%gs" ::"r"(0));
	wrmsr(MSR_GS_BASE, kernel_gs);
	wrmsr(MSR_FS_BASE, fs_base);
	irq_enable();
}

static ALWAYS_INLINE bool selectors_loaded(void)
{
	u32 fs, gs;
	__asm__ volatile("mov %%fs, %0; mov %%gs, %1" : "=r"(fs), "=r"(gs));
	return (fs | gs) != 0;
}

static ALWAYS_INLINE void load_bases(const struct arch_thread *next)
{
	wrmsr(MSR_FS_BASE, next->fs_base);
	if (unlikely(this_cpu(loaded_gs_base) | next->gs_base)) {
		this_cpu(loaded_gs_base) = next->gs_base;
		wrmsr(MSR_KERNEL_GS_BASE, next->gs_base);
	}
}

struct thread *arch_switch_stacks(u64 *save_rsp, u64 rsp, struct thread *prev);

/* Everything that a switch may have to do. */
static NOINLINE struct thread *switch_whole(struct thread *prev, struct thread *next)
{
	if (prev->arch.fpu_live)
		fpu_save(&prev->arch);
	if (selectors_loaded())
		selectors_drop(prev);
	if (next->arch.user)
		load_bases(&next->arch);
	this_cpu(tss).rsp[0] = next->arch.stack_top;
	return arch_switch_stacks(&prev->arch.rsp, next->arch.rsp, prev);
}

/* What it has to do nearly always: the bases. No call on this path, so nothing is saved for one. */
struct thread *arch_switch(struct thread *prev, struct thread *next)
{
	if (unlikely(prev->arch.fpu_live) || unlikely(selectors_loaded()))
		return switch_whole(prev, next);
	if (next->arch.user)
		load_bases(&next->arch);
	this_cpu(tss).rsp[0] = next->arch.stack_top;
	return arch_switch_stacks(&prev->arch.rsp, next->arch.rsp, prev);
}
