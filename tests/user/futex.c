/* futex(2): wait and wake, private and shared (F1, F3). */
#include "futex.h"
#include <pthread.h>
#include <stddef.h>

static long futex(const volatile void *word, int op, int value, const void *time, const void *word2,
                  int value3)
{
	return syscall(SYS_futex, word, op, value, time, word2, value3);
}
static volatile int *word;
static void new_word(void)
{
	word = shared(4096);
}

TEST(mismatch_is_eagain)
{
	new_word();
	*word = 1;
	FAILS(futex(word, WAIT, 0, NULL, NULL, 0), EAGAIN);
	FAILS(futex(word, WAIT | PRIVATE, 0, NULL, NULL, 0), EAGAIN);
}

TEST(errors)
{
	struct timespec bad = {0, 1000000000};
	new_word();
	FAILS(futex((char *)word + 1, WAIT, 0, NULL, NULL, 0), EINVAL);
	FAILS(futex((void *)8, WAIT, 0, NULL, NULL, 0), EFAULT);
	FAILS(futex((void *)0xffff800000000000, WAIT, 0, NULL, NULL, 0), EFAULT);
	FAILS(futex(word, WAIT, 0, &bad, NULL, 0), EINVAL);
	FAILS(futex(word, WAIT, 0, (void *)8, NULL, 0), EFAULT);
	FAILS(futex(word, 99, 0, NULL, NULL, 0), ENOSYS);
	FAILS(futex(word, WAIT_BITSET, 0, NULL, NULL, 0), EINVAL);
	FAILS(futex(word, WAKE_BITSET, 1, NULL, NULL, 0), EINVAL);
}

TEST(wake_of_nobody)
{
	new_word();
	EQ(futex(word, WAKE, 1, NULL, NULL, 0), 0);
	EQ(futex(word, WAKE | PRIVATE, 0x7fffffff, NULL, NULL, 0), 0);
}

TEST(shared_between_processes)
{
	pid_t pid;
	new_word();
	CHILD(pid)
	{
		EQ(futex(word, WAIT, 0, NULL, NULL, 0), 0);
	}
	UNTIL(futex(word, WAKE, 1, NULL, NULL, 0) == 1);
	REAP(pid);
}

TEST(shared_by_file_at_different_addresses)
{
	int fd = OK(open("/dev/shm/futex", O_CREAT | O_RDWR | O_TRUNC, 0600));
	pid_t pid;
	OK(ftruncate(fd, 8192));
	volatile int *a = MUST((int *)mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	CHILD(pid)
	{
		volatile int *b =
			MUST((int *)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096));
		EQ(futex(b, WAIT, 0, NULL, NULL, 0), 0);
	}
	UNTIL(futex(a + 1024, WAKE, 1, NULL, NULL, 0) == 1);
	EQ(futex(a, WAKE, 1, NULL, NULL, 0), 0);
	REAP(pid);
	OK(unlink("/dev/shm/futex"));
}

TEST(private_mappings_are_distinct)
{
	/* After fork a private page is two words. */
	static int mine;
	pid_t pid;
	CHILD(pid)
	{
		struct timespec soon = {0, 50000000};
		FAILS(futex(&mine, WAIT, 0, &soon, NULL, 0), ETIMEDOUT);
	}
	while (state_of(pid) != 'Z')
		EQ(futex(&mine, WAKE, 1, NULL, NULL, 0), 0);
	REAP(pid);
}

TEST(time_out_relative_and_absolute)
{
	struct timespec soon = {0, 20000000}, now, late;
	new_word();
	int64_t start = now_ns();
	FAILS(futex(word, WAIT, 0, &soon, NULL, 0), ETIMEDOUT);
	YES(now_ns() - start >= 20000000);
	clock_gettime(CLOCK_MONOTONIC, &now);
	late = now;
	late.tv_nsec += 20000000;
	if (late.tv_nsec >= 1000000000) {
		late.tv_nsec -= 1000000000;
		late.tv_sec++;
	}
	FAILS(futex(word, WAIT_BITSET, 0, &late, NULL, -1), ETIMEDOUT);
	YES(now_ns() - start >= 40000000);
	/* What is past times out at once. */
	FAILS(futex(word, WAIT_BITSET, 0, &now, NULL, -1), ETIMEDOUT);
	clock_gettime(CLOCK_REALTIME, &now);
	FAILS(futex(word, WAIT_BITSET | REALTIME, 0, &now, NULL, -1), ETIMEDOUT);
}

TEST(interrupted)
{
	pid_t pid;
	new_word();
	CHILD(pid)
	{
		on_signal(SIGUSR1, count_signal, 0);
		FAILS(futex(word, WAIT, 0, NULL, NULL, 0), EINTR);
	}
	until_asleep(pid);
	kill(pid, SIGUSR1);
	REAP(pid);
}

