/* Threads as the C library makes them. */
#include "harness.h"
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>

static pid_t gettid_(void)
{
	return (pid_t)syscall(SYS_gettid);
}

static void *identify(void *out)
{
	*(pid_t *)out = gettid_();
	return (void *)0x1234;
}

TEST(create_and_join)
{
	pthread_t thread;
	pid_t tid = 0;
	void *result;
	EQ(gettid_(), getpid());
	EQ(pthread_create(&thread, NULL, identify, &tid), 0);
	EQ(pthread_join(thread, &result), 0);
	EQ((long)result, 0x1234);
	YES(tid != 0 && tid != getpid());
}

static _Thread_local int local = 5;
static void *spoil_local(void *unused)
{
	EQ(local, 5);
	local = 6;
	return unused;
}

TEST(thread_local_storage)
{
	pthread_t threads[10];
	local = 7;
	for (int i = 0; i < 10; i++)
		EQ(pthread_create(&threads[i], NULL, spoil_local, NULL), 0);
	for (int i = 0; i < 10; i++)
		EQ(pthread_join(threads[i], NULL), 0);
	EQ(local, 7);
}

static _Atomic int arrived;
static void *arrive(void *unused)
{
	atomic_fetch_add(&arrived, 1);
	return unused;
}

TEST(five_hundred_threads)
{
	enum { N = 500 };
	static pthread_t threads[N];
	pthread_attr_t attr;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536 > PTHREAD_STACK_MIN ? 65536 : PTHREAD_STACK_MIN);
	for (int i = 0; i < N; i++)
		EQ(pthread_create(&threads[i], &attr, arrive, NULL), 0);
	for (int i = 0; i < N; i++)
		EQ(pthread_join(threads[i], NULL), 0);
	EQ(arrived, N);
}

static void *wait_at(void *barrier)
{
	for (int i = 0; i < 50; i++)
		pthread_barrier_wait(barrier);
	return NULL;
}

TEST(barrier)
{
	pthread_barrier_t barrier;
	pthread_t threads[5];
	pthread_barrier_init(&barrier, NULL, 6);
	for (int i = 0; i < 5; i++)
		EQ(pthread_create(&threads[i], NULL, wait_at, &barrier), 0);
	wait_at(&barrier);
	for (int i = 0; i < 5; i++)
		EQ(pthread_join(threads[i], NULL), 0);
}

static sem_t sems[2];
static void *sem_side(void *unused)
{
	for (int i = 0; i < 1000; i++) {
		sem_wait(&sems[0]);
		sem_post(&sems[1]);
	}
	return unused;
}

TEST(posix_semaphores)
{
	pthread_t thread;
	struct timespec past = {1, 0};
	sem_init(&sems[0], 0, 0);
	sem_init(&sems[1], 0, 0);
	EQ(pthread_create(&thread, NULL, sem_side, NULL), 0);
	for (int i = 0; i < 1000; i++) {
		sem_post(&sems[0]);
		sem_wait(&sems[1]);
	}
	EQ(pthread_join(thread, NULL), 0);
	FAILS(sem_trywait(&sems[0]), EAGAIN);
	FAILS(sem_timedwait(&sems[0], &past), ETIMEDOUT);
}

static void *leave_process(void *unused)
{
	(void)unused;
	exit(17);
}
static void *pause_forever(void *unused)
{
	for (;;)
		pause();
	return unused;
}

TEST(exit_from_any_thread_ends_the_process)
{
	pid_t pid = spawn();
	if (pid == 0) {
		pthread_t a, b;
		pthread_create(&a, NULL, pause_forever, NULL);
		pthread_create(&b, NULL, leave_process, NULL);
		pause_forever(NULL);
	}
	int status = reap(pid);
	YES(WIFEXITED(status));
	EQ(WEXITSTATUS(status), 17);
}

static void *outlive(void *main_gone)
{
	UNTIL(state_of(getpid()) == 'Z');
	*(volatile int *)main_gone = 1;
	exit(5);
}

TEST(process_lives_on_without_its_first_thread)
{
	int *gone = shared(4096);
	pid_t pid = spawn();
	if (pid == 0) {
		pthread_t thread;
		pthread_create(&thread, NULL, outlive, gone);
		pthread_exit(NULL);
	}
	int status = reap(pid);
	EQ(WEXITSTATUS(status), 5);
	EQ(*gone, 1);
}

static void *exec_true(void *unused)
{
	(void)unused;
	execl("/bin/sh", "sh", "-c", "exit 23", NULL);
	return NULL;
}

TEST(exec_from_another_thread)
{
	pid_t pid = spawn();
	if (pid == 0) {
		pthread_t a, b;
		pthread_create(&a, NULL, pause_forever, NULL);
		pthread_create(&b, NULL, exec_true, NULL);
		pause_forever(NULL);
	}
	EQ(WEXITSTATUS(reap(pid)), 23);
}

static void *fork_inside(void *unused)
{
	pid_t pid = spawn();
	if (pid == 0) {
		/* One thread only: the caller. */
		char text[2048], *line;
		OK(file_read("/proc/self/status", text, sizeof(text)));
		line = strstr(text, "Threads:");
		EQ(line ? atoi(line + 8) : -1, 1);
		_exit(0);
	}
	REAP(pid);
	return unused;
}

TEST(fork_from_a_thread)
{
	pthread_t a, b;
	EQ(pthread_create(&a, NULL, pause_forever, NULL), 0);
	EQ(pthread_create(&b, NULL, fork_inside, NULL), 0);
	EQ(pthread_join(b, NULL), 0);
}

static void *cancel_me(void *unused)
{
	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, NULL);
	return pause_forever(unused);
}

TEST(cancellation)
{
	pthread_t thread;
	void *result;
	EQ(pthread_create(&thread, NULL, cancel_me, NULL), 0);
	EQ(pthread_cancel(thread), 0);
	EQ(pthread_join(thread, &result), 0);
	YES(result == PTHREAD_CANCELED);
}

TEST(detached_threads_go_away)
{
	pthread_attr_t attr;
	pthread_t thread;
	char text[2048], *line;
	arrived = 0;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (int i = 0; i < 50; i++)
		EQ(pthread_create(&thread, &attr, arrive, NULL), 0);
	do {
		sched_yield();
		OK(file_read("/proc/self/status", text, sizeof(text)));
		line = strstr(text, "Threads:");
	} while (line && atoi(line + 8) != 1);
	EQ(arrived, 50);
}

static volatile double sums[4];
static void *sum(void *arg)
{
	long k = (long)arg;
	double x = 0;
	for (int i = 1; i < 200000; i++) {
		x += (double)k / i;
		if (i % 1000 == 0)
			sched_yield();
	}
	sums[k] = x;
	return NULL;
}

TEST(floating_point_is_kept_over_switches)
{
	pthread_t threads[4];
	for (long i = 0; i < 4; i++)
		EQ(pthread_create(&threads[i], NULL, sum, (void *)i), 0);
	for (int i = 0; i < 4; i++)
		EQ(pthread_join(threads[i], NULL), 0);
	double one = sums[1];
	EQ(sums[0] == 0, 1);
	EQ(sums[2] == 2 * one, 1);
	EQ((long)(sums[3] * 1e6) - (long)(3 * one * 1e6) <= 1, 1);
}
