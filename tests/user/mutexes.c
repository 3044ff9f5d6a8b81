/* Mutexes, condition variables, read-write locks, barriers and cancellation of the C libraries: what they make of futex(2)
 * (F1, F2). Built with musl and with glibc. */
#include "harness.h"
#include <pthread.h>

enum { SHARED = 1, ROBUST = 2, INHERIT = 4 };

static pthread_mutex_t *mutex_new(int type, int flags)
{
	pthread_mutexattr_t attr;
	pthread_mutex_t *m = shared(4096);

	pthread_mutexattr_init(&attr);
	EQ(pthread_mutexattr_settype(&attr, type), 0);
	if (flags & SHARED)
		EQ(pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED), 0);
	if (flags & ROBUST)
		EQ(pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST), 0);
	if (flags & INHERIT)
		EQ(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT), 0);
	EQ(pthread_mutex_init(m, &attr), 0);
	return m;
}

static struct timespec soon(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += 20000000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

static void *try_it(void *m)
{
	struct timespec t = soon();
	EQ(pthread_mutex_trylock(m), EBUSY);
	EQ(pthread_mutex_timedlock(m, &t), ETIMEDOUT);
	return NULL;
}
static void is_owned(pthread_mutex_t *m)
{
	pthread_t thread;
	EQ(pthread_create(&thread, NULL, try_it, m), 0);
	EQ(pthread_join(thread, NULL), 0);
}

TEST(recursive_and_checking_mutexes)
{
	for (int flags = 0; flags < 8; flags++) {
		pthread_mutex_t *m = mutex_new(PTHREAD_MUTEX_RECURSIVE, flags);
		EQ(pthread_mutex_lock(m), 0);
		EQ(pthread_mutex_lock(m), 0);
		EQ(pthread_mutex_unlock(m), 0);
		is_owned(m);
		EQ(pthread_mutex_unlock(m), 0);
		EQ(pthread_mutex_unlock(m), EPERM);
		m = mutex_new(PTHREAD_MUTEX_ERRORCHECK, flags);
		EQ(pthread_mutex_lock(m), 0);
		EQ(pthread_mutex_lock(m), EDEADLK);
		is_owned(m);
		EQ(pthread_mutex_unlock(m), 0);
		EQ(pthread_mutex_unlock(m), EPERM);
		EQ(pthread_mutex_destroy(m), 0);
	}
}

TEST(exclusion_between_processes)
{
	for (int flags = SHARED; flags < 8; flags += 2) {
		pthread_mutex_t *m = mutex_new(PTHREAD_MUTEX_NORMAL, flags);
		volatile int *count = (int *)(m + 1);
		pid_t pids[3];
		for (int i = 0; i < 3; i++)
			CHILD(pids[i])
			{
				for (int k = 0; k < 200; k++) {
					EQ(pthread_mutex_lock(m), 0);
					int seen = *count;
					if (k % 8 == 0)
						sched_yield();
					*count = seen + 1;
					EQ(pthread_mutex_unlock(m), 0);
				}
			}
		for (int i = 0; i < 3; i++)
			REAP(pids[i]);
		EQ(*count, 600);
	}
}

TEST(owner_dies)
{
	for (int flags = SHARED | ROBUST; flags < 8; flags += INHERIT) {
		pthread_mutex_t *m = mutex_new(PTHREAD_MUTEX_NORMAL, flags);
		volatile int *step = (int *)(m + 1);
		pid_t owner, next;
		CHILD(owner)
		{
			EQ(pthread_mutex_lock(m), 0);
			*step = 1;
			for (;;)
				pause();
		}
		UNTIL(*step);
		CHILD(next)
		{
			EQ(pthread_mutex_lock(m), EOWNERDEAD);
			EQ(pthread_mutex_consistent(m), 0);
			EQ(pthread_mutex_unlock(m), 0);
			EQ(pthread_mutex_lock(m), 0);
			EQ(pthread_mutex_unlock(m), 0);
		}
		until_asleep(next);
		kill(owner, SIGKILL);
		EQ(reap(owner), SIGKILL);
		REAP(next);
		/* Not made consistent, it is lost for ever. */
		CHILD(owner)
		{
			EQ(pthread_mutex_lock(m), 0);
		}
		REAP(owner);
		EQ(pthread_mutex_lock(m), EOWNERDEAD);
		EQ(pthread_mutex_unlock(m), 0);
		EQ(pthread_mutex_lock(m), ENOTRECOVERABLE);
		EQ(pthread_mutex_trylock(m), ENOTRECOVERABLE);
	}
}

struct meeting {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	int waiting, released;
};

static struct meeting *meeting_new(void)
{
	struct meeting *w = shared(4096);
	pthread_mutexattr_t mattr;
	pthread_condattr_t cattr;
	pthread_mutexattr_init(&mattr);
	pthread_mutexattr_setpshared(&mattr, PTHREAD_PROCESS_SHARED);
	pthread_condattr_init(&cattr);
	pthread_condattr_setpshared(&cattr, PTHREAD_PROCESS_SHARED);
	EQ(pthread_mutex_init(&w->mutex, &mattr), 0);
	EQ(pthread_cond_init(&w->cond, &cattr), 0);
	return w;
}

TEST(condition_between_processes)
{
	struct meeting *w = meeting_new();
	pid_t pids[3];
	for (int i = 0; i < 3; i++)
		CHILD(pids[i])
		{
			pthread_mutex_lock(&w->mutex);
			w->waiting++;
			while (!w->released)
				EQ(pthread_cond_wait(&w->cond, &w->mutex), 0);
			w->released--;
			pthread_mutex_unlock(&w->mutex);
		}
	UNTIL(__atomic_load_n(&w->waiting, __ATOMIC_SEQ_CST) == 3);
	pthread_mutex_lock(&w->mutex);
	w->released = 1;
	EQ(pthread_cond_signal(&w->cond), 0);
	pthread_mutex_unlock(&w->mutex);
	UNTIL(__atomic_load_n(&w->released, __ATOMIC_SEQ_CST) == 0);
	pthread_mutex_lock(&w->mutex);
	w->released = 2;
	EQ(pthread_cond_broadcast(&w->cond), 0);
	pthread_mutex_unlock(&w->mutex);
	for (int i = 0; i < 3; i++)
		REAP(pids[i]);
	EQ(w->released, 0);
}

TEST(condition_times_out_with_the_mutex)
{
	struct meeting *w = meeting_new();
	struct timespec t = soon(), past = {1, 0};
	pthread_mutex_lock(&w->mutex);
	EQ(pthread_cond_timedwait(&w->cond, &w->mutex, &t), ETIMEDOUT);
	EQ(pthread_mutex_trylock(&w->mutex), EBUSY);
	EQ(pthread_cond_timedwait(&w->cond, &w->mutex, &past), ETIMEDOUT);
	EQ(pthread_mutex_unlock(&w->mutex), 0);
}

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static int shared_value, torn;
static void *reads(void *unused)
{
	for (int i = 0; i < 300; i++) {
		pthread_rwlock_rdlock(&rwlock);
		int seen = shared_value;
		if (i % 16 == 0)
			sched_yield();
		if (seen != shared_value)
			__atomic_add_fetch(&torn, 1, __ATOMIC_SEQ_CST);
		pthread_rwlock_unlock(&rwlock);
	}
	return unused;
}
static void *writes(void *unused)
{
	for (int i = 0; i < 300; i++) {
		pthread_rwlock_wrlock(&rwlock);
		shared_value++;
		pthread_rwlock_unlock(&rwlock);
	}
	return unused;
}

TEST(readers_and_writers)
{
	pthread_t threads[4];
	struct timespec past = {1, 0};
	for (int i = 0; i < 4; i++)
		EQ(pthread_create(&threads[i], NULL, i % 2 ? reads : writes, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	EQ(shared_value, 600);
	EQ(torn, 0);
	EQ(pthread_rwlock_rdlock(&rwlock), 0);
	EQ(pthread_rwlock_tryrdlock(&rwlock), 0);
	EQ(pthread_rwlock_trywrlock(&rwlock), EBUSY);
	EQ(pthread_rwlock_unlock(&rwlock), 0);
	EQ(pthread_rwlock_unlock(&rwlock), 0);
	EQ(pthread_rwlock_timedwrlock(&rwlock, &past), 0);
	EQ(pthread_rwlock_tryrdlock(&rwlock), EBUSY);
	EQ(pthread_rwlock_unlock(&rwlock), 0);
}

TEST(barrier_between_processes)
{
	struct {
		pthread_barrier_t barrier;
		int serial;
	} *b = shared(4096);
	pthread_barrierattr_t attr;
	pid_t pids[3];
	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	EQ(pthread_barrier_init(&b->barrier, &attr, 3), 0);
	for (int i = 0; i < 3; i++)
		CHILD(pids[i])
		{
			for (int k = 0; k < 50; k++)
				if (pthread_barrier_wait(&b->barrier) ==
				    PTHREAD_BARRIER_SERIAL_THREAD)
					__atomic_add_fetch(&b->serial, 1, __ATOMIC_SEQ_CST);
		}
	for (int i = 0; i < 3; i++)
		REAP(pids[i]);
	EQ(b->serial, 50);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int ran;
static void run_once(void)
{
	sched_yield();
	ran++;
}
static void *call_once(void *unused)
{
	pthread_once(&once, run_once);
	EQ(ran, 1);
	return unused;
}

TEST(initialised_once)
{
	pthread_t threads[4];
	for (int i = 0; i < 4; i++)
		EQ(pthread_create(&threads[i], NULL, call_once, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	EQ(ran, 1);
}

static void unlock_it(void *w)
{
	pthread_mutex_unlock(&((struct meeting *)w)->mutex);
}
static void *wait_for_ever(void *arg)
{
	struct meeting *w = arg;
	pthread_mutex_lock(&w->mutex);
	pthread_cleanup_push(unlock_it, w);
	w->waiting = 1;
	for (;;)
		pthread_cond_wait(&w->cond, &w->mutex);
	pthread_cleanup_pop(0);
	return NULL;
}

/* pthread_cancel(3): a cancelled waiter has its mutex again when its cleanup runs. */
TEST(cancelled_wait_owns_the_mutex)
{
	struct meeting *w = meeting_new();
	pthread_t thread;
	void *result;
	EQ(pthread_create(&thread, NULL, wait_for_ever, w), 0);
	UNTIL(__atomic_load_n(&w->waiting, __ATOMIC_SEQ_CST));
	pthread_mutex_lock(&w->mutex);
	EQ(pthread_cancel(thread), 0);
	pthread_mutex_unlock(&w->mutex);
	EQ(pthread_join(thread, &result), 0);
	YES(result == PTHREAD_CANCELED);
	EQ(pthread_mutex_trylock(&w->mutex), 0);
}
