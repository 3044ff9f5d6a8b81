/* mq_timedsend, mq_timedreceive: order, sizes, blocking, time-outs, signals, faults (Q1, Q2, Q5). */
#include "mq.h"
#include <sys/utsname.h>

TEST(first_in_first_out_within_a_priority)
{
	int q = queue(0);
	SEND(q, 5, "a");
	SEND(q, 5, "b");
	SEND(q, 5, "c");
	GETS(q, "a");
	EQ(got_priority, 5);
	GETS(q, "b");
	GETS(q, "c");
}

TEST(highest_priority_first)
{
	int q = queue(O_NONBLOCK);
	SEND(q, 1, "low");
	SEND(q, MQ_PRIO_MAX - 1, "top");
	SEND(q, 7, "middle");
	SEND(q, 0, "bottom");
	SEND(q, 7, "middle again");
	SEND(q, MQ_PRIO_MAX - 1, "top again");
	GETS(q, "top");
	EQ(got_priority, MQ_PRIO_MAX - 1);
	GETS(q, "top again");
	GETS(q, "middle");
	SEND(q, 7, "middle at last");
	SEND(q, 8, "above");
	GETS(q, "above");
	GETS(q, "middle again");
	GETS(q, "middle at last");
	GETS(q, "low");
	GETS(q, "bottom");
	EQ(got_priority, 0);
	GETS(q, "EAGAIN");
}

/* Against a scan, with priorities near and far. */
TEST(order_under_random_priorities)
{
	static const unsigned ranges[] = {2, 3, 64, 70, 4096, MQ_PRIO_MAX};
	struct {
		unsigned priority, number;
	} model[10], m;
	int q = queue(O_NONBLOCK), n = 0;
	unsigned random = 1, number = 0;
	for (int round = 0; round < 6000; round++) {
		random = random * 1103515245u + 12345u;
		if (n < 10 && (n == 0 || random >> 16 & 1)) {
			m.number = number++;
			m.priority = (random >> 17) % ranges[round / 1000];
			OK(sys_send(q, &m, sizeof m, m.priority, NULL));
			model[n++] = m;
			continue;
		}
		int best = 0;
		for (int i = 1; i < n; i++)
			if (model[i].priority > model[best].priority)
				best = i;
		EQ(sys_receive(q, &m, 64, &got_priority, NULL), sizeof m);
		EQ(m.number, model[best].number);
		EQ(got_priority, model[best].priority);
		n--;
		memmove(&model[best], &model[best + 1], (size_t)(n - best) * sizeof m);
	}
}

TEST(messages_of_every_size)
{
	static const int sizes[] = {0,    1,    7,    63,   64,   1000, 4000,
	                            4024, 4040, 4041, 4096, 4097, 8191, 8192};
	static char in[8192], out[8193];
	int q = queue_of(0, 2, 8192);
	for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		int n = sizes[i];
		for (int k = 0; k < n; k++)
			in[k] = (char)(k * 31 + n);
		OK(sys_send(q, in, n, i, NULL));
		memset(out, 1, sizeof out);
		EQ(sys_receive(q, out, sizeof out, &got_priority, NULL), n);
		EQ(got_priority, i);
		YES(!memcmp(in, out, n));
		EQ(out[n], 1);
	}
}

TEST(errors_of_sending)
{
	int q = queue(0), file = MUST(open("/dev/null", O_RDWR));
	struct timespec bad = {0, 1000000000};
	FAILS(sys_send(q, "x", 1, MQ_PRIO_MAX, NULL), EINVAL);
	FAILS(sys_send(q, "x", 1, -1u, NULL), EINVAL);
	FAILS(sys_send(-1, "x", 1, MQ_PRIO_MAX, NULL), EINVAL);
	FAILS(sys_send(-1, "x", 1, 0, NULL), EBADF);
	FAILS(sys_send(file, "x", 1, 0, NULL), EBADF);
	FAILS(sys_send(q, got, 65, 0, NULL), EMSGSIZE);
	FAILS(sys_send(q, (void *)8, 65, 0, NULL), EMSGSIZE);
	FAILS(sys_send(q, got, (size_t)-1, 0, NULL), EMSGSIZE);
	FAILS(sys_send(q, (void *)8, 1, 0, NULL), EFAULT);
	/* A time-out is judged first of all, although there is room. */
	FAILS(sys_send(q, "x", 1, 0, &bad), EINVAL);
	FAILS(sys_send(-1, "x", 1, 0, &bad), EINVAL);
	bad = (struct timespec){-1, 0};
	FAILS(sys_send(q, "x", 1, 0, &bad), EINVAL);
	bad = (struct timespec){0, -1};
	FAILS(sys_send(q, "x", 1, 0, &bad), EINVAL);
	FAILS(sys_send(q, "x", 1, 0, (void *)8), EFAULT);
	EQ(messages_in(q), 0);
	OK(sys_send(q, "x", 1, 0, &long_ago));
	OK(sys_send(q, (void *)8, 0, 0, NULL));
	EQ(messages_in(q), 2);
}

