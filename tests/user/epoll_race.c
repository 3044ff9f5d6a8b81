/* epoll while its files, its registrations and itself come and go on all processors (E5). */
#include "epoll.h"
#include <pthread.h>

enum { ROUNDS = 400, THREADS = 4 };
static int ep, tokens;
static _Atomic int taken, at_start;

static void begin_together(void)
{
	at_start++;
	UNTIL(at_start >= THREADS);
}

/* A semaphore's worth of events is taken exactly once, whoever is woken. */
static void *take_tokens(void *arg)
{
	struct epoll_event got;
	uint64_t one;
	(void)arg;
	for (;;) {
		int n = epoll_wait(ep, &got, 1, -1);
		if (n != 1)
			continue;
		if (got.data.fd != tokens)
			return NULL;
		if (read(tokens, &one, 8) == 8)
			taken++;
	}
}

static void pass_tokens(uint32_t flags)
{
	enum { TOKENS = 2000 };
	pthread_t t[THREADS];
	int end = event_new();
	ep = epoll_new();
	tokens = MUST(eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK));
	OK(add(ep, tokens, EPOLLIN | flags));
	for (int i = 0; i < THREADS; i++)
		EQ(pthread_create(&t[i], NULL, take_tokens, NULL), 0);
	for (int i = 0; i < TOKENS; i++)
		event_set(tokens);
	UNTIL(taken == TOKENS);
	OK(add(ep, end, EPOLLIN));
	event_set(end);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	EQ(taken, TOKENS);
}
TEST(no_event_is_lost_among_waiters)
{
	pass_tokens(0);
}
TEST(no_event_is_lost_among_exclusive_waiters)
{
	pass_tokens(EPOLLEXCLUSIVE);
}

/* An edge for each write: the reader that drains never hangs. */
static void *drain(void *arg)
{
	int *p = arg, n = 0;
	char buf[64];
	struct epoll_event got;
	while (n < ROUNDS * 8) {
		EQ(epoll_wait(ep, &got, 1, -1), 1);
		ssize_t r;
		while ((r = read(p[0], buf, sizeof buf)) > 0)
			n += (int)r;
	}
	return NULL;
}
TEST(edges_are_never_lost)
{
	int p[2];
	pthread_t t;
	MUST(pipe2(p, O_NONBLOCK));
	ep = epoll_new();
	OK(add(ep, p[0], EPOLLIN | EPOLLET));
	EQ(pthread_create(&t, NULL, drain, p), 0);
	for (int i = 0; i < ROUNDS * 8; i++)
		while (write(p[1], "x", 1) != 1)
			sched_yield();
	pthread_join(t, NULL);
}

/* One-shot with several threads: nobody else gets the descriptor while its owner has it. */
static _Atomic int inside;
static void *own(void *arg)
{
	struct epoll_event got;
	(void)arg;
	for (;;) {
		if (epoll_wait(ep, &got, 1, -1) != 1)
			continue;
		if (got.data.fd != tokens)
			return NULL;
		EQ(inside++, 0);
		event_take(tokens);
		taken++;
		inside--;
		event_set(tokens);
		OK(mod(ep, tokens, EPOLLIN | EPOLLONESHOT));
	}
}
TEST(oneshot_gives_one_owner)
{
	pthread_t t[THREADS];
	int end = event_new();
	ep = epoll_new();
	tokens = MUST(eventfd(1, EFD_NONBLOCK));
	OK(add(ep, tokens, EPOLLIN | EPOLLONESHOT));
	for (int i = 0; i < THREADS; i++)
		EQ(pthread_create(&t[i], NULL, own, NULL), 0);
	UNTIL(taken >= ROUNDS);
	OK(add(ep, end, EPOLLIN));
	event_set(end);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
}

/* Files close while they are written, waited for, added and removed. */
static int slots[8];
static void *churn(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;
	struct epoll_event got[4];
	uint64_t one = 1;
	begin_together();
	for (int i = 0; i < ROUNDS * 4; i++) {
		seed = seed * 1103515245 + 12345;
		int slot = seed >> 16 & 7, fd = slots[slot];
		switch (seed >> 20 & 7) {
		case 0: dup2(MUST(dup(slots[seed >> 24 & 7])), fd); break;
		case 1: add(ep, fd, EPOLLIN | (seed >> 24 & 1 ? EPOLLET : 0)); break;
		case 2: del(ep, fd); break;
		case 3: mod(ep, fd, EPOLLIN | EPOLLOUT); break;
		case 4: epoll_wait(ep, got, 4, 0); break;
		case 5: polled(ep, POLLIN); break;
		default:
			if (write(fd, &one, 8) != 8)
				YES(errno == EAGAIN || errno == EBADF || errno == EINVAL);
		}
		if (i % 64 == 0)
			for (int old = 40; old < 1000; old++)
				if (close(old))
					break;
	}
	return NULL;
}
TEST(everything_at_once)
{
	pthread_t t[THREADS];
	ep = MUST(fcntl(epoll_new(), F_DUPFD, 20));
	for (int i = 0; i < 8; i++)
		slots[i] = MUST(fcntl(event_new(), F_DUPFD, 25));
	for (uintptr_t i = 0; i < THREADS; i++)
		EQ(pthread_create(&t[i], NULL, churn, (void *)(i + 1)), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
}

/* Instances that watch each other come and go while their files give notice. */
static int chain[4], source;
static void *rebuild(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;
	struct epoll_event got;
	begin_together();
	for (int i = 0; i < ROUNDS * 2; i++) {
		seed = seed * 1103515245 + 12345;
		int a = chain[seed >> 16 & 3], b = chain[seed >> 18 & 3];
		switch (seed >> 20 & 7) {
		case 0:
		case 1:
			if (add(a, b, EPOLLIN))
				YES(errno == EEXIST || errno == ELOOP || errno == EINVAL);
			break;
		case 2: del(a, b); break;
		case 3: add(a, source, EPOLLIN | EPOLLET); break;
		case 4: del(a, source); break;
		case 5: epoll_wait(a, &got, 1, 0); break;
		case 6: polled(a, POLLIN); break;
		default: event_set(source);
		}
	}
	return NULL;
}
TEST(instances_that_watch_each_other)
{
	pthread_t t[THREADS];
	source = event_new();
	for (int i = 0; i < 4; i++)
		chain[i] = epoll_new();
	for (uintptr_t i = 0; i < THREADS; i++)
		EQ(pthread_create(&t[i], NULL, rebuild, (void *)(i + 11)), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
}

/* The instance and its file end at the same time, in different threads. */
static int pair[2];
static pthread_barrier_t barrier;
static void *close_second(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&barrier);
		close(pair[1]);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}
TEST(instance_and_file_end_together)
{
	pthread_t t;
	pthread_barrier_init(&barrier, NULL, 2);
	EQ(pthread_create(&t, NULL, close_second, NULL), 0);
	for (int i = 0; i < ROUNDS; i++) {
		pair[0] = epoll_new();
		pair[1] = event_new();
		OK(add(pair[0], pair[1], EPOLLIN));
		pthread_barrier_wait(&barrier);
		close(pair[0]);
		pthread_barrier_wait(&barrier);
	}
	pthread_join(t, NULL);
}
