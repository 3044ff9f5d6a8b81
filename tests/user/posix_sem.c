/* POSIX semaphores as the C library makes them of files and futexes, sem_overview(7) (P2). Built with musl and with glibc. */
#include "harness.h"
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>

static const char *name(void)
{
	static char text[40];
	snprintf(text, sizeof(text), "/posix_sem.%d", (int)getpid());
	return text;
}
static const char *path(void)
{
	static char text[64];
#ifdef __GLIBC__
	snprintf(text, sizeof(text), "/dev/shm/sem.%s", name() + 1);
#else
	snprintf(text, sizeof(text), "/dev/shm/%s", name() + 1);
#endif
	return text;
}
static int value(sem_t *s)
{
	int v = -1;
	OK(sem_getvalue(s, &v));
	return v;
}

TEST(named_is_a_file)
{
	struct stat st;
	sem_t *s = sem_open(name(), O_CREAT | O_EXCL, 0640, 3);
	YES(s != SEM_FAILED);
	EQ(value(s), 3);
	OK(stat(path(), &st));
	EQ(st.st_mode & 0777, 0640);
	EQ(st.st_size, sizeof(sem_t));
	EQ(st.st_nlink, 1);
	OK(sem_close(s));
	OK(sem_unlink(name()));
	FAILS(stat(path(), &st), ENOENT);
}

TEST(errors_of_open_and_unlink)
{
	char longest[NAME_MAX + 8];
	FAILS(sem_unlink(name()), ENOENT);
	YES(sem_open(name(), 0) == SEM_FAILED);
	EQ(errno, ENOENT);
	sem_t *s = sem_open(name(), O_CREAT, 0600, 0);
	YES(sem_open(name(), O_CREAT | O_EXCL, 0600, 0) == SEM_FAILED);
	EQ(errno, EEXIST);
	OK(sem_close(s));
	OK(sem_unlink(name()));
	YES(sem_open(name(), O_CREAT, 0600, (unsigned)SEM_VALUE_MAX + 1) == SEM_FAILED);
	EQ(errno, EINVAL);
	memset(longest, 'x', sizeof(longest));
	longest[0] = '/';
	longest[sizeof(longest) - 1] = 0;
	YES(sem_open(longest, O_CREAT, 0600, 0) == SEM_FAILED);
	YES(errno == ENAMETOOLONG || errno == EINVAL); /* musl, glibc */
	YES(sem_open("/a/b", O_CREAT, 0600, 0) == SEM_FAILED);
	YES(errno == EINVAL || errno == ENOENT);
}

TEST(opened_again_it_is_the_same_mapping)
{
	sem_t *a = sem_open(name(), O_CREAT, 0600, 1), *b = sem_open(name(), 0), *c;
	YES(a == b);
	OK(sem_close(b));
	OK(sem_post(a)); /* still mapped */
	EQ(value(a), 2);
	/* Unlinked, it lives on; the name is free for another. */
	OK(sem_unlink(name()));
	OK(sem_trywait(a));
	c = sem_open(name(), O_CREAT | O_EXCL, 0600, 7);
	YES(c != a && c != SEM_FAILED);
	EQ(value(c), 7);
	EQ(value(a), 1);
	OK(sem_close(a));
	OK(sem_close(c));
	OK(sem_unlink(name()));
}

TEST(no_temporary_file_is_left)
{
	for (int i = 0; i < 20; i++) {
		sem_t *s = sem_open(name(), O_CREAT | (i % 2 ? 0 : O_EXCL), 0600, 0);
		YES(s != SEM_FAILED);
		OK(sem_close(s));
		if (i % 2)
			OK(sem_unlink(name()));
	}
	FAILS(access(path(), F_OK), ENOENT);
}

TEST(race_of_creators_has_one_semaphore)
{
	pid_t pids[4];
	const char *n = name();
	for (int i = 0; i < 4; i++)
		CHILD(pids[i])
		{
			sem_t *s = sem_open(n, O_CREAT, 0600, 0);
			YES(s != SEM_FAILED);
			OK(sem_post(s));
		}
	for (int i = 0; i < 4; i++)
		REAP(pids[i]);
	sem_t *s = sem_open(n, 0);
	EQ(value(s), 4);
	OK(sem_close(s));
	OK(sem_unlink(n));
}

