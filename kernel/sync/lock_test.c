#include "kernel/lib/string.h"
#include "kernel/lib/test.h"
#include "kernel/sched/test_crew.h"
#include "kernel/sync/mutex.h"

enum { CREW = 6, ROUNDS = 400 };

static struct mutex mutex = MUTEX_INIT(mutex, PIPE_IO);
static struct rwlock rwlock = RWLOCK_INIT(rwlock, PIPE_IO);
static u32 inside, sum, readers_seen; /* inside, sum: plain, the lock is what makes them right */

static void mutex_storm(u32 id)
{
	for (u32 i = 0; i < ROUNDS; i++) {
		GUARD(mutex)(&mutex);
		CHECK_EQ(inside++, 0);
		if ((i + id) % 3 == 0)
			sched_yield_current();
		sum++;
		inside--;
	}
}

TEST(mutex_excludes_under_a_storm)
{
	inside = sum = 0;
	crew_run(CREW, mutex_storm);
	CHECK_EQ(sum, CREW * ROUNDS);
	CHECK_EQ(mutex.state, 0);
	CHECK(list_empty(&mutex.waiters));
}

/* The n-th to ask is the n-th to get it. */
static u32 order[4], order_count;
static struct thread *queued[4];

static void mutex_queue_up(u32 id)
{
	if (id)
		crew_wait_parked_at(&queued[id - 1]);
	store_release(&queued[id], thread_current());
	mutex_lock(&mutex);
	order[order_count++] = id;
	mutex_unlock(&mutex);
}

TEST(mutex_is_handed_over_in_order)
{
	memset(queued, 0, sizeof(queued));
	order_count = 0;
	mutex_lock(&mutex);
	crew_start(4, mutex_queue_up);
	crew_wait_parked_at(&queued[3]);
	mutex_unlock(&mutex);
	crew_join();
	CHECK_EQ(order_count, 4);
	for (u32 i = 0; i < order_count; i++)
		CHECK_EQ(order[i], i);
}

static void rwlock_storm(u32 id)
{
	for (u32 i = 0; i < ROUNDS; i++) {
		if (id % 3 == 0) {
			GUARD(write)(&rwlock);
			CHECK_EQ(inside++, 0);
			sched_yield_current();
			sum++;
			inside--;
		} else {
			GUARD(read)(&rwlock);
			__atomic_fetch_add(&readers_seen, 1, __ATOMIC_RELAXED);
			CHECK_EQ(load_relaxed(&inside), 0);
			if (i % 4 == 0)
				sched_yield_current();
		}
	}
}

TEST(rwlock_excludes_writers_from_everybody)
{
	inside = sum = readers_seen = 0;
	crew_run(CREW, rwlock_storm);
	CHECK_EQ(sum, 2 * ROUNDS);
	CHECK_EQ(readers_seen, 4 * ROUNDS);
	CHECK_EQ(rwlock.count, 0);
}

static struct thread *waiting_writer, *waiting_reader;
static u32 steps;

static void writer_then_reader(u32 id)
{
	if (id == 0) {
		store_release(&waiting_writer, thread_current());
		write_lock(&rwlock);
		CHECK_EQ(steps++, 1);
		write_unlock(&rwlock);
		return;
	}
	crew_wait_parked_at(&waiting_writer);
	store_release(&waiting_reader, thread_current());
	/* A reader holds the lock, but a writer waits: this one goes behind it. */
	read_lock(&rwlock);
	CHECK_EQ(steps++, 2);
	read_unlock(&rwlock);
}

TEST(rwlock_new_reader_waits_behind_a_writer)
{
	waiting_writer = waiting_reader = NULL;
	steps = 0;
	read_lock(&rwlock);
	crew_start(2, writer_then_reader);
	crew_wait_parked_at(&waiting_reader);
	CHECK_EQ(steps++, 0);
	read_unlock(&rwlock);
	crew_join();
	CHECK_EQ(steps, 3);
}
