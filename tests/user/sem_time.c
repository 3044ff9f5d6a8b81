/* Time-outs, signals, removal while waiting (S5). */
#include "sem.h"

enum { MS = 1000000 };

TEST(time_out_is_eagain_and_not_early)
{
	SET(id, 0);
	int64_t start = now_ns();
	FAILS(SEMOP_FOR(id, 50 * MS, OP(0, -1)), EAGAIN);
	YES(now_ns() - start >= 50 * MS);
	EQ(ncnt(id, 0), 0);
}

TEST(time_out_waiting_for_zero)
{
	SET(id, 1);
	FAILS(SEMOP_FOR(id, 20 * MS, OP(0, 0)), EAGAIN);
	EQ(zcnt(id, 0), 0);
	EQ(val(id, 0), 1);
}

TEST(time_of_zero)
{
	SET(id, 0);
	FAILS(SEMOP_FOR(id, 0, OP(0, -1)), EAGAIN);
	OK(SEMOP_FOR(id, 0, OP(0, 1)));
	OK(SEMOP_FOR(id, 0, OP(0, -1)));
}

TEST(timed_out_operation_leaves_nothing_behind)
{
	SET(id, 1, 0);
	FAILS(SEMOP_FOR(id, 10 * MS, OP(0, -1), OP(1, -1)), EAGAIN);
	OK(SEMOP(id, OP(1, 1)));
	EQ(val(id, 0), 1);
	EQ(val(id, 1), 1);
}

TEST(enormous_time_is_forever)
{
	SET(id, 0);
	pid_t pid;
	CHILD(pid)
	{
		struct sembuf op = OP(0, -1);
		struct timespec limit = {LONG_MAX, 0};
		OK(semtimedop(id, &op, 1, &limit));
	}
	UNTIL(ncnt(id, 0) == 1);
	until_asleep(pid);
	OK(SEMOP(id, OP(0, 1)));
	REAP(pid);
}

TEST(woken_in_time_is_success)
{
	int id = sem_new(1);
	pid_t pid;
	CHILD(pid)
	{
		OK(SEMOP_FOR(id, 20000LL * MS, OP(0, -1)));
	}
	UNTIL(ncnt(id, 0) == 1);
	OK(SEMOP(id, OP(0, 1)));
	REAP(pid);
	OK(sem_rm(id));
}

static void interrupted(int flags)
{
	int id = sem_new(1);
	pid_t pid;
	CHILD(pid)
	{
		on_signal(SIGUSR1, count_signal, flags);
		FAILS(SEMOP(id, OP(0, -1)), EINTR);
		EQ(signals_seen, 1);
		/* Interrupted before the next wait: the semaphore is as it was. */
		OK(SEMOP(id, OP(0, 1)));
	}
	UNTIL(ncnt(id, 0) == 1);
	OK(kill(pid, SIGUSR1));
	REAP(pid);
	EQ(val(id, 0), 1);
	EQ(ncnt(id, 0), 0);
	OK(sem_rm(id));
}

TEST(handler_gives_eintr)
{
	interrupted(0);
}

TEST(never_restarted_even_with_sa_restart)
{
	interrupted(SA_RESTART);
}

TEST(timed_wait_is_not_restarted_either)
{
	SET(id, 0);
	pid_t pid;
	CHILD(pid)
	{
		on_signal(SIGUSR1, count_signal, SA_RESTART);
		FAILS(SEMOP_FOR(id, 25000LL * MS, OP(0, -1)), EINTR);
	}
	UNTIL(ncnt(id, 0) == 1);
	OK(kill(pid, SIGUSR1));
	REAP(pid);
}

TEST(ignored_and_blocked_signals_do_not_interrupt)
{
	SET(id, 0);
	pid_t pid;
	CHILD(pid)
	{
		sigset_t set;
		sigemptyset(&set);
		sigaddset(&set, SIGUSR2);
		sigprocmask(SIG_BLOCK, &set, NULL);
		on_signal(SIGUSR1, SIG_IGN, 0);
		OK(SEMOP(id, OP(0, -1)));
	}
	UNTIL(ncnt(id, 0) == 1);
	OK(kill(pid, SIGUSR1));
	OK(kill(pid, SIGUSR2));
	OK(kill(pid, SIGCHLD));
	until_asleep(pid);
	EQ(ncnt(id, 0), 1);
	OK(SEMOP(id, OP(0, 1)));
	REAP(pid);
}

TEST(stop_and_continue)
{
	/* signal(7): semop fails with EINTR after SIGCONT even without a handler. */
	int id = sem_new(1), status;
	pid_t pid;
	CHILD(pid)
	{
		FAILS(SEMOP(id, OP(0, -1)), EINTR);
	}
	UNTIL(ncnt(id, 0) == 1);
	OK(kill(pid, SIGSTOP));
	EQ(waitpid(pid, &status, WUNTRACED), pid);
	YES(WIFSTOPPED(status));
	OK(kill(pid, SIGCONT));
	REAP(pid);
	OK(sem_rm(id));
}

