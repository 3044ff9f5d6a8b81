/* Plain futexes where wake, time-out, signal, requeue, growth and death race. A wake that counts somebody must reach him. */
#include "kernel/ipc/futex/table.h"
#include "tests/sim/sim.h"

enum { SECOND = 1000000000 };
enum { WOKEN, TIMED_OUT, INTERRUPTED, CHANGED };

static u32 word[3];
static uptr_t at(u32 i)
{
	return UPTR((uintptr_t)&word[i]);
}

struct sleeper {
	u64 timeout;
	int result;
	struct sim_task *task;
};

static void world_new(void)
{
	word[0] = word[1] = word[2] = 0;
}
static unsigned outcome(int result)
{
	switch (result) {
	case 0: return WOKEN;
	case -ETIMEDOUT: return TIMED_OUT;
	case -EINTR: return INTERRUPTED;
	case -EAGAIN: return CHANGED;
	}
	CHECK_EQ(result, 0);
	return 63;
}
static u64 deadline_of(const struct sleeper *s)
{
	return s->timeout ? sim_now() + s->timeout : PORT_FOREVER;
}

static void sleep_on_first(void *arg)
{
	struct sleeper *s = arg;
	s->result = futex_wait(at(0), FUTEX_PRIVATE, 0, FUTEX_BITSET_MATCH_ANY, deadline_of(s));
}
static void sleeper_start(struct sleeper *s, void (*body)(void *arg))
{
	s->task = sim_spawn(body, s);
}

static int woken[3];
static void wake_word(u32 i)
{
	woken[i] = futex_wake(at(i), FUTEX_PRIVATE, 1, FUTEX_BITSET_MATCH_ANY);
}
static void change_and_wake(void *arg)
{
	word[0] = 1;
	port_step();
	wake_word(0);
}

SIM(futex_change_and_wake_lose_nobody)
{
	world_new();
	struct sleeper s = {};
	sim_spurious(1);
	sleeper_start(&s, sleep_on_first);
	sim_spawn(change_and_wake, NULL);
	sim_run();
	CHECK_EQ(woken[0], s.result == 0);
	sim_outcome(outcome(s.result), BIT(WOKEN) | BIT(CHANGED));
}

SIM(futex_wake_races_time_out_and_signal)
{
	world_new();
	struct sleeper s = {.timeout = SECOND};
	sim_preemptions(3);
	sleeper_start(&s, sleep_on_first);
	sim_signal_anytime(s.task);
	sim_spawn(change_and_wake, NULL);
	sim_run();
	CHECK_EQ(woken[0], s.result == 0);
	sim_outcome(outcome(s.result),
	            BIT(WOKEN) | BIT(TIMED_OUT) | BIT(INTERRUPTED) | BIT(CHANGED));
}

static int moved;
static void requeue_then_wake(void *arg)
{
	const struct futex_move m = {.from = at(0), .to = at(1), .wake = 0, .move = 5};
	moved = futex_requeue(&m);
	wake_word(1);
}

SIM(futex_requeue_races_time_out)
{
	world_new();
	struct sleeper s = {.timeout = SECOND};
	sleeper_start(&s, sleep_on_first);
	sim_spawn(requeue_then_wake, NULL);
	sim_run();
	CHECK_EQ(woken[1], s.result == 0);
	CHECK(woken[1] <= moved);
	sim_outcome(outcome(s.result), BIT(WOKEN) | BIT(TIMED_OUT));
}

SIM(futex_requeue_of_two_races_wake)
{
	world_new();
	struct sleeper s[2] = {{.timeout = SECOND}, {.timeout = SECOND}};
	sim_preemptions(1);
	sleeper_start(&s[0], sleep_on_first);
	sleeper_start(&s[1], sleep_on_first);
	sim_spawn(requeue_then_wake, NULL);
	sim_spawn(change_and_wake, NULL);
	sim_run();
	CHECK_EQ(woken[0] + woken[1], (s[0].result == 0) + (s[1].result == 0));
}

static void grow(void *arg)
{
	port_read_lock();
	futex_table_grow();
	port_read_unlock();
}

/* A sleeper gives up while its word is on the way to the larger table: the steps of futex_wait() without the sleep. */
static void queue_and_withdraw(void *arg)
{
	struct futex_waiter w = {.bitset = FUTEX_BITSET_MATCH_ANY};
	CHECK_EQ(futex_key_of(at(0), FUTEX_PRIVATE, &w.key), 0);
	ipc_waiter_init(&w.wait);
	CHECK_EQ(futex_queue_if(&w, at(0), 0), 0);
	CHECK(futex_withdraw(&w.wait));
}