TEST(errors_of_receiving)
{
	int q = queue(O_NONBLOCK), file = MUST(open("/dev/null", O_RDWR));
	struct timespec bad = {0, 1000000000};
	FAILS(sys_receive(-1, got, 64, NULL, NULL), EBADF);
	FAILS(sys_receive(file, got, 64, NULL, NULL), EBADF);
	FAILS(sys_receive(q, got, 63, NULL, NULL), EMSGSIZE);
	FAILS(sys_receive(q, got, 64, NULL, NULL), EAGAIN);
	FAILS(sys_receive(q, got, (size_t)-1, NULL, NULL), EAGAIN);
	SEND(q, 0, "x");
	FAILS(sys_receive(q, got, 63, NULL, NULL), EMSGSIZE);
	FAILS(sys_receive(q, got, 64, NULL, &bad), EINVAL);
	FAILS(sys_receive(-1, got, 64, NULL, &bad), EINVAL);
	FAILS(sys_receive(q, got, 64, NULL, (void *)8), EFAULT);
	EQ(messages_in(q), 1);
	EQ(sys_receive(q, got, 64, NULL, &long_ago), 1);
}

TEST(a_full_queue)
{
	int q = queue_of(O_NONBLOCK, 3, 8);
	SEND(q, 0, "1");
	SEND(q, 0, "2");
	SEND(q, 0, "3");
	FAILS(send_text(q, 9, "4"), EAGAIN);
	FAILS(sys_send(q, "1", 9, 0, NULL), EMSGSIZE);
	FAILS(sys_send(q, (void *)8, 1, 0, NULL), EFAULT);
	GETS(q, "1");
	SEND(q, 9, "4");
	GETS(q, "4");
}

TEST(timeouts)
{
	int q = queue_of(0, 1, 8);
	struct timespec soon = in_ms(30);
	FAILS(sys_receive(q, got, 8, NULL, &long_ago), ETIMEDOUT);
	FAILS(sys_receive(q, got, 8, NULL, &soon), ETIMEDOUT);
	struct timespec now = in_ms(0);
	YES(now.tv_sec > soon.tv_sec || (now.tv_sec == soon.tv_sec && now.tv_nsec >= soon.tv_nsec));
	SEND(q, 0, "1");
	soon = in_ms(30);
	FAILS(sys_send(q, "2", 1, 0, &long_ago), ETIMEDOUT);
	FAILS(sys_send(q, "2", 1, 0, &soon), ETIMEDOUT);
	EQ(messages_in(q), 1);
	soon = in_ms(20000);
	EQ(sys_receive(q, got, 8, NULL, &soon), 1);
}

TEST(a_receiver_is_handed_the_message)
{
	int q = queue(0);
	pid_t child;
	CHILD(child)
	{
		GETS(q, "hello");
		EQ(got_priority, 3);
	}
	until_asleep(child);
	SEND(q, 3, "hello");
	EQ(messages_in(q), 0);
	REAP(child);
}

TEST(a_sender_waits_for_room)
{
	int q = queue_of(0, 2, 8);
	SEND(q, 1, "a");
	SEND(q, 1, "b");
	pid_t child;
	CHILD(child) SEND(q, 5, "urgent");
	until_asleep(child);
	GETS(q, "a");
	/* Its message is in the queue although the sender may not have run yet. */
	EQ(messages_in(q), 2);
	GETS(q, "urgent");
	GETS(q, "b");
	REAP(child);
}

TEST(receivers_are_served_in_order)
{
	int q = queue(0), *order = shared(64);
	pid_t child[4];
	for (int i = 0; i < 4; i++) {
		CHILD(child[i])
		{
			receive(q);
			order[got[0] - '0'] = i;
		}
		until_asleep(child[i]);
	}
	for (int i = 0; i < 4; i++)
		SEND(q, 0, ((char[]){(char)('0' + i), 0}));
	for (int i = 0; i < 4; i++)
		REAP(child[i]);
	for (int i = 0; i < 4; i++)
		EQ(order[i], i);
}

/* Those of better nice value first, then those that wait longest. */
TEST(waiters_by_priority)
{
	static const int nice_of[] = {10, 0, 19, 0, 5}, expected[] = {1, 3, 4, 0, 2};
	int q = queue(0), *order = shared(64);
	pid_t child[5];
	for (int i = 0; i < 5; i++) {
		CHILD(child[i])
		{
			MUST(nice(nice_of[i]));
			receive(q);
			order[got[0] - '0'] = i;
		}
		until_asleep(child[i]);
	}
	for (int i = 0; i < 5; i++)
		SEND(q, 0, ((char[]){(char)('0' + i), 0}));
	for (int i = 0; i < 5; i++)
		REAP(child[i]);
	for (int i = 0; i < 5; i++)
		EQ(order[i], expected[i]);
}