TEST(between_unrelated_processes)
{
	pid_t pid;
	const char *n = name();
	sem_t *s = sem_open(n, O_CREAT | O_EXCL, 0600, 0);
	CHILD(pid)
	{
		sem_t *mine = sem_open(n, 0);
		OK(sem_wait(mine));
		OK(sem_close(mine));
	}
	until_asleep(pid);
	OK(sem_post(s));
	REAP(pid);
	EQ(value(s), 0);
	OK(sem_unlink(n));
	OK(sem_close(s));
}

TEST(permission)
{
	pid_t pid;
	const char *n = name();
	sem_t *s = sem_open(n, O_CREAT | O_EXCL, 0600, 0);
	YES(s != SEM_FAILED);
	CHILD(pid)
	{
		OK(setresuid(1000, 1000, 1000));
		YES(sem_open(n, 0) == SEM_FAILED);
		EQ(errno, EACCES);
		FAILS(sem_unlink(n), EACCES == errno ? EACCES : EPERM);
	}
	REAP(pid);
	OK(sem_unlink(n));
	OK(sem_close(s));
}

static sem_t *shared_sem(unsigned v)
{
	sem_t *s = shared(4096);
	OK(sem_init(s, 1, v));
	return s;
}

TEST(unnamed_counts)
{
	sem_t s;
	FAILS(sem_init(&s, 0, (unsigned)SEM_VALUE_MAX + 1), EINVAL);
	OK(sem_init(&s, 0, SEM_VALUE_MAX));
	FAILS(sem_post(&s), EOVERFLOW);
	OK(sem_init(&s, 0, 2));
	OK(sem_wait(&s));
	OK(sem_trywait(&s));
	FAILS(sem_trywait(&s), EAGAIN);
	OK(sem_post(&s));
	EQ(value(&s), 1);
	OK(sem_destroy(&s));
}

TEST(time_outs)
{
	sem_t s;
	struct timespec past = {1, 0}, bad = {1, 1000000000}, soon = time_in_ms(CLOCK_REALTIME, 20);
	OK(sem_init(&s, 0, 0));
	FAILS(sem_timedwait(&s, &past), ETIMEDOUT);
	FAILS(sem_timedwait(&s, &bad), EINVAL);
	int64_t start = now_ns();
	FAILS(sem_timedwait(&s, &soon), ETIMEDOUT);
	YES(now_ns() - start >= 10000000);
	OK(sem_post(&s));
	OK(sem_timedwait(&s, &past)); /* there: the time does not matter */
#ifdef __GLIBC__
	soon = time_in_ms(CLOCK_MONOTONIC, 20);
	FAILS(sem_clockwait(&s, CLOCK_MONOTONIC, &soon), ETIMEDOUT);
	FAILS(sem_clockwait(&s, CLOCK_REALTIME, &past), ETIMEDOUT);
#endif
}

TEST(wait_is_interrupted_or_restarted)
{
	pid_t pid;
	sem_t *s = shared_sem(0);
	CHILD(pid)
	{
		on_signal(SIGUSR1, count_signal, 0);
		FAILS(sem_wait(s), EINTR);
	}
	until_asleep(pid);
	kill(pid, SIGUSR1);
	REAP(pid);
	CHILD(pid)
	{
		on_signal(SIGUSR1, count_signal, SA_RESTART);
		OK(sem_wait(s));
		EQ(signals_seen, 1);
	}
	until_asleep(pid);
	kill(pid, SIGUSR1);
	UNTIL(state_of(pid) == 'S');
	OK(sem_post(s));
	REAP(pid);
}

TEST(every_post_wakes_one)
{
	enum { N = 5 };
	pid_t pids[N];
	sem_t *s = shared_sem(0);
	for (int i = 0; i < N; i++) {
		CHILD(pids[i])
		{
			OK(sem_wait(s));
		}
		until_asleep(pids[i]);
	}
	for (int i = 0; i < N; i++)
		OK(sem_post(s));
	for (int i = 0; i < N; i++)
		REAP(pids[i]);
	EQ(value(s), 0);
}

static sem_t *posted;
static void post_it(int number)
{
	(void)number;
	sem_post(posted);
}

/* sem_post(3) may be called in a handler: it wakes the very thread that it interrupted. */
TEST(posted_from_a_signal_handler)
{
	pid_t pid;
	posted = shared_sem(0);
	CHILD(pid)
	{
		on_signal(SIGUSR1, post_it, SA_RESTART);
		OK(sem_wait(posted));
	}
	until_asleep(pid);
	kill(pid, SIGUSR1);
	REAP(pid);
	EQ(value(posted), 0);
}
