/* Waiting and waking: order, exactness, counts (S3, S4, S7). */
#include "sem.h"

/* Starts a process that performs the operations and then notes its turn in ORDER. */
struct order {
	_Atomic int turn;
	int of[64];
};
#define WAITER(pid, order, who, id, ...)                                                           \
	CHILD(pid)                                                                                 \
	{                                                                                          \
		OK(SEMOP(id, __VA_ARGS__));                                                        \
		(order)->of[who] = atomic_fetch_add(&(order)->turn, 1) + 1;                        \
	}

TEST(up_wakes_a_waiter)
{
	SET(id, 0);
	pid_t pid;
	OPERATOR(pid, id, OP(0, -1));
	UNTIL(ncnt(id, 0) == 1);
	EQ(zcnt(id, 0), 0);
	OK(SEMOP(id, OP(0, 1)));
	/* The waker performs the operation: it is done when semop returns. */
	EQ(ncnt(id, 0), 0);
	EQ(val(id, 0), 0);
	EQ(last_pid(id, 0), pid);
	REAP(pid);
}

TEST(zero_wakes_those_who_wait_for_it)
{
	SET(id, 2);
	pid_t pids[3];
	for (int i = 0; i < 3; i++)
		OPERATOR(pids[i], id, OP(0, 0));
	UNTIL(zcnt(id, 0) == 3);
	EQ(ncnt(id, 0), 0);
	OK(SEMOP(id, OP(0, -1)));
	EQ(zcnt(id, 0), 3);
	OK(SEMOP(id, OP(0, -1)));
	EQ(zcnt(id, 0), 0);
	for (int i = 0; i < 3; i++)
		REAP(pids[i]);
}

TEST(not_enough_wakes_nobody)
{
	SET(id, 0);
	pid_t pid;
	OPERATOR(pid, id, OP(0, -3));
	UNTIL(ncnt(id, 0) == 1);
	OK(SEMOP(id, OP(0, 2)));
	EQ(ncnt(id, 0), 1);
	EQ(val(id, 0), 2);
	OK(SEMOP(id, OP(0, 2)));
	EQ(val(id, 0), 1);
	REAP(pid);
}

TEST(first_come_first_served)
{
	SET(id, 0);
	struct order *order = shared(sizeof(*order));
	pid_t pids[10];
	for (int i = 0; i < 10; i++) {
		WAITER(pids[i], order, i, id, OP(0, -1));
		UNTIL(ncnt(id, 0) == i + 1);
	}
	for (int i = 0; i < 10; i++) {
		OK(SEMOP(id, OP(0, 1)));
		REAP(pids[i]);
		EQ(order->of[i], i + 1);
		EQ(ncnt(id, 0), 9 - i);
	}
}

TEST(small_requests_pass_a_large_one)
{
	SET(id, 0);
	struct order *order = shared(sizeof(*order));
	pid_t large, small;
	WAITER(large, order, 0, id, OP(0, -5));
	UNTIL(ncnt(id, 0) == 1);
	WAITER(small, order, 1, id, OP(0, -1));
	UNTIL(ncnt(id, 0) == 2);
	/* Whoever can proceed does, in the order of arrival among those. */
	OK(SEMOP(id, OP(0, 1)));
	REAP(small);
	EQ(ncnt(id, 0), 1);
	OK(SEMOP(id, OP(0, 5)));
	REAP(large);
	EQ(order->of[1], 1);
	EQ(order->of[0], 2);
}

TEST(one_up_serves_all_who_fit)
{
	SET(id, 0);
	struct order *order = shared(sizeof(*order));
	pid_t pids[5];
	const short need[5] = {-2, -3, -1, -2, -1};
	for (int i = 0; i < 5; i++) {
		WAITER(pids[i], order, i, id, OP(0, need[i]));
		UNTIL(ncnt(id, 0) == i + 1);
	}
	/* 4 serves the first (2 left), not the second, the third (1 left), not the fourth, the fifth. */
	OK(SEMOP(id, OP(0, 4)));
	EQ(val(id, 0), 0);
	EQ(ncnt(id, 0), 2);
	REAP(pids[0]);
	REAP(pids[2]);
	REAP(pids[4]);
	OK(SEMOP(id, OP(0, 5)));
	EQ(val(id, 0), 0);
	REAP(pids[1]);
	REAP(pids[3]);
}

TEST(chain_of_waiters_runs_through)
{
	/* Each waiter's operation lets the next one go: one semop completes them all. */
	enum { N = 20 };
	int id = sem_new(N + 1);
	pid_t pids[N];
	for (int i = 0; i < N; i++) {
		CHILD(pids[i])
		{
			OK(SEMOP(id, OP((unsigned short)i, -1), OP((unsigned short)(i + 1), 1)));
		}
		UNTIL(ncnt(id, i) == 1);
	}
	OK(SEMOP(id, OP(0, 1)));
	EQ(val(id, N), 1);
	for (int i = 0; i < N; i++) {
		EQ(val(id, i), 0);
		EQ(ncnt(id, i), 0);
		REAP(pids[i]);
	}
	OK(sem_rm(id));
}

