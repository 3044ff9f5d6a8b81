/*
 * Message queues where hand-off, time-out, signal, removal and faults race, in every interleaving.
 *
 * The invariant: a message is in exactly one place. What was sent is what was received plus what is in the queue;
 * a call that failed has sent, or taken, nothing.
 */
#include <string.h>
#include "kernel/ipc/msg/msg.h"
#include "kernel/ipc/ns.h"
#include "tests/sim/sim.h"

enum { SECOND = 1000000000 };

struct call {
	s64 type;
	u64 size;
	u32 flags;
	u64 timeout; /* ns, 0: none */
	s64 result;
	struct {
		s64 type;
		char text[8];
	} buf;
};

static struct ipc_namespace *ns;
static ipc_id_t id;

static void world_new(void)
{
	ns = ipc_ns_new();
	sim_identity(NULL)->ns = ns;
	id.n = msg_get(ns, (ipc_key_t){IPC_PRIVATE}, 0600);
	CHECK(id.n >= 0);
}
static void world_end(void)
{
	sim_identity(NULL)->ns = NULL;
	ipc_ns_put(ns);
}

static u64 deadline_of(const struct call *c)
{
	return c->timeout ? sim_now() + c->timeout : PORT_FOREVER;
}
static void send(void *arg)
{
	struct call *c = arg;
	c->result = msg_send(ns, id, c->type, UPTR((uintptr_t)c->buf.text), c->size, c->flags,
	                     deadline_of(c));
}
static void receive(void *arg)
{
	struct call *c = arg;
	c->result = msg_receive(ns, id, UPTR((uintptr_t)&c->buf), c->size, c->type, c->flags,
	                        deadline_of(c));
}
static void remove_queue(void *arg)
{
	CHECK_EQ(msg_remove(ns, id), 0);
}

static struct msqid_ds status(void)
{
	struct msqid_ds ds = {0};
	CHECK_EQ(msg_stat(ns, id, &ds), 0);
	return ds;
}
static void set_room(u64 bytes)
{
	struct msqid_ds ds = status();
	ds.msg_qbytes = bytes;
	CHECK_EQ(msg_set(ns, id, &ds), 0);
}
static void more_room(void *arg)
{
	set_room(8);
}

static void change_then_remove(void *arg)
{
	set_room(100);
	CHECK_EQ(msg_remove(ns, id), 0);
}

enum { DONE, AGAIN, INTERRUPTED, REMOVED, INVALID, TOO_BIG };
static unsigned outcome(s64 result)
{
	switch (result) {
	case -EAGAIN: return AGAIN;
	case -ERESTARTNOHAND: return INTERRUPTED;
	case -EIDRM: return REMOVED;
	case -EINVAL: return INVALID;
	case -E2BIG: return TOO_BIG;
	}
	CHECK(result >= 0);
	return DONE;
}

SIM(msg_sender_and_receiver_meet)
{
	world_new();
	struct call s = {.type = 5, .size = 3, .buf = {.text = "abc"}}, r = {.size = 8};
	sim_spurious(1);
	sim_spawn(receive, &r);
	sim_spawn(send, &s);
	sim_run();
	CHECK_EQ(s.result, 0);
	CHECK_EQ(r.result, 3);
	CHECK_EQ(r.buf.type, 5);
	CHECK_EQ(status().msg_qnum, 0);
	world_end();
}

SIM(msg_timeout_and_signal_race_the_hand_off)
{
	world_new();
	struct call s = {.type = 1, .size = 2}, r = {.size = 8, .timeout = SECOND};
	sim_signal_anytime(sim_spawn(receive, &r));
	sim_spawn(send, &s);
	sim_run();
	CHECK_EQ(s.result, 0);
	CHECK_EQ(status().msg_qnum, r.result == 2 ? 0 : 1);
	CHECK_EQ(status().msg_cbytes, r.result == 2 ? 0 : 2);
	sim_outcome(outcome(r.result), BIT(DONE) | BIT(AGAIN) | BIT(INTERRUPTED));
	world_end();
}

