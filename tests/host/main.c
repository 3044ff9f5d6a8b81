/* The runner: every TEST() linked in, or those whose name matches a shell pattern. TAP on stdout. */
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "kernel/ipc/socket/socket.h"
#include "kernel/ipc/event/epoll.h"
#include "kernel/ipc/futex/futex.h"
#include "kernel/ipc/sem/sem.h"
#include "tests/host/thread.h"

extern const struct test *const __start_tests[], *const __stop_tests[];

static int failures; /* [a] of the running test */
static u64 random_state;

void test_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	printf("# %s:%d: ", file, line);
	vprintf(fmt, ap);
	putchar('\n');
	va_end(ap);
	__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
}

void panic(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	printf("# panic: ");
	vprintf(fmt, ap);
	putchar('\n');
	fflush(stdout);
	abort();
}

u32 host_random(u32 n)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)((random_state >> 33) % n);
}

/* => did it pass? */
static bool run(const struct test *t)
{
	failures = 0;
	long before = host_live_allocations();
	host_self()->ns = ipc_ns_new();
	t->run();
	sem_undo_put(TAKE(host_self()->undo));
	ipc_ns_put(TAKE(host_self()->ns));
	host_settle();
	if (host_live_allocations() != before)
		test_fail(t->file, 0, "%ld allocations left behind",
		          host_live_allocations() - before);
	return failures == 0;
}

int main(int argc, char **argv)
{
	const char *pattern = argc > 1 ? argv[1] : "*", *seed = getenv("SEED");
	int ran = 0, failed = 0;

	random_state = seed ? strtoull(seed, NULL, 0) : 20261121;
	printf("# SEED=%llu\n", (unsigned long long)random_state);
	host_init();
	futex_init();
	epoll_init();
	socket_init();
	for (const struct test *const *t = __start_tests; t < __stop_tests; t++) {
		if (fnmatch(pattern, (*t)->name, 0))
			continue;
		bool passed = run(*t);
		ran++;
		failed += !passed;
		printf("%s %d - %s\n", passed ? "ok" : "not ok", ran, (*t)->name);
		fflush(stdout);
	}
	printf("1..%d\n", ran);
	return failed || !ran;
}
