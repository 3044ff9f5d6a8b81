/* epoll on pthreads, under the sanitizers: a model, and everything at once. */
#include "abi/poll.h"
#include "kernel/ipc/event/epoll.h"
#include "tests/host/host.h"

static struct epoll *instance_new(void)
{
	struct epoll *ep = epoll_new();
	ASSERT(ep);
	ep->self.what = (struct port_watched){.instance = ep};
	return ep;
}
static void instance_close(struct epoll *ep)
{
	epoll_source_release(&ep->self);
	epoll_release(ep);
}

/* Against a table of what is registered and what each file says. */
TEST(epoll_reports_what_a_table_would)
{
	enum { FILES = 6 };
	struct test_file files[FILES];
	struct epoll_source *sources[FILES];
	struct {
		u32 wanted;
		bool added;
	} model[FILES] = {0};
	struct epoll *ep = instance_new();
	for (u32 i = 0; i < FILES; i++) {
		test_file_init(&files[i]);
		sources[i] = epoll_source_new((struct port_watched){.file = &files[i]});
	}
	for (u32 round = 0; round < 20000; round++) {
		u32 i = host_random(FILES);
		struct epoll_event e = {host_random(2) ? POLLIN : POLLOUT, i};
		switch (host_random(5)) {
		case 0:
			CHECK_EQ(epoll_add(ep, sources[i], (s32)i, &e),
			         model[i].added ? -EEXIST : 0);
			if (!model[i].added)
				model[i].wanted = e.events;
			model[i].added = true;
			break;
		case 1:
			CHECK_EQ(epoll_remove(ep, sources[i], (s32)i),
			         model[i].added ? 0 : -ENOENT);
			model[i].added = false;
			break;
		case 2:
			CHECK_EQ(epoll_change(ep, sources[i], (s32)i, &e),
			         model[i].added ? 0 : -ENOENT);
			if (model[i].added)
				model[i].wanted = e.events;
			break;
		case 3: test_file_set(&files[i], host_random(2) ? POLLIN : POLLOUT); break;
		default: test_file_set(&files[i], 0);
		}
		struct epoll_event got[FILES];
		s64 n = epoll_wait(ep, UPTR((uintptr_t)got), FILES, 0), want = 0;
		for (u32 k = 0; k < FILES; k++)
			want += model[k].added && files[k].events & model[k].wanted;
		CHECK_EQ(n, want);
		for (s64 k = 0; k < n; k++)
			CHECK_EQ(got[k].events, files[got[k].data].events);
		CHECK_EQ(!!epoll_events(ep), want != 0);
	}
	instance_close(ep);
	for (u32 i = 0; i < FILES; i++)
		epoll_source_release(sources[i]);
	CHECK_EQ(test_epoll_watches(), 0);
}

/* Counts taken from a file by several waiters: each once. */
static struct test_file counter_file;
static struct epoll *shared;
static long count, taken; /* [a] */

static void take_counts(void *arg)
{
	struct epoll_event got;
	while (epoll_wait(shared, UPTR((uintptr_t)&got), 1, PORT_FOREVER) == 1) {
		long had = load_relaxed(&count);
		while (had > 0 && !__atomic_compare_exchange_n(&count, &had, had - 1, false,
		                                               __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			;
		if (had <= 0)
			store_relaxed(&counter_file.events, 0);
		/* It may have been raised between the two. */
		if (load_relaxed(&count) > 0)
			test_file_set(&counter_file, POLLIN);
		if (had > 0)
			__atomic_add_fetch(&taken, 1, __ATOMIC_RELAXED);
		else if (got.data == 2)
			return;
	}
}
TEST(epoll_waiters_share_a_storm)
{
	enum { WAITERS = 3, COUNTS = 3000 };
	struct host_thread *t[WAITERS];
	struct epoll_event e = {POLLIN, 1}, end = {POLLIN, 2};
	struct test_file end_file;
	count = taken = 0;
	test_file_init(&counter_file);
	test_file_init(&end_file);
	shared = instance_new();
	struct epoll_source *s = epoll_source_new((struct port_watched){.file = &counter_file});
	struct epoll_source *s_end = epoll_source_new((struct port_watched){.file = &end_file});
	CHECK_EQ(epoll_add(shared, s, 1, &e), 0);
	CHECK_EQ(epoll_add(shared, s_end, 2, &end), 0);
	for (u32 i = 0; i < WAITERS; i++)
		t[i] = host_spawn(take_counts, NULL);
	for (u32 i = 0; i < COUNTS; i++) {
		__atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST);
		test_file_set(&counter_file, POLLIN);
	}
	while (load_relaxed(&taken) < COUNTS)
		port_yield();
	store_relaxed(&counter_file.events, 0);
	test_file_set(&end_file, POLLIN);
	for (u32 i = 0; i < WAITERS; i++)
		host_join(t[i]);
	CHECK_EQ(taken, COUNTS);
	instance_close(shared);
	epoll_source_release(s);
	epoll_source_release(s_end);
}

/* Files end, registrations change, instances nest, all at once. */
enum { CHURN_FILES = 4, CHURN_INSTANCES = 3, CHURN_ROUNDS = 3000 };
static struct test_file churn_files[CHURN_FILES];
static struct epoll *churn_instances[CHURN_INSTANCES];
static struct epoll_source *churn_sources[CHURN_FILES];

static u32 next(u32 *seed, u32 n)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 16) % n;
}
static void churn(void *arg)
{
	u32 seed = (u32)(uintptr_t)arg;
	struct epoll_event got[4], e = {POLLIN, 0};
	for (u32 i = 0; i < CHURN_ROUNDS; i++) {
		struct epoll *ep = churn_instances[next(&seed, CHURN_INSTANCES)];
		struct epoll *other = churn_instances[next(&seed, CHURN_INSTANCES)];
		u32 f = next(&seed, CHURN_FILES);
		e.events = POLLIN | (next(&seed, 2) ? EPOLLET : 0);
		switch (next(&seed, 8)) {
		case 0: (void)!epoll_add(ep, churn_sources[f], (s32)f, &e); break;
		case 1: (void)!epoll_remove(ep, churn_sources[f], (s32)f); break;
		case 2: (void)!epoll_change(ep, churn_sources[f], (s32)f, &e); break;
		case 3: (void)!epoll_wait(ep, UPTR((uintptr_t)got), 4, 0); break;
		case 4: (void)!epoll_events(ep); break;
		case 5:
			if (ep != other)
				(void)!epoll_add(ep, &other->self, 9, &e);
			break;
		case 6: (void)!epoll_remove(ep, &other->self, 9); break;
		default: test_file_set(&churn_files[f], next(&seed, 2) ? POLLIN : 0);
		}
	}
}
TEST(epoll_survives_everything_at_once)
{
	enum { THREADS = 4 };
	struct host_thread *t[THREADS];
	for (u32 i = 0; i < CHURN_FILES; i++) {
		test_file_init(&churn_files[i]);
		churn_sources[i] = epoll_source_new((struct port_watched){.file = &churn_files[i]});
	}
	for (u32 i = 0; i < CHURN_INSTANCES; i++)
		churn_instances[i] = instance_new();
	for (uintptr_t i = 0; i < THREADS; i++)
		t[i] = host_spawn(churn, (void *)(i + 1));
	for (u32 i = 0; i < THREADS; i++)
		host_join(t[i]);
	for (u32 i = 0; i < CHURN_INSTANCES; i++)
		instance_close(churn_instances[i]);
	for (u32 i = 0; i < CHURN_FILES; i++)
		epoll_source_release(churn_sources[i]);
	CHECK_EQ(test_epoll_watches(), 0);
}