TEST(restarted_under_sa_restart)
{
	pid_t pid;
	new_word();
	CHILD(pid)
	{
		on_signal(SIGUSR1, count_signal, SA_RESTART);
		EQ(futex(word, WAIT, 0, NULL, NULL, 0), 0);
		EQ(signals_seen, 1);
	}
	until_asleep(pid);
	kill(pid, SIGUSR1);
	until_asleep(pid);
	*word = 0;
	UNTIL(futex(word, WAKE, 1, NULL, NULL, 0) == 1);
	REAP(pid);
}

TEST(wake_counts)
{
	pid_t pids[5];
	new_word();
	for (int i = 0; i < 5; i++)
		CHILD(pids[i])
		{
			EQ(futex(word, WAIT, 0, NULL, NULL, 0), 0);
			atomic_fetch_add((_Atomic int *)(word + 1), 1);
		}
	for (int i = 0; i < 5; i++)
		until_asleep(pids[i]);
	EQ(futex(word, WAKE, 2, NULL, NULL, 0), 2);
	UNTIL(word[1] == 2);
	EQ(futex(word, WAKE, 0x7fffffff, NULL, NULL, 0), 3);
	for (int i = 0; i < 5; i++)
		REAP(pids[i]);
	EQ(word[1], 5);
}