SIM(msg_removal_races_everything)
{
	world_new();
	struct call s = {.type = 1, .size = 2}, r = {.size = 8, .timeout = SECOND};
	sim_preemptions(4);
	sim_spawn(receive, &r);
	sim_spawn(send, &s);
	sim_spawn(remove_queue, NULL);
	sim_run();
	if (r.result == 2)
		CHECK_EQ(s.result, 0);
	sim_outcome(outcome(r.result), BIT(DONE) | BIT(AGAIN) | BIT(REMOVED) | BIT(INVALID));
	world_end();
}

SIM(msg_a_full_queue_and_a_sender_that_may_give_up)
{
	world_new();
	set_room(4);
	struct call first = {.type = 1, .size = 4}, s = {.type = 2, .size = 3, .timeout = SECOND},
		    r = {.size = 8};
	send(&first);
	sim_signal_anytime(sim_spawn(send, &s));
	sim_spawn(receive, &r);
	sim_run();
	CHECK_EQ(r.result, 4);
	CHECK_EQ(r.buf.type, 1);
	CHECK_EQ(status().msg_qnum, s.result == 0 ? 1 : 0);
	CHECK_EQ(status().msg_cbytes, s.result == 0 ? 3 : 0);
	sim_outcome(outcome(s.result), BIT(DONE) | BIT(AGAIN) | BIT(INTERRUPTED));
	world_end();
}

SIM(msg_a_sender_waits_while_the_room_grows)
{
	world_new();
	set_room(4);
	struct call first = {.type = 1, .size = 4}, s = {.type = 2, .size = 3}, r = {.size = 8};
	send(&first);
	sim_preemptions(4);
	sim_spawn(send, &s);
	sim_spawn(more_room, NULL);
	sim_spawn(receive, &r);
	sim_run();
	CHECK_EQ(s.result, 0);
	CHECK_EQ(r.result, 4);
	CHECK_EQ(status().msg_qnum, 1);
	world_end();
}

/* A sleeper that is sent to ask again, and finds the queue gone, was there when it was removed. */
SIM(msg_removal_right_after_a_change_of_permissions)
{
	world_new();
	struct call r = {.size = 8};
	sim_preemptions(4);
	sim_spawn(receive, &r);
	sim_spawn(change_then_remove, NULL);
	sim_run();
	sim_outcome(outcome(r.result), BIT(REMOVED) | BIT(INVALID));
	world_end();
}

SIM(msg_two_receivers_one_message)
{
	world_new();
	struct call a = {.size = 8, .timeout = SECOND},
		    b = {.type = 1, .size = 8, .timeout = 2 * SECOND}, s = {.type = 1, .size = 2};
	sim_preemptions(3);
	sim_spawn(receive, &a);
	sim_spawn(receive, &b);
	sim_spawn(send, &s);
	sim_run();
	int got = (a.result == 2) + (b.result == 2);
	CHECK(got <= 1);
	CHECK_EQ(status().msg_qnum, 1 - got);
	world_end();
}

SIM(msg_a_receiver_too_small_does_not_lose_the_message)
{
	world_new();
	struct call small = {.size = 1, .timeout = SECOND}, s = {.type = 1, .size = 2};
	sim_spawn(receive, &small);
	sim_spawn(send, &s);
	sim_run();
	CHECK_EQ(status().msg_qnum, 1);
	sim_outcome(outcome(small.result), BIT(AGAIN) | BIT(TOO_BIG));
	world_end();
}

