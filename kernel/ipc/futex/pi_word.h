/* Owned words, their sleepers, and the chains between: for the files of this folder. See pi.h. [l]: the bucket's lock. */
#pragma once
#include "kernel/ipc/futex/pi.h"
#include "kernel/ipc/futex/table.h"

struct pi_word {
	struct port_futex_key key; /* [I] */
	struct port_thread *owner; /* [l] */
	struct pi_word *next;      /* [l] of the bucket */
	struct pi_waiter
		*fixer; /* [l] owner since the last one died, has yet to write the word; or NULL */
	struct rb_root waiters; /* [l] by priority, then FIFO */
	u32 owner_tid;          /* [l] */
	u32 lent; /* [l and the owner's] its place in `held`: priority of the first sleeper */
	struct rb_node held; /* [the owner's] in struct port_pi */
};

struct pi_waiter {
	struct futex_waiter sleep; /* `key` is the word it sleeps for now */
	struct pi_word word;       /* the state of that word, when this record is the host */
	struct rb_node node;       /* [l] in pi_word.waiters */
	struct port_futex_key origin,
		target;  /* [I] FUTEX_WAIT_REQUEUE_PI: from where to where it may move */
	u32 tid;         /* [I] */
	u32 priority;    /* [l and its thread's] effective, as it is queued */
	bool owned_word; /* [l] sleeps for a word with an owner; else it has yet to be moved there */
	bool fix;        /* [l] decided: the owner died, the word is to be written */
};

struct pi_word **pi_word_slot(struct futex_bucket *b, const struct port_futex_key *key);
/* => the word's state, or NULL when nobody sleeps for it. b locked, as for all that follows with b. */
static inline struct pi_word *pi_word_find(struct futex_bucket *b, const struct port_futex_key *key)
{
	return likely(!b->owned) ? NULL : *pi_word_slot(b, key);
}
static inline struct pi_waiter *pi_first_waiter(const struct pi_word *w)
{
	struct rb_node *first = rb_first(&w->waiters);
	return first ? rb_entry(first, struct pi_waiter, node) : NULL;
}
/* Growth: the owned words of `from` that belong to `to`. Both locked. */
void pi_words_move(struct futex_bucket *from, struct futex_bucket *to, struct futex_table *t);

/* Begins the state of a word, in the record of `host`, who is about to join it. => false: the owner is gone. */
MUST_CHECK bool pi_word_begin(struct futex_bucket *b, const struct port_futex_key *key,
                              struct pi_waiter *host, struct port_thread *owner, u32 owner_tid);
/* `leaving` is no host of w any more: the state moves, or ends if nobody sleeps and nobody fixes. => where it is now, or NULL. */
struct pi_word *pi_word_settle(struct futex_bucket *b, struct pi_word *w,
                               struct pi_waiter *leaving);
/* `thread` sleeps, or slept, for the word `key` in `bucket`: one link of a chain. */
struct pi_link {
	struct port_thread *thread;
	struct futex_bucket *bucket;
	struct port_futex_key key;
	u32 sleep;    /* which of its sleeps this is: port_pi.sleeps */
	bool settled; /* queued by its priority of now */
};
/* The thread of `waiter` sleeps for w. => true: so does the owner of w, for *out_next. */
MUST_CHECK bool pi_join(struct futex_bucket *b, struct pi_word *w, struct pi_waiter *waiter,
                        struct pi_link *out_next);
/* ... and no longer. => as pi_word_settle(). */
struct pi_word *pi_leave(struct futex_bucket *b, struct pi_word *w, struct pi_waiter *waiter);
/* The first sleeper becomes the owner, and is to be woken. */
void pi_hand_over(struct futex_bucket *b, struct pi_word *w, struct ipc_wake_list *wakes);

/* What t inherits may have changed: lends it on along the chain of owners. Read section, no lock. */
void pi_chain_lend(struct port_thread *t);
enum pi_chain { CHAIN_ENDS, CHAIN_RETURNS, CHAIN_ENDLESS };
/* Lends along the chain whose first link pi_join() of the word `key` gave, to its end. => CHAIN_RETURNS: there is, or just was,
 * a circle, and l->thread is the one in it who sleeps for that word. A circle that does not pass through the word
 * is for those in it to find. Read section, no lock. */
MUST_CHECK enum pi_chain pi_chain_walk(struct pi_link *l, const struct port_futex_key *key);

/* As ipc_wait() asks for it; also of one that has yet to be moved. */
bool pi_withdraw(struct ipc_waiter *wait);

/* Taking a word for the thread of `waiter`, which may be asleep elsewhere. */
struct pi_claim {
	uptr_t word;
	struct port_futex_key key;
	struct pi_waiter *waiter;
	bool contended;        /* others are to sleep for it at once: the word says so */
	struct pi_word *found; /* set with CLAIM_QUEUE */
};
enum { CLAIM_TAKEN, CLAIM_QUEUE, CLAIM_AGAIN };
/* => CLAIM_TAKEN; CLAIM_QUEUE: to be joined; CLAIM_AGAIN: the word changed, from the start; -EDEADLK: it is its own; -ESRCH;
 * -EINVAL; -EFAULT: could not look without faulting. */
MUST_CHECK int pi_claim(struct futex_bucket *b, struct pi_claim *c);
/* Sleeps until it is ours. word: of the lock. => 0, -EAGAIN at the deadline, -EINTR, -EFAULT: the dead owner's word is lost. */
MUST_CHECK int pi_wait(struct pi_waiter *waiter, uptr_t word, u64 deadline);
