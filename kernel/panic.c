#include "kernel/panic.h"
#include <stdarg.h>
#include "arch/boot.h"
#include "arch/clock.h"
#include "arch/cpu.h"
#include "arch/regs.h"
#include "arch/unwind.h"
#include "kernel/lib/bug.h"
#include "kernel/lib/log.h"
#include "kernel/lib/printf.h"
#include "kernel/log.h"
#include "kernel/sched/thread.h"
#include "kernel/lib/symbols.h"

enum { BACKTRACE_MAX = 48 };

static s64 panic_timeout; /* seconds */
static bool ends_selftest;
static u32 panicking; /* [a] */

/* A decimal number with sign; kernel/lib has no strtol, and this is the one place that wants it. */
static s64 parse_number(const char *s)
{
	bool negative = *s == '-';
	s64 v = 0;
	for (s += negative; *s >= '0' && *s <= '9'; s++)
		v = v * 10 + (*s - '0');
	return negative ? -v : v;
}

void panic_init(void)
{
	char value[16];
	if (boot_option("panic", value, sizeof(value)))
		panic_timeout = parse_number(value);
}
void panic_ends_selftest(void)
{
	ends_selftest = true;
}

/* A return address may be the first byte behind its function: `back` 1 names the call's own function. */
static void print_address(u64 pc, u64 back)
{
	u64 start;
	const char *name = symbol_find(pc - back, &start);
	if (name)
		log_warn("  %016llx %s+0x%llx", (unsigned long long)pc, name,
		         (unsigned long long)(pc - start));
	else
		log_warn("  %016llx", (unsigned long long)pc);
}

static void print_regs(const struct regs *r)
{
	log_warn("rip %016llx rsp %016llx rflags %08llx cs %llx", (unsigned long long)r->rip,
	         (unsigned long long)r->rsp, (unsigned long long)r->rflags,
	         (unsigned long long)r->cs);
	log_warn("rax %016llx rbx %016llx rcx %016llx rdx %016llx", (unsigned long long)r->rax,
	         (unsigned long long)r->rbx, (unsigned long long)r->rcx,
	         (unsigned long long)r->rdx);
	log_warn("rsi %016llx rdi %016llx rbp %016llx r8  %016llx", (unsigned long long)r->rsi,
	         (unsigned long long)r->rdi, (unsigned long long)r->rbp, (unsigned long long)r->r8);
	log_warn("r9  %016llx r10 %016llx r11 %016llx r12 %016llx", (unsigned long long)r->r9,
	         (unsigned long long)r->r10, (unsigned long long)r->r11,
	         (unsigned long long)r->r12);
	log_warn("r13 %016llx r14 %016llx r15 %016llx", (unsigned long long)r->r13,
	         (unsigned long long)r->r14, (unsigned long long)r->r15);
}

static void print_backtrace(const struct regs *regs)
{
	struct unwind u;
	bool interrupted = regs;
	if (regs)
		unwind_start_at(&u, regs);
	else
		unwind_start(&u);
	log_warn("backtrace:");
	for (int i = 0; i < BACKTRACE_MAX; i++) {
		print_address(u.pc, !interrupted);
		if (!unwind_step(&u))
			break;
		interrupted = u.trap;
		if (u.trap)
			log_warn("  -- exception or interrupt --");
	}
	if (u.trap && regs_from_user(u.trap))
		log_warn("  -- user space at %016llx, call %lld --",
		         (unsigned long long)u.trap->rip, (long long)u.trap->orig_rax);
}

static NORETURN void panic_end(void)
{
	if (ends_selftest)
		arch_exit(1);
	if (panic_timeout == 0)
		arch_halt();
	u64 end = clock_mono_ns() + (panic_timeout > 0 ? (u64)panic_timeout : 0) * 1000000000ull;
	while (clock_mono_ns() < end)
		cpu_relax();
	arch_reset();
}

static NORETURN PRINTF_LIKE(2, 0) void panic_v(const struct regs *regs, const char *fmt, va_list ap)
{
	char reason[256];
	irq_disable();
	if (__atomic_exchange_n(&panicking, 1, __ATOMIC_ACQ_REL))
		arch_halt(); /* somebody else was first, or the panic itself failed */
	smp_stop_others();
	log_enter_panic();
	vsnprintf(reason, sizeof(reason), fmt, ap);
	struct thread *t = thread_current();
	log_warn("panic: %s", reason);
	log_warn("processor %u, thread %p (%s)", cpu_id(), (void *)t, t ? t->name : "boot");
	if (t)
		lockdep_print_held();
	if (regs)
		print_regs(regs);
	print_backtrace(regs);
	panic_end();
}

void panic(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	panic_v(NULL, fmt, ap);
}

void panic_at(const struct regs *regs, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	panic_v(regs, fmt, ap);
}
