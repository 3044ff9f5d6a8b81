/*
 * Depth-first search over choices, by running the test anew for each schedule: a stack of the choices
 * made, the last one that has an alternative is advanced, what lies beyond it starts at 0 again.
 */
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "kernel/ipc/futex/futex.h"
#include "tests/sim/task.h"

struct choice {
	unsigned taken, of;
};
static struct choice *path;
static unsigned path_length, path_capacity, depth;
unsigned preemptions_left = ~0u, spurious_left;

static const char *current_test;
static unsigned test_failures;
static bool bounded;
static u64 outcomes_seen, outcomes_expected;

unsigned sim_choose(unsigned n)
{
	ASSERT(n > 0);
	if (n == 1)
		return 0;
	if (depth == path_length) {
		if (path_length == path_capacity) {
			path_capacity = path_capacity ? 2 * path_capacity : 256;
			path = realloc(path, path_capacity * sizeof *path);
		}
		path[path_length++] = (struct choice){0, n};
	}
	if (path[depth].of == 0) /* given by SIM_SCHEDULE */
		path[depth].of = n;
	if (path[depth].of != n || path[depth].taken >= n)
		panic("%s: not deterministic: choice %u had %u ways, now %u", current_test, depth,
		      path[depth].of, n);
	return path[depth++].taken;
}

void sim_preemptions(unsigned k)
{
	preemptions_left = k;
	bounded = true;
}
void sim_spurious(unsigned n)
{
	spurious_left = n;
}

void sim_outcome(unsigned n, u64 expected)
{
	outcomes_seen |= 1ull << n;
	outcomes_expected = expected;
}

/* => false when every schedule has been played. */
static bool next_schedule(void)
{
	path_length = depth;
	while (path_length && path[path_length - 1].taken + 1 == path[path_length - 1].of)
		path_length--;
	if (!path_length)
		return false;
	path[path_length - 1].taken++;
	return true;
}

static void print_schedule(void)
{
	fprintf(stderr, "  again: SIM_SCHEDULE=");
	for (unsigned i = 0; i < depth; i++)
		fprintf(stderr, "%s%u", i ? "," : "", path[i].taken);
	fprintf(stderr, "%s build/sim/run %s\n", depth ? "" : "0", current_test);
}

void test_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	if (!test_failures++) {
		fprintf(stderr, "FAIL %s\n  %s:%d: ", current_test, file, line);
		vfprintf(stderr, fmt, ap);
		fputc('\n', stderr);
		print_schedule();
	}
	va_end(ap);
}

void panic(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fprintf(stderr, "PANIC in %s: ", current_test);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	print_schedule();
	abort();
}

static void play_once(const struct test *t)
{
	depth = 0;
	preemptions_left = ~0u;
	spurious_left = 0;
	explore_restart();
	long before = sim_live_allocations();
	t->run();
	explore_restart();
	if (sim_live_allocations() != before)
		test_fail(t->file, 0, "%ld allocations left behind",
		          sim_live_allocations() - before);
}

static void load_schedule(const char *s)
{
	path_length = 0;
	path_capacity = strlen(s) + 1;
	path = realloc(path, path_capacity * sizeof *path);
	for (char *end; *s; s = *end ? end + 1 : end)
		path[path_length++] = (struct choice){strtoul(s, &end, 10), 0};
}

static NORETURN void explore_test(const struct test *t)
{
	const char *replay = getenv("SIM_SCHEDULE");
	unsigned long schedules = 0;
	current_test = t->name;
	test_failures = 0;
	bounded = false;
	outcomes_seen = outcomes_expected = 0;
	path_length = 0;
	if (replay)
		load_schedule(replay);
	do {
		play_once(t);
		schedules++;
		if (schedules > SIM_MAX_SCHEDULES)
			test_fail(t->file, 0, "more than %d schedules: bound the test",
			          SIM_MAX_SCHEDULES);
	} while (!replay && !test_failures && next_schedule());
	if (!replay && outcomes_seen != outcomes_expected)
		test_fail(t->file, 0, "outcomes: expected %#llx, got %#llx",
		          (unsigned long long)outcomes_expected, (unsigned long long)outcomes_seen);
	if (!test_failures)
		printf("ok - %s # %lu schedules%s\n", t->name, schedules,
		       bounded ? ", preemptions bounded" : ", all");
	exit(test_failures != 0);
}

/* Explores one test in a process of its own, so that what it breaks is no other test's world. => true
 * when it passed. */
static bool test_passes(const struct test *t)
{
	fflush(NULL);
	pid_t child = fork();
	if (child == 0)
		explore_test(t);
	int status = 0;
	if (child < 0 || waitpid(child, &status, 0) < 0) {
		perror("sim");
		exit(1);
	}
	if (status)
		printf("not ok - %s\n", t->name);
	return !status;
}

int main(int argc, char **argv)
{
	extern const struct test *const __start_sim_tests[], *const __stop_sim_tests[];
	unsigned run = 0, failed = 0;
	setvbuf(stdout, NULL, _IOLBF, 0);
	futex_init();
	for (const struct test *const *t = __start_sim_tests; t < __stop_sim_tests; t++) {
		if (argc > 1 && fnmatch(argv[1], (*t)->name, 0))
			continue;
		failed += !test_passes(*t);
		run++;
	}
	if (!run)
		fprintf(stderr, "no simulation test matches\n");
	return !run || failed;
}
