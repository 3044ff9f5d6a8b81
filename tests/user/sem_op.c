/* semop(2) without waiting: order of errors, atomicity, arithmetic (S1, S2, S7). */
#include "sem.h"
#include <sys/resource.h>

TEST(count_of_operations)
{
	int id = sem_new(1);
	struct sembuf one = OP(0, 1);
	static struct sembuf many[501];
	FAILS(semop(id, &one, 0), EINVAL);
	for (int i = 0; i < 501; i++)
		many[i] = OP(0, 1);
	FAILS(semop(id, many, 501), E2BIG);
	FAILS(semop(id, many, SIZE_MAX), E2BIG);
	FAILS(semop(id, NULL, 501), E2BIG);
	OK(semop(id, many, 500));
	EQ(val(id, 0), 500);
	OK(sem_rm(id));
}

TEST(order_of_errors)
{
	int id = sem_new(1);
	struct sembuf far = OP(1, 1);
	struct timespec bad = {-1, 0}, bad_ns = {0, 1000000000};
	/* The count, then the copies, then the id's sign, then the time, then the set. */
	FAILS(semop(-1, NULL, 0), EINVAL);
	FAILS(semop(-1, NULL, 1000), E2BIG);
	FAILS(semop(-1, NULL, 1), EFAULT);
	FAILS(semop(-1, &far, 1), EINVAL);
	FAILS(semop(1 << 30, NULL, 1), EFAULT);
	FAILS(semop(1 << 30, &far, 1), EINVAL);
	FAILS(semtimedop(id, &far, 1, &bad), EINVAL);
	FAILS(semtimedop(id, &far, 1, &bad_ns), EINVAL);
	FAILS(semtimedop(id, NULL, 1, &bad), EFAULT);
	FAILS(syscall(SYS_semtimedop, id, NULL, 0, (void *)1), EFAULT);
	FAILS(syscall(SYS_semtimedop, id, &far, 1, (void *)1), EFAULT);
	FAILS(semop(id, &far, 1), EFBIG);
	OK(sem_rm(id));
	FAILS(semop(id, &far, 1), EINVAL);
}

TEST(far_number_is_efbig_even_later_in_the_array)
{
	int id = sem_new(2);
	FAILS(SEMOP(id, OP(0, 1), OP(2, 1)), EFBIG);
	FAILS(SEMOP(id, OP_NOW(0, -1), OP(65535, 0)), EFBIG);
	EQ(val(id, 0), 0);
	OK(sem_rm(id));
}

TEST(far_number_comes_before_permission)
{
	int id = OK(semget(IPC_PRIVATE, 1, 0));
	pid_t pid;
	CHILD(pid)
	{
		become(1000, 1000, 0);
		FAILS(SEMOP(id, OP(1, 1)), EFBIG);
		FAILS(SEMOP(id, OP(0, 1)), EACCES);
		FAILS(SEMOP(id, OP(0, 0)), EACCES);
	}
	REAP(pid);
	OK(sem_rm(id));
}