TEST(bitsets_select)
{
	pid_t a, b;
	new_word();
	CHILD(a)
	{
		EQ(futex(word, WAIT_BITSET, 0, NULL, NULL, 1), 0);
	}
	CHILD(b)
	{
		EQ(futex(word, WAIT_BITSET, 0, NULL, NULL, 2), 0);
	}
	until_asleep(a);
	until_asleep(b);
	EQ(futex(word, WAKE_BITSET, 10, NULL, NULL, 4), 0);
	EQ(futex(word, WAKE_BITSET, 10, NULL, NULL, 2), 1);
	REAP(b);
	EQ(futex(word, WAKE, 10, NULL, NULL, 0), 1);
	REAP(a);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static long counter;
static void *count_up(void *unused)
{
	(void)unused;
	for (int i = 0; i < 2000; i++) {
		pthread_mutex_lock(&mutex);
		counter++;
		if (counter % 16000 == 0)
			pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

TEST(mutex_and_condition)
{
	pthread_t threads[8];
	for (int i = 0; i < 8; i++)
		EQ(pthread_create(&threads[i], NULL, count_up, NULL), 0);
	pthread_mutex_lock(&mutex);
	while (counter < 16000)
		pthread_cond_wait(&cond, &mutex);
	pthread_mutex_unlock(&mutex);
	for (int i = 0; i < 8; i++)
		EQ(pthread_join(threads[i], NULL), 0);
	EQ(counter, 16000);
}

static _Atomic int ball;
static void *play(void *unused)
{
	(void)unused;
	for (int i = 0; i < 2000; i++) {
		while (atomic_load(&ball) != 1)
			futex(&ball, WAIT | PRIVATE, 0, NULL, NULL, 0);
		atomic_store(&ball, 0);
		futex(&ball, WAKE | PRIVATE, 1, NULL, NULL, 0);
	}
	return NULL;
}

TEST(thread_ping_pong)
{
	pthread_t thread;
	EQ(pthread_create(&thread, NULL, play, NULL), 0);
	for (int i = 0; i < 2000; i++) {
		while (atomic_load(&ball) != 0)
			futex(&ball, WAIT | PRIVATE, 1, NULL, NULL, 0);
		atomic_store(&ball, 1);
		futex(&ball, WAKE | PRIVATE, 1, NULL, NULL, 0);
	}
	EQ(pthread_join(thread, NULL), 0);
}

struct waitv {
	uint64_t val, address;
	uint32_t flags, reserved;
};
#define WAITV(w, n, time, clock) syscall(449, w, n, 0, time, clock)

TEST(waitv_wakes_with_the_index)
{
	pid_t pid;
	new_word();
	CHILD(pid)
	{
		struct waitv w[3];
		for (int i = 0; i < 3; i++)
			w[i] = (struct waitv){0, (uint64_t)(uintptr_t)(word + 100 * i), 2, 0};
		EQ(WAITV(w, 3, NULL, 0), 1);
		for (int i = 0; i < 3; i++)
			EQ(futex(word + 100 * i, WAKE, 1, NULL, NULL, 0), 0);
	}
	until_asleep(pid);
	EQ(futex(word + 100, WAKE, 1, NULL, NULL, 0), 1);
	REAP(pid);
}

/* As many as there may be, again and again by one thread. */
TEST(waitv_of_128_words)
{
	static const int wake[] = {127, 0, 64, 25};
	pid_t pid;
	new_word();
	volatile int *round = word + 200;
	CHILD(pid)
	{
		struct waitv w[128];
		for (int i = 0; i < 128; i++)
			w[i] = (struct waitv){0, (uint64_t)(uintptr_t)(word + i), 2, 0};
		for (int i = 0; i < 4; i++) {
			EQ(WAITV(w, 128, NULL, 0), wake[i]);
			*round = i + 1;
			for (int k = 0; k < 128; k++)
				EQ(futex(word + k, WAKE, 1, NULL, NULL, 0), 0);
			EQ(futex(round, WAIT, i + 1, NULL, NULL, 0), 0);
		}
	}
	for (int i = 0; i < 4; i++) {
		until_asleep(pid);
		EQ(futex(word + wake[i], WAKE, 1, NULL, NULL, 0), 1);
		UNTIL(*round == i + 1);
		UNTIL(futex(round, WAKE, 1, NULL, NULL, 0) == 1);
	}
	REAP(pid);
}

TEST(waitv_mismatch_and_time)
{
	struct waitv w[2];
	struct timespec t;
	new_word();
	for (int i = 0; i < 2; i++)
		w[i] = (struct waitv){0, (uint64_t)(uintptr_t)(word + i), 2 | PRIVATE, 0};
	word[1] = 5;
	FAILS(WAITV(w, 2, NULL, 0), EAGAIN);
	word[1] = 0;
	clock_gettime(CLOCK_MONOTONIC, &t);
	FAILS(WAITV(w, 2, &t, CLOCK_MONOTONIC), ETIMEDOUT);
	clock_gettime(CLOCK_REALTIME, &t);
	FAILS(WAITV(w, 2, &t, CLOCK_REALTIME), ETIMEDOUT);
}

TEST(waitv_errors)
{
	struct waitv w[129] = {{0, 0, 2, 0}};
	struct timespec bad = {0, 1000000000};
	new_word();
	w[0].address = (uint64_t)(uintptr_t)word;
	FAILS(syscall(449, w, 1, 1, NULL, 0), EINVAL);
	FAILS(WAITV(w, 0, NULL, 0), EINVAL);
	FAILS(WAITV(w, 129, NULL, 0), EINVAL);
	FAILS(WAITV(NULL, 1, NULL, 0), EINVAL);
	FAILS(WAITV((void *)8, 1, NULL, 0), EFAULT);
	FAILS(WAITV(w, 1, (void *)8, CLOCK_MONOTONIC), EFAULT);
	FAILS(WAITV(w, 1, &bad, CLOCK_MONOTONIC), EINVAL);
	FAILS(WAITV(w, 1, &bad, CLOCK_BOOTTIME), EINVAL);
	w[0].flags = 0;
	FAILS(WAITV(w, 1, NULL, 0), EINVAL);
	w[0].flags = 2 | 0x40;
	FAILS(WAITV(w, 1, NULL, 0), EINVAL);
	w[0].flags = 2;
	w[0].reserved = 1;
	FAILS(WAITV(w, 1, NULL, 0), EINVAL);
	w[0] = (struct waitv){0, (uint64_t)(uintptr_t)word + 1, 2, 0};
	FAILS(WAITV(w, 1, NULL, 0), EINVAL);
	w[0].address = 8;
	FAILS(WAITV(w, 1, NULL, 0), EFAULT);
}

TEST(wakes_by_priority_then_in_order)
{
	static const int priority[4] = {0, 5, 0, 9}, order[4] = {3, 1, 0, 2};
	volatile int *woken;
	pid_t pids[4];
	new_word();
	woken = word + 500;
	for (int i = 0; i < 4; i++) {
		CHILD(pids[i])
		{
			struct sched_param param = {.sched_priority = priority[i]};
			if (priority[i])
				OK(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &param));
			OK(futex(word, WAIT, 0, NULL, NULL, 0));
			woken[i] = 1;
			pause();
		}
		until_asleep(pids[i]);
	}
	for (int i = 0; i < 4; i++) {
		EQ(futex(word, WAKE, 1, NULL, NULL, 0), 1);
		UNTIL(woken[order[i]]);
		EQ(woken[0] + woken[1] + woken[2] + woken[3], i + 1);
	}
	for (int i = 0; i < 4; i++) {
		kill(pids[i], SIGKILL);
		EQ(reap(pids[i]), SIGKILL);
	}
}

/* --- Deadlines on the wall clock follow it --- */

static struct timespec wall_in(long seconds)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += seconds;
	return t;
}
static void sleep_until_wall(int how)
{
	struct timespec t = wall_in(3600);
	struct waitv w = {0, (uint64_t)(uintptr_t)word, 2, 0};
	switch (how) {
	case 0: FAILS(futex(word, WAIT_BITSET | REALTIME, 0, &t, NULL, -1), ETIMEDOUT); break;
	case 1: FAILS(futex(word + 1, LOCK_PI, 0, &t, NULL, 0), ETIMEDOUT); break;
	case 2: FAILS(WAITV(&w, 1, &t, CLOCK_REALTIME), ETIMEDOUT); break;
	case 3: EQ(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL), 0); break;
	}
}

