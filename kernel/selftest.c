/*
 * The self-test runner: kernel/lib/test.h. Tests run one after the other in process 1, which has credentials, files
 * and an address space, the first on processor 0, the next on processor 1 and so on; a test that needs
 * company starts its own threads. Output is TAP; the process exit status of QEMU is arch_exit()'s.
 */
#include "kernel/lib/test.h"
#include <stdarg.h>
#include "arch/clock.h"
#include "arch/cpu.h"
#include "kernel/lib/printf.h"
#include "kernel/log.h"
#include "kernel/main.h"
#include "kernel/panic.h"
#include "kernel/sched/policy.h"
#include "kernel/sched/thread.h"

extern const struct test *const tests_start[], *const tests_end[];

static u32 failures; /* [a] of the running test: its threads may all report */

void test_fail(const char *file, int line, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_bare("# %s:%d: %s\n", file, line, text);
	__atomic_fetch_add(&failures, 1, __ATOMIC_RELAXED);
}

/* Shell patterns: * and ? only. */
static bool glob_match(const char *pattern, const char *name)
{
	for (; *pattern && *pattern != '*'; pattern++, name++) {
		if (!*name || (*pattern != '?' && *pattern != *name))
			return false;
	}
	if (!*pattern)
		return !*name;
	for (pattern++;; name++) {
		if (glob_match(pattern, name))
			return true;
		if (!*name)
			return false;
	}
}

static bool run_test(const struct test *test, u32 cpu)
{
	store_relaxed(&failures, 0);
	if (thread_set_affinity(thread_current(), (struct cpumask){BIT(cpu)}) < 0)
		test_fail(test->file, 0, "processor %u cannot be had", cpu);
	test->run();
	return load_relaxed(&failures) == 0;
}

static u32 count_matching(const char *pattern)
{
	u32 n = 0;
	for (const struct test *const *t = tests_start; t < tests_end; t++)
		n += glob_match(pattern, (*t)->name);
	return n;
}

void selftest_run(const char *pattern)
{
	u32 planned = count_matching(pattern), number = 0, failed = 0;
	panic_ends_selftest();
	log_bare("TAP version 13\n1..%u\n", planned);
	for (const struct test *const *t = tests_start; t < tests_end; t++) {
		if (!glob_match(pattern, (*t)->name))
			continue;
		u64 start = clock_mono_ns();
		bool ok = run_test(*t, number % cpu_count);
		failed += !ok;
		log_bare("%s %u - %s # %llu us\n", ok ? "ok" : "not ok", ++number, (*t)->name,
		         (unsigned long long)(clock_mono_ns() - start) / 1000);
	}
	log_bare("# %u passed, %u failed\n", planned - failed, failed);
	arch_exit(failed || !planned);
}
