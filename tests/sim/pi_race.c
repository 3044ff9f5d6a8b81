/*
 * Futexes with priority inheritance where hand-over, time-out, signal, death, deadlock and requeue race. Tasks use the word as
 * a C library does: compare-and-swap first, the kernel when that fails.
 *
 * What every test here comes down to: at most one task owns the word; whoever returned 0 owns it; and when all is over nobody
 * is lent anything.
 */
#include "kernel/ipc/futex/pi.h"
#include "kernel/ipc/futex/table.h"
#include "tests/sim/sim.h"

enum { SECOND = 1000000000, WORDS = 3 };

static u32 word[WORDS];   /* locks */
static s32 inside[WORDS]; /* tid of the task that is between lock and unlock, or 0 */
static u32 cond;          /* what condition waiters sleep on */

static void world_new(void)
{
	for (u32 i = 0; i < WORDS; i++)
		word[i] = 0, inside[i] = 0;
	cond = 0;
}
static uptr_t at(const u32 *w)
{
	return UPTR((uintptr_t)w);
}

static void entered(u32 i)
{
	CHECK_EQ(inside[i], 0);
	CHECK_EQ(word[i] & FUTEX_TID_MASK, (u32)port_tid());
	inside[i] = port_tid();
}
static int lock(u32 i, u64 timeout)
{
	u32 free = 0;
	int err = 0;

	port_step();
	if (!__atomic_compare_exchange_n(&word[i], &free, (u32)port_tid(), false, __ATOMIC_SEQ_CST,
	                                 __ATOMIC_SEQ_CST))
		err = futex_pi_lock(at(&word[i]), FUTEX_PRIVATE,
		                    timeout ? sim_now() + timeout : PORT_FOREVER);
	if (!err)
		entered(i);
	return err;
}
static void unlock(u32 i)
{
	u32 mine = (u32)port_tid();

	CHECK_EQ(inside[i], port_tid());
	inside[i] = 0;
	port_step();
	if (!__atomic_compare_exchange_n(&word[i], &mine, 0, false, __ATOMIC_SEQ_CST,
	                                 __ATOMIC_SEQ_CST))
		CHECK_EQ(futex_pi_unlock(at(&word[i]), FUTEX_PRIVATE), 0);
}

