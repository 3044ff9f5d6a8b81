/* Processes that use the same queues in every way and are killed at any moment: the queues stay whole (K3). */
#include "mq.h"

enum { WORKERS = 6, ROUNDS = 20, ACTIONS = 12 };

static uint64_t state;
static unsigned draw(unsigned n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % n;
}

static void act(int q)
{
	static char text[64];
	struct timespec soon = in_ms(draw(3));
	struct sigevent event = {.sigev_notify = draw(2) ? SIGEV_NONE : SIGEV_SIGNAL,
	                         .sigev_signo = SIGURG};
	struct pollfd p = {.fd = q, .events = POLLIN};
	struct mq_attr attr;
	unsigned priority;
	switch (draw(ACTIONS)) {
	case 0:
	case 1:
	case 2: sys_send(q, text, draw(65), draw(4) ? 1 : draw(MQ_PRIO_MAX), &soon); break;
	case 3:
	case 4: sys_receive(q, text, 64, &priority, &soon); break;
	case 5: sys_receive(q, (void *)8, 64, NULL, &soon); break;
	case 6: sys_notify(q, draw(2) ? &event : NULL); break;
	case 7: poll(&p, 1, (int)draw(3)); break;
	case 8: close(dup(q)); break;
	case 9: sys_attr(q, NULL, &attr); break;
	case 10: pread(q, text, sizeof text, 0); break;
	case 11:
		close(sys_open("storm", O_CREAT | O_RDWR, 0600,
		               &(struct mq_attr){.mq_maxmsg = 2, .mq_msgsize = 8}));
		sys_unlink("storm");
		break;
	}
}

TEST(killed_at_any_moment)
{
	int queues[2] = {queue_of(0, 3, 64), queue_of(0, 8, 64)};
	pid_t worker[WORKERS];
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < WORKERS; i++)
			CHILD(worker[i])
			{
				state = (uint64_t)(round * WORKERS + i + 1) * 0x9e3779b97f4a7c15u;
				for (;;)
					act(queues[draw(2)]);
			}
		state = (uint64_t)round + 1;
		struct timespec while_they_work = {0, 1000000 * (1 + draw(8))};
		nanosleep(&while_they_work, NULL);
		for (int i = 0; i < WORKERS; i++)
			kill(worker[i], SIGKILL);
		for (int i = 0; i < WORKERS; i++)
			reap(worker[i]);
	}
	/* What is in the queues comes out in order, and then they are as good as new. */
	for (int i = 0; i < 2; i++) {
		int q = queues[i];
		fcntl(q, F_SETFL, O_NONBLOCK);
		unsigned last = MQ_PRIO_MAX;
		for (long n = messages_in(q); n; n--) {
			OK(sys_receive(q, got, sizeof got, &got_priority, NULL));
			YES(got_priority <= last);
			last = got_priority;
		}
		GETS(q, "EAGAIN");
		for (int k = 0; k < 3; k++)
			SEND(q, (unsigned)k, "x");
		EQ(messages_in(q), 3);
		GETS(q, "x");
		EQ(got_priority, 2);
	}
	sys_unlink("storm");
}
