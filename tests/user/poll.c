/* poll, ppoll, select, pselect6: readiness, time-outs, masks, restarts, errors (E5). */
#include "harness.h"
#include <sys/resource.h>
#include <sys/select.h>

static int p[2];
static void pair(void)
{
	MUST(pipe(p));
}
static long ppoll_raw(void *fds, unsigned n, struct timespec *t, const sigset_t *set, size_t size)
{
	return syscall(SYS_ppoll, fds, n, t, set, size);
}

TEST(poll_reports_what_is_ready_now)
{
	pair();
	struct pollfd f[4] = {{.fd = p[0], .events = POLLIN, .revents = 0x7fff},
	                      {.fd = p[1], .events = POLLOUT | POLLIN},
	                      {.fd = -1, .events = POLLIN, .revents = 7},
	                      {.fd = 999, .events = POLLIN}};
	EQ(poll(f, 4, 0), 2);
	EQ(f[0].revents, 0);
	EQ(f[1].revents, POLLOUT);
	EQ(f[2].revents, 0);
	EQ(f[3].revents, POLLNVAL);
	MUST(write(p[1], "x", 1));
	EQ(poll(f, 2, 0), 2);
	EQ(f[0].revents, POLLIN);
	close(p[1]);
	EQ(poll(f, 1, 0), 1);
	EQ(f[0].revents, POLLIN | POLLHUP);
}

TEST(poll_hangup_and_error_need_not_be_asked_for)
{
	pair();
	struct pollfd f = {.fd = p[0], .events = 0};
	EQ(poll(&f, 1, 0), 0);
	close(p[1]);
	EQ(poll(&f, 1, -1), 1);
	EQ(f.revents, POLLHUP);
	pair();
	close(p[0]);
	f = (struct pollfd){.fd = p[1]};
	EQ(poll(&f, 1, -1), 1);
	EQ(f.revents, POLLERR);
}

TEST(poll_of_a_path_descriptor_is_invalid)
{
	struct pollfd f = {.fd = MUST(open("/", O_PATH)), .events = POLLIN};
	EQ(poll(&f, 1, 0), 1);
	EQ(f.revents, POLLNVAL);
}

TEST(poll_of_a_plain_file_is_always_ready)
{
	struct pollfd f = {.fd = MUST(open("/proc/self/exe", O_RDONLY)),
	                   .events = POLLIN | POLLOUT | POLLPRI};
	EQ(poll(&f, 1, -1), 1);
	EQ(f.revents, POLLIN | POLLOUT);
}

TEST(poll_waits_until_something_happens)
{
	pid_t child;
	pair();
	CHILD(child)
	{
		struct pollfd f = {.fd = p[0], .events = POLLIN};
		EQ(poll(&f, 1, -1), 1);
		EQ(f.revents, POLLIN);
	}
	until_asleep(child);
	MUST(write(p[1], "x", 1));
	REAP(child);
}

TEST(poll_wakes_for_any_of_many)
{
	enum { N = 100 };
	int(*pipes)[2] = calloc(N, sizeof *pipes);
	struct pollfd f[N];
	for (int i = 0; i < N; i++) {
		MUST(pipe(pipes[i]));
		f[i] = (struct pollfd){.fd = pipes[i][0], .events = POLLIN};
	}
	pid_t child;
	CHILD(child)
	{
		EQ(poll(f, N, -1), 1);
		for (int i = 0; i < N; i++)
			EQ(f[i].revents, i == 77 ? POLLIN : 0);
	}
	until_asleep(child);
	MUST(write(pipes[77][1], "x", 1));
	REAP(child);
}

TEST(poll_times_out)
{
	pair();
	struct pollfd f = {.fd = p[0], .events = POLLIN};
	int64_t start = now_ns();
	EQ(poll(&f, 1, 30), 0);
	YES(now_ns() - start >= 30000000);
	start = now_ns();
	EQ(poll(NULL, 0, 10), 0);
	YES(now_ns() - start >= 10000000);
	EQ(poll(NULL, 0, 0), 0);
}

