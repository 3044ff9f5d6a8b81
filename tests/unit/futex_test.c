/* Futexes: order, bitsets, requeue, wake operations, growth of the hash, robust lists. */
#include <stdlib.h>
#include "kernel/ipc/futex/pi.h"
#include "tests/host/host.h"

static uptr_t address(const u32 *word)
{
	return UPTR((uintptr_t)word);
}
static int wake(const u32 *word, s32 max)
{
	return futex_wake(address(word), FUTEX_PRIVATE, max, FUTEX_BITSET_MATCH_ANY);
}

struct sleeper {
	const u32 *word;
	u32 bitset;
	u64 deadline;
	struct host_thread *thread;
	int result;
	u32 over; /* [a] */
};

static void sleep_on(void *arg)
{
	struct sleeper *s = arg;
	s->result = futex_wait(address(s->word), FUTEX_PRIVATE, 0, s->bitset, s->deadline);
	store_release(&s->over, 1);
}
static void start(struct sleeper *s, const u32 *word, u32 bitset)
{
	*s = (struct sleeper){.word = word, .bitset = bitset, .deadline = PORT_FOREVER};
	s->thread = host_spawn(sleep_on, s);
	host_wait_asleep(s->thread);
}
static int end(struct sleeper *s)
{
	host_join(s->thread);
	return s->result;
}

TEST(futex_refuses_what_linux_refuses)
{
	u32 word[2] = {1, 0};
	CHECK_EQ(futex_wait(UPTR((uintptr_t)word + 1), FUTEX_PRIVATE, 1, ~0u, 0), -EINVAL);
	CHECK_EQ(futex_wait(address(word), FUTEX_PRIVATE, 1, 0, 0), -EINVAL);
	CHECK_EQ(futex_wait(UPTR(8), FUTEX_PRIVATE, 1, ~0u, 0), -EFAULT);
	CHECK_EQ(futex_wait(address(word), FUTEX_PRIVATE, 2, ~0u, PORT_FOREVER), -EAGAIN);
	CHECK_EQ(futex_wait(address(word), FUTEX_PRIVATE, 1, ~0u, 0), -ETIMEDOUT);
	CHECK_EQ(futex_wake(address(word), FUTEX_PRIVATE, 1, 0), -EINVAL);
	CHECK_EQ(wake(word, 1), 0);
}

TEST(futex_wakes_in_order_and_by_bits)
{
	u32 word = 0;
	struct sleeper s[4];
	for (u32 i = 0; i < 4; i++)
		start(&s[i], &word, 1u << (i % 2));
	CHECK_EQ(futex_wake(address(&word), FUTEX_PRIVATE, 1, 2), 1);
	CHECK_EQ(end(&s[1]), 0);
	CHECK_EQ(wake(&word, 0), 1); /* 0 wakes one: Linux */
	CHECK_EQ(end(&s[0]), 0);
	CHECK(!load_acquire(&s[2].over));
	CHECK_EQ(wake(&word, 10), 2);
	CHECK_EQ(end(&s[2]) | end(&s[3]), 0);
}

TEST(futex_sleep_ends_by_signal_and_time)
{
	u32 word = 0;
	struct sleeper s;
	start(&s, &word, ~0u);
	host_signal(s.thread);
	CHECK_EQ(end(&s), -EINTR);
	CHECK_EQ(futex_wait(address(&word), FUTEX_PRIVATE, 0, ~0u, port_mono_ns() + 1000000),
	         -ETIMEDOUT);
	CHECK_EQ(wake(&word, 1), 0);
}

TEST(futex_requeue_moves_sleepers)
{
	u32 from = 0, to = 0, other = 1;
	struct sleeper s[5];
	for (u32 i = 0; i < 5; i++)
		start(&s[i], &from, ~0u);
	struct futex_move m = {.from = address(&from), .to = address(&to), .wake = 1, .move = 2};
	m.expected = &other;
	CHECK_EQ(futex_requeue(&m), -EAGAIN);
	m.expected = &from;
	CHECK_EQ(futex_requeue(&m), 3);
	CHECK_EQ(end(&s[0]), 0);
	CHECK_EQ(wake(&to, 10), 2);
	CHECK_EQ(end(&s[1]) | end(&s[2]), 0);
	/* One that was moved can still be interrupted. */
	m.wake = 0;
	CHECK_EQ(futex_requeue(&m), 2);
	host_signal(s[3].thread);
	CHECK_EQ(end(&s[3]), -EINTR);
	CHECK_EQ(wake(&from, 10), 0);
	CHECK_EQ(wake(&to, 10), 1);
	CHECK_EQ(end(&s[4]), 0);
	m.move = -1;
	CHECK_EQ(futex_requeue(&m), -EINVAL);
}

