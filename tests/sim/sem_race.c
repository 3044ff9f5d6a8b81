/*
 * Semaphore sets where time-out, signal, removal, undo and completion race: HOUSE.md's third law,
 * "a waiter's outcome is decided exactly once", in every interleaving.
 *
 * The invariant that most tests here come down to: an operation took effect if and only if it
 * returned 0. So the value left behind must be the start value plus what the successful calls did.
 */
#include "kernel/ipc/ns.h"
#include "kernel/ipc/sem/sem.h"
#include "tests/sim/sim.h"

enum { SECOND = 1000000000 };

/* One call of semop by one task, and how it ended. */
struct call {
	struct sembuf ops[3];
	u32 n;
	u64 timeout; /* ns, 0: none */
	bool leaves; /* the process ends afterwards: its undo list is applied */
	int result;
};

static struct ipc_namespace *ns;
static ipc_id_t id;

static void world_new(u32 nsems)
{
	ns = ipc_ns_new();
	sim_identity(NULL)->ns = ns;
	id.n = sem_get(ns, (ipc_key_t){IPC_PRIVATE}, nsems, 0600);
	CHECK(id.n >= 0);
}

static void world_end(void)
{
	sim_identity(NULL)->ns = NULL;
	ipc_ns_put(ns);
}

static int value(u32 num)
{
	return sem_getval(ns, id, num);
}

static void make_call(void *arg)
{
	struct call *c = arg;
	u64 deadline = c->timeout ? sim_now() + c->timeout : PORT_FOREVER;
	c->result = sem_op(ns, id, c->ops, c->n, deadline);
	struct sem_undo_list **undo = port_sem_undo();
	if (*undo)
		sem_undo_put(TAKE(*undo));
}

static void remove_set(void *arg)
{
	CHECK_EQ(sem_remove(ns, id), 0);
}
static void set_value(void *arg)
{
	CHECK_EQ(sem_setval(ns, id, 0, *(int *)arg), 0);
}

#define P(num, ...)                                                                                \
	{                                                                                          \
		num, -1, __VA_ARGS__ + 0                                                           \
	}
#define V(num, ...)                                                                                \
	{                                                                                          \
		num, +1, __VA_ARGS__ + 0                                                           \
	}
#define ZERO(num)                                                                                  \
	{                                                                                          \
		num, 0, 0                                                                          \
	}
#define CALL(count, ...)                                                                           \
	{                                                                                          \
		.n = count, .ops = { __VA_ARGS__ }                                                 \
	}
#define WITHIN(t, count, ...)                                                                      \
	{                                                                                          \
		.n = count, .timeout = t, .ops = { __VA_ARGS__ }                                   \
	}

/* The results a test names for sim_outcome. */
enum { DONE, AGAIN, INTERRUPTED, REMOVED, INVALID };
static unsigned outcome(int result)
{
	switch (result) {
	case 0: return DONE;
	case -EAGAIN: return AGAIN;
	case -EINTR: return INTERRUPTED;
	case -EIDRM: return REMOVED;
	case -EINVAL: return INVALID;
	}
	CHECK_EQ(result, 0);
	return 63;
}

SIM(sem_post_and_wait_meet)
{
	world_new(1);
	struct call p = CALL(1, P(0)), v = CALL(1, V(0));
	sim_spawn(make_call, &p);
	sim_spawn(make_call, &v);
	sim_run();
	CHECK_EQ(p.result, 0);
	CHECK_EQ(v.result, 0);
	CHECK_EQ(value(0), 0);
	world_end();
}

SIM(sem_timeout_races_completion)
{
	world_new(1);
	struct call p = WITHIN(SECOND, 1, P(0)), v = CALL(1, V(0));
	sim_spurious(1);
	sim_spawn(make_call, &p);
	sim_spawn(make_call, &v);
	sim_run();
	CHECK_EQ(value(0), p.result == 0 ? 0 : 1);
	sim_outcome(outcome(p.result), BIT(DONE) | BIT(AGAIN));
	world_end();
}

