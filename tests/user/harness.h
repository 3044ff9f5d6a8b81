/*
 * The harness of the conformance programs. A program is one file; it runs on Linux and on Halyard.
 *
 *	TEST(pipe_ends_with_eof)
 *	{
 *		int p[2];
 *		OK(pipe(p));			succeeds: anything but -1; value of the expression
 *		EQ(read(p[0], &c, 1), 0);	equal numbers
 *		FAILS(read(-1, &c, 1), EBADF);	-1 and this errno
 *		YES(p[0] < p[1]);		true
 *	}
 *
 * Every case runs in a process group of its own, with a time limit, and what it leaves behind is
 * killed. Failed checks of all its processes count: the tally is shared memory. Output is TAP.
 *
 *	PROGRAM [-l] [-t SECONDS] [PATTERN]...	lists or runs the cases that match (globs)
 *
 * Nothing here sleeps in order to synchronise: UNTIL(condition) asks until the kernel itself says
 * that it is so (GETNCNT, /proc/PID/stat); the time limit of the case bounds it.
 */
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { HARNESS_FAILURES_SHOWN = 8, HARNESS_LIMIT_S = 30 };

struct test_case {
	const char *name;
	void (*run)(void);
	struct test_case *next;
};
static struct test_case *test_first, **test_last = &test_first;
static _Atomic int *test_failures; /* shared by all processes of a case */

