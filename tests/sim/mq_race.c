/*
 * POSIX message queues where hand-off, time-out, signal, notification and faults race, in every interleaving.
 *
 * The invariant: a message is in exactly one place. What was sent is what was received plus what is in the queue; a call
 * that failed has sent, or taken, nothing. A registration ends once: told, removed, or refused.
 */
#include "abi/poll.h"
#include "kernel/ipc/mq/mq.h"
#include "tests/port/mq.h"
#include "tests/sim/sim.h"

enum { SECOND = 1000000000 };

struct call {
	u32 priority;
	u64 size;
	enum mq_block block;
	u64 timeout; /* ns, 0: none */
	u64 buffer;  /* where to, if not text: a bad address */
	s64 result;
	u32 got_priority;
	char text[16];
};

static struct mq_space *space;
static struct mq_queue *q;

static void world_new(s64 messages)
{
	const struct mq_attr attr = {.maxmsg = messages, .msgsize = 8};
	space = mq_space_new();
	q = mq_new(space, &attr);
	CHECK(!is_err(q));
}
static void world_end(void)
{
	mq_free(q);
	CHECK_EQ(space->queues, 0);
	mq_space_close(space);
	mq_space_put(space);
	CHECK_EQ(*port_user_account(NULL, PORT_MQUEUE_BYTES), 0);
}
static s64 queued(void)
{
	struct mq_attr attr;
	mq_attributes(q, &attr);
	return attr.curmsgs;
}

static u64 deadline_of(const struct call *c)
{
	return c->timeout ? port_real_ns() + c->timeout : PORT_FOREVER;
}
static void send(void *arg)
{
	struct call *c = arg;
	c->result = mq_send(q, UPTR((uintptr_t)c->text), c->size, c->priority, c->block,
	                    deadline_of(c));
}
static void receive(void *arg)
{
	struct call *c = arg;
	uptr_t to = UPTR(c->buffer ? c->buffer : (uintptr_t)c->text);
	c->result = mq_receive(q, to, sizeof c->text, UPTR((uintptr_t)&c->got_priority), c->block,
	                       deadline_of(c));
}
static struct call message(u32 priority, const char *text)
{
	struct call c = {.priority = priority};
	while (text[c.size]) {
		c.text[c.size] = text[c.size];
		c.size++;
	}
	return c;
}
static void send_now(u32 priority, const char *text)
{
	struct call c = message(priority, text);
	send(&c);
	CHECK_EQ(c.result, 0);
}
/* The first letter of the next message, 0: there is none. */
static char next(void)
{
	struct call c = {.block = MQ_NONBLOCK};
	do
		receive(&c);
	while (c.result == -EFAULT); /* where copies are made to fail: one does */
	CHECK(c.result > 0 || c.result == -EAGAIN);
	return c.result > 0 ? c.text[0] : 0;
}

enum { DONE, FULL, TIMED_OUT, INTERRUPTED, FAULT };
static unsigned outcome(s64 result)
{
	switch (result) {
	case -EAGAIN: return FULL;
	case -ETIMEDOUT: return TIMED_OUT;
	case -ERESTARTSYS: return INTERRUPTED;
	case -EFAULT: return FAULT;
	}
	CHECK(result >= 0);
	return DONE;
}

SIM(mq_sender_and_receiver_meet)
{
	world_new(2);
	struct call s = message(5, "abc"), r = {0};
	sim_spurious(1);
	sim_spawn(receive, &r);
	sim_spawn(send, &s);
	sim_run();
	CHECK_EQ(s.result, 0);
	CHECK_EQ(r.result, 3);
	CHECK_EQ(r.got_priority, 5);
	CHECK_EQ(queued(), 0);
	world_end();
}

SIM(mq_timeout_and_signal_race_the_hand_off)
{
	world_new(2);
	struct call s = message(1, "ab"), r = {.timeout = SECOND};
	sim_signal_anytime(sim_spawn(receive, &r));
	sim_spawn(send, &s);
	sim_run();
	CHECK_EQ(s.result, 0);
	CHECK_EQ(queued(), r.result == 2 ? 0 : 1);
	sim_outcome(outcome(r.result), BIT(DONE) | BIT(TIMED_OUT) | BIT(INTERRUPTED));
	world_end();
}