/* Every user copy fails in turn: a message that could not be delivered is where it was, in its place. */
SIM(msg_every_copy_may_fault)
{
	world_new();
	SIM_EACH_FAULT(sim_fail_copy)
	{
		struct call a = {.type = 1, .size = 1, .buf = {.text = "a"}},
			    b = {.type = 2, .size = 1, .buf = {.text = "b"}},
			    r = {.size = 8, .flags = IPC_NOWAIT};
		send(&a);
		send(&b);
		u64 sent = (a.result == 0) + (b.result == 0);
		CHECK_EQ(status().msg_qnum, sent);
		receive(&r);
		CHECK(r.result == 1 || r.result == -EFAULT);
		CHECK_EQ(status().msg_qnum, sent - (r.result == 1));
		/* Only one copy fails: from here on all goes well. */
		if (r.result < 0) {
			receive(&r);
			CHECK_EQ(r.buf.type, 1);
		}
		while (status().msg_qnum)
			receive(&r);
		CHECK_EQ(status().msg_cbytes, 0);
	}
	world_end();
}

/* The same while the message is handed over, with another receiver to fall back on. */
SIM(msg_a_faulting_receiver_passes_the_message_on)
{
	world_new();
	struct call bad = {.size = 8}, good = {.size = 8, .timeout = SECOND},
		    s = {.type = 7, .size = 2};
	sim_preemptions(3);
	sim_fail_copy(2); /* the first is the sender's */
	sim_spawn(send, &s);
	sim_spawn(receive, &bad);
	sim_spawn(receive, &good);
	sim_run();
	sim_fail_copy(0);
	int got = (bad.result == 2) + (good.result == 2);
	if (s.result == 0)
		CHECK_EQ(status().msg_qnum, 1 - got);
	world_end();
}

SIM(msg_every_allocation_may_fail)
{
	world_new();
	SIM_EACH_FAULT(sim_fail_allocation)
	{
		static char text[8192];
		struct call r = {.size = 0, .flags = IPC_NOWAIT | MSG_NOERROR};
		s32 other = msg_get(ns, (ipc_key_t){5}, IPC_CREAT | 0600);
		CHECK(other >= 0 || other == -ENOMEM);
		int sent =
			msg_send(ns, id, 1, UPTR((uintptr_t)text), sizeof(text), 0, PORT_FOREVER);
		CHECK(sent == 0 || sent == -ENOMEM);
		CHECK_EQ(status().msg_cbytes, sent == 0 ? sizeof(text) : 0);
		receive(&r);
		CHECK_EQ(status().msg_qnum, 0);
		if (other >= 0)
			CHECK_EQ(msg_remove(ns, (ipc_id_t){other}), 0);
	}
	world_end();
}

/* Where the bytes of a message are depends on its size and on what memory is left; what is received does not. */
SIM(msg_texts_of_every_kind)
{
	static const u64 sizes[] = {1, 3999, 4001, 8191, 8192, 8193, 20000};
	static u8 text[20000];
	static struct {
		s64 type;
		u8 text[20000];
	} got;

	world_new();
	ns->msg_max = ns->msg_mnb = sizeof text;
	CHECK_EQ(msg_remove(ns, id), 0);
	id.n = msg_get(ns, (ipc_key_t){IPC_PRIVATE}, 0600);
	for (u32 i = 0; i < sizeof text; i++)
		text[i] = (u8)(i * 7 + i / 251);
	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++)
		SIM_EACH_FAULT(sim_fail_allocation)
		{
			u64 n = sizes[i];
			int sent = msg_send(ns, id, 5, UPTR((uintptr_t)text), n, 0, PORT_FOREVER);
			CHECK(sent == 0 || sent == -ENOMEM);
			s64 copied = msg_receive(ns, id, UPTR((uintptr_t)&got), sizeof text, 0,
			                         MSG_COPY | IPC_NOWAIT, PORT_FOREVER);
			CHECK(copied == (sent ? -ENOMSG : (s64)n) || copied == -ENOMEM);
			CHECK(copied < 0 || !memcmp(got.text, text, n));
			memset(&got, 0, sizeof got);
			s64 received = msg_receive(ns, id, UPTR((uintptr_t)&got), sizeof text, 0,
			                           IPC_NOWAIT, PORT_FOREVER);
			CHECK_EQ(received, sent ? -ENOMSG : (s64)n);
			CHECK(sent || (!memcmp(got.text, text, n) && got.type == 5));
		}
	world_end();
}
