/* FUTEX_WAIT_REQUEUE_PI and FUTEX_CMP_REQUEUE_PI (F2): condition variables whose mutex inherits. */
#include "futex.h"
#include <pthread.h>

static long futex(volatile void *word, int op, unsigned value, const void *time,
                  volatile void *word2, unsigned value3)
{
	return syscall(SYS_futex, word, op, value, time, word2, value3);
}
static long lock(volatile unsigned *w)
{
	return futex(w, LOCK_PI, 0, NULL, NULL, 0);
}
static long unlock(volatile unsigned *w)
{
	return futex(w, UNLOCK_PI, 0, NULL, NULL, 0);
}
static long wait_requeue(const struct timespec *time)
{
	extern volatile unsigned *cond, *mutex;
	return futex(cond, WAIT_REQUEUE_PI, 0, time, mutex, 0);
}
static long requeue(int move, unsigned expected)
{
	extern volatile unsigned *cond, *mutex;
	return futex(cond, CMP_REQUEUE_PI, 1, (void *)(long)move, mutex, expected);
}

volatile unsigned *cond, *mutex;
static void new_words(void)
{
	cond = shared(4096);
	mutex = cond + 16;
}

TEST(arguments_of_the_wait)
{
	struct timespec bad = {0, 1000000000}, past = {1, 0};
	new_words();
	FAILS(futex(cond, WAIT_REQUEUE_PI, 0, NULL, cond, 0), EINVAL);
	FAILS(futex((char *)cond + 1, WAIT_REQUEUE_PI, 0, NULL, mutex, 0), EINVAL);
	FAILS(futex(cond, WAIT_REQUEUE_PI, 0, NULL, (char *)mutex + 1, 0), EINVAL);
	FAILS(futex(cond, WAIT_REQUEUE_PI, 1, NULL, mutex, 0), EAGAIN);
	FAILS(futex((void *)8, WAIT_REQUEUE_PI, 0, NULL, mutex, 0), EFAULT);
	FAILS(wait_requeue(&bad), EINVAL);
	FAILS(wait_requeue((void *)8), EFAULT);
	FAILS(wait_requeue(&past), ETIMEDOUT);
	FAILS(futex(cond, WAIT_REQUEUE_PI | REALTIME, 0, &past, mutex, 0), ETIMEDOUT);
}