TEST(deadline_on_the_wall_clock_follows_it)
{
	pid_t pids[4];
	struct timespec t;
	if (access("/tests/all", F_OK))
		return; /* not a machine booted for the tests: its clock is not ours to set */
	new_word();
	word[1] = (int)getpid();
	for (int i = 0; i < 4; i++) {
		CHILD(pids[i])
		{
			sleep_until_wall(i);
		}
		until_asleep(pids[i]);
	}
	t = wall_in(1800);
	OK(clock_settime(CLOCK_REALTIME, &t));
	for (int i = 0; i < 4; i++)
		until_asleep(pids[i]);
	t = wall_in(1801);
	OK(clock_settime(CLOCK_REALTIME, &t));
	for (int i = 0; i < 4; i++)
		REAP(pids[i]);
	t = wall_in(-3601);
	OK(clock_settime(CLOCK_REALTIME, &t));
}

/* --- Robust lists, get_robust_list(2) --- */

struct robust_head {
	void *list;
	long offset;
	void *pending;
};
struct robust_lock {
	void *next;
	unsigned word;
};

TEST(robust_list_is_registered)
{
	struct robust_head head = {.list = &head}, *got = NULL;
	size_t size = 0;

	FAILS(syscall(SYS_set_robust_list, &head, sizeof head - 1), EINVAL);
	OK(syscall(SYS_set_robust_list, &head, sizeof head));
	OK(syscall(SYS_get_robust_list, 0, &got, &size));
	YES(got == &head);
	EQ(size, 24);
	OK(syscall(SYS_get_robust_list, getpid(), &got, &size));
	FAILS(syscall(SYS_get_robust_list, 0, &got, NULL), EFAULT);
	FAILS(syscall(SYS_get_robust_list, -5, &got, &size), ESRCH);
	OK(syscall(SYS_set_robust_list, NULL, sizeof head));
	OK(syscall(SYS_get_robust_list, 0, &got, &size));
	YES(got == NULL);
}

TEST(robust_list_is_not_inherited)
{
	struct robust_head head = {.list = &head}, *got = &head;
	size_t size = 0;
	pid_t child;

	OK(syscall(SYS_set_robust_list, &head, sizeof head));
	CHILD(child)
	{
		OK(syscall(SYS_get_robust_list, 0, &got, &size));
		YES(got == NULL);
	}
	REAP(child);
}

TEST(killed_owner_of_a_robust_lock_is_told)
{
	struct robust_lock *lock = shared(4096);
	struct robust_head head = {.offset = offsetof(struct robust_lock, word)};
	pid_t child;

	CHILD(child)
	{
		head.list = lock;
		lock->next = &head;
		OK(syscall(SYS_set_robust_list, &head, sizeof head));
		__atomic_store_n(&lock->word, (unsigned)getpid() | 0x80000000, __ATOMIC_SEQ_CST);
		for (;;)
			pause();
	}
	UNTIL(__atomic_load_n(&lock->word, __ATOMIC_SEQ_CST));
	MUST(kill(child, SIGKILL));
	/* Woken by the death, or too late to sleep: either way the word says that its owner died. */
	while (!(__atomic_load_n(&lock->word, __ATOMIC_SEQ_CST) & 0x40000000))
		syscall(SYS_futex, &lock->word, 0, (unsigned)child | 0x80000000, NULL, NULL, 0);
	EQ(lock->word & 0x3fffffff, 0);
	EQ(reap(child), SIGKILL);
}

static void *die_holding(void *mutex)
{
	pthread_mutex_lock(mutex);
	return NULL;
}

TEST(robust_mutex_survives_its_owner)
{
	pthread_mutexattr_t kind;
	pthread_mutex_t mutex;
	pthread_t thread;

	pthread_mutexattr_init(&kind);
	EQ(pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST), 0);
	EQ(pthread_mutex_init(&mutex, &kind), 0);
	EQ(pthread_create(&thread, NULL, die_holding, &mutex), 0);
	EQ(pthread_join(thread, NULL), 0);
	EQ(pthread_mutex_lock(&mutex), EOWNERDEAD);
	EQ(pthread_mutex_consistent(&mutex), 0);
	EQ(pthread_mutex_unlock(&mutex), 0);
	EQ(pthread_mutex_lock(&mutex), 0);
}
