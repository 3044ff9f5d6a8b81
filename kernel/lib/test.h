/*
 * Self-tests. A test sits in foo_test.c beside foo.c and registers itself by being written:
 *
 *	TEST(list_splice_keeps_order) { ...; CHECK_EQ(a, b); }
 *
 * `selftest` or `selftest=PATTERN` on the kernel command line runs those whose name matches (a
 * glob), prints TAP, and ends QEMU with an exit status. The tests of kernel/ipc and kernel/lib run
 * in the hosted build too. A failed CHECK reports expected and got and goes on; the test fails.
 */
#pragma once
#include "kernel/lib/compiler.h"

struct test {
	const char *name, *file;
	void (*run)(void);
};

#define TEST(fn)                                                                                   \
	static void fn(void);                                                                      \
	static const struct test test_##fn = {#fn, __FILE__, fn};                                  \
	SECTION("tests") USED static const struct test *const test_ptr_##fn = &test_##fn;          \
	static void fn(void)

COLD void test_fail(const char *file, int line, const char *fmt, ...) PRINTF_LIKE(3, 4);
#define CHECK(x)                                                                                   \
	do {                                                                                       \
		if (!(x))                                                                          \
			test_fail(__FILE__, __LINE__, "expected %s", #x);                          \
	} while (0)
#define CHECK_EQ(got, want)                                                                        \
	do {                                                                                       \
		long long got_ = (long long)(got), want_ = (long long)(want);                      \
		if (got_ != want_)                                                                 \
			test_fail(__FILE__, __LINE__, "%s: expected %lld, got %lld", #got, want_,  \
			          got_);                                                           \
	} while (0)