TEST(poll_errors)
{
	struct rlimit limit;
	pair();
	struct pollfd f = {.fd = p[1], .events = POLLOUT};
	FAILS(syscall(SYS_poll, 8, 1, 0), EFAULT);
	MUST(getrlimit(RLIMIT_NOFILE, &limit));
	FAILS(syscall(SYS_poll, &f, (unsigned)limit.rlim_cur + 1, 0), EINVAL);
	limit.rlim_cur = 0;
	MUST(setrlimit(RLIMIT_NOFILE, &limit));
	FAILS(poll(&f, 1, 0), EINVAL);
	EQ(poll(&f, 0, 0), 0);
}

TEST(poll_faults_late_on_read_only_memory)
{
	pair();
	struct pollfd *f =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*f = (struct pollfd){.fd = p[1], .events = POLLOUT};
	MUST(mprotect(f, 4096, PROT_READ));
	FAILS(poll(f, 1, 0), EFAULT);
}

TEST(poll_is_interrupted_and_never_restarted_by_a_handler)
{
	pid_t child;
	pair();
	CHILD(child)
	{
		on_signal(SIGUSR1, count_signal, SA_RESTART);
		struct pollfd f = {.fd = p[0], .events = POLLIN};
		FAILS(poll(&f, 1, -1), EINTR);
		EQ(signals_seen, 1);
	}
	until_asleep(child);
	MUST(kill(child, SIGUSR1));
	REAP(child);
}

TEST(poll_goes_on_after_stop_and_continue_with_its_deadline)
{
	pid_t child;
	pair();
	int64_t start = now_ns();
	CHILD(child)
	{
		struct pollfd f = {.fd = p[0], .events = POLLIN};
		EQ(poll(&f, 1, 200), 0);
	}
	until_asleep(child);
	MUST(kill(child, SIGSTOP));
	UNTIL(state_of(child) == 'T');
	MUST(kill(child, SIGCONT));
	REAP(child);
	YES(now_ns() - start >= 200000000);
	YES(now_ns() - start < 5000000000);
}

TEST(ppoll_swaps_the_mask_and_updates_the_timeout)
{
	sigset_t none, usr1, now;
	sigemptyset(&none);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	on_signal(SIGUSR1, count_signal, 0);
	OK(sigprocmask(SIG_BLOCK, &usr1, NULL));
	OK(raise(SIGUSR1));
	EQ(signals_seen, 0);
	struct timespec t = {5, 0};
	FAILS(ppoll_raw(NULL, 0, &t, &none, 8), EINTR);
	EQ(signals_seen, 1);
	YES(t.tv_sec == 4 || (t.tv_sec == 5 && t.tv_nsec == 0));
	OK(sigprocmask(SIG_BLOCK, NULL, &now));
	YES(sigismember(&now, SIGUSR1));
	t = (struct timespec){0, 20000000};
	EQ(ppoll_raw(NULL, 0, &t, &none, 8), 0);
	EQ(t.tv_sec, 0);
	EQ(t.tv_nsec, 0);
	OK(sigprocmask(SIG_BLOCK, NULL, &now));
	YES(sigismember(&now, SIGUSR1));
}

TEST(ppoll_errors_come_in_order)
{
	sigset_t none;
	sigemptyset(&none);
	struct timespec bad = {0, 1000000000}, negative = {-1, 0}, zero = {0, 0};
	FAILS(ppoll_raw(NULL, 0, (void *)8, &none, 4), EFAULT);
	FAILS(ppoll_raw(NULL, 0, &bad, &none, 4), EINVAL);
	FAILS(ppoll_raw(NULL, 0, &negative, NULL, 0), EINVAL);
	FAILS(ppoll_raw(NULL, 0, &zero, &none, 4), EINVAL);
	FAILS(ppoll_raw(NULL, 0, &zero, (void *)8, 8), EFAULT);
	EQ(ppoll_raw(NULL, 0, &zero, NULL, 4), 0);
}