static u32 encode(u32 op, u32 oparg, u32 cmp, u32 cmparg)
{
	return op << 28 | cmp << 24 | (oparg & 0xfff) << 12 | (cmparg & 0xfff);
}

TEST(futex_wake_op_changes_and_compares)
{
	u32 word = 0, other = 5;
	struct sleeper s;
	struct futex_pair p = {
		.word = address(&word), .other = address(&other), .wake = 1, .wake_other = 1};

	p.operation = encode(FUTEX_OP_ADD, -2, FUTEX_OP_CMP_EQ, 5);
	CHECK_EQ(futex_wake_op(&p), 0);
	CHECK_EQ(other, 3);
	p.operation = encode(FUTEX_OP_OR | FUTEX_OP_ARG_SHIFT, 4, FUTEX_OP_CMP_LT, 0);
	CHECK_EQ(futex_wake_op(&p), 0);
	CHECK_EQ(other, 19);
	p.operation = encode(FUTEX_OP_SET, 0, FUTEX_OP_CMP_GT, 18);
	start(&s, &word, ~0u);
	CHECK_EQ(futex_wake_op(&p), 1);
	CHECK_EQ(end(&s), 0);
	CHECK_EQ(other, 0);
	p.operation = encode(7, 0, 0, 0);
	CHECK_EQ(futex_wake_op(&p), -ENOSYS);
	p.operation = encode(FUTEX_OP_XOR, 1, 9, 0);
	CHECK_EQ(futex_wake_op(&p), -ENOSYS);
	p.other = UPTR(8);
	CHECK_EQ(futex_wake_op(&p), -EFAULT);
}

/* Many words at once: the hash grows under its sleepers, and everybody is still found. */
TEST(futex_hash_grows_under_sleepers)
{
	enum { SLEEPERS = 700, STRIDE = 16 };
	static u32 words[SLEEPERS * STRIDE];
	struct sleeper *s = calloc(SLEEPERS, sizeof *s);

	for (u32 i = 0; i < SLEEPERS; i++)
		start(&s[i], &words[i * STRIDE], ~0u);
	for (u32 i = 0; i < SLEEPERS; i += 7) {
		host_signal(s[i].thread);
		CHECK_EQ(end(&s[i]), -EINTR);
	}
	for (u32 i = 0; i < SLEEPERS; i++) {
		CHECK_EQ(wake(&words[i * STRIDE], 2), i % 7 ? 1 : 0);
		if (i % 7)
			CHECK_EQ(end(&s[i]), 0);
	}
	free(s);
	futex_shutdown();
}

/* Waiters and wakers as fast as they can: no wake-up is lost. */
static u32 turn;
static void take_turns(void *arg)
{
	u32 me = (u32)(uintptr_t)arg, now;
	for (u32 i = 0; i < 3000; i++) {
		while ((now = load_acquire(&turn)) % 3 != me)
			(void)!futex_wait(address(&turn), FUTEX_PRIVATE, now, ~0u, PORT_FOREVER);
		__atomic_store_n(&turn, now + 1, __ATOMIC_SEQ_CST);
		wake(&turn, 3);
	}
}
TEST(futex_loses_no_wake_up)
{
	struct host_thread *t[3];
	turn = 0;
	for (uintptr_t i = 0; i < 3; i++)
		t[i] = host_spawn(take_turns, (void *)i);
	for (u32 i = 0; i < 3; i++)
		host_join(t[i]);
	CHECK_EQ(turn, 9000);
}

struct lock {
	u64 next;
	u32 word;
};

TEST(futex_robust_list_marks_what_the_dead_held)
{
	struct lock a = {.word = 77 | FUTEX_WAITERS}, b = {.word = 78}, c = {.word = 77};
	struct robust_list_head head = {
		.next = (uintptr_t)&a,
		.futex_offset = offsetof(struct lock, word),
		.list_op_pending = (uintptr_t)&c,
	};
	a.next = (uintptr_t)&b;
	b.next = (uintptr_t)&head;
	futex_robust_exit(UPTR((uintptr_t)&head), 77);
	CHECK_EQ(a.word, FUTEX_WAITERS | FUTEX_OWNER_DIED);
	CHECK_EQ(b.word, 78);
	CHECK_EQ(c.word, FUTEX_OWNER_DIED);

	/* A list that never ends is left after ROBUST_LIST_LIMIT entries; a wild one at its first fault. */
	b.next = (uintptr_t)&a;
	futex_robust_exit(UPTR((uintptr_t)&head), 77);
	a.next = 16;
	futex_robust_exit(UPTR((uintptr_t)&head), 77);
	futex_robust_exit(UPTR(16), 77);
}

/* --- Priority inheritance under load: locks, chains, time-outs, condition variables, changing priorities --- */

