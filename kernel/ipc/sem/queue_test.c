/* The queue of one semaphore against a naive one: a plain list, scanned. */
#include "kernel/ipc/sem/set.h"
#include "kernel/lib/test.h"

enum { WAITERS = 60, STEPS = 6000 };

static u32 random_below(u64 *state, u32 n)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)((*state >> 33) % n);
}

static struct sem_waiter *naive_first(struct sem_waiter *const *queued, s32 value)
{
	struct sem_waiter *best = NULL;
	for (u32 i = 0; i < WAITERS; i++) {
		struct sem_waiter *w = queued[i];
		if (!w || w->kind == SEM_ZERO)
			continue;
		bool met = w->kind == SEM_AT_LEAST ? value >= w->need : value == w->need;
		if (met && (!best || w->arrival < best->arrival))
			best = w;
	}
	return best;
}

static void queue_init(struct sem_queue *q)
{
	*q = (struct sem_queue){0};
	list_init(&q->blocked);
	list_init(&q->equal);
	list_init(&q->zero);
}

/* needs: 1 keeps the queue a list, more makes it a tree. */
static void check_against_naive(u32 needs)
{
	static struct sem_waiter waiters[WAITERS];
	struct sem_waiter *queued[WAITERS] = {0};
	struct sem_queue q;
	u64 random = needs;

	queue_init(&q);
	for (u32 step = 0; step < STEPS; step++) {
		u32 i = random_below(&random, WAITERS);
		struct sem_waiter *w = &waiters[i];
		if (queued[i]) {
			sem_queue_del(w);
			queued[i] = NULL;
		} else {
			*w = (struct sem_waiter){
				.rq.n = 1 + random_below(&random, 2),
				.kind = (enum sem_watch_kind)random_below(&random, 3),
				.need = 1 + (s32)random_below(&random, needs),
				/* Out of order too: one that moved here from another queue. */
				.arrival = step * 8 - random_below(&random, 40),
			};
			if (w->kind != SEM_AT_LEAST)
				w->need = (s32)random_below(&random, needs) / 4;
			sem_queue_add(&q, w);
			queued[i] = w;
		}
		for (s32 value = 0; value <= (s32)needs; value++) {
			struct sem_waiter *got = sem_queue_first(&q, value);
			struct sem_waiter *want = naive_first(queued, value);
			CHECK_EQ(got ? got->arrival : 0, want ? want->arrival : 0);
		}
	}
	for (u32 i = 0; i < WAITERS; i++)
		if (queued[i])
			sem_queue_del(queued[i]);
	CHECK_EQ(q.waiters, 0);
	CHECK_EQ(q.simple_blocked + q.simple_zero + q.equal_not_zero + q.mixed, 0);
}

TEST(sem_queue_of_equal_needs_is_fifo)
{
	check_against_naive(1);
}
TEST(sem_queue_of_mixed_needs_finds_first_met)
{
	check_against_naive(9);
}
