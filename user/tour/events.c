/* `tour events`: what happens, as descriptors: counters, timers, signals, processes, and one place to wait for them all. */
#include "user/tour/tour.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static long ms_since(const struct timespec *from)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - from->tv_sec) * 1000 + (now.tv_nsec - from->tv_nsec) / 1000000;
}

static uint64_t take(int fd)
{
	uint64_t n = 0;
	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}
static void give(int fd, uint64_t n)
{
	if (write(fd, &n, sizeof(n)) != sizeof(n))
		perror("tour: write");
}

static void watch(int ep, int fd, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.fd = fd};
	if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e))
		perror("tour: epoll_ctl");
}
/* => the descriptor that is ready, or -1 after a while. */
static int next_ready(int ep)
{
	struct epoll_event e;
	return epoll_wait(ep, &e, 1, 5000) == 1 ? e.data.fd : -1;
}

static void counter(void)
{
	scene("An event counter: writes add up, a read takes all; as a semaphore, one at a time.");
	int plain = eventfd(0, EFD_NONBLOCK), tokens = eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK);
	give(plain, 2);
	give(plain, 5);
	uint64_t n = take(plain);
	saw(n == 7, "written 2 and 5, read %llu", (unsigned long long)n);
	int empty = !take(plain), error = errno;
	saw(empty && error == EAGAIN, "now it is empty: %s", strerror(error));
	int taken = 0;
	while (take(tokens))
		taken++;
	saw(taken == 3, "a semaphore that began with 3 was taken %d times", taken);
	int sleeper = eventfd(0, 0);
	pid_t child = start();
	if (!child)
		_exit(take(sleeper) != 1);
	until_asleep(child);
	give(sleeper, 1);
	saw(status_of(child) == 0, "process %d slept in read until somebody wrote", child);
	close(plain);
	close(tokens);
	close(sleeper);
}

static void timer(void)
{
	scene("A timer as a descriptor: it tells how often it has gone off.");
	struct itimerspec every = {.it_value = {0, 20000000}, .it_interval = {0, 20000000}};
	struct timespec begin;
	int t = timerfd_create(CLOCK_MONOTONIC, 0);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	timerfd_settime(t, 0, &every, NULL);
	uint64_t first = take(t);
	long ms = ms_since(&begin);
	saw(first >= 1 && ms >= 20, "set to 20 ms: the first read slept for %ld ms", ms);
	uint64_t n = first;
	while (n < 5)
		n += take(t);
	ms = ms_since(&begin);
	saw(ms >= (long)n * 20, "%llu times in %ld ms", (unsigned long long)n, ms);
	close(t);
}

static void loop(void)
{
	scene("One loop waits for everything: a counter, a timer, a signal, a child's end, a pipe.");
	sigset_t usr1;
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	int ends[2] = {-1, -1}, ep = epoll_create1(EPOLL_CLOEXEC), e = eventfd(0, 0);
	int t = timerfd_create(CLOCK_MONOTONIC, 0), s = signalfd(-1, &usr1, 0);
	pid_t child = pipe(ends) ? -1 : start();
	if (!child) {
		give(e, 42);
		if (write(ends[1], "hello", 5) != 5)
			_exit(1);
		kill(getppid(), SIGUSR1);
		_exit(7);
	}
	int p = (int)syscall(SYS_pidfd_open, child, 0), seen = 0;
	timerfd_settime(t, 0, &(struct itimerspec){.it_value = {0, 10000000}}, NULL);
	int all[] = {e, t, s, p, ends[0]};
	for (int i = 0; i < 5; i++)
		watch(ep, all[i], EPOLLIN | EPOLLONESHOT);
	for (int i = 0; i < 5; i++) {
		int fd = next_ready(ep);
		struct signalfd_siginfo info = {0};
		char text[8] = "";
		if (fd == e) {
			uint64_t n = take(e);
			saw(n == 42, "the counter says %llu", (unsigned long long)n);
		} else if (fd == t) {
			saw(take(t) == 1, "the timer has gone off");
		} else if (fd == s) {
			int got = read(s, &info, sizeof(info)) == sizeof(info);
			saw(got && (pid_t)info.ssi_pid == child, "signal %u from process %u",
			    info.ssi_signo, info.ssi_pid);
		} else if (fd == p) {
			int status = status_of(child);
			saw(status == 7 << 8, "process %d has ended with %d", child, status >> 8);
		} else if (fd == ends[0]) {
			saw(read(fd, text, 7) == 5 && !strcmp(text, "hello"),
			    "the pipe says \"%s\"", text);
		} else {
			saw(0, "nothing came: %s", strerror(errno));
		}
		seen++;
	}
	struct epoll_event none;
	saw(seen == 5 && epoll_wait(ep, &none, 1, 0) == 0, "each of the %d came once", seen);
	for (int i = 0; i < 5; i++)
		close(all[i]);
	close(ends[1]);
	close(ep);
}

