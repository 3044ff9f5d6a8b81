/* futex(2) with priority inheritance (F2). */
#include "futex.h"
#include <pthread.h>

static long futex(volatile unsigned *word, int op, const void *time)
{
	return syscall(SYS_futex, word, op, 0, time, NULL, 0);
}
static volatile unsigned *word;
static void new_word(void)
{
	word = shared(4096);
}

TEST(free_lock_is_taken_and_released)
{
	new_word();
	OK(futex(word, LOCK_PI, NULL));
	EQ(*word, me());
	FAILS(futex(word, LOCK_PI, NULL), EDEADLK);
	FAILS(futex(word, TRYLOCK_PI, NULL), EDEADLK);
	OK(futex(word, UNLOCK_PI, NULL));
	EQ(*word, 0);
	FAILS(futex(word, UNLOCK_PI, NULL), EPERM);
	OK(futex(word, TRYLOCK_PI | PRIVATE, NULL));
	OK(futex(word, UNLOCK_PI | PRIVATE, NULL));
}

TEST(errors)
{
	struct timespec bad = {0, 1000000000};
	new_word();
	FAILS(futex((volatile unsigned *)((char *)word + 1), LOCK_PI, NULL), EINVAL);
	FAILS(futex((volatile unsigned *)8, LOCK_PI, NULL), EFAULT);
	FAILS(futex((volatile unsigned *)8, UNLOCK_PI, NULL), EFAULT);
	FAILS(futex(word, LOCK_PI, &bad), EINVAL);
	FAILS(futex(word, LOCK_PI, (void *)8), EFAULT);
	*word = 0x3ffffff0; /* nobody */
	FAILS(futex(word, LOCK_PI, NULL), ESRCH);
	FAILS(futex(word, TRYLOCK_PI, NULL), ESRCH);
}

TEST(contended_lock_is_handed_over)
{
	pid_t pid;
	new_word();
	OK(futex(word, LOCK_PI, NULL));
	CHILD(pid)
	{
		FAILS(futex(word, TRYLOCK_PI, NULL), EAGAIN);
		FAILS(futex(word, UNLOCK_PI, NULL), EPERM);
		OK(futex(word, LOCK_PI, NULL));
		EQ(*word & ~WAITERS, me());
		OK(futex(word, UNLOCK_PI, NULL));
	}
	until_asleep(pid);
	EQ(*word, me() | WAITERS);
	OK(futex(word, UNLOCK_PI, NULL));
	REAP(pid);
	EQ(*word, 0);
}

TEST(time_outs)
{
	pid_t pid;
	new_word();
	OK(futex(word, LOCK_PI, NULL));
	CHILD(pid)
	{
		struct timespec t;
		clock_gettime(CLOCK_REALTIME, &t);
		FAILS(futex(word, LOCK_PI, &t), ETIMEDOUT);
		FAILS(futex(word, LOCK_PI2 | REALTIME, &t), ETIMEDOUT);
		clock_gettime(CLOCK_MONOTONIC, &t);
		FAILS(futex(word, LOCK_PI2, &t), ETIMEDOUT);
	}
	REAP(pid);
	OK(futex(word, UNLOCK_PI, NULL));
	EQ(*word, 0);
}

TEST(circle_is_a_deadlock)
{
	pid_t pid;
	new_word();
	OK(futex(word, LOCK_PI, NULL));
	CHILD(pid)
	{
		OK(futex(word + 1, LOCK_PI, NULL));
		OK(futex(word, LOCK_PI, NULL)); /* until the parent gives up */
		OK(futex(word, UNLOCK_PI, NULL));
		OK(futex(word + 1, UNLOCK_PI, NULL));
	}
	until_asleep(pid);
	FAILS(futex(word + 1, LOCK_PI, NULL), EDEADLK);
	OK(futex(word, UNLOCK_PI, NULL));
	REAP(pid);
}

TEST(owner_that_dies_leaves_the_lock)
{
	pid_t owner, waiter;
	new_word();
	CHILD(owner)
	{
		OK(futex(word, LOCK_PI, NULL));
		word[1] = 1;
		pause();
	}
	UNTIL(word[1]);
	CHILD(waiter)
	{
		OK(futex(word, LOCK_PI, NULL));
		EQ(*word & ~WAITERS, me() | DIED);
		OK(futex(word, UNLOCK_PI, NULL));
	}
	until_asleep(waiter);
	kill(owner, SIGKILL);
	EQ(reap(owner), SIGKILL);
	REAP(waiter);
}

struct locker {
	volatile int tid, error;
};
static void *locks(void *arg)
{
	struct locker *l = arg;
	l->tid = (int)me();
	l->error = futex(word, LOCK_PI, NULL) ? errno : 0;
	return NULL;
}

