/*
 * Condition variables with mutexes that inherit: FUTEX_WAIT_REQUEUE_PI sleeps on a plain word, and FUTEX_CMP_REQUEUE_PI
 * takes the mutex for one sleeper, or lets sleepers queue for it, without waking them in between.
 */
#include "kernel/ipc/futex/pi_word.h"

/* --- The sleeper --- */

/* => 0: queued. */
static int queue_plain(struct pi_waiter *waiter, const struct futex_move *m)
{
	u32 value;
	int err;

	for (;;) {
		TRY(futex_key_of(m->from, m->scope, &waiter->origin));
		waiter->sleep.key = waiter->origin;
		TRY(port_copy_in(&value, m->from, sizeof value));
		if (value != *m->expected)
			return -EAGAIN;
		/* Addresses that differ may be one shared word. */
		if (key_equal(&waiter->sleep.key, &waiter->target))
			return -EINVAL;
		err = futex_queue_if(&waiter->sleep, m->from, *m->expected);
		if (likely(err != -EFAULT))
			return err;
		TRY(port_user_fault_in(m->from, false));
	}
}

int futex_pi_wait_requeue(const struct futex_move *m, u64 deadline)
{
	struct pi_waiter waiter = {.tid = (u32)port_tid()};
	int err;

	if (m->from.addr == m->to.addr)
		return -EINVAL;
	TRY(futex_key_of(m->to, m->scope, &waiter.target));
	ipc_waiter_init(&waiter.sleep.wait);
	waiter.sleep.priority = port_base_priority(port_self());
	TRY(queue_plain(&waiter, m));
	err = pi_wait(&waiter, m->to, deadline);
	if (err == -EAGAIN)
		return -ETIMEDOUT;
	/* Restarted, it would find the word changed: so say that. */
	return err == -EINTR && waiter.owned_word ? -EAGAIN : err;
}

/* --- The one who moves it --- */

struct exchange {
	const struct futex_move *m;
	struct port_futex_key from_key, to_key;
	struct futex_bucket *from, *to; /* both locked */
	struct pi_word *word;           /* state of m->to, once somebody sleeps for it */
	struct port_thread *owner;      /* of it, when we have just taken it */
	u32 owner_tid;
	struct pi_link next; /* what the owner sleeps for, when it is chained */
	bool chained;
	struct ipc_wake_list wakes;
	u32 moved;
};

static struct pi_waiter *next_sleeper(const struct exchange *x)
{
	struct futex_waiter *first = *word_find(x->from, &x->from_key);
	return first ? container_of(first, struct pi_waiter, sleep) : NULL;
}

/* => 0; -EINVAL: not one of FUTEX_WAIT_REQUEUE_PI with this target. The rest of a plain sleeper's record is not looked at. */
static int check_sleeper(const struct exchange *x, const struct pi_waiter *waiter)
{
	if (waiter->sleep.bitset || !key_equal(&waiter->target, &x->to_key))
		return -EINVAL;
	return 0;
}

/* The first sleeper gets the lock, or a word to join is found. => as pi_claim(). */
static int claim_for_first(struct exchange *x, struct pi_waiter *first)
{
	struct pi_claim c = {
		.word = x->m->to,
		.key = x->to_key,
		.waiter = first,
		.contended = x->m->move > 0,
	};
	int result = pi_claim(x->to, &c);

	x->word = c.found;
	if (result != CLAIM_TAKEN)
		return result;
	x->owner = first->sleep.wait.thread;
	x->owner_tid = first->tid;
	futex_dequeue(&first->sleep);
	ipc_waiter_decide(&first->sleep.wait, 0, &x->wakes);
	return CLAIM_TAKEN;
}

/* => 0; -EDEADLK: it is the owner. */
static int move_sleeper(struct exchange *x, struct pi_waiter *waiter)
{
	if (!x->word) {
		/* The owner sleeps until we wake it: it cannot be gone. */
		bool begun = pi_word_begin(x->to, &x->to_key, waiter, x->owner, x->owner_tid);
		ASSERT(begun);
		x->word = &waiter->word;
	}
	if (waiter->sleep.wait.thread == x->word->owner)
		return -EDEADLK;
	futex_dequeue(&waiter->sleep);
	x->chained = pi_join(x->to, x->word, waiter, &x->next);
	x->moved++;
	return 0;
}

