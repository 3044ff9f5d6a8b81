/* epoll_wait and its kin: triggers, order, time-outs, signals, several waiters (E5). */
#include "epoll.h"
#include <pthread.h>

struct kernel_timespec {
	long long sec, nsec;
};
static long pwait2(int ep, struct epoll_event *e, int n, const struct kernel_timespec *t,
                   const sigset_t *set)
{
	return syscall(441, ep, e, n, t, set, (size_t)8);
}

/* In which order they are found, Linux 6.1 and 6.18 do not agree. */
TEST(errors)
{
	int ep = epoll_new(), e = event_new();
	struct epoll_event got[2];
	FAILS(epoll_wait(ep, got, 0, 0), EINVAL);
	FAILS(epoll_wait(ep, got, -1, 0), EINVAL);
	FAILS(epoll_wait(ep, got, 0x7fffffff, 0), EINVAL);
	FAILS(epoll_wait(ep, (void *)-4096, 1, 0), EFAULT);
	FAILS(epoll_wait(ep, (void *)-4096, 0, 0), EINVAL);
	FAILS(epoll_wait(-1, got, 1, 0), EBADF);
	FAILS(epoll_wait(e, got, 1, 0), EINVAL);
	FAILS(epoll_wait(ep, got, 0x7fffffff / 12 + 1, 0), EINVAL);
	EQ(epoll_wait(ep, got, 1, 0), 0);
	EQ(epoll_wait(ep, (void *)8, 1, 0), 0); /* nothing to store */
}

TEST(a_bad_buffer_loses_no_event)
{
	int ep = epoll_new(), e = event_new();
	OK(add(ep, e, EPOLLIN | EPOLLET));
	event_set(e);
	FAILS(epoll_wait(ep, (void *)8, 1, 0), EFAULT);
	EQ(ready(ep, e), EPOLLIN);
	/* The second of two does not fit: the first counts, the second stays. */
	int e2 = event_new();
	OK(add(ep, e2, EPOLLIN | EPOLLET));
	OK(mod(ep, e, EPOLLIN | EPOLLET));
	event_set(e2);
	char *page = shared(8192);
	MUST(mprotect(page + 4096, 4096, PROT_NONE));
	struct epoll_event *last = (void *)(page + 4096 - sizeof *last);
	EQ(epoll_wait(ep, last, 2, 0), 1);
	uint64_t first = last->data.u64;
	EQ(epoll_wait(ep, last, 1, 0), 1);
	YES(first != last->data.u64);
	EQ(epoll_wait(ep, last, 1, 0), 0);
}

TEST(level_triggered_reports_while_ready)
{
	int ep = epoll_new(), e = event_new();
	OK(add(ep, e, EPOLLIN));
	EQ(ready(ep, e), 0);
	event_set(e);
	EQ(ready(ep, e), EPOLLIN);
	EQ(ready(ep, e), EPOLLIN);
	event_take(e);
	EQ(ready(ep, e), 0);
}

TEST(ready_before_it_is_added)
{
	int ep = epoll_new(), e = event_new();
	event_set(e);
	OK(add(ep, e, EPOLLIN | EPOLLET));
	EQ(ready(ep, e), EPOLLIN);
	EQ(ready(ep, e), 0);
	OK(mod(ep, e, EPOLLIN | EPOLLOUT | EPOLLET)); /* a change is a new edge */
	EQ(ready(ep, e), EPOLLIN | EPOLLOUT);
	EQ(ready(ep, e), 0);
}

TEST(edge_triggered_reports_each_change_once)
{
	int ep = epoll_new(), p[2];
	char buf[16];
	MUST(pipe(p));
	OK(add(ep, p[0], EPOLLIN | EPOLLET));
	EQ(write(p[1], "ab", 2), 2);
	EQ(ready(ep, p[0]), EPOLLIN);
	EQ(ready(ep, p[0]), 0);
	EQ(write(p[1], "c", 1), 1); /* more arrives although not all was read */
	EQ(ready(ep, p[0]), EPOLLIN);
	EQ(write(p[1], "d", 1), 1);
	EQ(write(p[1], "e", 1), 1);
	EQ(ready(ep, p[0]), EPOLLIN);
	EQ(ready(ep, p[0]), 0);
	EQ(read(p[0], buf, 2), 2);
	EQ(ready(ep, p[0]), 0);
	EQ(write(p[1], "f", 1), 1);
	EQ(read(p[0], buf, 16), 4);
	EQ(ready(ep, p[0]), 0); /* it is asked when it is to be reported */
	close(p[1]);
	EQ(ready(ep, p[0]), EPOLLHUP);
	EQ(ready(ep, p[0]), 0);
}