static void abandon(u32 i, bool mark)
{
	inside[i] = 0;
	if (!mark)
		return;
	for (u32 value = word[i];;) {
		u32 died = (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
		port_step();
		if (__atomic_compare_exchange_n(&word[i], &value, died, false, __ATOMIC_SEQ_CST,
		                                __ATOMIC_SEQ_CST))
			break;
	}
	port_step();
}

/* One task: takes these words in order, then releases them in reverse. A word that it does not get ends the taking. */
struct plan {
	u32 take[WORDS], count;
	u64 timeout;
	bool dies; /* without unlocking */
	bool marks; /* ... but its list of robust locks says so in the words, as futex_robust_exit() does */
	int result; /* of the last lock */
	struct sim_task *task;
};

static void perform(void *arg)
{
	struct plan *p = arg;
	u32 got = 0;

	p->result = 0;
	while (got < p->count && !(p->result = lock(p->take[got], p->timeout)))
		got++;
	if (p->dies) {
		while (got)
			abandon(p->take[--got], p->marks);
		return;
	}
	port_step();
	while (got)
		unlock(p->take[--got]);
}

static void start(struct plan *p, u32 priority)
{
	p->task = sim_spawn(perform, p);
	sim_identity(p->task)->priority = priority;
}
#define TAKES(n, ...)                                                                              \
	{                                                                                          \
		.count = n, .take = { __VA_ARGS__ }                                                \
	}

/* All is over: every word is free, nobody is lent anything. */
static void check_quiet(struct plan *const *plans, u32 count)
{
	for (u32 i = 0; i < WORDS; i++)
		CHECK_EQ(word[i] & ~FUTEX_OWNER_DIED, 0);
	for (u32 i = 0; i < count; i++)
		CHECK_EQ(sim_boost(plans[i]->task), 0);
}
#define QUIET(...)                                                                                 \
	check_quiet((struct plan *[]){__VA_ARGS__},                                                \
	            sizeof((struct plan *[]){__VA_ARGS__}) / sizeof(struct plan *))

enum { OWNED, TIMED_OUT, INTERRUPTED, DEADLOCK, AGAIN };
static unsigned outcome(int result)
{
	switch (result) {
	case 0: return OWNED;
	case -ETIMEDOUT: return TIMED_OUT;
	case -EINTR: return INTERRUPTED;
	case -EDEADLK: return DEADLOCK;
	case -EAGAIN: return AGAIN;
	}
	CHECK_EQ(result, 0);
	return 63;
}

SIM(pi_lock_is_exclusive)
{
	world_new();
	sim_preemptions(3);
	struct plan a = TAKES(1, 0), b = TAKES(1, 0);
	start(&a, 0);
	start(&b, 10);
	sim_run();
	CHECK_EQ(a.result | b.result, 0);
	QUIET(&a, &b);
}

SIM(pi_three_contenders)
{
	world_new();
	struct plan a = TAKES(1, 0), b = TAKES(1, 0), c = TAKES(1, 0);
	sim_preemptions(2);
	start(&a, 0);
	start(&b, 10);
	start(&c, 20);
	sim_run();
	CHECK_EQ(a.result | b.result | c.result, 0);
	QUIET(&a, &b, &c);
}

SIM(pi_time_out_races_hand_over)
{
	world_new();
	sim_preemptions(3);
	struct plan a = TAKES(1, 0), b = TAKES(1, 0);
	b.timeout = SECOND;
	sim_spurious(1);
	start(&a, 0);
	start(&b, 10);
	sim_run();
	sim_outcome(outcome(b.result), BIT(OWNED) | BIT(TIMED_OUT));
	QUIET(&a, &b);
}

SIM(pi_signal_races_hand_over)
{
	world_new();
	sim_preemptions(3);
	struct plan a = TAKES(1, 0), b = TAKES(1, 0);
	start(&a, 0);
	start(&b, 10);
	sim_signal_anytime(b.task);
	sim_run();
	sim_outcome(outcome(b.result), BIT(OWNED) | BIT(INTERRUPTED));
	QUIET(&a, &b);
}

/* The state of the word moves from the record of one sleeper to that of another, as they give up in any order. */
SIM(pi_sleepers_give_up_in_any_order)
{
	world_new();
	struct plan a = TAKES(1, 0), b = TAKES(1, 0), c = TAKES(1, 0);
	sim_preemptions(1);
	b.timeout = SECOND;
	c.timeout = 2 * SECOND;
	start(&a, 0);
	start(&b, 10);
	start(&c, 20);
	sim_run();
	QUIET(&a, &b, &c);
}

/* --- Chains --- */

static struct plan chain_low, chain_middle, chain_high;

/* Owns word 0 until both others sleep: then it must run at the priority of the highest. */
static void own_until_all_sleep(void *arg)
{
	chain_low.result = lock(0, 0);
	if (chain_low.result) /* the signal came too early */
		return;
	(void)port_park(PORT_FOREVER, PORT_INTERRUPTIBLE);
	if (sim_parked(chain_middle.task) && sim_parked(chain_high.task) &&
	    inside[1] == sim_identity(chain_middle.task)->pid) {
		CHECK_EQ(sim_boost(chain_middle.task), 50);
		CHECK_EQ(sim_boost(chain_low.task), 50);
		sim_outcome(1, BIT(0) | BIT(1));
	} else {
		sim_outcome(0, BIT(0) | BIT(1));
	}
	unlock(0);
}

SIM(pi_is_inherited_through_a_chain)
{
	world_new();
	chain_low = (struct plan)TAKES(0);
	chain_middle = (struct plan)TAKES(2, 1, 0);
	chain_high = (struct plan)TAKES(1, 1);
	sim_preemptions(1);
	chain_low.task = sim_spawn(own_until_all_sleep, NULL);
	start(&chain_middle, 20);
	start(&chain_high, 50);
	sim_signal_anytime(chain_low.task);
	sim_run();
	QUIET(&chain_low, &chain_middle, &chain_high);
}

static void raise_priority(void *arg)
{
	struct plan *p = arg;
	port_step();
	sim_identity(p->task)->priority = 70;
	port_step();
	port_read_lock();
	futex_pi_priority_changed((struct port_thread *)p->task);
	port_read_unlock();
}

/* A sleeper's priority changes while it queues, sleeps, or gets the lock. */
SIM(pi_priority_of_a_sleeper_changes)
{
	world_new();
	struct plan a = TAKES(1, 0), b = TAKES(1, 0);
	sim_preemptions(3);
	start(&a, 0);
	start(&b, 10);
	sim_spawn(raise_priority, &b);
	sim_run();
	QUIET(&a, &b);
}

/* --- Deadlocks --- */

SIM(pi_circle_of_two_is_found)
{
	world_new();
	struct plan a = TAKES(2, 0, 1), b = TAKES(2, 1, 0);
	sim_preemptions(3);
	start(&a, 10);
	start(&b, 20);
	sim_run();
	CHECK(a.result == 0 || b.result == 0 || (a.result == -EDEADLK && b.result == -EDEADLK));
	sim_outcome(outcome(a.result), BIT(OWNED) | BIT(DEADLOCK));
	QUIET(&a, &b);
}

SIM(pi_circle_of_three_is_found)
{
	world_new();
	struct plan a = TAKES(2, 0, 1), b = TAKES(2, 1, 2), c = TAKES(2, 2, 0);
	sim_preemptions(2);
	start(&a, 10);
	start(&b, 20);
	start(&c, 30);
	sim_run();
	sim_outcome(outcome(c.result), BIT(OWNED) | BIT(DEADLOCK));
	QUIET(&a, &b, &c);
}

/* The owner that a new sleeper finds lets go and comes back, to sleep for the same word, before the new one has looked for what
 * it sleeps. No circle: the word has another owner by then. */
static void perform_twice(void *arg)
{
	struct plan *p = arg;
	int first;

	perform(p);
	first = p->result;
	perform(p);
	p->result |= first;
}

SIM(pi_owner_comes_back_as_a_sleeper)
{
	world_new();
	struct plan a = TAKES(1, 0), b = TAKES(1, 0), c = TAKES(1, 0);
	sim_preemptions(2);
	a.task = sim_spawn(perform_twice, &a);
	start(&b, 0);
	start(&c, 0);
	sim_run();
	CHECK_EQ(a.result | b.result | c.result, 0);
	QUIET(&a, &b, &c);
}

/* As above, but it comes back for a word that the new sleeper owns. */
static void perform_two(void *arg)
{
	struct plan *plans = arg;
	perform(&plans[0]);
	perform(&plans[1]);
}

SIM(pi_owner_turns_to_the_words_of_a_sleeper)
{
	world_new();
	struct plan a[2] = {TAKES(1, 0), TAKES(1, 1)}, b = TAKES(1, 0), c = TAKES(2, 1, 0);
	sim_preemptions(2);
	a[0].task = sim_spawn(perform_two, a);
	start(&b, 0);
	start(&c, 0);
	sim_run();
	CHECK_EQ(a[0].result | a[1].result | b.result | c.result, 0);
	QUIET(&a[0], &b, &c);
}

/* Who only waits for one of a circle is not in it: -EDEADLK is for those two. */
SIM(pi_bystander_of_a_circle)
{
	world_new();
	struct plan a = TAKES(2, 0, 1), b = TAKES(2, 1, 0), c = TAKES(1, 0);
	sim_preemptions(2);
	start(&a, 0);
	start(&b, 0);
	start(&c, 0);
	sim_run();
	CHECK_EQ(c.result, 0);
	sim_outcome(outcome(a.result), BIT(OWNED) | BIT(DEADLOCK));
	QUIET(&a, &b, &c);
}

/* --- Death --- */

SIM(pi_owner_dies)
{
	world_new();
	struct plan a = TAKES(1, 0), b = TAKES(1, 0), c = TAKES(1, 0);
	sim_preemptions(2);
	a.dies = true;
	c.timeout = SECOND;
	start(&a, 0);
	start(&b, 10);
	start(&c, 20);
	sim_run();
	/* Without a robust list the word stays with the dead, for whoever comes when nobody slept. */
	CHECK(b.result == 0 || b.result == -ESRCH);
	CHECK(c.result == 0 || c.result == -ETIMEDOUT || c.result == -ESRCH);
	CHECK_EQ(sim_boost(b.task) | sim_boost(c.task), 0);
}

/* With one: between its mark and the hand-over the word names nobody. Whoever comes then queues with the others. */
SIM(pi_owner_dies_and_says_so)
{
	world_new();
	struct plan a = TAKES(1, 0), b = TAKES(1, 0), c = TAKES(1, 0);
	sim_preemptions(2);
	a.dies = a.marks = true;
	start(&a, 0);
	start(&b, 10);
	start(&c, 20);
	sim_run();
	CHECK_EQ(b.result | c.result, 0);
	CHECK_EQ(word[0] & FUTEX_TID_MASK, 0);
	CHECK_EQ(sim_boost(b.task) | sim_boost(c.task), 0);
}

/* The next owner times out, or is killed, while the last one dies. */
SIM(pi_owner_dies_as_sleepers_leave)
{
	world_new();
	sim_preemptions(3);
	struct plan a = TAKES(1, 0), b = TAKES(1, 0);
	a.dies = b.dies = true;
	b.timeout = SECOND;
	start(&a, 0);
	start(&b, 10);
	sim_signal_anytime(b.task);
	sim_run();
	sim_outcome(b.result == -ESRCH ? 10 : outcome(b.result),
	            BIT(OWNED) | BIT(TIMED_OUT) | BIT(INTERRUPTED) | BIT(10));
}

/* --- Condition variables --- */

struct sleeper {
	u64 timeout;
	int result;
	struct sim_task *task;
};

static void wait_on_cond(void *arg)
{
	struct sleeper *s = arg;
	u32 expected = 0;
	const struct futex_move m = {.from = at(&cond), .to = at(&word[0]), .expected = &expected};

	s->result = futex_pi_wait_requeue(&m, s->timeout ? sim_now() + s->timeout : PORT_FOREVER);
	if (!s->result) {
		entered(0);
		unlock(0);
	}
}

static int moved;
/* pthread_cond_broadcast(3) with the mutex held. */
static void broadcast(void *arg)
{
	u32 expected = 1;
	const struct futex_move m = {.from = at(&cond),
	                             .to = at(&word[0]),
	                             .wake = 1,
	                             .move = 10,
	                             .expected = &expected};
	CHECK_EQ(lock(0, 0), 0);
	port_step();
	cond = 1;
	moved = futex_pi_requeue(&m);
	unlock(0);
}
/* ... and without it: the requeue itself takes it for the first. */
static void broadcast_unlocked(void *arg)
{
	u32 expected = 1;
	const struct futex_move m = {.from = at(&cond),
	                             .to = at(&word[0]),
	                             .wake = 1,
	                             .move = 10,
	                             .expected = &expected};
	cond = 1;
	moved = futex_pi_requeue(&m);
}

static void sleeper_start(struct sleeper *s, u32 priority)
{
	s->task = sim_spawn(wait_on_cond, s);
	sim_identity(s->task)->priority = priority;
}

SIM(pi_requeue_races_time_out)
{
	world_new();
	sim_preemptions(3);
	struct sleeper s = {.timeout = SECOND};
	sleeper_start(&s, 10);
	struct sim_task *t = sim_spawn(broadcast, NULL);
	sim_run();
	CHECK(moved == 0 || moved == 1);
	if (s.result == 0)
		CHECK_EQ(moved, 1);
	sim_outcome(outcome(s.result), BIT(OWNED) | BIT(TIMED_OUT) | BIT(AGAIN));
	CHECK_EQ(word[0], 0);
	CHECK_EQ(sim_boost(t), 0);
}

/* -EINTR before the move, -EAGAIN after it, futex(2). */
SIM(pi_requeue_races_signal)
{
	world_new();
	sim_preemptions(3);
	struct sleeper s = {};
	sleeper_start(&s, 10);
	sim_signal_anytime(s.task);
	struct sim_task *t = sim_spawn(broadcast, NULL);
	sim_run();
	if (s.result == -EINTR)
		CHECK_EQ(moved, 0);
	sim_outcome(outcome(s.result), BIT(OWNED) | BIT(INTERRUPTED) | BIT(AGAIN));
	CHECK_EQ(word[0], 0);
	CHECK_EQ(sim_boost(t), 0);
}

SIM(pi_requeue_of_two)
{
	world_new();
	struct sleeper s[2] = {};
	sim_preemptions(1);
	s[1].timeout = SECOND;
	sleeper_start(&s[0], 0);
	sleeper_start(&s[1], 10);
	sim_signal_anytime(s[0].task);
	sim_spawn(broadcast_unlocked, NULL);
	sim_run();
	CHECK_EQ(word[0], 0);
	for (u32 i = 0; i < 2; i++)
		(void)outcome(s[i].result);
}

/* The one moved owns what the owner of its target waits for. */
static void wait_on_cond_holding(void *arg)
{
	struct sleeper *s = arg;
	CHECK_EQ(lock(1, 0), 0);
	wait_on_cond(s);
	unlock(1);
}

static int broadcaster_result;
static void broadcast_then_want(void *arg)
{
	CHECK_EQ(lock(0, 0), 0);
	cond = 1;
	u32 expected = 1;
	const struct futex_move m = {.from = at(&cond),
	                             .to = at(&word[0]),
	                             .wake = 1,
	                             .move = 10,
	                             .expected = &expected};
	(void)!futex_pi_requeue(&m);
	broadcaster_result = lock(1, 0);
	if (!broadcaster_result)
		unlock(1);
	unlock(0);
}

SIM(pi_requeue_into_a_circle)
{
	world_new();
	struct sleeper s = {};
	sim_preemptions(3);
	s.task = sim_spawn(wait_on_cond_holding, &s);
	sim_spawn(broadcast_then_want, NULL);
	sim_run();
	sim_outcome(outcome(broadcaster_result), BIT(OWNED) | BIT(DEADLOCK));
	CHECK_EQ(word[0] | word[1], 0);
}

/* --- Growth of the hash --- */

static void grow(void *arg)
{
	port_read_lock();
	futex_table_grow();
	port_read_unlock();
}

SIM(pi_hash_grows_under_a_sleeper)
{
	world_new();
	struct plan a = TAKES(1, 0), b = TAKES(1, 0);
	sim_preemptions(1);
	start(&a, 0);
	start(&b, 10);
	sim_spawn(grow, NULL);
	sim_run();
	QUIET(&a, &b);
	futex_shutdown();
}