/* The next owner's memory has gone while it slept: it cannot write the word, and the one after it gets the lock. */
TEST(owner_dies_and_the_next_has_lost_the_word)
{
	pid_t owner, second, third;
	new_word();
	volatile int *step = shared(4096);
	CHILD(owner)
	{
		OK(futex(word, LOCK_PI, NULL));
		step[0] = 1;
		pause();
	}
	UNTIL(step[0]);
	CHILD(second)
	{
		struct locker l = {0, 0};
		pthread_t thread;
		EQ(pthread_create(&thread, NULL, locks, &l), 0);
		UNTIL(l.tid);
		until_asleep(l.tid);
		OK(munmap((void *)word, 4096));
		step[1] = 1;
		EQ(pthread_join(thread, NULL), 0);
		EQ(l.error, EFAULT);
	}
	UNTIL(step[1]);
	CHILD(third)
	{
		OK(futex(word, LOCK_PI, NULL));
		EQ(*word & ~WAITERS, me() | DIED);
		OK(futex(word, UNLOCK_PI, NULL));
	}
	until_asleep(third);
	kill(owner, SIGKILL);
	EQ(reap(owner), SIGKILL);
	REAP(second);
	REAP(third);
}

static void become(int priority)
{
	struct sched_param param = {.sched_priority = priority};
	cpu_set_t one;
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	OK(sched_setaffinity(0, sizeof(one), &one));
	OK(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &param));
}

/* low holds what middle wants, who holds what high wants; a hog between low and high must not keep high waiting. */
TEST(priority_is_inherited_through_a_chain)
{
	pid_t low, middle, high, hog;
	new_word();
	volatile unsigned *step = word + 100;
	become(60);
	CHILD(low)
	{
		become(10);
		OK(futex(word, LOCK_PI, NULL));
		step[0] = 1;
		while (!step[3])
			;
		OK(futex(word, UNLOCK_PI, NULL));
	}
	struct timespec nap = {0, 5000000};
	while (!step[0])
		nanosleep(&nap, NULL);
	CHILD(middle)
	{
		become(20);
		OK(futex(word + 1, LOCK_PI, NULL));
		step[1] = 1;
		OK(futex(word, LOCK_PI, NULL));
		OK(futex(word, UNLOCK_PI, NULL));
		OK(futex(word + 1, UNLOCK_PI, NULL));
	}
	while (!step[1])
		nanosleep(&nap, NULL);
	CHILD(high)
	{
		become(50);
		OK(futex(word + 1, LOCK_PI, NULL));
		step[2] = 1;
		OK(futex(word + 1, UNLOCK_PI, NULL));
	}
	while (state_of(high) != 'S')
		nanosleep(&nap, NULL);
	CHILD(hog)
	{
		become(40);
		while (!step[2])
			;
	}
	step[3] = 1; /* the hog is there: low, at 50 by now, may go on */
	REAP(hog);
	REAP(high);
	REAP(middle);
	REAP(low);
}

static void set_fifo(pid_t pid, int priority)
{
	struct sched_param param = {.sched_priority = priority};
	OK(syscall(SYS_sched_setscheduler, pid, SCHED_FIFO, &param));
}

/* What is lent follows the sleeper's priority as it changes, through two locks, and ends when the sleeper goes. */
TEST(boost_follows_the_sleeper)
{
	pid_t low, middle, high;
	new_word();
	volatile unsigned *step = word + 100;
	CHILD(low)
	{
		OK(futex(word, LOCK_PI, NULL));
		step[0] = 1;
		for (;;)
			pause();
	}
	UNTIL(step[0]);
	CHILD(middle)
	{
		OK(futex(word + 1, LOCK_PI, NULL));
		step[1] = 1;
		futex(word, LOCK_PI, NULL);
	}
	UNTIL(step[1]);
	until_asleep(middle);
	CHILD(high)
	{
		set_fifo(0, 30);
		futex(word + 1, LOCK_PI, NULL);
	}
	UNTIL(priority_of(low) == -31);
	EQ(priority_of(middle), -31);
	set_fifo(high, 40);
	EQ(priority_of(middle), -41);
	EQ(priority_of(low), -41);
	set_fifo(high, 10);
	EQ(priority_of(low), -11);
	set_fifo(middle, 20);
	EQ(priority_of(low), -21);
	kill(high, SIGKILL);
	EQ(reap(high), SIGKILL);
	EQ(priority_of(middle), -21);
	kill(middle, SIGKILL);
	EQ(reap(middle), SIGKILL);
	EQ(priority_of(low), priority_of(getpid()));
	kill(low, SIGKILL);
	EQ(reap(low), SIGKILL);
}

static pthread_mutex_t mutex;
static long count;
static void *adds(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3000; i++) {
		pthread_mutex_lock(&mutex);
		long seen = count;
		if (i % 16 == 0)
			sched_yield();
		count = seen + 1;
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

TEST(mutexes_that_inherit)
{
	pthread_mutexattr_t attr;
	pthread_t threads[4];
	pthread_mutexattr_init(&attr);
	EQ(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT), 0);
	EQ(pthread_mutex_init(&mutex, &attr), 0);
	for (int i = 0; i < 4; i++)
		EQ(pthread_create(&threads[i], NULL, adds, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	EQ(count, 12000);
}
