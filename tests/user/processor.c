/*
 * The processor's side of the ABI: which signal and si_code each fault becomes, what system calls, signals and
 * switches leave of the registers, and frames that a hostile program hands to sigreturn(2) (K3, E6).
 * QEMU without hardware help raises neither SIMD exceptions nor alignment checks: those are not here.
 */
#include "harness.h"
#include <setjmp.h>
#include <ucontext.h>

static sigjmp_buf back;
static volatile int seen_signal, seen_code;
static void *volatile seen_address;
static ucontext_t seen_context;

static void leave(int number, siginfo_t *info, void *context)
{
	seen_signal = number;
	seen_code = info->si_code;
	seen_address = info->si_addr;
	seen_context = *(ucontext_t *)context;
	siglongjmp(back, 1);
}
static void catch_faults(void)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
	struct sigaction action = {.sa_sigaction = leave, .sa_flags = SA_SIGINFO};
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		sigaction(faults[i], &action, NULL);
}

/* Runs the instructions and expects this signal with this code. */
#define TRAPS(signal_, code_, ...)                                                                 \
	do {                                                                                       \
		seen_signal = 0;                                                                   \
		catch_faults();                                                                    \
		if (!sigsetjmp(back, 1)) {                                                         \
			__VA_ARGS__;                                                               \
			test_fail(__FILE__, __LINE__, "%s: no signal", #__VA_ARGS__);              \
		} else {                                                                           \
			EQ(seen_signal, signal_);                                                  \
			EQ(seen_code, code_);                                                      \
		}                                                                                  \
	} while (0)
#define INSN(text) __asm__ volatile(text ::: "rax", "rbx", "rcx", "rdx", "memory", "cc")

enum { SI_KERNEL_ = 0x80 };

/* The compiler does not know where it goes, and cannot say that it is nonsense. */
static void touch(unsigned long address)
{
	__asm__ volatile("" : "+r"(address));
	(void)*(volatile char *)address;
}

TEST(arithmetic_faults)
{
	TRAPS(SIGFPE, FPE_INTDIV, INSN("xor %%eax, %%eax; xor %%edx, %%edx; div %%eax"));
	TRAPS(SIGFPE, FPE_INTDIV, INSN("mov $1, %%edx; mov $1, %%ecx; div %%ecx"));
	unsigned short control = 0x37f & ~4;
	TRAPS(SIGFPE, FPE_FLTDIV,
	      __asm__ volatile("fldcw %0; fld1; fldz; fdivrp; fwait" ::"m"(control)));
}

TEST(illegal_and_privileged_instructions)
{
	TRAPS(SIGILL, ILL_ILLOPN, INSN("ud2"));
	EQ(*(unsigned char *)seen_address, 0x0f);
	TRAPS(SIGSEGV, SI_KERNEL_, INSN("hlt"));
	EQ(seen_address, 0);
	TRAPS(SIGSEGV, SI_KERNEL_, INSN("cli"));
	TRAPS(SIGSEGV, SI_KERNEL_, INSN("xor %%eax, %%eax; mov $0x80, %%dx; out %%al, %%dx"));
	TRAPS(SIGSEGV, SI_KERNEL_, INSN("mov $0xc0000080, %%ecx; rdmsr"));
	TRAPS(SIGSEGV, SI_KERNEL_, INSN("mov %%cr0, %%rax"));
	TRAPS(SIGSEGV, SI_KERNEL_, INSN("int $0x10"));
	TRAPS(SIGSEGV, SI_KERNEL_, INSN("mov $0x10, %%eax; mov %%eax, %%ds"));
}

TEST(breakpoints_and_single_steps)
{
	TRAPS(SIGTRAP, SI_KERNEL_, INSN("int3"));
	TRAPS(SIGTRAP, TRAP_TRACE, INSN("pushf; orl $0x100, (%%rsp); popf; nop; nop"));
	/* Stepping over a system call. */
	TRAPS(SIGTRAP, TRAP_TRACE,
	      __asm__ volatile("mov $39, %%eax; pushf; orl $0x100, (%%rsp); popf; syscall; nop" ::
	                               : "rax", "rcx", "r11", "memory", "cc"));
}

TEST(memory_faults)
{
	char *page = MUST(mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	TRAPS(SIGSEGV, SEGV_MAPERR, touch(8));
	EQ(seen_address, 8);
	TRAPS(SIGSEGV, SEGV_ACCERR, *(volatile char *)(page + 5) = 1);
	EQ(seen_address, page + 5);
	TRAPS(SIGSEGV, SEGV_MAPERR, touch(0xffffffff80101000));
	TRAPS(SIGSEGV, SEGV_MAPERR, touch(0xffff800000001000));
	TRAPS(SIGSEGV, SI_KERNEL_, touch(0x8000000000000000));
	EQ(seen_address, 0);
	TRAPS(SIGSEGV, SEGV_ACCERR, ((void (*)(void))page)());
	TRAPS(SIGSEGV, SI_KERNEL_, ((void (*)(void))0x0000800000000000)());
	int fd = MUST(memfd_create("short", 0));
	char *file = MUST(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0));
	TRAPS(SIGBUS, BUS_ADRERR, *(volatile char *)(file + 1));
	EQ(seen_address, file + 1);
}

/* All that the ABI promises to leave alone: everything but rax, rcx and r11. */
static int call_keeps_registers(long number)
{
	long bad = 0;
	__asm__ volatile("mov $0x1111111111111111, %%rbx; mov $0x2222222222222222, %%r12\n"
	                 "mov $0x3333333333333333, %%r13; mov $0x4444444444444444, %%r14\n"
	                 "mov $0x5555555555555555, %%r15; mov $-1, %%rdi; mov $-2, %%rsi\n"
	                 "mov $-3, %%rdx; mov $-4, %%r10; mov $-5, %%r8; mov $-6, %%r9\n"
	                 "syscall\n"
	                 "cmp $-1, %%rdi; jne 1f; cmp $-2, %%rsi; jne 1f; cmp $-3, %%rdx; jne 1f\n"
	                 "cmp $-4, %%r10; jne 1f; cmp $-5, %%r8; jne 1f; cmp $-6, %%r9; jne 1f\n"
	                 "mov $0x1111111111111111, %%rax; cmp %%rax, %%rbx; jne 1f\n"
	                 "mov $0x2222222222222222, %%rax; cmp %%rax, %%r12; jne 1f\n"
	                 "mov $0x3333333333333333, %%rax; cmp %%rax, %%r13; jne 1f\n"
	                 "mov $0x4444444444444444, %%rax; cmp %%rax, %%r14; jne 1f\n"
	                 "mov $0x5555555555555555, %%rax; cmp %%rax, %%r15; je 2f\n"
	                 "1: mov $1, %%eax; jmp 3f\n2: xor %%eax, %%eax\n3:"
	                 : "=a"(bad)
	                 : "a"(number)
	                 : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
	                   "r13", "r14", "r15", "memory", "cc");
	return !bad;
}

TEST(system_calls_keep_registers)
{
	YES(call_keeps_registers(SYS_getppid));
	YES(call_keeps_registers(SYS_sched_yield));
	YES(call_keeps_registers(SYS_close));
	YES(call_keeps_registers(100000));
	YES(call_keeps_registers(400));
}

static long raw(long number)
{
	long result;
	__asm__ volatile("syscall" : "=a"(result) : "a"(number) : "rcx", "r11", "memory");
	return result;
}
TEST(system_call_numbers_are_ints)
{
	EQ(raw(-1), -ENOSYS);
	EQ(raw(1000000), -ENOSYS);
	EQ(raw(INT32_MIN), -ENOSYS);
	EQ(raw(SYS_getpid), getpid());
	EQ(raw(0x7fffffff00000000 | SYS_getpid), getpid());
}

static double through(long number, double in)
{
	double out;
	__asm__ volatile("movsd %1, %%xmm5; fld1; syscall; movsd %%xmm5, %0; fstp %%st(0)"
	                 : "=m"(out)
	                 : "m"(in), "a"(number)
	                 : "rcx", "r11", "xmm5", "memory");
	return out;
}

TEST(floating_point_survives_switches)
{
	pid_t pids[4];
	for (int p = 0; p < 4; p++) {
		CHILD(pids[p])
		{
			for (int i = 0; i < 3000; i++)
				YES(through(SYS_sched_yield, p * 10000 + i) == p * 10000 + i);
		}
	}
	for (int p = 0; p < 4; p++)
		REAP(pids[p]);
}

TEST(floating_point_is_inherited_by_fork)
{
	double in = 7.25, out = 0;
	int status;
	pid_t pid;
	__asm__ volatile("movsd %2, %%xmm9; mov %3, %%eax; syscall; movsd %%xmm9, %1"
	                 : "=&a"(pid), "=m"(out)
	                 : "m"(in), "i"(SYS_fork)
	                 : "rcx", "r11", "xmm9", "memory");
	if (pid == 0)
		_exit(out != in);
	YES(out == in);
	OK(waitpid(pid, &status, 0));
	EQ(status, 0);
}

static void spoil_registers(int number)
{
	(void)number;
	signals_seen++;
	__asm__ volatile("pcmpeqd %%xmm5, %%xmm5; fninit; mov $-1, %%r10; mov $-1, %%r9" ::
	                         : "xmm5", "r9", "r10");
}
TEST(signals_keep_floating_point)
{
	on_signal(SIGUSR1, spoil_registers, 0);
	for (int i = 0; i < 100; i++) {
		double in = i + 0.5, out;
		__asm__ volatile("movsd %1, %%xmm5; syscall; movsd %%xmm5, %0"
		                 : "=m"(out)
		                 : "m"(in), "a"(SYS_kill), "D"((long)getpid()), "S"((long)SIGUSR1)
		                 : "rcx", "r11", "xmm5", "memory");
		YES(in == out);
	}
	EQ(signals_seen, 100);
}

static void (*edit)(ucontext_t *c);
static void run_edit(int number, siginfo_t *info, void *context)
{
	(void)number, (void)info;
	edit(context);
}
/* A child edits the frame of its own signal; => its wait status. */
static int sigreturn_of(void (*how)(ucontext_t *c))
{
	pid_t pid;
	CHILD(pid)
	{
		struct sigaction action = {.sa_sigaction = run_edit, .sa_flags = SA_SIGINFO};
		edit = how;
		signal(SIGSEGV, SIG_DFL);
		sigaction(SIGUSR1, &action, NULL);
		raise(SIGUSR1);
	}
	return reap(pid);
}
static void nothing(ucontext_t *c)
{
	(void)c;
}
static void rip_not_canonical(ucontext_t *c)
{
	c->uc_mcontext.gregs[REG_RIP] = 0x0000800000000000;
}
static void rip_in_kernel(ucontext_t *c)
{
	c->uc_mcontext.gregs[REG_RIP] = (long long)0xffffffff80101000;
}
static void rip_at_the_top(ucontext_t *c)
{
	c->uc_mcontext.gregs[REG_RIP] = 0x00007ffffffffffe;
}
static void rsp_not_canonical(ucontext_t *c)
{
	c->uc_mcontext.gregs[REG_RSP] = 0x7fff000000000000;
}
static void all_flags(ucontext_t *c)
{
	c->uc_mcontext.gregs[REG_EFL] = -1 & ~0x100 & ~0x40000 & ~0x400; /* TF, AC, DF would act */
}
static void no_flags(ucontext_t *c)
{
	c->uc_mcontext.gregs[REG_EFL] = 0; /* without IF: the machine must go on */
}
static void mxcsr_reserved(ucontext_t *c)
{
	if (c->uc_mcontext.fpregs)
		c->uc_mcontext.fpregs->mxcsr = 0xffffffff;
}
static void fpregs_elsewhere(ucontext_t *c)
{
	c->uc_mcontext.fpregs = (void *)8;
}
static void fpregs_in_kernel(ucontext_t *c)
{
	c->uc_mcontext.fpregs = (void *)0xffff800000000000;
}

TEST(sigreturn_of_forged_frames)
{
	EQ(sigreturn_of(nothing), 0);
	EQ(WTERMSIG(sigreturn_of(rip_not_canonical)), SIGSEGV);
	EQ(WTERMSIG(sigreturn_of(rip_in_kernel)), SIGSEGV);
	EQ(WTERMSIG(sigreturn_of(rip_at_the_top)), SIGSEGV);
	YES(sigreturn_of(rsp_not_canonical) != 0);
	EQ(sigreturn_of(all_flags), 0);
	EQ(sigreturn_of(no_flags), 0);
	EQ(WTERMSIG(sigreturn_of(mxcsr_reserved)), SIGSEGV);
	EQ(WTERMSIG(sigreturn_of(fpregs_elsewhere)), SIGSEGV);
	EQ(WTERMSIG(sigreturn_of(fpregs_in_kernel)), SIGSEGV);
}

/* Handlers and system calls at hostile addresses. */
TEST(stack_pointers_out_of_this_world)
{
	static const unsigned long stacks[] = {0,
	                                       8,
	                                       0x00007ffffffff000,
	                                       0x0000800000000000,
	                                       0xffff800000000000,
	                                       0xffffffffffffffff};
	for (size_t i = 0; i < sizeof(stacks) / sizeof(*stacks); i++) {
		pid_t pid;
		CHILD(pid)
		{
			__asm__ volatile(
				"mov %0, %%rsp; mov %1, %%eax; syscall; ud2" ::"r"(stacks[i]),
				"i"(SYS_getpid));
		}
		/* ud2's signal cannot be delivered to such a stack, with or without a handler. */
		EQ(WTERMSIG(reap(pid)), SIGILL);
	}
}

/* Selectors of one process must not reach another: its thread pointer would be gone. */
TEST(selectors_stay_with_their_thread)
{
	pid_t pid;
	atomic_int *stop = shared(4096);
	CHILD(pid)
	{
		__asm__ volatile("mov %0, %%gs" ::"r"(0x2b));
		while (!atomic_load(stop)) {
			long yield = SYS_sched_yield;
			__asm__ volatile("syscall" : "+a"(yield)::"rcx", "r11", "memory");
		}
	}
	for (int i = 0; i < 2000; i++) {
		sched_yield();
		errno = i; /* by way of fs */
		EQ(errno, i);
	}
	atomic_store(stop, 1);
	REAP(pid);
}

/* The null selector makes a base 0 and leaves no trace. Parent and child have the same thread pointer. */
TEST(null_selectors_stay_with_their_thread)
{
	cpu_set_t one;
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	MUST(sched_setaffinity(0, sizeof(one), &one));
	atomic_int *stop = shared(4096), *turns = stop + 1;
	pid_t pid;
	CHILD(pid)
	{
		while (!atomic_load(stop)) {
			long yield = SYS_sched_yield;
			atomic_fetch_add(turns, 1);
			__asm__ volatile("mov %1, %%fs; mov %1, %%gs; syscall"
			                 : "+a"(yield)
			                 : "r"(0)
			                 : "rcx", "r11", "memory");
		}
		__asm__ volatile("syscall" ::"a"(SYS_exit_group), "D"(0));
	}
	for (int i = 0; i < 2000 || atomic_load(turns) < 100; i++) {
		sched_yield();
		errno = i; /* by way of fs */
		EQ(errno, i);
	}
	atomic_store(stop, 1);
	REAP(pid);
}

enum { ARCH_SET_GS = 0x1001, ARCH_GET_GS = 0x1004 }; /* arch_prctl(2) */

/* ARCH_GET_GS tells what the processor has, also after a selector changed it. */
TEST(segment_bases_are_the_true_ones)
{
	long *page =
		MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	unsigned long base;
	page[3] = 0x5eed;
	MUST(syscall(SYS_arch_prctl, ARCH_SET_GS, page));
	MUST(syscall(SYS_arch_prctl, ARCH_GET_GS, &base));
	EQ(base, page);
	__asm__ volatile("mov %0, %%gs" ::"r"(0));
	for (int i = 0; i < 3; i++) {
		long found;
		MUST(syscall(SYS_arch_prctl, ARCH_GET_GS, &base));
		__asm__ volatile("mov %%gs:(%1), %0"
		                 : "=r"(found)
		                 : "r"((unsigned long)(page + 3) - base)
		                 : "memory");
		EQ(found, 0x5eed);
	}
	MUST(syscall(SYS_arch_prctl, ARCH_SET_GS, 0));
}

static volatile int steps;
static void count_step(int number)
{
	steps += number == SIGTRAP;
}

/* Nested task is a flag like others to user space, and iret's trouble is the kernel's. */
static unsigned long flags_after_call(unsigned long set)
{
	unsigned long seen;
	__asm__ volatile("sub $128, %%rsp; pushf; or %1, (%%rsp); popf\n"
	                 "mov %2, %%eax; syscall\n"
	                 "pushf; mov (%%rsp), %0; not %1; and %1, (%%rsp); popf; add $128, %%rsp"
	                 : "=&r"(seen), "+r"(set)
	                 : "i"(SYS_getppid)
	                 : "rax", "rcx", "r11", "memory", "cc");
	return seen;
}
TEST(flags_survive_system_calls_and_single_steps)
{
	enum { TF = 0x100, NT = 0x4000, AC = 0x40000, ID = 0x200000 };
	static const unsigned long sets[] = {NT, ID, AC, NT | ID, TF, NT | TF, NT | AC | TF | ID};
	signal(SIGTRAP, count_step);
	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
		steps = 0;
		EQ(flags_after_call(sets[i]) & sets[i], sets[i]);
		EQ(steps > 2, (sets[i] & TF) != 0);
	}
}