#define TEST(fn)                                                                                   \
	static void fn(void);                                                                      \
	__attribute__((constructor)) static void fn##_register(void)                               \
	{                                                                                          \
		static struct test_case test = {#fn, fn, NULL};                                    \
		*test_last = &test;                                                                \
		test_last = &test.next;                                                            \
	}                                                                                          \
	static void fn(void)

static inline const char *errno_name(long e)
{
	static const struct {
		int number;
		const char *name;
	} names[] = {
#define N(e) {e, #e}
		N(EPERM),     N(ENOENT),  N(ESRCH),  N(EINTR),     N(EIO),          N(ENXIO),
		N(E2BIG),     N(ENOEXEC), N(EBADF),  N(ECHILD),    N(EAGAIN),       N(ENOMEM),
		N(EACCES),    N(EFAULT),  N(EBUSY),  N(EEXIST),    N(EXDEV),        N(ENODEV),
		N(ENOTDIR),   N(EISDIR),  N(EINVAL), N(ENFILE),    N(EMFILE),       N(ENOTTY),
		N(ETXTBSY),   N(EFBIG),   N(ENOSPC), N(ESPIPE),    N(EROFS),        N(EMLINK),
		N(EPIPE),     N(EDOM),    N(ERANGE), N(EDEADLK),   N(ENAMETOOLONG), N(ENOSYS),
		N(ENOTEMPTY), N(ELOOP),   N(EIDRM),  N(EOVERFLOW), N(ETIMEDOUT),    N(EOPNOTSUPP),
#undef N
	};
	static char other[24];
	if (!e)
		return "success";
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (names[i].number == e)
			return names[i].name;
	snprintf(other, sizeof(other), "errno %ld", e);
	return other;
}

__attribute__((format(printf, 3, 4))) static inline void test_fail(const char *file, int line,
                                                                   const char *fmt, ...)
{
	if (atomic_fetch_add(test_failures, 1) >= HARNESS_FAILURES_SHOWN)
		return;
	char text[512];
	int n = snprintf(text, sizeof(text), "# %s:%d: ", file, line);
	va_list args;
	va_start(args, fmt);
	n += vsnprintf(text + n, sizeof(text) - (size_t)n - 1, fmt, args);
	va_end(args);
	if (n > (int)sizeof(text) - 2)
		n = sizeof(text) - 2;
	text[n++] = '\n';
	if (write(STDERR_FILENO, text, (size_t)n) != n)
		_exit(99);
}

#define YES(x)                                                                                     \
	do {                                                                                       \
		if (!(x))                                                                          \
			test_fail(__FILE__, __LINE__, "expected %s", #x);                          \
	} while (0)
#define EQ(got, want)                                                                              \
	do {                                                                                       \
		long long got_ = (long long)(got), want_ = (long long)(want);                      \
		if (got_ != want_)                                                                 \
			test_fail(__FILE__, __LINE__, "%s: expected %lld, got %lld", #got, want_,  \
			          got_);                                                           \
	} while (0)
#define STREQ(got, want)                                                                           \
	do {                                                                                       \
		const char *got_ = (got), *want_ = (want);                                         \
		if (strcmp(got_, want_))                                                           \
			test_fail(__FILE__, __LINE__, "%s: expected \"%s\", got \"%s\"", #got,     \
			          want_, got_);                                                    \
	} while (0)
#define FAILS(call, error)                                                                         \
	do {                                                                                       \
		errno = 0;                                                                         \
		long long got_ = (long long)(call);                                                \
		int errno_ = errno;                                                                \
		if (got_ != -1)                                                                    \
			test_fail(__FILE__, __LINE__, "%s: expected %s, got %lld", #call, #error,  \
			          got_);                                                           \
		else if (errno_ != (error))                                                        \
			test_fail(__FILE__, __LINE__, "%s: expected %s, got %s", #call, #error,    \
			          errno_name(errno_));                                             \
	} while (0)
#define OK(call)                                                                                   \
	({                                                                                         \
		__typeof__(call) got_ = (call);                                                    \
		if ((long)got_ == -1)                                                              \
			test_fail(__FILE__, __LINE__, "%s: expected success, got %s", #call,       \
			          errno_name(errno));                                              \
		got_;                                                                              \
	})
/* What the rest of the case cannot do without. */
#define MUST(call)                                                                                 \
	({                                                                                         \
		__typeof__(call) must_ = OK(call);                                                 \
		if ((long)must_ == -1)                                                             \
			_exit(1);                                                                  \
		must_;                                                                             \
	})

#define UNTIL(condition)                                                                           \
	while (!(condition))                                                                       \
	sched_yield()

static inline pid_t spawn(void)
{
	pid_t pid = fork();
	if (pid < 0) {
		test_fail(__FILE__, __LINE__, "fork: %s", errno_name(errno));
		_exit(1);
	}
	return pid;
}
/* CHILD(pid) { ... } runs the block in a new process, which exits with 0 at its end. */
#define CHILD(pid) for ((pid) = spawn(); (pid) == 0; _exit(0))

static inline int reap(pid_t pid)
{
	int status = -1;
	pid_t got;
	while ((got = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
		;
	return got == pid ? status : -1;
}
#define REAP(pid)                                                                                  \
	do {                                                                                       \
		int status_ = reap(pid);                                                           \
		if (status_)                                                                       \
			test_fail(__FILE__, __LINE__, "child: expected exit 0, got status 0x%x",   \
			          (unsigned)status_);                                              \
	} while (0)

/* Memory that the processes of a case share; zeroed. */
static inline void *shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED) {
		test_fail(__FILE__, __LINE__, "mmap: %s", errno_name(errno));
		_exit(1);
	}
	return p;
}

static inline ssize_t file_read(const char *path, char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0, total = -1;
	if (fd >= 0) {
		for (total = 0; total < (ssize_t)size - 1; total += n)
			if ((n = read(fd, buffer + total, size - 1 - (size_t)total)) <= 0)
				break;
		close(fd);
	}
	buffer[total > 0 ? total : 0] = 0;
	return n < 0 ? -1 : total;
}
static inline int file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ssize_t n = write(fd, text, strlen(text));
	int error = errno;
	close(fd);
	errno = error;
	return n < 0 ? -1 : 0;
}

/* The state letter of a process or thread, proc(5); 0 when it is gone. */
static inline char state_of(pid_t pid)
{
	char path[64], text[512];
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (file_read(path, text, sizeof(text)) <= 0)
		return 0;
	char *end = strrchr(text, ')');
	return end && end[1] ? end[2] : 0;
}
/* The effective priority, proc(5): -1 - real-time priority, or 20 + nice. */
static inline int priority_of(pid_t pid)
{
	char path[64], text[512];
	int priority = 0;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file_read(path, text, sizeof(text));
	char *end = strrchr(text, ')');
	if (end)
		sscanf(end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %d",
		       &priority);
	return priority;
}
static inline void until_asleep(pid_t pid)
{
	char c;
	UNTIL((c = state_of(pid)) == 'S' || c == 0 || c == 'Z');
}

static inline int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* A process that polls one descriptor for ever, and has gone to sleep. */
static inline pid_t poller(int fd, short events, short expected)
{
	pid_t pid;
	CHILD(pid)
	{
		struct pollfd p = {fd, events, 0};
		EQ(poll(&p, 1, -1), 1);
		EQ(p.revents, expected);
	}
	until_asleep(pid);
	return pid;
}

static inline struct timespec time_in_ms(clockid_t clock, long ms)
{
	struct timespec t;
	clock_gettime(clock, &t);
	t.tv_nsec += ms % 1000 * 1000000;
	t.tv_sec += ms / 1000 + t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

static volatile sig_atomic_t signals_seen;
static inline void count_signal(int number)
{
	(void)number;
	signals_seen++;
}
static inline void on_signal(int number, void (*handler)(int), int flags)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
	sigaction(number, &action, NULL);
}

/* Runs one case; 0 if it passed. The reason of a failure stands in the diagnostics. */
static inline int test_run(const struct test_case *test, int limit)
{
	sigset_t child;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	atomic_store(test_failures, 0);
	pid_t pid = fork();
	if (pid < 0) {
		test_fail(__FILE__, __LINE__, "fork: %s", errno_name(errno));
		return 1;
	}
	if (pid == 0) {
		setpgid(0, 0);
		sigprocmask(SIG_UNBLOCK, &child, NULL);
		test->run();
		_exit(0);
	}
	setpgid(pid, pid);
	int status = 0;
	int64_t end = now_ns() + limit * 1000000000LL;
	while (waitpid(pid, &status, WNOHANG) == 0) {
		int64_t left = end - now_ns();
		if (left <= 0) {
			test_fail(__FILE__, __LINE__, "not done after %d s", limit);
			kill(-pid, SIGKILL);
			waitpid(pid, &status, 0);
			return 1;
		}
		struct timespec t = {left / 1000000000, left % 1000000000};
		sigtimedwait(&child, NULL, &t);
	}
	kill(-pid, SIGKILL);
	if (WIFSIGNALED(status))
		test_fail(__FILE__, __LINE__, "died of signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status) && !atomic_load(test_failures))
		test_fail(__FILE__, __LINE__, "exit status %d", WEXITSTATUS(status));
	return atomic_load(test_failures) != 0;
}

static inline int test_wanted(const char *program, const char *name, int n, char **patterns)
{
	char full[128];
	snprintf(full, sizeof(full), "%s.%s", program, name);
	for (int i = 0; i < n; i++)
		if (!fnmatch(patterns[i], name, 0) || !fnmatch(patterns[i], full, 0) ||
		    !fnmatch(patterns[i], program, 0))
			return 1;
	return n == 0;
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/'), *program = slash ? slash + 1 : argv[0];
	const char *scale = getenv("TEST_SCALE");
	int option, list = 0, number = 0, failed = 0,
		    limit = HARNESS_LIMIT_S * (scale ? atoi(scale) : 1);
	while ((option = getopt(argc, argv, "lt:")) != -1) {
		if (option == 'l')
			list = 1;
		else if (option == 't')
			limit = atoi(optarg);
		else
			return 2;
	}
	setvbuf(stdout, NULL, _IONBF, 0);
	/* Whoever started us may ignore or block signals; cases begin as a login shell's children do. */
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	dup2(STDOUT_FILENO, STDERR_FILENO);
	test_failures = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (test_failures == MAP_FAILED)
		return 2;
	for (const struct test_case *t = test_first; t; t = t->next) {
		if (!test_wanted(program, t->name, argc - optind, argv + optind))
			continue;
		if (list) {
			printf("%s.%s\n", program, t->name);
			continue;
		}
		int bad = test_run(t, limit);
		char line[192];
		snprintf(line, sizeof(line), "%sok %d - %s.%s\n", bad ? "not " : "", ++number,
		         program, t->name);
		if (bad)
			printf("# once more, alone: make test T=%s.%s\n", program, t->name);
		fputs(line, stdout);
		failed += bad;
	}
	if (!list)
		printf("1..%d\n", number);
	return failed != 0;
}