TEST(edge_triggered_writer_hears_of_room)
{
	int ep = epoll_new(), p[2];
	static char page[4096];
	MUST(pipe2(p, O_NONBLOCK));
	OK(add(ep, p[1], EPOLLOUT | EPOLLET));
	EQ(ready(ep, p[1]), EPOLLOUT);
	while (write(p[1], page, sizeof page) > 0)
		;
	EQ(ready(ep, p[1]), 0);
	EQ(read(p[0], page, sizeof page), sizeof page);
	EQ(ready(ep, p[1]), EPOLLOUT);
	EQ(ready(ep, p[1]), 0);
	close(p[0]);
	EQ(ready(ep, p[1]), EPOLLOUT | EPOLLERR);
}

TEST(oneshot_reports_once_until_it_is_armed_again)
{
	int ep = epoll_new(), e = event_new();
	OK(add(ep, e, EPOLLIN | EPOLLONESHOT));
	event_set(e);
	EQ(ready(ep, e), EPOLLIN);
	event_set(e);
	EQ(ready(ep, e), 0);
	OK(mod(ep, e, EPOLLIN | EPOLLONESHOT));
	EQ(ready(ep, e), EPOLLIN);
	EQ(ready(ep, e), 0);
	FAILS(add(ep, e, EPOLLIN), EEXIST);
	OK(mod(ep, e, EPOLLIN));
	EQ(ready(ep, e), EPOLLIN);
	EQ(ready(ep, e), EPOLLIN);
}

TEST(a_disarmed_registration_hides_hangups)
{
	int ep = epoll_new(), p[2];
	MUST(pipe(p));
	OK(add(ep, p[0], EPOLLIN | EPOLLONESHOT));
	EQ(write(p[1], "x", 1), 1);
	EQ(ready(ep, p[0]), EPOLLIN);
	close(p[1]);
	EQ(ready(ep, p[0]), 0);
	OK(mod(ep, p[0], 0));
	EQ(ready(ep, p[0]), EPOLLHUP);
}

TEST(events_that_nobody_asked_for)
{
	int ep = epoll_new(), e = event_new(), p[2];
	OK(add(ep, e, 0));
	event_set(e);
	EQ(ready(ep, e), 0);
	OK(mod(ep, e, EPOLLRDNORM | EPOLLWRNORM | EPOLLPRI));
	YES(!(ready(ep, e) & ~(int64_t)(EPOLLRDNORM | EPOLLWRNORM)));
	OK(del(ep, e));
	MUST(pipe(p));
	OK(add(ep, p[0], 0)); /* hang-up and error are always meant */
	close(p[1]);
	EQ(ready(ep, p[0]), EPOLLHUP);
}

TEST(changed_interest_is_looked_at_again)
{
	int ep = epoll_new(), e = event_new();
	OK(add(ep, e, EPOLLOUT));
	EQ(ready(ep, e), EPOLLOUT);
	OK(mod(ep, e, EPOLLIN));
	EQ(ready(ep, e), 0);
	event_set(e);
	OK(mod(ep, e, EPOLLPRI));
	EQ(ready(ep, e), 0);
	OK(ctl(ep, EPOLL_CTL_MOD, e, EPOLLIN, 77));
	struct epoll_event got;
	EQ(epoll_wait(ep, &got, 1, 0), 1);
	EQ(got.data.u64, 77);
}