static void edges(void)
{
	scene("Level and edge: one keeps telling while there is something, one tells of each change.");
	int level = epoll_create1(0), edge = epoll_create1(0), e = eventfd(0, EFD_NONBLOCK);
	struct epoll_event got;
	watch(level, e, EPOLLIN);
	watch(edge, e, EPOLLIN | EPOLLET);
	give(e, 1);
	int l = 0, d = 0;
	for (int i = 0; i < 3; i++) {
		l += epoll_wait(level, &got, 1, 0);
		d += epoll_wait(edge, &got, 1, 0);
	}
	saw(l == 3 && d == 1, "asked three times: level triggered %d, edge triggered %d", l, d);
	give(e, 1);
	d = epoll_wait(edge, &got, 1, 0);
	saw(d == 1, "written again, though not yet read: the edge is told again");
	take(e);
	l = epoll_wait(level, &got, 1, 0);
	saw(l == 0, "read: nothing more to tell");
	close(level);
	close(edge);
	close(e);
}

enum { WORKERS = 4, JOBS = 100 };

/* => jobs done until there is a job below zero. */
static int work(int ep, int jobs)
{
	struct epoll_event got;
	int done = 0;
	while (epoll_wait(ep, &got, 1, 5000) == 1) {
		if (got.data.fd != jobs)
			return done;
		done += take(jobs) == 1;
	}
	return -1;
}

static void crew(void)
{
	scene("A crew behind one instance: each event wakes one of those who wait.");
	int ep = epoll_create1(0), stop = eventfd(0, 0);
	int jobs = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK), ends[2];
	pid_t worker[WORKERS];
	if (pipe(ends))
		return saw(0, "pipe: %s", strerror(errno));
	watch(ep, jobs, EPOLLIN);
	for (int i = 0; i < WORKERS; i++) {
		worker[i] = start();
		if (!worker[i]) {
			int done = work(ep, jobs);
			_exit(write(ends[1], &done, sizeof(done)) != sizeof(done));
		}
		until_asleep(worker[i]);
	}
	for (int i = 0; i < JOBS; i++)
		give(jobs, 1);
	struct pollfd left = {jobs, POLLIN, 0};
	while (poll(&left, 1, 0) == 1)
		nanosleep(&(struct timespec){0, 1000000}, NULL);
	watch(ep, stop, EPOLLIN);
	give(stop, 1);
	int total = 0, done;
	for (int i = 0; i < WORKERS; i++) {
		status_of(worker[i]);
		total += read(ends[0], &done, sizeof(done)) == sizeof(done) ? done : 0;
	}
	saw(total == JOBS, "%d processes did %d of %d jobs, each exactly once", WORKERS, total,
	    JOBS);
	close(ep);
	close(stop);
	close(jobs);
	close(ends[0]);
	close(ends[1]);
}

void tour_events(void)
{
	puts("Events as descriptors: read them, poll them, or wait for all of them with epoll.");
	counter();
	timer();
	loop();
	edges();
	crew();
}