TEST(pending_signal_before_the_call)
{
	SET(id, 0);
	sigset_t set, old;
	on_signal(SIGUSR1, count_signal, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	raise(SIGUSR1);
	/* Blocked: the time runs out instead. */
	FAILS(SEMOP_FOR(id, 10 * MS, OP(0, -1)), EAGAIN);
	EQ(signals_seen, 0);
	sigprocmask(SIG_SETMASK, &old, NULL);
	EQ(signals_seen, 1);
}

TEST(killed_waiter_leaves_the_queue)
{
	int id = sem_new(1), status;
	pid_t dead, next;
	CHILD(dead)
	{
		SEMOP(id, OP(0, -1));
	}
	UNTIL(ncnt(id, 0) == 1);
	OPERATOR(next, id, OP(0, -1));
	UNTIL(ncnt(id, 0) == 2);
	OK(kill(dead, SIGKILL));
	EQ(waitpid(dead, &status, 0), dead);
	EQ(ncnt(id, 0), 1);
	OK(SEMOP(id, OP(0, 1)));
	REAP(next);
	EQ(val(id, 0), 0);
	OK(sem_rm(id));
}

TEST(removal_wakes_everyone_with_eidrm)
{
	int id = sem_new(3);
	pid_t pids[9];
	OK(set_val(id, 1, 1));
	for (int i = 0; i < 9; i++)
		CHILD(pids[i])
		{
			if (i % 3 == 0)
				FAILS(SEMOP(id, OP(0, -1)), EIDRM);
			else if (i % 3 == 1)
				FAILS(SEMOP(id, OP(1, 0)), EIDRM);
			else
				FAILS(SEMOP_FOR(id, 25000LL * MS, OP(1, 0), OP_UNDO(2, -1)), EIDRM);
		}
	UNTIL(ncnt(id, 0) == 3 && zcnt(id, 1) == 6);
	OK(sem_rm(id));
	for (int i = 0; i < 9; i++)
		REAP(pids[i]);
	FAILS(val(id, 0), EINVAL);
}

TEST(waiter_keeps_right_after_mode_change)
{
	/* Permission is checked when the call is made, not when it completes. */
	int id = OK(semget(IPC_PRIVATE, 1, 0666));
	struct semid_ds ds = sem_stat(id);
	pid_t pid;
	CHILD(pid)
	{
		become(1000, 1000, 0);
		OK(SEMOP(id, OP(0, -1)));
		FAILS(SEMOP(id, OP(0, 1)), EACCES);
	}
	UNTIL(ncnt(id, 0) == 1);
	ds.sem_perm.mode = 0600;
	OK(semctl(id, 0, IPC_SET, (union semun){.buf = &ds}));
	OK(SEMOP(id, OP(0, 1)));
	REAP(pid);
	OK(sem_rm(id));
}

/*
 * A time-out races with a completion: whatever the caller is told must be what happened. Each round
 * gives one unit away; EAGAIN means that it must still be there.
 */
TEST(time_out_and_completion_race)
{
	enum { ROUNDS = 400 };
	SET(id, 0, 0);
	pid_t pid;
	CHILD(pid)
	{
		for (int i = 0; i < ROUNDS; i++) {
			OK(SEMOP(id, OP(1, -1)));
			OK(SEMOP(id, OP(0, 1)));
		}
	}
	int taken = 0, late = 0;
	for (int i = 0; i < ROUNDS; i++) {
		OK(SEMOP(id, OP(1, 1)));
		if (SEMOP_FOR(id, 1000 + i * 500, OP(0, -1)) == 0) {
			taken++;
			continue;
		}
		EQ(errno, EAGAIN);
		late++;
		OK(SEMOP(id, OP(0, -1)));
	}
	REAP(pid);
	EQ(taken + late, ROUNDS);
	EQ(val(id, 0), 0);
}

TEST(signal_and_completion_race)
{
	enum { ROUNDS = 300 };
	SET(id, 0, 0);
	pid_t parent = getpid(), pid;
	on_signal(SIGUSR1, count_signal, 0);
	CHILD(pid)
	{
		for (int i = 0; i < ROUNDS; i++) {
			UNTIL(SEMOP(id, OP(1, -1)) == 0);
			if (i & 1) {
				kill(parent, SIGUSR1);
				OK(SEMOP(id, OP(0, 1)));
			} else {
				OK(SEMOP(id, OP(0, 1)));
				kill(parent, SIGUSR1);
			}
		}
	}
	for (int i = 0; i < ROUNDS; i++) {
		UNTIL(SEMOP(id, OP(1, 1)) == 0);
		while (SEMOP(id, OP(0, -1)) != 0)
			EQ(errno, EINTR);
	}
	REAP(pid);
	EQ(val(id, 0), 0);
}

TEST(removal_and_completion_race)
{
	for (int i = 0; i < 60; i++) {
		int id = sem_new(1);
		pid_t waiter, giver;
		CHILD(waiter)
		{
			if (SEMOP(id, OP(0, -1)) != 0)
				YES(errno == EIDRM || errno == EINVAL);
		}
		CHILD(giver)
		{
			if (SEMOP(id, OP(0, 1)) != 0)
				YES(errno == EINVAL || errno == EIDRM);
		}
		OK(sem_rm(id));
		REAP(waiter);
		REAP(giver);
	}
}
