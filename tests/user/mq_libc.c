/* mq_open(3) and its kin as the C library has them, SIGEV_THREAD above all (Q1, Q3). Linked to musl and to glibc. */
#include "mq.h"
#include <pthread.h>
#include <semaphore.h>

static char name[64];
static void drop(void)
{
	mq_unlink(name);
}
static mqd_t new_queue(int flags)
{
	struct mq_attr attr = {.mq_maxmsg = 4, .mq_msgsize = 32};
	snprintf(name, sizeof name, "/test-libc-%d", (int)getpid());
	mqd_t q = MUST(mq_open(name, O_CREAT | O_EXCL | O_RDWR | flags, 0600, &attr));
	atexit(drop);
	return q;
}

TEST(the_whole_family)
{
	mqd_t q = new_queue(O_NONBLOCK);
	struct mq_attr attr, old;
	unsigned priority;
	char text[32];
	FAILS(mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, NULL), EEXIST);
	OK(mq_getattr(q, &attr));
	EQ(attr.mq_maxmsg, 4);
	EQ(attr.mq_msgsize, 32);
	EQ(attr.mq_flags, O_NONBLOCK);
	FAILS(mq_receive(q, text, sizeof text, NULL), EAGAIN);
	OK(mq_send(q, "low", 4, 1));
	OK(mq_send(q, "high", 5, 2));
	EQ(mq_receive(q, text, sizeof text, &priority), 5);
	STREQ(text, "high");
	EQ(priority, 2);
	attr.mq_flags = 0;
	OK(mq_setattr(q, &attr, &old));
	EQ(old.mq_flags, O_NONBLOCK);
	EQ(old.mq_curmsgs, 1);
	OK(mq_receive(q, text, sizeof text, &priority));
	FAILS(mq_timedreceive(q, text, sizeof text, NULL, &long_ago), ETIMEDOUT);
	OK(mq_close(q));
	FAILS(mq_close(q), EBADF);
	OK(mq_unlink(name));
	FAILS(mq_unlink(name), ENOENT);
	FAILS(mq_open(name, O_RDWR), ENOENT);
}

static sem_t called;
static pthread_t caller;
static int value;
static void on_message(union sigval v)
{
	caller = pthread_self();
	value = v.sival_int;
	sem_post(&called);
}
static const struct sigevent by_thread = {.sigev_notify = SIGEV_THREAD,
                                          .sigev_notify_function = on_message,
                                          .sigev_value.sival_int = 99};

TEST(a_thread_is_started)
{
	mqd_t q = new_queue(O_NONBLOCK);
	char text[32];
	sem_init(&called, 0, 0);
	for (int round = 0; round < 3; round++) {
		value = 0;
		OK(mq_notify(q, &by_thread));
		FAILS(mq_notify(q, &by_thread), EBUSY);
		pid_t child;
		CHILD(child) OK(mq_send(q, "x", 1, 0));
		REAP(child);
		OK(sem_wait(&called));
		EQ(value, 99);
		YES(!pthread_equal(caller, pthread_self()));
		EQ(mq_receive(q, text, sizeof text, NULL), 1);
	}
	OK(mq_notify(q, &by_thread));
	OK(mq_notify(q, NULL));
	OK(mq_send(q, "x", 1, 0));
	OK(mq_notify(q, &by_thread));
	OK(mq_close(q));
	EQ(sem_trywait(&called), -1);
}

/* The function registers anew, as programs do that serve a queue in this way. */
static mqd_t served;
static int received;
static void serve(union sigval v)
{
	struct sigevent again = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = serve};
	char text[32];
	(void)v;
	OK(mq_notify(served, &again));
	while (mq_receive(served, text, sizeof text, NULL) > 0)
		if (__atomic_add_fetch(&received, 1, __ATOMIC_SEQ_CST) == 20)
			sem_post(&called);
}

TEST(a_queue_served_by_threads)
{
	served = new_queue(O_NONBLOCK);
	sem_init(&called, 0, 0);
	struct sigevent first = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = serve};
	OK(mq_notify(served, &first));
	pid_t child;
	CHILD(child)
	{
		struct mq_attr blocking = {0};
		mqd_t q = OK(mq_open(name, O_WRONLY));
		OK(mq_setattr(q, &blocking, NULL));
		for (int i = 0; i < 20; i++)
			OK(mq_send(q, "x", 1, 0));
	}
	REAP(child);
	OK(sem_wait(&called));
	EQ(received, 20);
}

static void *wait_in_receive(void *arg)
{
	char text[32];
	mq_receive(*(mqd_t *)arg, text, sizeof text, NULL);
	return NULL;
}
TEST(receiving_is_a_cancellation_point)
{
	mqd_t q = new_queue(0);
	pthread_t thread;
	void *result;
	EQ(pthread_create(&thread, NULL, wait_in_receive, &q), 0);
	EQ(pthread_cancel(thread), 0);
	EQ(pthread_join(thread, &result), 0);
	YES(result == PTHREAD_CANCELED);
	OK(mq_send(q, "x", 1, 0));
	struct mq_attr attr;
	OK(mq_getattr(q, &attr));
	EQ(attr.mq_curmsgs, 1);
}
