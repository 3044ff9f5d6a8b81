/* SEM_UNDO in all its variants (S6). */
#include "sem.h"
#include <pthread.h>

TEST(exit_undoes)
{
	SET(id, 3, 0);
	pid_t pid;
	CHILD(pid)
	{
		OK(SEMOP(id, OP_UNDO(0, -2), OP_UNDO(1, 5)));
		EQ(val(id, 0), 1);
		EQ(val(id, 1), 5);
	}
	REAP(pid);
	EQ(val(id, 0), 3);
	EQ(val(id, 1), 0);
}

TEST(death_by_signal_undoes)
{
	SET(id, 1);
	pid_t pid = sem_holder(id, OP_UNDO(0, -1));
	UNTIL(val(id, 0) == 0);
	OK(kill(pid, SIGKILL));
	EQ(reap(pid), SIGKILL);
	EQ(val(id, 0), 1);
}

TEST(operations_sum_up)
{
	SET(id, 10);
	pid_t pid;
	CHILD(pid)
	{
		OK(SEMOP(id, OP_UNDO(0, -4)));
		OK(SEMOP(id, OP_UNDO(0, 1)));
		OK(SEMOP(id, OP(0, -2)));
		OK(SEMOP(id, OP_UNDO(0, -1), OP_UNDO(0, -1)));
		EQ(val(id, 0), 3);
	}
	REAP(pid);
	/* 3 and what was done with SEM_UNDO back: 4 - 1 + 2. */
	EQ(val(id, 0), 8);
}

TEST(only_flagged_operations_count)
{
	SET(id, 0, 0);
	pid_t pid;
	OPERATOR(pid, id, OP(0, 2), OP_UNDO(1, 2));
	REAP(pid);
	EQ(val(id, 0), 2);
	EQ(val(id, 1), 0);
}

TEST(undo_is_clamped_at_zero)
{
	SET(id, 0);
	pid_t pid;
	CHILD(pid)
	{
		OK(SEMOP(id, OP_UNDO(0, 5)));
		OK(SEMOP(id, OP(0, -4)));
	}
	REAP(pid);
	EQ(val(id, 0), 0);
}

TEST(undo_is_clamped_at_the_maximum)
{
	SET(id, 10);
	pid_t pid;
	CHILD(pid)
	{
		OK(SEMOP(id, OP_UNDO(0, -10)));
		OK(SEMOP(id, OP(0, 32760)));
	}
	REAP(pid);
	EQ(val(id, 0), 32767);
}

TEST(adjustment_out_of_range_is_erange)
{
	SET(id, 0, 0);
	pid_t pid;
	CHILD(pid)
	{
		/* Adjustments stay within [-SEMAEM - 1, SEMAEM]; the values themselves would be fine. */
		OK(SEMOP(id, OP_UNDO(0, 32767)));
		OK(SEMOP(id, OP(0, -32767)));
		OK(SEMOP(id, OP_UNDO(0, 1)));
		FAILS(SEMOP(id, OP_UNDO(0, 1)), ERANGE);
		FAILS(SEMOP(id, OP(1, 7), OP_UNDO(0, 1)), ERANGE);
		EQ(val(id, 0), 1);
		EQ(val(id, 1), 0);
	}
	REAP(pid);
	EQ(val(id, 0), 0);
}

TEST(positive_adjustment_out_of_range)
{
	SET(id, 32767);
	pid_t pid;
	CHILD(pid)
	{
		OK(SEMOP(id, OP_UNDO(0, -32767)));
		OK(SEMOP(id, OP(0, 1)));
		FAILS(SEMOP(id, OP_UNDO(0, -1)), ERANGE);
		EQ(val(id, 0), 1);
	}
	REAP(pid);
	EQ(val(id, 0), 32767);
}

TEST(not_inherited_by_fork)
{
	SET(id, 0);
	pid_t pid;
	OK(SEMOP(id, OP_UNDO(0, 4)));
	OPERATOR(pid, id, OP_UNDO(0, 1));
	REAP(pid);
	/* Only the child's own one is gone. */
	EQ(val(id, 0), 4);
}

