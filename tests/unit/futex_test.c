/* Futexes: order, bitsets, requeue, wake operations, growth of the hash, robust lists. */
#include <stdlib.h>
#include "kernel/ipc/futex/futex.h"
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