TEST(select_sets_bits_and_counts_them)
{
	fd_set r, w, x;
	pair();
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_ZERO(&x);
	FD_SET(p[0], &r);
	FD_SET(p[1], &w);
	FD_SET(p[0], &x);
	int n = (p[0] > p[1] ? p[0] : p[1]) + 1;
	struct timeval none = {0, 0};
	EQ(select(n, &r, &w, &x, &none), 1);
	YES(!FD_ISSET(p[0], &r) && FD_ISSET(p[1], &w) && !FD_ISSET(p[0], &x));
	MUST(write(p[1], "x", 1));
	FD_SET(p[0], &r);
	EQ(select(n, &r, &w, NULL, NULL), 2);
	YES(FD_ISSET(p[0], &r) && FD_ISSET(p[1], &w));
	close(p[1]);
	char c;
	EQ(read(p[0], &c, 1), 1);
	FD_ZERO(&r);
	FD_SET(p[0], &r);
	EQ(select(p[0] + 1, &r, NULL, NULL, NULL), 1); /* end of file is readable */
}

TEST(select_errors)
{
	fd_set r;
	struct timeval bad = {0, -1}, late = {-1, 0}, carry = {0, 1000000}, zero = {0, 0};
	FD_ZERO(&r);
	FD_SET(60, &r);
	FAILS(select(61, &r, NULL, NULL, &zero), EBADF);
	FAILS(select(-1, NULL, NULL, NULL, &zero), EINVAL);
	FAILS(select(0, NULL, NULL, NULL, &bad), EINVAL);
	FAILS(syscall(SYS_select, 0, NULL, NULL, NULL, &late), EINVAL);
	FAILS(syscall(SYS_select, 1, 8, NULL, NULL, &zero), EFAULT);
	FAILS(syscall(SYS_select, 0, NULL, NULL, NULL, 8), EFAULT);
	int64_t start = now_ns();
	EQ(syscall(SYS_select, 0, NULL, NULL, NULL, &carry), 0);
	YES(now_ns() - start >= 1000000000);
	EQ(carry.tv_sec, 0);
	EQ(carry.tv_usec, 0);
	/* What lies beyond the table of descriptors is not even looked at. */
	EQ(syscall(SYS_select, 1 << 20, NULL, NULL, NULL, &zero), 0);
}

TEST(select_with_descriptors_beyond_a_thousand)
{
	enum { HIGH = 1500 };
	struct rlimit limit;
	MUST(getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = HIGH + 1;
	if (limit.rlim_max < limit.rlim_cur)
		limit.rlim_max = limit.rlim_cur;
	MUST(setrlimit(RLIMIT_NOFILE, &limit));
	pair();
	MUST(dup2(p[1], HIGH));
	unsigned long w[(HIGH + 64) / 64] = {0};
	w[HIGH / 64] = 1ul << (HIGH % 64);
	struct timeval zero = {0, 0};
	EQ(syscall(SYS_select, HIGH + 1, NULL, w, NULL, &zero), 1);
	EQ(w[HIGH / 64], 1ul << (HIGH % 64));
}

TEST(select_waits_and_tells_the_time_left)
{
	pid_t child;
	pair();
	CHILD(child)
	{
		fd_set r;
		FD_ZERO(&r);
		FD_SET(p[0], &r);
		struct timeval t = {20, 0};
		EQ(syscall(SYS_select, p[0] + 1, &r, NULL, NULL, &t), 1);
		YES(t.tv_sec < 20 && t.tv_sec >= 10);
	}
	until_asleep(child);
	MUST(write(p[1], "x", 1));
	REAP(child);
}

TEST(pselect_swaps_the_mask)
{
	sigset_t none, usr1;
	sigemptyset(&none);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	on_signal(SIGUSR1, count_signal, SA_RESTART);
	OK(sigprocmask(SIG_BLOCK, &usr1, NULL));
	OK(raise(SIGUSR1));
	FAILS(pselect(0, NULL, NULL, NULL, NULL, &none), EINTR);
	EQ(signals_seen, 1);
	struct {
		const sigset_t *set;
		size_t size;
	} odd = {&none, 4};
	struct timespec zero = {0, 0};
	FAILS(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &zero, &odd), EINVAL);
	FAILS(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &zero, 8), EFAULT);
}