TEST(kept_over_exec)
{
	SET(id, 0);
	char number[16], *const args[] = {"/proc/self/exe", "-l", NULL};
	pid_t pid;
	snprintf(number, sizeof(number), "%d", id);
	OK(set_val(id, 0, 1));
	CHILD(pid)
	{
		int null = OK(open("/dev/null", O_WRONLY));
		dup2(null, STDOUT_FILENO);
		OK(SEMOP(id, OP_UNDO(0, -1)));
		execv(args[0], args);
		_exit(1);
	}
	REAP(pid);
	EQ(val(id, 0), 1);
}

TEST(held_while_the_new_program_runs)
{
	int id = sem_new(1), p[2];
	pid_t pid;
	OK(set_val(id, 0, 1));
	OK(pipe(p));
	CHILD(pid)
	{
		/* The new program reads its test names from nowhere and waits: a shell's read. */
		dup2(p[0], STDIN_FILENO);
		close(p[1]);
		OK(SEMOP(id, OP_UNDO(0, -1)));
		execl("/bin/sh", "sh", "-c", "read line", NULL);
		_exit(1);
	}
	UNTIL(val(id, 0) == 0);
	char path[64], comm[32];
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	UNTIL(file_read(path, comm, sizeof(comm)) > 0 && !strcmp(comm, "sh\n"));
	EQ(val(id, 0), 0);
	OK(write(p[1], "x\n", 2));
	REAP(pid);
	EQ(val(id, 0), 1);
	OK(sem_rm(id));
}

TEST(setval_clears_every_adjustment)
{
	int id = sem_new(2), p[2];
	pid_t pid;
	char c;
	OK(pipe(p));
	CHILD(pid)
	{
		OK(SEMOP(id, OP_UNDO(0, 5), OP_UNDO(1, 5)));
		close(p[1]);
		OK(read(p[0], &c, 1));
	}
	close(p[0]);
	UNTIL(val(id, 1) == 5);
	OK(set_val(id, 0, 7));
	OK(write(p[1], "", 1));
	REAP(pid);
	EQ(val(id, 0), 7);
	EQ(val(id, 1), 0);
	OK(sem_rm(id));
}

TEST(setall_clears_every_adjustment)
{
	int id = sem_new(2), p[2];
	unsigned short values[2] = {8, 9};
	pid_t pid;
	char c;
	OK(pipe(p));
	CHILD(pid)
	{
		OK(SEMOP(id, OP_UNDO(0, 5), OP_UNDO(1, 5)));
		OK(read(p[0], &c, 1));
		/* After it, adjustments count anew. */
		OK(SEMOP(id, OP_UNDO(1, 2)));
	}
	UNTIL(val(id, 1) == 5);
	OK(set_all(id, values));
	OK(write(p[1], "", 1));
	REAP(pid);
	EQ(val(id, 0), 8);
	EQ(val(id, 1), 9);
	OK(sem_rm(id));
}

TEST(many_sets_in_one_process)
{
	enum { N = 200 };
	static int ids[N];
	pid_t pid;
	own_namespace();
	for (int i = 0; i < N; i++) {
		ids[i] = sem_new(1 + i % 5);
		OK(set_val(ids[i], i % 5, 100));
	}
	CHILD(pid)
	{
		for (int round = 0; round < 2; round++)
			for (int i = 0; i < N; i++)
				OK(SEMOP(ids[i], OP_UNDO((unsigned short)(i % 5), -3)));
		EQ(val(ids[7], 2), 94);
	}
	REAP(pid);
	for (int i = 0; i < N; i++)
		EQ(val(ids[i], i % 5), 100);
}

TEST(set_removed_before_exit)
{
	int id = sem_new(1), other = sem_new(1);
	pid_t pid;
	CHILD(pid)
	{
		OK(SEMOP(id, OP_UNDO(0, 1)));
		OK(SEMOP(other, OP_UNDO(0, 1)));
		OK(sem_rm(id));
	}
	REAP(pid);
	EQ(val(other, 0), 0);
	OK(sem_rm(other));
}

TEST(waiting_with_undo_holds_nothing_yet)
{
	SET(id, 0);
	pid_t pid = sem_holder(id, OP_UNDO(0, -1));
	UNTIL(ncnt(id, 0) == 1);
	OK(kill(pid, SIGKILL));
	reap(pid);
	EQ(val(id, 0), 0);
	EQ(ncnt(id, 0), 0);
}

TEST(completed_by_the_waker_is_undone_too)
{
	SET(id, 0);
	pid_t pid = sem_holder(id, OP_UNDO(0, -1));
	UNTIL(ncnt(id, 0) == 1);
	OK(SEMOP(id, OP(0, 1)));
	EQ(val(id, 0), 0);
	OK(kill(pid, SIGKILL));
	reap(pid);
	EQ(val(id, 0), 1);
}