TEST(completed_waiter_wakes_zero_waiters)
{
	SET(id, 1, 0);
	pid_t zero, taker;
	OPERATOR(zero, id, OP(0, 0));
	UNTIL(zcnt(id, 0) == 1);
	OPERATOR(taker, id, OP(1, -1), OP(0, -1));
	UNTIL(ncnt(id, 1) == 1);
	OK(SEMOP(id, OP(1, 1)));
	REAP(taker);
	REAP(zero);
	EQ(val(id, 0), 0);
}

TEST(zero_waiter_that_alters)
{
	/* The classic lock of two operations: wait for zero, then raise it. */
	SET(id, 1);
	pid_t pids[4];
	for (int i = 0; i < 4; i++)
		CHILD(pids[i])
		{
			OK(SEMOP(id, OP(0, 0), OP(0, 1)));
			OK(SEMOP(id, OP(0, -1)));
		}
	UNTIL(zcnt(id, 0) == 4);
	EQ(ncnt(id, 0), 0);
	OK(SEMOP(id, OP(0, -1)));
	for (int i = 0; i < 4; i++)
		REAP(pids[i]);
	EQ(val(id, 0), 0);
}

TEST(passing_through_zero_inside_one_call_wakes_nobody)
{
	SET(id, 1);
	pid_t pid;
	OPERATOR(pid, id, OP(0, 0));
	UNTIL(zcnt(id, 0) == 1);
	OK(SEMOP(id, OP(0, -1), OP(0, 2)));
	EQ(zcnt(id, 0), 1);
	EQ(val(id, 0), 2);
	OK(SEMOP(id, OP(0, -2)));
	REAP(pid);
}

TEST(multi_waiter_takes_all_at_once)
{
	SET(id, 0, 0, 0);
	pid_t pid;
	OPERATOR(pid, id, OP(0, -1), OP(1, -1), OP(2, -1));
	UNTIL(ncnt(id, 0) == 1);
	OK(SEMOP(id, OP(0, 1)));
	EQ(val(id, 0), 1);
	UNTIL(ncnt(id, 1) == 1);
	OK(SEMOP(id, OP(2, 1)));
	EQ(val(id, 2), 1);
	OK(SEMOP(id, OP(1, 1)));
	EQ(val(id, 0), 0);
	EQ(val(id, 1), 0);
	EQ(val(id, 2), 0);
	REAP(pid);
}

TEST(counts_name_the_semaphore_that_blocks)
{
	/* Linux since 3.16: a waiter counts on the operation that it cannot pass, and only there. */
	SET(id, 1, 0, 1);
	pid_t a, b;
	OPERATOR(a, id, OP(0, -1), OP(1, -1), OP(2, 0));
	UNTIL(ncnt(id, 1) == 1);
	EQ(ncnt(id, 0), 0);
	EQ(zcnt(id, 2), 0);
	OPERATOR(b, id, OP(2, 0), OP(1, -1));
	UNTIL(zcnt(id, 2) == 1);
	EQ(ncnt(id, 1), 1);
	EQ(ncnt(id, 2), 0);
	OK(SEMOP(id, OP(2, -1)));
	UNTIL(ncnt(id, 1) == 2);
	EQ(zcnt(id, 2), 0);
	OK(SEMOP(id, OP(1, 2)));
	REAP(a);
	REAP(b);
}

TEST(setval_wakes)
{
	SET(id, 1);
	pid_t down, zero;
	OPERATOR(down, id, OP(0, -5));
	OPERATOR(zero, id, OP(0, 0));
	UNTIL(ncnt(id, 0) == 1 && zcnt(id, 0) == 1);
	OK(set_val(id, 0, 4));
	EQ(ncnt(id, 0), 1);
	OK(set_val(id, 0, 5));
	REAP(down);
	REAP(zero);
	EQ(val(id, 0), 0);
}

TEST(setall_wakes)
{
	SET(id, 0, 0, 0);
	pid_t pids[3];
	unsigned short first[3] = {1, 0, 0}, second[3] = {0, 2, 1};
	OK(set_all(id, first));
	OPERATOR(pids[0], id, OP(0, 0));
	OPERATOR(pids[1], id, OP(1, -2));
	OPERATOR(pids[2], id, OP(1, -1), OP(2, -1));
	UNTIL(zcnt(id, 0) == 1 && ncnt(id, 1) == 2);
	OK(set_all(id, second));
	REAP(pids[0]);
	/* Either of the two fits, not both. */
	int left = val(id, 1);
	YES(left == 0 || left == 1);
	EQ(ncnt(id, 1), 1);
	OK(SEMOP(id, OP(1, 2)));
	REAP(pids[1]);
	REAP(pids[2]);
}