/* Whoever was reported goes to the end of the line. */
TEST(a_short_buffer_sees_everybody_in_turn)
{
	enum { N = 5 };
	int ep = epoll_new(), fds[N], seen[N] = {0};
	for (int i = 0; i < N; i++) {
		fds[i] = event_new();
		OK(ctl(ep, EPOLL_CTL_ADD, fds[i], EPOLLIN, (uint64_t)i));
	}
	for (int i = N - 1; i >= 0; i--)
		event_set(fds[i]);
	struct epoll_event got[2];
	for (int round = 0; round < 2 * N; round++) {
		EQ(epoll_wait(ep, got, 1, 0), 1);
		EQ(got[0].data.u64, N - 1 - round % N); /* in order of readiness */
		seen[got[0].data.u64]++;
	}
	for (int i = 0; i < N; i++)
		EQ(seen[i], 2);
	EQ(epoll_wait(ep, got, 2, 0), 2);
	EQ(got[0].data.u64, 4);
	EQ(got[1].data.u64, 3);
	EQ(epoll_wait(ep, got, 2, 0), 2);
	EQ(got[0].data.u64, 2);
}

TEST(timeouts)
{
	int ep = epoll_new();
	struct epoll_event got;
	int64_t start = now_ns();
	EQ(epoll_wait(ep, &got, 1, 20), 0);
	YES(now_ns() - start >= 20000000);
	struct kernel_timespec t = {0, 20000000};
	start = now_ns();
	EQ(pwait2(ep, &got, 1, &t, NULL), 0);
	YES(now_ns() - start >= 20000000);
	EQ(t.nsec, 20000000); /* not updated */
	t = (struct kernel_timespec){0, 0};
	EQ(pwait2(ep, &got, 1, &t, NULL), 0);
	t = (struct kernel_timespec){0, 1000000000};
	FAILS(pwait2(-1, &got, 0, &t, NULL), EINVAL);
	t = (struct kernel_timespec){-1, 0};
	FAILS(pwait2(ep, &got, 1, &t, NULL), EINVAL);
	FAILS(pwait2(ep, &got, 1, (void *)8, NULL), EFAULT);
	FAILS(syscall(441, ep, &got, 1, NULL, &(sigset_t){0}, (size_t)4), EINVAL);
	FAILS(syscall(SYS_epoll_pwait, -1, &got, 0, 0, (void *)8, (size_t)8), EFAULT);
	FAILS(syscall(SYS_epoll_pwait, -1, &got, 0, 0, &(sigset_t){0}, (size_t)16), EINVAL);
}

TEST(a_signal_interrupts_even_with_sa_restart)
{
	int ep = epoll_new();
	struct epoll_event got;
	on_signal(SIGALRM, count_signal, SA_RESTART);
	ualarm(20000, 0);
	FAILS(epoll_wait(ep, &got, 1, -1), EINTR);
	EQ(signals_seen, 1);
	ualarm(20000, 0);
	FAILS(epoll_wait(ep, &got, 1, 10000), EINTR);
	EQ(signals_seen, 2);
}

TEST(pwait_lets_a_signal_in_for_its_time)
{
	int ep = epoll_new(), e = event_new();
	struct epoll_event got;
	sigset_t block, none;
	on_signal(SIGUSR1, count_signal, 0);
	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_BLOCK, &block, NULL);
	raise(SIGUSR1);
	EQ(epoll_wait(ep, &got, 1, 0), 0);
	EQ(signals_seen, 0);
	FAILS(epoll_pwait(ep, &got, 1, -1, &none), EINTR);
	EQ(signals_seen, 1);
	sigset_t now;
	sigprocmask(SIG_BLOCK, NULL, &now);
	YES(sigismember(&now, SIGUSR1));
	/* An event is reported first; the signal is taken nevertheless before the call returns, or left pending. */
	OK(add(ep, e, EPOLLIN));
	event_set(e);
	EQ(epoll_pwait(ep, &got, 1, -1, &none), 1);
	raise(SIGUSR1);
	FAILS(pwait2(ep, &got, 0, NULL, &none), EINVAL);
}

TEST(an_instance_is_a_file_to_poll)
{
	int ep = epoll_new(), e = event_new();
	EQ(polled(ep, POLLIN | POLLOUT), 0);
	OK(add(ep, e, EPOLLIN));
	EQ(polled(ep, POLLIN), 0);
	event_set(e);
	EQ(polled(ep, POLLIN | POLLRDNORM), POLLIN | POLLRDNORM);
	EQ(ready(ep, e), EPOLLIN);
	event_take(e);
	EQ(polled(ep, POLLIN), 0);
	pid_t child = poller(ep, POLLIN, POLLIN);
	event_set(e);
	REAP(child);
}