TEST(pid_and_times_after_undo)
{
	SET(id, 0, 0);
	pid_t pid;
	OK(SEMOP(id, OP(1, 1)));
	OPERATOR(pid, id, OP_UNDO(0, 1));
	REAP(pid);
	EQ(last_pid(id, 0), pid);
	EQ(last_pid(id, 1), getpid());
}

TEST(shared_with_clone_sysvsem)
{
	SET(id, 0);
	pid_t pid;
	CHILD(pid)
	{
		OK(SEMOP(id, OP_UNDO(0, 3)));
		pid_t twin = clone_process(CLONE_SYSVSEM);
		if (twin == 0) {
			OK(SEMOP(id, OP_UNDO(0, 2)));
			_exit(0);
		}
		REAP(twin);
		/* The list lives on with us. */
		EQ(val(id, 0), 5);
	}
	REAP(pid);
	EQ(val(id, 0), 0);
}

TEST(last_sharer_undoes)
{
	int id = sem_new(1), p[2];
	pid_t pid;
	char c;
	OK(pipe(p));
	CHILD(pid)
	{
		OK(SEMOP(id, OP_UNDO(0, 3)));
		if (clone_process(CLONE_SYSVSEM) == 0) {
			close(p[1]);
			EQ(read(p[0], &c, 1), 0);
			_exit(0);
		}
	}
	close(p[0]);
	REAP(pid);
	EQ(val(id, 0), 3);
	close(p[1]);
	UNTIL(val(id, 0) == 0);
	OK(sem_rm(id));
}

TEST(unshare_sysvsem_leaves_the_list)
{
	SET(id, 0);
	pid_t pid;
	CHILD(pid)
	{
		OK(SEMOP(id, OP_UNDO(0, 3)));
		/* We are its only user: leaving it undoes. */
		OK(unshare(CLONE_SYSVSEM));
		EQ(val(id, 0), 0);
		OK(SEMOP(id, OP_UNDO(0, 2)));
		EQ(val(id, 0), 2);
	}
	REAP(pid);
	EQ(val(id, 0), 0);
}

static int thread_set;
static void *thread_up(void *unused)
{
	(void)unused;
	OK(SEMOP(thread_set, OP_UNDO(0, 4)));
	return NULL;
}

TEST(threads_share_one_list)
{
	pid_t pid;
	thread_set = sem_new(1);
	CHILD(pid)
	{
		pthread_t thread;
		EQ(pthread_create(&thread, NULL, thread_up, NULL), 0);
		EQ(pthread_join(thread, NULL), 0);
		/* The thread is gone, the process holds. */
		EQ(val(thread_set, 0), 4);
		OK(SEMOP(thread_set, OP_UNDO(0, -1)));
	}
	REAP(pid);
	EQ(val(thread_set, 0), 0);
	OK(sem_rm(thread_set));
}

TEST(failed_operation_leaves_no_adjustment)
{
	SET(id, 5, 0);
	pid_t pid;
	CHILD(pid)
	{
		FAILS(SEMOP(id, OP_UNDO(0, -3), (struct sembuf){1, -1, SEM_UNDO | IPC_NOWAIT}),
		      EAGAIN);
		FAILS(SEMOP_FOR(id, 1000000, OP_UNDO(0, -3), OP_UNDO(1, -1)), EAGAIN);
	}
	REAP(pid);
	EQ(val(id, 0), 5);
}

TEST(undo_on_a_missing_set)
{
	int id = sem_new(1);
	OK(sem_rm(id));
	FAILS(SEMOP(id, OP_UNDO(0, 1)), EINVAL);
	FAILS(SEMOP(-1, OP_UNDO(0, 1)), EINVAL);
}

TEST(holders_chain)
{
	/* Each heir of the lock dies holding it; the last finds it free. */
	enum { N = 30 };
	SET(id, 1);
	pid_t pids[N];
	for (int i = 0; i < N; i++)
		CHILD(pids[i])
		{
			OK(SEMOP(id, OP_UNDO(0, -1)));
			raise(SIGKILL);
		}
	for (int i = 0; i < N; i++)
		EQ(reap(pids[i]), SIGKILL);
	EQ(val(id, 0), 1);
}