enum { PI_THREADS = 6, PI_ROUNDS = 2000, PI_LOCKS = 3 };
static u32 pi_lock[PI_LOCKS], pi_inside[PI_LOCKS], pi_cond, pi_over;

static int pi_take(u32 i, u64 timeout)
{
	u32 free = 0;
	if (__atomic_compare_exchange_n(&pi_lock[i], &free, (u32)port_tid(), false,
	                                __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		return 0;
	return futex_pi_lock(address(&pi_lock[i]), FUTEX_PRIVATE,
	                     timeout ? port_mono_ns() + timeout : PORT_FOREVER);
}
static void pi_give(u32 i)
{
	u32 mine = (u32)port_tid();
	CHECK_EQ(__atomic_exchange_n(&pi_inside[i], 0, __ATOMIC_SEQ_CST), mine);
	if (!__atomic_compare_exchange_n(&pi_lock[i], &mine, 0, false, __ATOMIC_SEQ_CST,
	                                 __ATOMIC_SEQ_CST))
		CHECK_EQ(futex_pi_unlock(address(&pi_lock[i]), FUTEX_PRIVATE), 0);
}
static void pi_entered(u32 i)
{
	CHECK_EQ(__atomic_exchange_n(&pi_inside[i], (u32)port_tid(), __ATOMIC_SEQ_CST), 0);
}

static void pi_condition(u32 seed)
{
	u32 expected = load_acquire(&pi_cond);
	struct futex_move m = {.from = address(&pi_cond),
	                       .to = address(&pi_lock[0]),
	                       .expected = &expected,
	                       .wake = 1,
	                       .move = (s32)(seed % 3)};
	if (seed % 2) {
		int err = futex_pi_wait_requeue(&m, port_mono_ns() + 200000);
		CHECK(!err || err == -ETIMEDOUT || err == -EAGAIN);
		if (err)
			return;
		pi_entered(0);
		pi_give(0);
	} else {
		int moved = futex_pi_requeue(&m);
		CHECK(moved >= 0 || moved == -EAGAIN || moved == -ESRCH);
		__atomic_add_fetch(&pi_cond, 1, __ATOMIC_SEQ_CST);
	}
}

static void pi_round(u32 seed)
{
	u32 first = seed % PI_LOCKS, second = (first + 1 + seed / 3 % 2) % PI_LOCKS;
	int err;

	store_relaxed(&host_self()->priority, seed / 7 % 5 * 10);
	port_read_lock();
	futex_pi_priority_changed(port_self());
	port_read_unlock();
	err = pi_take(first, 0);
	CHECK(!err || err == -EDEADLK);
	if (err)
		return;
	pi_entered(first);
	err = pi_take(second, seed % 5 ? 0 : 100000);
	CHECK(!err || err == -EDEADLK || err == -ETIMEDOUT);
	if (!err) {
		pi_entered(second);
		pi_give(second);
	}
	pi_give(first);
}

static void pi_work(void *arg)
{
	u64 random = (uintptr_t)arg;

	for (u32 i = 0; i < PI_ROUNDS; i++) {
		random = random * 6364136223846793005ull + 1442695040888963407ull;
		u32 seed = (u32)(random >> 33);
		if (seed % 4)
			pi_round(seed / 4);
		else
			pi_condition(seed / 4);
	}
	CHECK_EQ(host_boost(host_thread_self()), 0);
	__atomic_add_fetch(&pi_over, 1, __ATOMIC_SEQ_CST);
}

TEST(futex_pi_under_load)
{
	struct host_thread *t[PI_THREADS];

	pi_over = 0;
	for (uintptr_t i = 0; i < PI_THREADS; i++)
		t[i] = host_spawn(pi_work, (void *)(i + 1));
	for (u32 i = 0; i < PI_THREADS; i++)
		host_join(t[i]);
	CHECK_EQ(pi_over, PI_THREADS);
	for (u32 i = 0; i < PI_LOCKS; i++)
		CHECK_EQ(pi_lock[i], 0);
}

static void pi_die_holding(void *arg)
{
	CHECK_EQ(pi_take(0, 0), 0);
	while (!load_acquire(&pi_over))
		port_yield();
}
static void pi_want(void *result)
{
	*(int *)result = pi_take(0, 0);
	pi_lock[0] = 0;
}

TEST(futex_pi_owner_dies)
{
	int result = 1;
	struct host_thread *owner, *next;

	pi_over = 0;
	owner = host_spawn(pi_die_holding, NULL);
	while (!load_acquire(&pi_lock[0]))
		port_yield();
	next = host_spawn(pi_want, &result);
	host_wait_asleep(next);
	store_release(&pi_over, 1);
	host_join(owner);
	host_join(next);
	CHECK_EQ(result, 0);
}