/* Real-time ones before all others, by their priority, whatever their policy; those alike in their order. */
TEST(waiters_of_all_classes)
{
	static const struct {
		int policy, priority, nice;
	} who[] = {{SCHED_OTHER, 0, 0}, {SCHED_FIFO, 10, 0}, {SCHED_BATCH, 0, 5},
	           {SCHED_RR, 50, 0},   {SCHED_RR, 10, 0},   {SCHED_OTHER, 0, 5},
	           {SCHED_FIFO, 50, 0}, {SCHED_FIFO, 1, 19}};
	static const int expected[] = {3, 6, 1, 4, 7, 0, 2, 5};
	enum { COUNT = sizeof who / sizeof *who };
	int q = queue(0), *order = shared(64);
	pid_t child[COUNT];
	for (int i = 0; i < COUNT; i++) {
		CHILD(child[i])
		{
			struct sched_param param = {.sched_priority = who[i].priority};
			MUST(nice(who[i].nice));
			MUST((int)syscall(SYS_sched_setscheduler, 0, who[i].policy, &param));
			receive(q);
			order[got[0] - '0'] = i;
		}
		until_asleep(child[i]);
	}
	for (int i = 0; i < COUNT; i++)
		SEND(q, 0, ((char[]){(char)('0' + i), 0}));
	for (int i = 0; i < COUNT; i++)
		REAP(child[i]);
	for (int i = 0; i < COUNT; i++)
		EQ(order[i], expected[i]);
}

TEST(senders_by_priority)
{
	static const int nice_of[] = {10, 0, 5};
	int q = queue_of(0, 1, 8);
	pid_t child[3];
	SEND(q, 0, "full");
	for (int i = 0; i < 3; i++) {
		CHILD(child[i])
		{
			MUST(nice(nice_of[i]));
			SEND(q, 0, ((char[]){(char)('0' + i), 0}));
		}
		until_asleep(child[i]);
	}
	GETS(q, "full");
	GETS(q, "1");
	GETS(q, "2");
	GETS(q, "0");
	for (int i = 0; i < 3; i++)
		REAP(child[i]);
}

static _Atomic int *handled;
static void handler(int signal)
{
	(void)signal;
	++*handled;
}

/* A signal comes while a child waits: it gives up, or goes on waiting until there is something for it. */
static void interrupted(int flags, int full)
{
	int q = queue_of(0, 1, 8);
	handled = shared(sizeof *handled);
	if (full)
		SEND(q, 0, "full");
	pid_t child;
	CHILD(child)
	{
		on_signal(SIGUSR1, handler, flags);
		int restarts = flags & SA_RESTART;
		if (full && restarts)
			SEND(q, 0, "more");
		else if (full)
			FAILS(send_text(q, 0, "more"), EINTR);
		else
			GETS(q, restarts ? "late" : "EINTR");
	}
	until_asleep(child);
	OK(kill(child, SIGUSR1));
	UNTIL(*handled);
	if (flags & SA_RESTART) {
		until_asleep(child);
		if (full)
			GETS(q, "full");
		else
			SEND(q, 0, "late");
	}
	REAP(child);
	EQ(*handled, 1);
	if (full && !(flags & SA_RESTART))
		EQ(messages_in(q), 1);
}
TEST(a_signal_ends_receiving)
{
	interrupted(0, 0);
}
TEST(a_signal_ends_sending)
{
	interrupted(0, 1);
}
TEST(receiving_restarts)
{
	interrupted(SA_RESTART, 0);
}
TEST(sending_restarts)
{
	interrupted(SA_RESTART, 1);
}

TEST(a_killed_waiter_leaves_nothing)
{
	int q = queue_of(0, 1, 8);
	pid_t child;
	CHILD(child) receive(q);
	until_asleep(child);
	kill(child, SIGKILL);
	reap(child);
	SEND(q, 0, "1");
	EQ(messages_in(q), 1);
	CHILD(child) send_text(q, 0, "2");
	until_asleep(child);
	kill(child, SIGKILL);
	reap(child);
	GETS(q, "1");
	EQ(messages_in(q), 0);
}

static int is_linux(void)
{
	struct utsname u;
	uname(&u);
	return !strstr(u.version, "Halyard");
}

/* Linux loses the message; POSIX does not say. Here it stays at its place. */
TEST(a_faulting_receiver_loses_no_message)
{
	int q = queue(O_NONBLOCK);
	SEND(q, 1, "later");
	SEND(q, 4, "first");
	SEND(q, 4, "second");
	FAILS(sys_receive(q, (void *)8, 64, NULL, NULL), EFAULT);
	if (is_linux()) {
		EQ(messages_in(q), 2);
		return;
	}
	FAILS(sys_receive(q, got, 64, (void *)8, NULL), EFAULT);
	EQ(messages_in(q), 3);
	GETS(q, "first");
	GETS(q, "second");
	FAILS(sys_receive(q, (void *)8, 64, NULL, NULL), EFAULT);
	GETS(q, "later");
	GETS(q, "EAGAIN");
}

TEST(a_faulting_receiver_passes_the_message_on)
{
	int q = queue(0);
	pid_t bad, good;
	CHILD(bad) FAILS(sys_receive(q, (void *)8, 64, NULL, NULL), EFAULT);
	until_asleep(bad);
	CHILD(good) GETS(q, is_linux() ? "second" : "first");
	until_asleep(good);
	SEND(q, 0, "first");
	REAP(bad);
	SEND(q, 0, "second");
	REAP(good);
	EQ(messages_in(q), is_linux() ? 0 : 1);
}