enum { EXCHANGE_AGAIN = -4096 }; /* no errno */

/* => how many got the lock or sleep for it now; EXCHANGE_AGAIN: m->to changed meanwhile. */
static int exchange_locked(struct exchange *x)
{
	struct pi_waiter *waiter;
	u32 value, limit;
	int taken;

	TRY(port_user_load_nofault(x->m->from, &value));
	if (value != *x->m->expected)
		return -EAGAIN;
	waiter = next_sleeper(x);
	if (!waiter)
		return pi_word_find(x->from, &x->from_key) ? -EINVAL : 0;
	TRY(check_sleeper(x, waiter));
	switch (TRY(claim_for_first(x, waiter))) {
	case CLAIM_AGAIN: return EXCHANGE_AGAIN;
	case CLAIM_TAKEN: taken = 1; break;
	default: taken = 0;
	}
	limit = (u32)x->m->move + !taken;
	while (x->moved < limit && (waiter = next_sleeper(x))) {
		TRY(check_sleeper(x, waiter));
		TRY(move_sleeper(x, waiter));
	}
	return taken + (int)x->moved;
}

/* `t` sleeps for m->to in a circle: if it was moved there, back it goes. => true: it did. */
static bool move_back(struct exchange *x, struct port_thread *t)
{
	struct port_pi *p = port_pi(t);
	struct port_thread *owner = NULL;
	struct pi_waiter *waiter;
	bool ours;

	futex_bucket_lock2(&x->from_key, &x->to_key, &x->from, &x->to);
	{
		GUARD(port)(&p->lock);
		waiter = p->waiting;
		ours = waiter && key_equal(&waiter->sleep.key, &x->to_key) &&
		       key_equal(&waiter->origin, &x->from_key);
	}
	if (ours) {
		struct pi_word *w = pi_word_find(x->to, &x->to_key);
		owner = w->owner;
		pi_leave(x->to, w, waiter);
		waiter->owned_word = false;
		waiter->sleep.key = x->from_key;
		futex_queue(x->from, &waiter->sleep);
	}
	port_unlock2(&x->from->lock, &x->to->lock);
	if (owner) /* the walk that found the circle has lent along it */
		pi_chain_lend(owner);
	return ours;
}

static int exchange_once(struct exchange *x)
{
	bool crowded, circle;

	port_read_lock();
	futex_bucket_lock2(&x->from_key, &x->to_key, &x->from, &x->to);
	int result = exchange_locked(x);
	crowded = futex_bucket_crowded(x->to);
	port_unlock2(&x->from->lock, &x->to->lock);
	ipc_wake_flush(&x->wakes);
	/* All that were moved sleep for one word: a circle through any of them leads back to it. */
	circle = x->chained && pi_chain_walk(&x->next, &x->to_key) == CHAIN_RETURNS;
	if (unlikely(circle) && move_back(x, x->next.thread))
		result = -EDEADLK;
	if (unlikely(crowded))
		futex_table_grow();
	port_read_unlock();
	return result;
}

int futex_pi_requeue(const struct futex_move *m)
{
	if (m->wake < 0 || m->move < 0 || m->from.addr == m->to.addr || m->wake != 1)
		return -EINVAL;
	for (;;) {
		struct exchange x = {.m = m};
		TRY(futex_key_of(m->from, m->scope, &x.from_key));
		TRY(futex_key_of(m->to, m->scope, &x.to_key));
		if (key_equal(&x.from_key, &x.to_key))
			return -EINVAL;
		int result = exchange_once(&x);
		if (result == -EFAULT) {
			TRY(port_user_fault_in(m->from, false));
			TRY(port_user_fault_in(m->to, true));
		} else if (result != EXCHANGE_AGAIN) {
			return result;
		}
		port_yield();
	}
}