TEST(bad_pointers)
{
	int id = sem_new(1);
	FAILS(syscall(SYS_semop, id, (void *)8, 1), EFAULT);
	FAILS(syscall(SYS_semop, id, (void *)0xffff800000000000, 1), EFAULT);
	FAILS(syscall(SYS_semop, id, (void *)-6L, 2), EFAULT);
	FAILS(syscall(SYS_semop, id, (void *)0x7ffffffff000, 500), EFAULT);
	/* An array that runs out of its mapping in the middle. */
	char *page = MUST((char *)mmap(NULL, 8192, PROT_READ | PROT_WRITE,
	                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	OK(munmap(page + 4096, 4096));
	FAILS(syscall(SYS_semop, id, page + 4096 - sizeof(struct sembuf), 2), EFAULT);
	*(struct sembuf *)(page + 4096 - sizeof(struct sembuf)) = OP(0, 2);
	OK(syscall(SYS_semop, id, page + 4096 - sizeof(struct sembuf), 1));
	EQ(val(id, 0), 2);
	OK(sem_rm(id));
}

TEST(nowait_is_eagain)
{
	int id = sem_new(2);
	FAILS(SEMOP(id, OP_NOW(0, -1)), EAGAIN);
	OK(SEMOP(id, OP(0, 1)));
	FAILS(SEMOP(id, OP_NOW(0, 0)), EAGAIN);
	FAILS(SEMOP(id, OP_NOW(0, -2)), EAGAIN);
	OK(SEMOP(id, OP_NOW(0, -1)));
	OK(SEMOP(id, OP_NOW(0, 0)));
	OK(sem_rm(id));
}

TEST(all_or_nothing)
{
	int id = sem_new(4);
	OK(set_val(id, 0, 1));
	OK(set_val(id, 1, 1));
	FAILS(SEMOP(id, OP(0, -1), OP(1, -1), OP(3, 9), OP_NOW(2, -1)), EAGAIN);
	EQ(val(id, 0), 1);
	EQ(val(id, 1), 1);
	EQ(val(id, 2), 0);
	EQ(val(id, 3), 0);
	OK(SEMOP(id, OP(0, -1), OP(1, -1), OP(2, 3)));
	EQ(val(id, 0), 0);
	EQ(val(id, 1), 0);
	EQ(val(id, 2), 3);
	OK(sem_rm(id));
}

TEST(blocking_operation_decides_about_waiting)
{
	int id = sem_new(2);
	/* The first that cannot proceed has no IPC_NOWAIT: the call waits (here until its time is up,
	 * which is EAGAIN too, but later); with it, the call returns at once although others lack it. */
	int64_t start = now_ns();
	FAILS(SEMOP_FOR(id, 30000000, OP(0, -1), OP_NOW(1, -1)), EAGAIN);
	YES(now_ns() - start >= 30000000);
	FAILS(SEMOP(id, OP_NOW(0, -1), OP(1, -1)), EAGAIN);
	OK(set_val(id, 0, 1));
	FAILS(SEMOP(id, OP(0, -1), OP_NOW(1, -1)), EAGAIN);
	EQ(val(id, 0), 1);
	OK(sem_rm(id));
}

TEST(array_order_within_one_semaphore)
{
	int id = sem_new(1);
	/* In order: up 2, down 1, then not zero. */
	FAILS(SEMOP(id, OP(0, 2), OP(0, -1), OP_NOW(0, 0)), EAGAIN);
	EQ(val(id, 0), 0);
	OK(SEMOP(id, OP(0, 2), OP(0, -2), OP_NOW(0, 0)));
	FAILS(SEMOP(id, OP_NOW(0, -1), OP(0, 1)), EAGAIN);
	OK(SEMOP(id, OP(0, 1), OP_NOW(0, -1)));
	OK(SEMOP(id, OP_NOW(0, 0), OP(0, 1)));
	EQ(val(id, 0), 1);
	OK(SEMOP(id, OP(0, 1), OP(0, 1), OP(0, 1)));
	EQ(val(id, 0), 4);
	OK(sem_rm(id));
}

TEST(range_refuses_and_applies_nothing)
{
	int id = sem_new(2);
	OK(SEMOP(id, OP(0, 32767)));
	FAILS(SEMOP(id, OP(0, 1)), ERANGE);
	FAILS(SEMOP(id, OP(1, 5), OP(0, 1)), ERANGE);
	EQ(val(id, 0), 32767);
	EQ(val(id, 1), 0);
	/* Only the running value counts: down first makes room, up first does not. */
	OK(SEMOP(id, OP(0, -1), OP(0, 1)));
	FAILS(SEMOP(id, OP(0, 1), OP(0, -1)), ERANGE);
	OK(SEMOP(id, OP(0, -32767)));
	OK(sem_rm(id));
}

TEST(range_comes_before_what_would_block_later)
{
	int id = sem_new(2);
	OK(set_val(id, 0, 32767));
	FAILS(SEMOP(id, OP(0, 1), OP(1, -1)), ERANGE);
	/* In array order: what blocks first decides. */
	FAILS(SEMOP(id, OP_NOW(1, -1), OP(0, 1)), EAGAIN);
	OK(sem_rm(id));
}

TEST(largest_steps)
{
	int id = sem_new(1);
	OK(SEMOP(id, OP(0, 32767)));
	FAILS(SEMOP(id, OP_NOW(0, -32768)), EAGAIN);
	OK(SEMOP(id, OP_NOW(0, -32767)));
	EQ(val(id, 0), 0);
	OK(sem_rm(id));
}

TEST(unknown_flags_are_ignored)
{
	int id = sem_new(1);
	struct sembuf op = {0, 1, 0x2345 & ~(IPC_NOWAIT | SEM_UNDO)};
	OK(semop(id, &op, 1));
	EQ(val(id, 0), 1);
	OK(sem_rm(id));
}

TEST(pid_on_exactly_the_touched)
{
	int id = sem_new(4);
	EQ(last_pid(id, 0), 0);
	OK(SEMOP(id, OP(1, 1), OP(2, 0)));
	EQ(last_pid(id, 0), 0);
	EQ(last_pid(id, 1), getpid());
	/* Waiting for zero touches the semaphore, too. */
	EQ(last_pid(id, 2), getpid());
	EQ(last_pid(id, 3), 0);
	pid_t pid;
	CHILD(pid)
	{
		OK(SEMOP(id, OP(3, 1)));
		FAILS(SEMOP(id, OP(0, 1), OP_NOW(1, 0)), EAGAIN);
	}
	REAP(pid);
	EQ(last_pid(id, 3), pid);
	EQ(last_pid(id, 0), 0);
	OK(sem_rm(id));
}

TEST(otime_is_of_the_last_success)
{
	int id = sem_new(1);
	EQ(sem_stat(id).sem_otime, 0);
	FAILS(SEMOP(id, OP_NOW(0, -1)), EAGAIN);
	EQ(sem_stat(id).sem_otime, 0);
	time_t before = time(NULL);
	OK(SEMOP(id, OP(0, 0)));
	time_t otime = sem_stat(id).sem_otime;
	YES(otime >= before - 1 && otime <= time(NULL) + 1);
	OK(sem_rm(id));
}

TEST(permission_by_kind_of_operation)
{
	int reader = OK(semget(IPC_PRIVATE, 1, 0004)), writer = OK(semget(IPC_PRIVATE, 1, 0002));
	pid_t pid;
	CHILD(pid)
	{
		become(1000, 1000, 0);
		OK(SEMOP(reader, OP(0, 0)));
		FAILS(SEMOP(reader, OP(0, 1)), EACCES);
		FAILS(SEMOP(reader, OP(0, 0), OP(0, 1)), EACCES);
		FAILS(SEMOP(writer, OP(0, 0)), EACCES);
		OK(SEMOP(writer, OP(0, 1)));
		/* One alteration makes the whole call an alteration. */
		OK(SEMOP(writer, OP(0, -1), OP(0, 0)));
	}
	REAP(pid);
	OK(sem_rm(reader));
	OK(sem_rm(writer));
}

TEST(five_hundred_operations_are_one)
{
	int id = sem_new(500);
	static struct sembuf ops[500];
	for (int i = 0; i < 500; i++)
		ops[i] = OP((unsigned short)i, (short)(i + 1));
	OK(semop(id, ops, 500));
	for (int i = 0; i < 500; i++)
		EQ(val(id, i), i + 1);
	for (int i = 0; i < 500; i++)
		ops[i] = OP_NOW((unsigned short)i, (short)(-i - 1));
	ops[499].sem_op = -501;
	FAILS(semop(id, ops, 500), EAGAIN);
	for (int i = 0; i < 500; i++)
		EQ(val(id, i), i + 1);
	OK(sem_rm(id));
}

TEST(most_operations_follows_the_sysctl)
{
	own_namespace();
	int id = sem_new(1);
	MUST(file_write("/proc/sys/kernel/sem", "250 32000 2 100"));
	OK(SEMOP(id, OP(0, 1), OP(0, 1)));
	FAILS(SEMOP(id, OP(0, 1), OP(0, 1), OP(0, 1)), E2BIG);
	MUST(file_write("/proc/sys/kernel/sem", "250 32000 1000 100"));
	static struct sembuf ops[1000];
	for (int i = 0; i < 1000; i++)
		ops[i] = OP(0, 1);
	OK(semop(id, ops, 1000));
	EQ(val(id, 0), 1002);
}

TEST(timedop_with_null_time_is_semop)
{
	int id = sem_new(1);
	struct sembuf op = OP(0, 3);
	OK(semtimedop(id, &op, 1, NULL));
	EQ(val(id, 0), 3);
	OK(sem_rm(id));
}

TEST(time_is_checked_although_nothing_blocks)
{
	int id = sem_new(1);
	struct sembuf op = OP(0, 1);
	struct timespec bad[] = {{-1, 0}, {0, -1}, {0, 1000000000}, {0, LONG_MAX}};
	for (int i = 0; i < 4; i++)
		FAILS(semtimedop(id, &op, 1, &bad[i]), EINVAL);
	EQ(val(id, 0), 0);
	struct timespec fine = {LONG_MAX, 999999999};
	OK(semtimedop(id, &op, 1, &fine));
	OK(sem_rm(id));
}