struct waiting {
	int ep, n;
	struct epoll_event got;
	_Atomic pid_t tid;
	pthread_t thread;
};
static void *wait_one(void *arg)
{
	struct waiting *w = arg;
	w->tid = (pid_t)syscall(SYS_gettid);
	w->n = epoll_wait(w->ep, &w->got, 1, -1);
	return NULL;
}
static void start(struct waiting *w, int ep)
{
	*w = (struct waiting){.ep = ep};
	EQ(pthread_create(&w->thread, NULL, wait_one, w), 0);
	UNTIL(w->tid);
	until_asleep(w->tid);
}

TEST(one_event_wakes_one_waiter)
{
	int ep = epoll_new(), e[2] = {event_new(), event_new()};
	struct waiting w[2];
	for (int i = 0; i < 2; i++) {
		OK(add(ep, e[i], EPOLLIN | EPOLLET));
		start(&w[i], ep);
	}
	event_set(e[0]);
	int first = -1;
	UNTIL((first = w[0].n ? 0 : w[1].n ? 1 : -1) >= 0);
	pthread_join(w[first].thread, NULL);
	EQ(w[first].got.data.fd, e[0]);
	until_asleep(w[!first].tid);
	EQ(w[!first].n, 0);
	event_set(e[1]);
	pthread_join(w[!first].thread, NULL);
	EQ(w[!first].n, 1);
	EQ(w[!first].got.data.fd, e[1]);
}

TEST(level_triggered_wakes_one_after_the_other)
{
	int ep = epoll_new(), e = event_new();
	struct waiting w[3];
	OK(add(ep, e, EPOLLIN));
	for (int i = 0; i < 3; i++)
		start(&w[i], ep);
	event_set(e);
	for (int i = 0; i < 3; i++) {
		pthread_join(w[i].thread, NULL);
		EQ(w[i].n, 1);
	}
}

/* Two instances, one waiter each, watch one file exclusively: an event wakes one of them. */
TEST(exclusive_watchers_share_the_events)
{
	int e = MUST(eventfd(0, EFD_NONBLOCK | EFD_SEMAPHORE)), a = epoll_new(), b = epoll_new();
	struct waiting w[2];
	OK(add(a, e, EPOLLIN | EPOLLEXCLUSIVE));
	OK(add(b, e, EPOLLIN | EPOLLEXCLUSIVE));
	start(&w[0], a);
	start(&w[1], b);
	event_set(e);
	int first = -1;
	UNTIL((first = w[0].n ? 0 : w[1].n ? 1 : -1) >= 0);
	pthread_join(w[first].thread, NULL);
	until_asleep(w[!first].tid);
	EQ(w[!first].n, 0);
	event_set(e); /* the other waits, so it is its turn */
	pthread_join(w[!first].thread, NULL);
	EQ(w[!first].n, 1);
}

TEST(a_hangup_wakes_all_exclusive_watchers)
{
	int a = epoll_new(), b = epoll_new(), p[2];
	struct waiting w[2];
	MUST(pipe(p));
	OK(add(a, p[0], EPOLLIN | EPOLLEXCLUSIVE));
	OK(add(b, p[0], EPOLLIN | EPOLLEXCLUSIVE));
	start(&w[0], a);
	start(&w[1], b);
	close(p[1]);
	for (int i = 0; i < 2; i++) {
		pthread_join(w[i].thread, NULL);
		EQ(w[i].got.events, EPOLLHUP);
	}
}

TEST(a_sleeper_hears_of_what_is_added)
{
	int ep = epoll_new(), e = event_new(), quiet = event_new();
	struct waiting w;
	event_set(e);
	OK(add(ep, quiet, EPOLLIN));
	start(&w, ep);
	OK(add(ep, e, EPOLLIN));
	pthread_join(w.thread, NULL);
	EQ(w.n, 1);
	EQ(w.got.data.fd, e);
	OK(del(ep, e));
	start(&w, ep);
	OK(mod(ep, quiet, EPOLLOUT));
	pthread_join(w.thread, NULL);
	EQ(w.got.events, EPOLLOUT);
}

TEST(a_waiter_keeps_its_instance)
{
	int ep = epoll_new(), e = event_new();
	struct waiting w;
	OK(add(ep, e, EPOLLIN));
	start(&w, ep);
	close(ep);
	event_set(e);
	pthread_join(w.thread, NULL);
	EQ(w.n, 1);
}