TEST(one_shared_word_under_two_addresses)
{
	int fd = OK(open("/dev/shm/requeue", O_CREAT | O_RDWR | O_TRUNC, 0600));
	OK(ftruncate(fd, 4096));
	cond = MUST((unsigned *)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	mutex = MUST((unsigned *)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	FAILS(wait_requeue(NULL), EINVAL);
	FAILS(requeue(1, 0), EINVAL);
	OK(unlink("/dev/shm/requeue"));
}

TEST(arguments_of_the_requeue)
{
	new_words();
	FAILS(futex(cond, CMP_REQUEUE_PI, 1, NULL, cond, 0), EINVAL);
	FAILS(futex(cond, CMP_REQUEUE_PI, 0, NULL, mutex, 0), EINVAL);
	FAILS(futex(cond, CMP_REQUEUE_PI, 2, NULL, mutex, 0), EINVAL);
	FAILS(futex(cond, CMP_REQUEUE_PI, -1, NULL, mutex, 0), EINVAL);
	FAILS(requeue(-1, 0), EINVAL);
	FAILS(requeue(1, 7), EAGAIN);
	FAILS(futex((void *)8, CMP_REQUEUE_PI, 1, NULL, mutex, 0), EFAULT);
	FAILS(futex(cond, CMP_REQUEUE_PI | REALTIME, 1, NULL, mutex, 0), ENOSYS);
	EQ(requeue(1, 0), 0);
}

/* Sleeps on cond; then owns the mutex, and says so. */
static void sleeper(int number)
{
	OK(wait_requeue(NULL));
	EQ(*mutex & 0x3fffffff, me());
	mutex[16 + number] = 1;
	OK(unlock(mutex));
}

static void sleepers(pid_t *pids, int n)
{
	for (int i = 0; i < n; i++) {
		CHILD(pids[i])
		{
			sleeper(i);
		}
		until_asleep(pids[i]);
	}
}

TEST(free_mutex_is_taken_for_the_sleeper)
{
	pid_t pid;
	new_words();
	CHILD(pid)
	{
		OK(wait_requeue(NULL));
		EQ(*mutex, me());
		OK(unlock(mutex));
		EQ(*mutex, 0);
	}
	until_asleep(pid);
	EQ(requeue(0, 0), 1);
	REAP(pid);
}

TEST(owned_mutex_is_waited_for)
{
	pid_t pid;
	new_words();
	OK(lock(mutex));
	CHILD(pid)
	{
		sleeper(0);
	}
	until_asleep(pid);
	EQ(requeue(0, 0), 1);
	EQ(*mutex, me() | WAITERS);
	EQ(mutex[16], 0);
	OK(unlock(mutex));
	REAP(pid);
	EQ(mutex[16], 1);
	EQ(*mutex, 0);
}

TEST(broadcast_moves_all)
{
	pid_t pids[5];
	new_words();
	sleepers(pids, 5);
	OK(lock(mutex));
	EQ(requeue(1, 0), 2);
	EQ(requeue(0x7fffffff, 0), 3);
	EQ(requeue(0x7fffffff, 0), 0);
	OK(unlock(mutex));
	for (int i = 0; i < 5; i++)
		REAP(pids[i]);
	EQ(*mutex, 0);
}

TEST(broadcast_without_the_mutex)
{
	pid_t pids[3];
	new_words();
	sleepers(pids, 3);
	EQ(requeue(10, 0), 3);
	for (int i = 0; i < 3; i++)
		REAP(pids[i]);
	for (int i = 0; i < 3; i++)
		EQ(mutex[16 + i], 1);
	EQ(*mutex, 0);
}

TEST(plain_operations_do_not_mix)
{
	pid_t pid;
	new_words();
	CHILD(pid)
	{
		sleeper(0);
	}
	until_asleep(pid);
	FAILS(futex(cond, WAKE, 1, NULL, NULL, 0), EINVAL);
	FAILS(futex(cond, REQUEUE, 0, (void *)1, mutex, 0), EINVAL);
	FAILS(futex(cond, CMP_REQUEUE, 1, (void *)1, mutex, 0), EINVAL);
	FAILS(futex(cond, WAKE_OP, 1, (void *)1, mutex + 1, 0), EINVAL);
	/* Another target than the sleeper named. */
	FAILS(futex(cond, CMP_REQUEUE_PI, 1, NULL, mutex + 1, 0), EINVAL);
	EQ(requeue(0, 0), 1);
	REAP(pid);
}

/* The kernel's self-test of the same name: a plain sleeper is no partner of CMP_REQUEUE_PI. */
TEST(mismatched_operations)
{
	pid_t pid;
	new_words();
	CHILD(pid)
	{
		OK(futex(cond, WAIT, 0, NULL, NULL, 0));
	}
	until_asleep(pid);
	FAILS(requeue(0, 0), EINVAL);
	EQ(futex(cond, WAKE, 1, NULL, NULL, 0), 1);
	REAP(pid);
}

TEST(owned_word_is_no_plain_futex)
{
	pid_t pid;
	new_words();
	OK(lock(mutex));
	CHILD(pid)
	{
		OK(lock(mutex));
		OK(unlock(mutex));
	}
	until_asleep(pid);
	FAILS(futex(mutex, WAKE, 1, NULL, NULL, 0), EINVAL);
	FAILS(futex(mutex, REQUEUE, 0, (void *)1, cond, 0), EINVAL);
	FAILS(futex(mutex, CMP_REQUEUE_PI, 1, NULL, cond, *mutex), EINVAL);
	OK(unlock(mutex));
	REAP(pid);
	/* And the other way round. */
	CHILD(pid)
	{
		OK(futex(mutex, WAIT, 0, NULL, NULL, 0));
	}
	until_asleep(pid);
	FAILS(lock(mutex), EINVAL);
	*mutex = me();
	FAILS(unlock(mutex), EINVAL);
	EQ(futex(mutex, WAKE, 1, NULL, NULL, 0), 1);
	REAP(pid);
}

TEST(time_out_before_and_after_the_move)
{
	pid_t pid;
	new_words();
	OK(lock(mutex));
	CHILD(pid)
	{
		struct timespec soon;
		clock_gettime(CLOCK_MONOTONIC, &soon);
		soon.tv_nsec += 30000000;
		if (soon.tv_nsec >= 1000000000) {
			soon.tv_nsec -= 1000000000;
			soon.tv_sec++;
		}
		FAILS(wait_requeue(&soon), ETIMEDOUT);
	}
	REAP(pid);
	CHILD(pid)
	{
		struct timespec later;
		clock_gettime(CLOCK_MONOTONIC, &later);
		later.tv_sec++;
		FAILS(wait_requeue(&later), ETIMEDOUT);
	}
	until_asleep(pid);
	EQ(requeue(0, 0), 1);
	REAP(pid);
	OK(unlock(mutex));
	EQ(*mutex, 0);
}

/* The kernel's self-test futex_requeue_pi_signal_restart: before the move a signal restarts the wait, after it the wait ends. */
TEST(signal_restarts_before_the_move)
{
	pid_t pid;
	new_words();
	OK(lock(mutex));
	CHILD(pid)
	{
		on_signal(SIGUSR1, count_signal, 0);
		OK(wait_requeue(NULL));
		EQ(signals_seen, 1);
		OK(unlock(mutex));
	}
	until_asleep(pid);
	kill(pid, SIGUSR1);
	until_asleep(pid);
	UNTIL(requeue(0, 0) == 1);
	OK(unlock(mutex));
	REAP(pid);
}

TEST(signal_after_the_move_is_ewouldblock)
{
	pid_t pid;
	new_words();
	OK(lock(mutex));
	CHILD(pid)
	{
		on_signal(SIGUSR1, count_signal, SA_RESTART);
		FAILS(wait_requeue(NULL), EWOULDBLOCK);
		EQ(signals_seen, 1);
	}
	until_asleep(pid);
	EQ(requeue(0, 0), 1);
	kill(pid, SIGUSR1);
	REAP(pid);
	OK(unlock(mutex));
	EQ(*mutex, 0);
}

TEST(restarted_after_the_word_changed)
{
	pid_t pid;
	new_words();
	CHILD(pid)
	{
		on_signal(SIGUSR1, count_signal, 0);
		FAILS(wait_requeue(NULL), EWOULDBLOCK);
	}
	until_asleep(pid);
	*cond = 1;
	kill(pid, SIGUSR1);
	REAP(pid);
}

TEST(owner_of_the_target_is_a_sleeper)
{
	pid_t pid;
	new_words();
	CHILD(pid)
	{
		OK(lock(mutex));
		OK(wait_requeue(NULL));
	}
	until_asleep(pid);
	FAILS(requeue(0, 0), EDEADLK);
	kill(pid, SIGKILL);
	EQ(reap(pid), SIGKILL);
}

TEST(circle_through_the_target)
{
	pid_t pid;
	new_words();
	volatile unsigned *other = mutex + 1;
	OK(lock(mutex));
	CHILD(pid)
	{
		OK(lock(other));
		OK(wait_requeue(NULL));
		OK(unlock(mutex));
		OK(unlock(other));
	}
	until_asleep(pid);
	EQ(requeue(0, 0), 1);
	FAILS(lock(other), EDEADLK);
	OK(unlock(mutex));
	REAP(pid);
}

TEST(requeue_closes_the_circle)
{
	pid_t sleeps, owns;
	new_words();
	volatile unsigned *other = mutex + 1, *step = mutex + 2;
	CHILD(sleeps)
	{
		OK(lock(other));
		*step = 1;
		OK(wait_requeue(NULL));
		OK(unlock(mutex));
		OK(unlock(other));
	}
	UNTIL(*step);
	until_asleep(sleeps);
	CHILD(owns)
	{
		OK(lock(mutex));
		*step = 2;
		OK(lock(other));
		for (;;)
			pause();
	}
	UNTIL(*step == 2);
	until_asleep(owns);
	FAILS(requeue(0, 0), EDEADLK);
	/* The sleeper stays where it was, and gets the lock when its owner is gone. */
	kill(owns, SIGKILL);
	EQ(reap(owns), SIGKILL);
	*mutex = 0;
	EQ(requeue(0, 0), 1);
	REAP(sleeps);
}

/* What was lent on the way to finding the circle is taken back along the whole way. */
TEST(a_circle_that_is_undone_lends_nothing)
{
	const struct sched_param high = {.sched_priority = 30};
	pid_t sleeps, middle, owns;
	new_words();
	volatile unsigned *second = mutex + 1, *third = mutex + 2, *step = mutex + 3;
	CHILD(sleeps)
	{
		OK(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &high));
		OK(lock(third));
		*step = 1;
		(void)!wait_requeue(NULL);
	}
	UNTIL(*step == 1);
	until_asleep(sleeps);
	CHILD(middle)
	{
		OK(lock(second));
		*step = 2;
		(void)!lock(third);
	}
	UNTIL(*step == 2);
	until_asleep(middle);
	CHILD(owns)
	{
		OK(lock(mutex));
		*step = 3;
		(void)!lock(second);
	}
	UNTIL(*step == 3);
	until_asleep(owns);
	FAILS(requeue(0, 0), EDEADLK);
	EQ(priority_of(sleeps), -31);
	EQ(priority_of(owns), priority_of(getpid()));
	EQ(priority_of(middle), priority_of(getpid()));
	const pid_t all[] = {owns, middle, sleeps};
	for (int i = 0; i < 3; i++) {
		kill(all[i], SIGKILL);
		EQ(reap(all[i]), SIGKILL);
	}
}

TEST(owner_of_the_target_dies)
{
	pid_t owner, pid;
	new_words();
	volatile unsigned *step = mutex + 2;
	CHILD(owner)
	{
		OK(lock(mutex));
		*step = 1;
		for (;;)
			pause();
	}
	UNTIL(*step);
	CHILD(pid)
	{
		OK(wait_requeue(NULL));
		EQ(*mutex, me() | WAITERS | DIED);
		OK(unlock(mutex));
	}
	until_asleep(pid);
	EQ(requeue(0, 0), 1);
	kill(owner, SIGKILL);
	EQ(reap(owner), SIGKILL);
	REAP(pid);
	*mutex = 0x3ffffff0; /* nobody's number */
	CHILD(pid)
	{
		struct timespec past = {1, 0};
		FAILS(wait_requeue(&past), ETIMEDOUT);
		OK(wait_requeue(NULL));
	}
	UNTIL(state_of(pid) == 'S' && requeue(0, 0) == -1 && errno == ESRCH);
	kill(pid, SIGKILL);
	EQ(reap(pid), SIGKILL);
}

TEST(readonly_words)
{
	volatile unsigned *page =
		MUST((unsigned *)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	FAILS(lock(page), EFAULT);
	EQ(syscall(SYS_futex, page, WAKE | PRIVATE, 1, NULL, NULL, 0), 0);
}

/* Real-time sleepers get the mutex by priority, whatever the order in which they came. */
TEST(mutex_goes_to_the_highest_priority)
{
	static const int priority[3] = {5, 30, 10};
	volatile unsigned *order = mutex;
	pid_t pids[3];
	new_words();
	order = mutex + 32;
	for (int i = 0; i < 3; i++) {
		CHILD(pids[i])
		{
			struct sched_param param = {.sched_priority = priority[i]};
			OK(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &param));
			OK(wait_requeue(NULL));
			order[1 + order[0]++] = (unsigned)i;
			OK(unlock(mutex));
		}
		until_asleep(pids[i]);
	}
	OK(lock(mutex));
	EQ(requeue(10, 0), 3);
	OK(unlock(mutex));
	for (int i = 0; i < 3; i++)
		REAP(pids[i]);
	EQ(order[1], 1);
	EQ(order[2], 2);
	EQ(order[3], 0);
}