SIM(mq_a_full_queue_and_a_sender_that_may_give_up)
{
	world_new(1);
	send_now(1, "first");
	struct call s = message(2, "second"), r = {0};
	s.timeout = SECOND;
	sim_signal_anytime(sim_spawn(send, &s));
	sim_spawn(receive, &r);
	sim_run();
	CHECK_EQ(r.result, 5);
	CHECK_EQ(next(), s.result == 0 ? 's' : 0);
	sim_outcome(outcome(s.result), BIT(DONE) | BIT(TIMED_OUT) | BIT(INTERRUPTED));
	world_end();
}

SIM(mq_two_receivers_one_message)
{
	world_new(2);
	struct call a = {.timeout = SECOND}, b = {.timeout = 2 * SECOND}, s = message(1, "x");
	sim_preemptions(2);
	sim_spawn(receive, &a);
	sim_identity(sim_spawn(receive, &b))->urgency = 7;
	sim_spawn(send, &s);
	sim_run();
	CHECK_EQ((a.result == 1) + (b.result == 1) + queued(), 1);
	world_end();
}

SIM(mq_two_senders_for_one_place)
{
	world_new(1);
	send_now(1, "0");
	struct call a = message(3, "a"), b = message(4, "b"), r = {0};
	a.timeout = b.timeout = SECOND;
	sim_preemptions(2);
	sim_spawn(send, &a);
	sim_spawn(send, &b);
	sim_spawn(receive, &r);
	sim_run();
	CHECK_EQ(r.result, 1);
	CHECK_EQ((a.result == 0) + (b.result == 0), queued());
	CHECK(queued() <= 1);
	world_end();
}

/* Nobody has sent yet: two senders of different priorities both find that an index may be needed. */
SIM(mq_first_messages_of_two_priorities)
{
	world_new(4);
	struct call a = message(3, "a"), b = message(4, "b");
	sim_spawn(send, &a);
	sim_spawn(send, &b);
	sim_run();
	CHECK_EQ(a.result, 0);
	CHECK_EQ(b.result, 0);
	CHECK_EQ(next(), 'b');
	CHECK_EQ(next(), 'a');
	CHECK_EQ(next(), 0);
	world_end();
}

/* Every user copy fails in turn: a message that could not be delivered is where it was, in its place. */
SIM(mq_every_copy_may_fault)
{
	world_new(4);
	SIM_EACH_FAULT(sim_fail_copy)
	{
		struct call a = message(3, "a"), b = message(7, "b"), c = message(7, "c"),
			    r = {.block = MQ_NONBLOCK};
		send(&a);
		send(&b);
		send(&c);
		s64 sent = (a.result == 0) + (b.result == 0) + (c.result == 0);
		CHECK_EQ(queued(), sent);
		receive(&r);
		CHECK(r.result == 1 || r.result == -EFAULT);
		CHECK_EQ(queued(), sent - (r.result == 1));
		/* Only one copy fails: from here on all goes well. */
		if (b.result == 0 && r.result < 0)
			CHECK_EQ(next(), 'b');
		if (c.result == 0 && (b.result == 0 || r.result < 0))
			CHECK_EQ(next(), 'c');
		if (a.result == 0)
			CHECK_EQ(next(), 'a');
		CHECK_EQ(next(), 0);
	}
	world_end();
}

/* Two receivers take the two oldest, fail in any order, and both messages find their places again. */
SIM(mq_faulting_receivers_keep_the_order)
{
	world_new(4);
	send_now(5, "a");
	send_now(5, "b");
	send_now(5, "c");
	send_now(2, "d");
	struct call first = {.buffer = 8}, second = {.buffer = 8};
	sim_spawn(receive, &first);
	sim_spawn(receive, &second);
	sim_run();
	CHECK_EQ(first.result, -EFAULT);
	CHECK_EQ(second.result, -EFAULT);
	CHECK_EQ(next(), 'a');
	CHECK_EQ(next(), 'b');
	CHECK_EQ(next(), 'c');
	CHECK_EQ(next(), 'd');
	world_end();
}

