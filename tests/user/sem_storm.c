/* Semaphores under fire: kill -9 at any moment, removal, many processors (S5, S6, K3). */
#include "sem.h"
#include "storm.h"
#include <pthread.h>

/* Takes and gives back with SEM_UNDO in all ways. */
static int units;
static void take_and_give(uint32_t seed)
{
	for (;;) {
		unsigned short a = (unsigned short)(draw(&seed) % 3),
			       b = (unsigned short)((a + 1) % 3);
		SEMOP(units, OP_UNDO(a, -2), OP_UNDO(b, -1));
		SEMOP(units, OP_UNDO(a, 1));
		SEMOP(units, OP_UNDO(a, 1), OP_UNDO(b, 1));
	}
}
TEST(kill_at_any_moment_keeps_the_sum)
{
	enum { UNITS = 5 };
	unsigned short start[3] = {UNITS, UNITS, UNITS};
	units = sem_new(3);
	OK(set_all(units, start));
	storm_of_kills(6, 150, 40, take_and_give);
	for (int i = 0; i < 3; i++) {
		EQ(val(units, i), UNITS);
		EQ(ncnt(units, i), 0);
		EQ(zcnt(units, i), 0);
	}
	OK(sem_rm(units));
}

TEST(lock_survives_its_holders)
{
	/* Mutual exclusion by SEM_UNDO while holders are killed: the counter is never seen torn. */
	enum { WORKERS = 4, KILLS = 60 };
	int id = sem_new(1);
	volatile int *pair = shared(4096);
	pid_t pids[WORKERS];
	uint32_t seed = 99;
	OK(set_val(id, 0, 1));
	for (int i = 0; i < WORKERS + KILLS; i++) {
		int w = i % WORKERS;
		if (i >= WORKERS) {
			some_time(&seed, 50);
			kill(pids[w], SIGKILL);
			reap(pids[w]);
		}
		CHILD(pids[w])
		{
			for (;;) {
				if (SEMOP(id, OP_UNDO(0, -1)))
					_exit(1);
				pair[2] = getpid();
				pair[0]++;
				sched_yield();
				if (pair[2] != getpid())
					pair[3]++;
				SEMOP(id, OP_UNDO(0, 1));
			}
		}
	}
	for (int w = 0; w < WORKERS; w++) {
		kill(pids[w], SIGKILL);
		reap(pids[w]);
	}
	EQ(val(id, 0), 1);
	EQ(pair[3], 0);
	YES(pair[0] > 0);
	OK(sem_rm(id));
}

TEST(sets_come_and_go_under_operations)
{
	enum { WORKERS = 4, ROUNDS = 150 };
	own_namespace();
	volatile int *current = shared(4096);
	pid_t pids[WORKERS];
	*current = sem_new(2);
	for (int w = 0; w < WORKERS; w++)
		CHILD(pids[w])
		{
			for (;;) {
				int id = *current;
				if (id < 0)
					_exit(0);
				if (SEMOP(id, OP_UNDO(0, 1), OP(1, 1)) && errno != EINVAL &&
				    errno != EIDRM)
					EQ(errno, ERANGE);
				if (SEMOP_FOR(id, 100000, OP_UNDO(0, -1), OP(1, -1)) &&
				    errno != EINVAL && errno != EIDRM)
					EQ(errno, EAGAIN);
				set_val(id, 0, 0);
				ncnt(id, 1);
			}
		}
	for (int i = 0; i < ROUNDS; i++) {
		int old = *current;
		*current = sem_new(2);
		OK(sem_rm(old));
		sched_yield();
	}
	int last = *current;
	*current = -1;
	for (int w = 0; w < WORKERS; w++)
		REAP(pids[w]);
	OK(sem_rm(last));
	struct seminfo info;
	OK(semctl(0, 0, SEM_INFO, (union semun){.info = &info}));
	EQ(info.semusz, 0);
	EQ(info.semaem, 0);
}

static int threads_set;
static void *thread_trade(void *arg)
{
	unsigned short a = (unsigned short)((long)arg % 4), b = (unsigned short)((a + 1) % 4);
	for (int i = 0; i < 300; i++) {
		OK(SEMOP(threads_set, OP(a, -1), OP(b, 1)));
		OK(SEMOP(threads_set, OP(b, -1), OP(a, 1)));
	}
	return NULL;
}

TEST(threads_trade)
{
	pthread_t threads[8];
	unsigned short start[4] = {2, 2, 2, 2};
	threads_set = sem_new(4);
	OK(set_all(threads_set, start));
	for (long i = 0; i < 8; i++)
		EQ(pthread_create(&threads[i], NULL, thread_trade, (void *)i), 0);
	for (int i = 0; i < 8; i++)
		EQ(pthread_join(threads[i], NULL), 0);
	for (int i = 0; i < 4; i++)
		EQ(val(threads_set, i), 2);
	OK(sem_rm(threads_set));
}

TEST(removal_under_a_crowd)
{
	for (int round = 0; round < 10; round++) {
		enum { N = 30 };
		int id = sem_new(4);
		pid_t pids[N];
		for (int i = 0; i < N; i++)
			CHILD(pids[i])
			{
				unsigned short a = (unsigned short)(i % 4);
				FAILS(SEMOP(id, OP_UNDO(a, -1),
				            OP_UNDO((unsigned short)((a + 1) % 4), -1)),
				      EIDRM);
			}
		UNTIL(ncnt(id, 0) + ncnt(id, 1) + ncnt(id, 2) + ncnt(id, 3) == N);
		OK(sem_rm(id));
		for (int i = 0; i < N; i++)
			REAP(pids[i]);
	}
}

TEST(signals_kill_and_time_at_once)
{
	/* Waiters with short times, handlers and removal, all together: no result but the documented. */
	enum { N = 12 };
	for (int round = 0; round < 8; round++) {
		int id = sem_new(1);
		pid_t pids[N];
		for (int i = 0; i < N; i++)
			CHILD(pids[i])
			{
				on_signal(SIGUSR1, count_signal, SA_RESTART);
				for (;;)
					if (SEMOP_FOR(id, 200000LL * (i + 1), OP(0, -1))) {
						if (errno == EIDRM || errno == EINVAL)
							_exit(0);
						YES(errno == EAGAIN || errno == EINTR);
					}
			}
		for (int i = 0; i < 60; i++) {
			kill(pids[i % (N - 2)], i % 7 ? SIGCONT : SIGURG);
			OK(SEMOP(id, OP(0, 1)));
		}
		kill(pids[N - 1], SIGKILL);
		OK(sem_rm(id));
		for (int i = 0; i < N - 1; i++)
			REAP(pids[i]);
		reap(pids[N - 1]);
	}
}