SIM(futex_growth_races_giving_up)
{
	world_new();
	sim_preemptions(1);
	sim_spawn(grow, NULL);
	sim_spawn(queue_and_withdraw, NULL);
	sim_run();
	wake_word(0);
	CHECK_EQ(woken[0], 0);
	futex_shutdown();
}

/* --- futex_waitv --- */

static void sleep_on_two(void *arg)
{
	struct sleeper *s = arg;
	const struct futex_want wants[2] = {{at(0), FUTEX_PRIVATE, 0}, {at(1), FUTEX_PRIVATE, 0}};
	struct futex_waiter records[2];
	s->result = futex_wait_any(wants, records, 2, deadline_of(s));
}
static void wake_one_word(void *arg)
{
	wake_word((u32)(uintptr_t)arg);
}
enum { FIRST, SECOND_WORD, V_TIMED_OUT, V_INTERRUPTED };
static unsigned outcome_v(int result)
{
	if (result >= 0)
		return (unsigned)result;
	return result == -ETIMEDOUT ? V_TIMED_OUT : V_INTERRUPTED;
}

SIM(futex_waitv_two_wakes_race_time_out)
{
	world_new();
	struct sleeper s = {.timeout = SECOND};
	sim_preemptions(3);
	sleeper_start(&s, sleep_on_two);
	sim_spawn(wake_one_word, (void *)0);
	sim_spawn(wake_one_word, (void *)1);
	sim_run();
	/* Whoever woke it is reported, one of the two if both did. */
	if (s.result >= 0)
		CHECK_EQ(woken[s.result], 1);
	else
		CHECK_EQ(woken[0] + woken[1], 0);
	sim_outcome(outcome_v(s.result), BIT(FIRST) | BIT(SECOND_WORD) | BIT(V_TIMED_OUT));
}

SIM(futex_waitv_wake_races_signal)
{
	world_new();
	struct sleeper s = {.timeout = SECOND};
	sleeper_start(&s, sleep_on_two);
	sim_signal_anytime(s.task);
	sim_spawn(wake_one_word, (void *)1);
	sim_preemptions(3);
	sim_run();
	CHECK_EQ(s.result >= 0, woken[1] == 1);
	sim_outcome(outcome_v(s.result), BIT(SECOND_WORD) | BIT(V_TIMED_OUT) | BIT(V_INTERRUPTED));
}

static void requeue_to_third(void *arg)
{
	const struct futex_move m = {.from = at(0), .to = at(2), .wake = 0, .move = 5};
	moved = futex_requeue(&m);
	wake_word(2);
}

SIM(futex_waitv_requeue_races_wake)
{
	world_new();
	struct sleeper s = {.timeout = SECOND};
	sim_preemptions(2);
	sleeper_start(&s, sleep_on_two);
	sim_spawn(requeue_to_third, NULL);
	sim_spawn(wake_one_word, (void *)1);
	sim_run();
	/* A requeued word is still the one with the index at which it was given. */
	if (s.result == 0)
		CHECK_EQ(woken[2], 1);
	else if (s.result == 1)
		CHECK_EQ(woken[1], 1);
	else
		CHECK_EQ(woken[1] + woken[2], 0);
}

/* --- Robust lists --- */

static struct robust_lock {
	u64 next;
	u32 word;
} lock;
static struct robust_list_head head;

static void die_holding(void *arg)
{
	head = (struct robust_list_head){.next = (uintptr_t)&lock,
	                                 .futex_offset = offsetof(struct robust_lock, word)};
	lock.next = (uintptr_t)&head;
	port_step();
	futex_robust_exit(UPTR((uintptr_t)&head), (u32)port_tid());
}

/* As a C library waits: marks the word, sleeps while it is so. */
static void want_lock(void *arg)
{
	struct sleeper *s = arg;
	for (;;) {
		u32 seen = lock.word;
		if (!(seen & FUTEX_TID_MASK))
			break;
		port_step();
		if (lock.word != seen)
			continue;
		lock.word = seen | FUTEX_WAITERS;
		s->result = futex_wait(UPTR((uintptr_t)&lock.word), FUTEX_SHARED,
		                       seen | FUTEX_WAITERS, FUTEX_BITSET_MATCH_ANY, PORT_FOREVER);
	}
	CHECK(lock.word & FUTEX_OWNER_DIED);
}

SIM(futex_robust_owner_dies_as_others_come)
{
	struct sleeper s = {};
	struct sim_task *owner = sim_spawn(die_holding, NULL);
	lock.word = (u32)sim_identity(owner)->pid;
	sleeper_start(&s, want_lock);
	sim_run();
	CHECK_EQ(lock.word & FUTEX_TID_MASK, 0);
}
