/*
 * Futexes, futex(2): sleeping on a word of user memory.
 *
 * A word is named by a key that does not depend on who maps it (port_futex_key). Sleepers of all words
 * hang in one hash; in a bucket each word with sleepers has its own FIFO, chained through the first
 * sleeper of each, so sleepers of other words cost nothing. The hash doubles when a bucket has many words.
 *
 *	struct futex_waiter	on the sleeper's stack; nothing is ever allocated to sleep or wake
 *	struct futex_bucket	lock, words with sleepers
 *	the table		replaced by one of twice the size; the old one goes after a grace period
 *
 * The promise of futex(2): comparing the word and going to sleep is one step for whoever changes the word and
 * then wakes. Both happen under the bucket's lock:
 *
 *	sleeper					waker
 *	lock bucket				store to the word (user space)
 *	load word (no fault): as expected?	lock bucket: sees the sleeper, or the sleeper will see the store
 *	queue, unlock, sleep			take sleepers off, unlock, wake
 *
 *	         futex_wait                  futex_wake, wake_op           ipc_wake_flush
 *	(none) -------------> PENDING in word -----------------> DECIDED 0 ---------------> OVER
 *	                       |  ^ futex_requeue moves it to another word
 *	                       +-- deadline: -ETIMEDOUT; signal: -EINTR
 *
 * Locking: read section around everything; bucket lock (FUTEX_BUCKET), two of them through port_lock2. A bucket
 * whose words have gone to a larger table is `moved`: whoever locked it waits for the growth to end and
 * looks the key up again. Growth holds grow_lock (FUTEX_GROW) and one bucket at a time.
 *
 * User memory is touched under a bucket lock only without faulting; when that fails, the lock is dropped, the
 * page is faulted in, and everything starts over.
 *
 * Sleepers of a word are woken by real-time priority, then in the order in which they came.
 *
 * What can fail: -EINVAL (address not aligned, no bits in the bitset), -EFAULT, and what is said below.
 */
#pragma once
#include "abi/futex.h"
#include "kernel/ipc/port.h"
#include "kernel/ipc/wait.h"

enum futex_scope { FUTEX_PRIVATE, FUTEX_SHARED };

/* Boot; power-off: back to the size of boot, for the leak report, when no thread is left. */
void futex_init(void);
void futex_shutdown(void);

struct futex_bucket;
/* A sleeper of one word; what is in it is for this folder. [l]: the bucket's lock. */
struct futex_waiter {
	struct ipc_waiter wait;
	struct port_futex_key key;   /* [l] changes by requeue */
	struct futex_bucket *bucket; /* [a] written under the lock of the bucket that it is in */
	u32 bitset;                  /* [I] 0: FUTEX_WAIT_REQUEUE_PI, never woken by a plain wake */
	u32 priority;                /* [I] port_base_priority() when it went to sleep */
	struct list
		link; /* [l] sleepers of the same word, a ring without a head: by priority, then FIFO */
	struct futex_waiter
		*next_word; /* [l] first sleeper of the next word; only in a first sleeper */
};

/* Sleeps while the word is `expected`, until woken with a bit of `bitset`. deadline: port_mono_ns() time.
 * => 0 woken; -EAGAIN: the word differs; -ETIMEDOUT; -EINTR. */
MUST_CHECK int futex_wait(uptr_t word, enum futex_scope scope, u32 expected, u32 bitset,
                          u64 deadline);
struct futex_want {
	uptr_t word;
	enum futex_scope scope;
	u32 expected;
};
enum { FUTEX_WAIT_ANY_MAX = 128 };
/* futex_waitv(2): sleeps while every word is as expected, until one of them is woken. wants, and room for as many waiters: the
 * caller's stack when there are few.
 * => the index of a word that was woken; -EAGAIN: a word differs; -ETIMEDOUT; -EINTR. */
MUST_CHECK int futex_wait_any(const struct futex_want *wants, struct futex_waiter *crowd, u32 count,
                              u64 deadline);
/* => how many were woken, at most max (but one, when max is 0 or less: Linux). Long, as the system call's result. */
MUST_CHECK long futex_wake(uptr_t word, enum futex_scope scope, s32 max, u32 bitset);

struct futex_move {
	uptr_t from, to;
	enum futex_scope scope;
	s32 wake, move;      /* at most so many are woken, then so many moved */
	const u32 *expected; /* what *from must be, or NULL */
};
/* FUTEX_REQUEUE, FUTEX_CMP_REQUEUE. => woken and moved; -EAGAIN: *from differs. */
MUST_CHECK int futex_requeue(const struct futex_move *m);

struct futex_pair {
	uptr_t word, other;
	enum futex_scope scope;
	s32 wake, wake_other; /* at most so many at word; at other when the comparison holds */
	u32 operation;        /* encoded as futex(2) says */
};
/* FUTEX_WAKE_OP: changes `other`, wakes at `word`, and at `other` if its old value compares true.
 * => woken in all; -ENOSYS: no such operation. */
MUST_CHECK int futex_wake_op(const struct futex_pair *p);

/* A thread with this tid leaves its address space: marks and wakes what it holds, set_robust_list(2). */
void futex_robust_exit(uptr_t head, u32 tid);