SIM(sem_signal_races_completion)
{
	world_new(1);
	struct call p = CALL(1, P(0)), v = CALL(1, V(0));
	sim_signal_anytime(sim_spawn(make_call, &p));
	sim_spawn(make_call, &v);
	sim_run();
	CHECK_EQ(value(0), p.result == 0 ? 0 : 1);
	sim_outcome(outcome(p.result), BIT(DONE) | BIT(INTERRUPTED));
	world_end();
}

SIM(sem_timeout_signal_removal_and_completion_race)
{
	world_new(1);
	struct call p = WITHIN(SECOND, 1, P(0)), v = CALL(1, V(0));
	sim_preemptions(3);
	sim_signal_anytime(sim_spawn(make_call, &p));
	sim_spawn(make_call, &v);
	sim_spawn(remove_set, NULL);
	sim_run();
	if (p.result == 0)
		CHECK_EQ(v.result, 0);
	sim_outcome(outcome(p.result),
	            BIT(DONE) | BIT(AGAIN) | BIT(INTERRUPTED) | BIT(REMOVED) | BIT(INVALID));
	world_end();
}

SIM(sem_two_waiters_share_one_unit)
{
	world_new(1);
	struct call a = WITHIN(SECOND, 1, P(0)), b = WITHIN(2 * SECOND, 1, P(0)), v = CALL(1, V(0));
	sim_preemptions(3);
	sim_spawn(make_call, &a);
	sim_spawn(make_call, &b);
	sim_spawn(make_call, &v);
	sim_run();
	int taken = (a.result == 0) + (b.result == 0);
	CHECK(taken <= 1);
	CHECK_EQ(value(0), 1 - taken);
	world_end();
}

SIM(sem_all_or_nothing_under_timeout)
{
	world_new(2);
	struct call both = WITHIN(SECOND, 2, P(0), P(1)), v0 = CALL(1, V(0)), v1 = CALL(1, V(1));
	sim_preemptions(3);
	sim_spawn(make_call, &both);
	sim_spawn(make_call, &v0);
	sim_spawn(make_call, &v1);
	sim_run();
	int left = both.result == 0 ? 0 : 1;
	CHECK_EQ(value(0), left);
	CHECK_EQ(value(1), left);
	sim_outcome(outcome(both.result), BIT(DONE) | BIT(AGAIN));
	world_end();
}

/* What one completion makes possible is completed too, by whoever made the first change. */
SIM(sem_completions_chain)
{
	world_new(2);
	struct call first = CALL(2, P(0), V(1)), second = CALL(1, P(1)), v = CALL(1, V(0));
	sim_preemptions(4);
	sim_spawn(make_call, &first);
	sim_spawn(make_call, &second);
	sim_spawn(make_call, &v);
	sim_run();
	CHECK_EQ(first.result | second.result | v.result, 0);
	CHECK_EQ(value(0), 0);
	CHECK_EQ(value(1), 0);
	world_end();
}

SIM(sem_zero_waiter_meets_decrement)
{
	world_new(1);
	CHECK_EQ(sem_setval(ns, id, 0, 1), 0);
	struct call zero = CALL(1, ZERO(0)), p = CALL(1, P(0));
	sim_spawn(make_call, &zero);
	sim_spawn(make_call, &p);
	sim_run();
	CHECK_EQ(zero.result | p.result, 0);
	CHECK_EQ(value(0), 0);
	world_end();
}

SIM(sem_setval_wakes_or_is_found)
{
	world_new(1);
	int one = 1;
	struct call p = WITHIN(SECOND, 1, P(0));
	sim_spawn(make_call, &p);
	sim_spawn(set_value, &one);
	sim_run();
	CHECK_EQ(value(0), p.result == 0 ? 0 : 1);
	sim_outcome(outcome(p.result), BIT(DONE) | BIT(AGAIN));
	world_end();
}