TEST(undo_wakes)
{
	SET(id, 1, 0);
	pid_t holder, down, zero;
	CHILD(holder)
	{
		OK(SEMOP(id, OP_UNDO(0, -1), OP_UNDO(1, 1)));
		OK(SEMOP(id, OP(1, 1)));
		for (;;)
			pause();
	}
	UNTIL(val(id, 1) == 2);
	OK(SEMOP(id, OP(1, -1)));
	OPERATOR(down, id, OP(0, -1));
	OPERATOR(zero, id, OP(1, 0));
	UNTIL(ncnt(id, 0) == 1 && zcnt(id, 1) == 1);
	OK(kill(holder, SIGKILL));
	REAP(down);
	REAP(zero);
	reap(holder);
	EQ(val(id, 0), 0);
	EQ(val(id, 1), 0);
}

TEST(waiter_that_becomes_out_of_range_gets_erange)
{
	/* The waker finds that the pending operation would overflow: its caller is told. */
	SET(id, 0, 32767);
	pid_t pid;
	CHILD(pid)
	{
		FAILS(SEMOP(id, OP(0, -1), OP(1, 1)), ERANGE);
	}
	UNTIL(ncnt(id, 0) == 1);
	OK(SEMOP(id, OP(0, 1)));
	REAP(pid);
	EQ(val(id, 0), 1);
	EQ(val(id, 1), 32767);
}

TEST(waiter_whose_nowait_operation_blocks_now_gets_eagain)
{
	SET(id, 0, 0);
	pid_t pid;
	CHILD(pid)
	{
		FAILS(SEMOP(id, OP(0, -1), OP_NOW(1, -1)), EAGAIN);
	}
	UNTIL(ncnt(id, 0) == 1);
	OK(SEMOP(id, OP(0, 1)));
	REAP(pid);
	EQ(val(id, 0), 1);
}

TEST(newcomer_may_take_what_a_sleeper_cannot)
{
	SET(id, 0);
	pid_t pid;
	OPERATOR(pid, id, OP(0, -10));
	UNTIL(ncnt(id, 0) == 1);
	OK(SEMOP(id, OP(0, 3)));
	OK(SEMOP(id, OP_NOW(0, -3)));
	EQ(ncnt(id, 0), 1);
	OK(SEMOP(id, OP(0, 10)));
	REAP(pid);
}

TEST(ping_pong)
{
	enum { ROUNDS = 2000 };
	SET(id, 0, 0);
	pid_t pid;
	CHILD(pid)
	{
		for (int i = 0; i < ROUNDS; i++) {
			OK(SEMOP(id, OP(0, -1)));
			OK(SEMOP(id, OP(1, 1)));
		}
	}
	for (int i = 0; i < ROUNDS; i++) {
		OK(SEMOP(id, OP(0, 1)));
		OK(SEMOP(id, OP(1, -1)));
	}
	REAP(pid);
	EQ(val(id, 0), 0);
	EQ(val(id, 1), 0);
}

TEST(three_hundred_sleepers)
{
	enum { N = 300 };
	SET(id, 0, 0);
	static pid_t pids[N];
	for (int i = 0; i < N; i++)
		OPERATOR(pids[i], id, OP(0, -1), OP(1, 1));
	UNTIL(ncnt(id, 0) == N);
	OK(SEMOP(id, OP(0, N / 2)));
	EQ(ncnt(id, 0), N - N / 2);
	EQ(val(id, 1), N / 2);
	OK(SEMOP(id, OP(0, N - N / 2)));
	EQ(val(id, 1), N);
	EQ(val(id, 0), 0);
	for (int i = 0; i < N; i++)
		REAP(pids[i]);
}

TEST(sleepers_on_many_semaphores)
{
	enum { N = 100 };
	int id = sem_new(N);
	static pid_t pids[N];
	static unsigned short ones[N];
	for (int i = 0; i < N; i++) {
		ones[i] = 1;
		CHILD(pids[i])
		{
			OK(SEMOP(id, OP((unsigned short)i, -1)));
		}
	}
	for (int i = 0; i < N; i++)
		UNTIL(ncnt(id, i) == 1);
	for (int i = N - 1; i >= N / 2; i--) {
		OK(SEMOP(id, OP((unsigned short)i, 1)));
		REAP(pids[i]);
	}
	for (int i = 0; i < N / 2; i++)
		EQ(ncnt(id, i), 1);
	OK(set_all(id, ones));
	for (int i = 0; i < N / 2; i++)
		REAP(pids[i]);
	for (int i = N / 2; i < N; i++)
		EQ(val(id, i), 1);
	OK(sem_rm(id));
}

TEST(threads_wait_like_processes)
{
	/* A stack of tickets: as many downs as ups, from processes that all do both. */
	enum { WORKERS = 6, ROUNDS = 300 };
	SET(id, 2, 0);
	pid_t pids[WORKERS];
	for (int w = 0; w < WORKERS; w++)
		CHILD(pids[w])
		{
			for (int i = 0; i < ROUNDS; i++) {
				OK(SEMOP(id, OP(0, -1), OP(1, 1)));
				OK(SEMOP(id, OP(1, -1), OP(0, 1)));
			}
		}
	for (int w = 0; w < WORKERS; w++)
		REAP(pids[w]);
	EQ(val(id, 0), 2);
	EQ(val(id, 1), 0);
}