/* The same while the message is handed over, with another receiver to fall back on, and a sender for the room. */
SIM(mq_a_faulting_receiver_passes_the_message_on)
{
	world_new(1);
	struct call bad = {.buffer = 8, .timeout = 2 * SECOND}, good = {.timeout = SECOND},
		    s = message(7, "ab");
	sim_preemptions(2);
	sim_spawn(send, &s);
	sim_spawn(receive, &bad);
	sim_spawn(receive, &good);
	sim_run();
	CHECK_EQ(s.result, 0);
	CHECK(bad.result == -EFAULT || bad.result == -ETIMEDOUT);
	CHECK_EQ((good.result == 2) + queued(), 1);
	sim_outcome(outcome(good.result), BIT(DONE) | BIT(TIMED_OUT));
	world_end();
}

SIM(mq_a_fault_while_a_sender_takes_the_room)
{
	world_new(1);
	send_now(1, "old");
	struct call bad = {.buffer = 8}, s = message(1, "young");
	s.timeout = SECOND;
	sim_spawn(receive, &bad);
	sim_spawn(send, &s);
	sim_run();
	CHECK_EQ(bad.result, -EFAULT);
	CHECK_EQ(queued(), 1 + (s.result == 0));
	CHECK_EQ(mq_events(q) & POLLOUT, 0);
	CHECK_EQ(next(), 'o');
	CHECK_EQ(next(), s.result == 0 ? 'y' : 0);
	world_end();
}

SIM(mq_every_allocation_may_fail)
{
	space = mq_space_new();
	SIM_EACH_FAULT(sim_fail_allocation)
	{
		static char text[8192];
		const struct mq_attr attr = {.maxmsg = 3, .msgsize = sizeof text};
		struct mq_queue *big = mq_new(space, &attr);
		CHECK(!is_err(big) || ptr_err(big) == -ENOMEM);
		if (is_err(big))
			continue;
		s64 sent = 0;
		for (u32 priority = 0; priority < 3; priority++) {
			int err = mq_send(big, UPTR((uintptr_t)text), sizeof text, priority,
			                  MQ_NONBLOCK, PORT_FOREVER);
			CHECK(err == 0 || err == -ENOMEM);
			sent += err == 0;
		}
		struct mq_attr now;
		mq_attributes(big, &now);
		CHECK_EQ(now.curmsgs, sent);
		mq_free(big);
		CHECK_EQ(*port_user_account(NULL, PORT_MQUEUE_BYTES), 0);
	}
	CHECK_EQ(space->queues, 0);
	mq_space_close(space);
	mq_space_put(space);
}

static struct test_notice counts;
static int registered;
static void register_notice(void *arg)
{
	struct port_notice *n = test_notice_new(&counts);
	int err = mq_notify(q, n);
	registered += err == 0;
	if (err)
		port_free(n);
}
static void register_and_close(void *arg)
{
	register_notice(NULL);
	mq_closed(q);
}

SIM(mq_a_notice_is_told_once)
{
	world_new(4);
	counts = (struct test_notice){0};
	registered = 0;
	struct call a = message(1, "a"), b = message(1, "b");
	register_notice(NULL);
	sim_preemptions(2);
	sim_spawn(send, &a);
	sim_spawn(send, &b);
	sim_spawn(register_notice, NULL);
	sim_run();
	/* The one before is told by the first message; one that came later waits for the next empty queue. */
	CHECK_EQ(counts.told, 1);
	CHECK_EQ(counts.removed, 0);
	CHECK(next() && next());
	send_now(1, "c");
	CHECK_EQ(counts.told, registered);
	world_end();
}

SIM(mq_closing_races_the_message)
{
	world_new(4);
	counts = (struct test_notice){0};
	registered = 0;
	struct call s = message(1, "a");
	sim_spawn(register_and_close, NULL);
	sim_spawn(send, &s);
	sim_run();
	CHECK_EQ(counts.told + counts.removed, 1);
	CHECK_EQ(registered, 1);
	sim_outcome(counts.told, BIT(0) | BIT(1));
	world_end();
}

SIM(mq_a_receiver_that_waits_keeps_the_notice_back)
{
	world_new(4);
	counts = (struct test_notice){0};
	registered = 0;
	struct call s = message(1, "a"), r = {0};
	register_notice(NULL);
	sim_spawn(receive, &r);
	sim_spawn(send, &s);
	sim_run();
	CHECK_EQ(r.result, 1);
	sim_outcome(counts.told, BIT(0) | BIT(1));
	world_end();
	CHECK_EQ(counts.told + counts.removed, 1);
}