/* A process that took the unit with SEM_UNDO ends: the unit comes back, and wakes. */
SIM(sem_undo_at_exit_serves_the_waiter)
{
	world_new(1);
	CHECK_EQ(sem_setval(ns, id, 0, 1), 0);
	struct call holder = CALL(1, P(0, SEM_UNDO)), next = CALL(1, P(0, SEM_UNDO));
	sim_preemptions(4);
	sim_spawn(make_call, &holder);
	sim_spawn(make_call, &next);
	sim_run();
	CHECK_EQ(holder.result | next.result, 0);
	CHECK_EQ(value(0), 1);
	world_end();
}

SIM(sem_undo_at_exit_races_removal)
{
	world_new(1);
	struct call c = CALL(1, V(0, SEM_UNDO)), p = WITHIN(SECOND, 1, P(0));
	sim_preemptions(3);
	sim_spawn(make_call, &c);
	sim_spawn(make_call, &p);
	sim_spawn(remove_set, NULL);
	sim_run();
	CHECK(c.result == 0 || c.result == -EINVAL || c.result == -EIDRM);
	world_end();
}

/* SETVAL forgets the adjustments: exit must give back nothing that was granted before it. */
SIM(sem_setval_clears_undo_in_every_order)
{
	world_new(1);
	int five = 5;
	struct call c = CALL(1, V(0, SEM_UNDO));
	sim_spawn(make_call, &c);
	sim_spawn(set_value, &five);
	sim_run();
	CHECK_EQ(c.result, 0);
	/* set before the operation: 5 + 1 - 1; between it and the exit, or after both: 5 */
	CHECK_EQ(value(0), 5);
	world_end();
}

SIM(sem_interrupted_undo_operation_owes_nothing)
{
	world_new(2);
	CHECK_EQ(sem_setval(ns, id, 0, 1), 0);
	struct call c = CALL(2, P(0, SEM_UNDO), P(1, SEM_UNDO)), v = CALL(1, V(1));
	sim_signal_anytime(sim_spawn(make_call, &c));
	sim_spawn(make_call, &v);
	sim_run();
	CHECK_EQ(value(0), 1);
	CHECK_EQ(value(1), 1);
	sim_outcome(outcome(c.result), BIT(DONE) | BIT(INTERRUPTED));
	world_end();
}

static void create_keyed(void *arg)
{
	*(s32 *)arg = sem_get(ns, (ipc_key_t){77}, 1, IPC_CREAT | IPC_EXCL | 0600);
}

SIM(sem_exclusive_creation_has_one_winner)
{
	world_new(1);
	s32 got[3];
	sim_preemptions(4);
	for (int i = 0; i < 3; i++)
		sim_spawn(create_keyed, &got[i]);
	sim_run();
	int won = 0;
	for (int i = 0; i < 3; i++) {
		CHECK(got[i] >= 0 || got[i] == -EEXIST);
		won += got[i] >= 0;
	}
	CHECK_EQ(won, 1);
	world_end();
}

/* Memory exhausted at the n-th allocation, for every n: -ENOMEM, nothing applied, nothing leaked. */
SIM(sem_every_allocation_may_fail)
{
	world_new(1);
	SIM_EACH_FAULT(sim_fail_allocation)
	{
		struct call c = CALL(2, V(0, SEM_UNDO), V(0));
		s32 other = sem_get(ns, (ipc_key_t){5}, 100, IPC_CREAT | 0600);
		CHECK(other >= 0 || other == -ENOMEM);
		make_call(&c);
		CHECK(c.result == 0 || c.result == -ENOMEM);
		CHECK_EQ(value(0), c.result == 0 ? 1 : 0);
		if (other >= 0)
			CHECK_EQ(sem_remove(ns, (ipc_id_t){other}), 0);
		CHECK_EQ(sem_setval(ns, id, 0, 0), 0);
	}
	world_end();
}

SIM(sem_sleeping_may_lack_memory)
{
	world_new(1);
	SIM_EACH_FAULT(sim_fail_allocation)
	{
		struct call p = WITHIN(SECOND, 1, P(0, SEM_UNDO));
		sim_spawn(make_call, &p);
		sim_run();
		CHECK(p.result == -EAGAIN || p.result == -ENOMEM);
		CHECK_EQ(value(0), 0);
	}
	world_end();
}
