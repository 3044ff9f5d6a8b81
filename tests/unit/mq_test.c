/* POSIX message queues on real threads: order against a model, and a storm after which nothing is lost. */
#include <stdlib.h>
#include <string.h>
#include "kernel/ipc/mq/mq.h"
#include "tests/host/host.h"
#include "tests/port/mq.h"

static struct mq_queue *queue_new(struct mq_space **out, s64 messages, s64 size)
{
	const struct mq_attr attr = {.maxmsg = messages, .msgsize = size};
	*out = mq_space_new();
	struct mq_queue *q = mq_new(*out, &attr);
	CHECK(!is_err(q));
	return q;
}
static void queue_end(struct mq_queue *q, struct mq_space *s)
{
	mq_free(q);
	CHECK_EQ(s->queues, 0);
	mq_space_close(s);
	mq_space_put(s);
}

struct parcel {
	u32 priority, number;
};
static s64 put(struct mq_queue *q, const struct parcel *p)
{
	return mq_send(q, UPTR(p), sizeof *p, p->priority, MQ_NONBLOCK, PORT_FOREVER);
}
static s64 get(struct mq_queue *q, struct parcel *p)
{
	u32 priority = 0;
	s64 n = mq_receive(q, UPTR(p), sizeof *p, UPTR(&priority), MQ_NONBLOCK, PORT_FOREVER);
	if (n >= 0)
		CHECK_EQ(priority, p->priority);
	return n;
}

/* Every third receive faults first, and the message has to be found at its place again. */
TEST(mq_order_is_that_of_a_scan)
{
	enum { ROOM = 200 };
	static struct parcel model[ROOM];
	struct mq_space *space;
	struct mq_queue *q = queue_new(&space, ROOM, sizeof(struct parcel));
	u32 n = 0, number = 0;
	for (u32 round = 0; round < 30000; round++) {
		struct parcel p = {.number = number++};
		u32 range = round / 100 % 2 ? MQ_PRIO_MAX : 5;
		if (host_random(100) < 52 && n < ROOM) {
			p.priority = host_random(range);
			CHECK_EQ(put(q, &p), 0);
			model[n++] = p;
			continue;
		}
		u32 best = 0;
		for (u32 i = 1; i < n; i++)
			if (model[i].priority > model[best].priority)
				best = i;
		if (n && host_random(3) == 0)
			CHECK_EQ(mq_receive(q, UPTR(8), sizeof p, UPTR_NULL, MQ_NONBLOCK,
			                    PORT_FOREVER),
			         -EFAULT);
		CHECK_EQ(get(q, &p), n ? sizeof p : -EAGAIN);
		if (!n)
			continue;
		CHECK_EQ(p.number, model[best].number);
		memmove(&model[best], &model[best + 1], (--n - best) * sizeof p);
	}
	queue_end(q, space);
}

TEST(mq_attributes_and_charges)
{
	struct mq_space *space = mq_space_new();
	const struct {
		s64 maxmsg, msgsize;
	} bad[] = {{0, 1},
	           {1, 0},
	           {-1, 1},
	           {1, -1},
	           {MQ_MSG_MAX_MOST + 1, 1},
	           {1, MQ_MSGSIZE_MAX_MOST + 1}};
	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		const struct mq_attr attr = {.maxmsg = bad[i].maxmsg, .msgsize = bad[i].msgsize};
		CHECK_EQ(ptr_err(mq_new(space, &attr)), -EINVAL);
	}
	const struct mq_attr attr = {.maxmsg = 3, .msgsize = 100};
	test_mq_limit = 3 * (100 + 96) - 1;
	CHECK_EQ(ptr_err(mq_new(space, &attr)), -EMFILE);
	test_mq_limit++;
	struct mq_queue *q = mq_new(space, &attr);
	CHECK(!is_err(q));
	CHECK_EQ(ptr_err(mq_new(space, &attr)), -EMFILE);
	test_mq_limit = UINT64_MAX;
	space->queues_max = 1;
	host_self()->capabilities = 0;
	CHECK_EQ(ptr_err(mq_new(space, &attr)), -ENOSPC);
	host_self()->capabilities = UINT64_MAX;
	queue_end(q, space);
}

enum { SENDERS = 3, RECEIVERS = 3, EACH = 2000 };
static struct mq_queue *storm;
static u64 sent, received, sum_sent, sum_received; /* [a] */

/* A thread's own: host_random() is for one thread. */
static u32 draw(u32 *random, u32 n)
{
	*random = *random * 1103515245u + 12345u;
	return (*random >> 8) % n;
}

static void send_many(void *arg)
{
	u32 random = (u32)(uintptr_t)arg;
	for (u32 i = 0; i < EACH; i++) {
		struct parcel p = {.priority = draw(&random, 4) ? 1 : draw(&random, MQ_PRIO_MAX),
		                   .number = i + 1};
		u64 deadline =
			draw(&random, 8) ? PORT_FOREVER : port_real_ns() + draw(&random, 50000);
		s64 err = mq_send(storm, UPTR(&p), sizeof p, p.priority, MQ_BLOCK, deadline);
		CHECK(err == 0 || err == -ETIMEDOUT);
		if (err)
			continue;
		__atomic_add_fetch(&sent, 1, __ATOMIC_RELAXED);
		__atomic_add_fetch(&sum_sent, p.number, __ATOMIC_RELAXED);
	}
}
/* Until it is sent a parcel with the number 0. */
static void receive_many(void *arg)
{
	u32 random = (u32)(uintptr_t)arg;
	host_self()->urgency = random / 2;
	for (;;) {
		struct parcel p;
		u64 deadline =
			draw(&random, 8) ? PORT_FOREVER : port_real_ns() + draw(&random, 50000);
		bool faults = draw(&random, 5) == 0;
		s64 n = mq_receive(storm, faults ? UPTR(8) : UPTR(&p), sizeof p, UPTR_NULL,
		                   MQ_BLOCK, deadline);
		CHECK(n == sizeof p || n == -ETIMEDOUT || (faults && n == -EFAULT));
		if (n != sizeof p)
			continue;
		if (!p.number)
			return;
		__atomic_add_fetch(&received, 1, __ATOMIC_RELAXED);
		__atomic_add_fetch(&sum_received, p.number, __ATOMIC_RELAXED);
	}
}

TEST(mq_storm_loses_nothing)
{
	struct mq_space *space;
	struct host_thread *senders[SENDERS], *receivers[RECEIVERS];
	storm = queue_new(&space, 4, sizeof(struct parcel));
	sent = received = sum_sent = sum_received = 0;
	for (u32 i = 0; i < RECEIVERS; i++)
		receivers[i] = host_spawn(receive_many, (void *)(uintptr_t)i);
	for (u32 i = 0; i < SENDERS; i++)
		senders[i] = host_spawn(send_many, (void *)(uintptr_t)(i + 100));
	for (u32 i = 0; i < SENDERS; i++)
		host_join(senders[i]);
	/* Of the lowest priority, so behind everything else. */
	for (u32 i = 0; i < RECEIVERS; i++) {
		const struct parcel last = {0};
		CHECK_EQ(mq_send(storm, UPTR(&last), sizeof last, 0, MQ_BLOCK, PORT_FOREVER), 0);
	}
	for (u32 i = 0; i < RECEIVERS; i++)
		host_join(receivers[i]);
	CHECK_EQ(received, sent);
	CHECK_EQ(sum_received, sum_sent);
	struct mq_attr attr;
	mq_attributes(storm, &attr);
	CHECK_EQ(attr.curmsgs, 0);
	queue_end(storm, space);
}
