#include "kernel/ipc/futex/pi_word.h"

/* --- Locking --- */

/* Nobody sleeps for the word, and it names an owner. */
static int claim_of_owner(struct futex_bucket *b, struct pi_claim *c, u32 value)
{
	u32 tid = value & FUTEX_TID_MASK, want = value | FUTEX_WAITERS, found;
	struct port_thread *owner;

	/* From here on the owner has to come to the kernel to let go, and waits for the bucket. */
	TRY(port_user_cmpxchg_nofault(c->word, value, want, &found));
	if (found != value)
		return CLAIM_AGAIN;
	owner = port_thread_find((s32)tid);
	if (owner && pi_word_begin(b, &c->key, c->waiter, owner, tid)) {
		c->found = &c->waiter->word;
		return CLAIM_QUEUE;
	}
	/* Gone; did its robust list mark the word on the way? */
	TRY(port_user_load_nofault(c->word, &found));
	return found == want ? -ESRCH : CLAIM_AGAIN;
}

/* Does the word say what w knows? It names nobody while its owner dies, who has marked it and is about to hand it over; and
 * an earlier owner until the fixer has written it. */
static bool names_owner(const struct pi_word *w, u32 value)
{
	u32 tid = value & FUTEX_TID_MASK;

	return tid == w->owner_tid || w->fixer || (!tid && value & FUTEX_OWNER_DIED);
}

int pi_claim(struct futex_bucket *b, struct pi_claim *c)
{
	u32 me = c->waiter->tid, value, found, want;

	TRY(port_user_load_nofault(c->word, &value));
	if ((value & FUTEX_TID_MASK) == me)
		return -EDEADLK;
	c->found = pi_word_find(b, &c->key);
	if (c->found) {
		if (c->found->owner == c->waiter->sleep.wait.thread)
			return -EDEADLK;
		return names_owner(c->found, value) ? CLAIM_QUEUE : -EINVAL;
	}
	if (*word_find(b, &c->key))
		return -EINVAL; /* plain sleepers */
	if (value & FUTEX_TID_MASK)
		return claim_of_owner(b, c, value);
	want = (value & FUTEX_OWNER_DIED) | (c->contended ? FUTEX_WAITERS : 0) | me;
	TRY(port_user_cmpxchg_nofault(c->word, value, want, &found));
	return found == value ? CLAIM_TAKEN : CLAIM_AGAIN;
}

enum patience { PI_TRY, PI_WAIT };

/* Joined, and the owner sleeps, too: for `next`. => true: so it does for ours, in a circle. Read section. */
static bool sleeps_in_circle(struct pi_claim *c, struct pi_link *next)
{
	switch (pi_chain_walk(next, &c->key)) {
	case CHAIN_ENDS: return false;
	case CHAIN_RETURNS: return next->thread == port_self();
	case CHAIN_ENDLESS: return true;
	}
	return false;
}

/* => as pi_claim(), but joined; -EAGAIN: a try, and it is owned. */
static int claim_and_join(struct pi_claim *c, enum patience patience)
{
	struct ipc_waiter *wait = &c->waiter->sleep.wait;
	struct pi_link next;
	bool chained = false;

	port_read_lock();
	struct futex_bucket *b = futex_bucket_lock(c->key);
	int result = pi_claim(b, c);
	if (result == CLAIM_QUEUE && patience == PI_WAIT) {
		chained = pi_join(b, c->found, c->waiter, &next);
	} else if (result == CLAIM_QUEUE) {
		pi_word_settle(b, c->found, c->waiter);
		result = -EAGAIN;
	}
	bool crowded = futex_bucket_crowded(b);
	port_unlock(&b->lock);
	if (unlikely(chained) && sleeps_in_circle(c, &next) && pi_withdraw(wait))
		result = -EDEADLK;
	if (unlikely(crowded))
		futex_table_grow();
	port_read_unlock();
	return result;
}

static int lock_word(uptr_t word, enum futex_scope scope, enum patience patience, u64 deadline)
{
	struct pi_waiter waiter = {.tid = (u32)port_tid()};
	struct pi_claim c = {.word = word, .waiter = &waiter};

	ipc_waiter_init(&waiter.sleep.wait);
	for (;;) {
		TRY(futex_key_of(word, scope, &c.key));
		int result = claim_and_join(&c, patience);
		if (result == CLAIM_QUEUE)
			return pi_wait(&waiter, word, deadline);
		if (result == -EFAULT)
			TRY(port_user_fault_in(word, true));
		else if (result != CLAIM_AGAIN)
			return result;
		else
			port_yield();
	}
}

int futex_pi_lock(uptr_t word, enum futex_scope scope, u64 deadline)
{
	int err = lock_word(word, scope, PI_WAIT, deadline);
	return err == -EAGAIN ? -ETIMEDOUT : err;
}

int futex_pi_trylock(uptr_t word, enum futex_scope scope)
{
	return lock_word(word, scope, PI_TRY, PORT_FOREVER);
}

/* --- The owner died --- */

/* The word says that its owner died, and that it is ours. b locked. */
static int write_owner(uptr_t word, u32 tid)
{
	u32 value, found;

	TRY(port_user_load_nofault(word, &value));
	for (;; value = found) {
		TRY(port_user_cmpxchg_nofault(word, value, tid | FUTEX_WAITERS | FUTEX_OWNER_DIED,
		                              &found));
		if (found == value)
			return 0;
	}
}

/* The first sleeper becomes the owner, and has to write that into the word itself. */
static void hand_over_unwritten(struct futex_bucket *b, struct pi_word *w,
                                struct ipc_wake_list *wakes)
{
	w->fixer = pi_first_waiter(w);
	w->fixer->fix = true;
	pi_hand_over(b, w, wakes);
}

/* => 0, or -EFAULT: then it goes to the next, who may see the word. */
static int fix_word(uptr_t word, struct pi_waiter *waiter)
{
	struct ipc_wake_list wakes = {0};
	bool tried_all = false;
	int err;

	do {
		port_read_lock();
		struct futex_bucket *b = futex_bucket_lock(waiter->sleep.key);
		err = write_owner(word, waiter->tid);
		if (!err || tried_all) {
			struct pi_word *w = pi_word_find(b, &waiter->sleep.key);
			w->fixer = NULL;
			w = pi_word_settle(b, w, waiter);
			if (err && w)
				hand_over_unwritten(b, w, &wakes);
		}
		port_unlock(&b->lock);
		ipc_wake_flush(&wakes);
		port_read_unlock();
		if (!err || tried_all)
			return err;
		tried_all = port_user_fault_in(word, true) != 0;
	} while (true);
}

int pi_wait(struct pi_waiter *waiter, uptr_t word, u64 deadline)
{
	int err = ipc_wait(&waiter->sleep.wait, deadline, pi_withdraw);

	return !err && unlikely(waiter->fix) ? fix_word(word, waiter) : err;
}

/* => true and the key of a word that this thread owns. */
static bool still_holds(struct port_pi *p, struct port_futex_key *out_key)
{
	GUARD(port)(&p->lock);
	if (rb_empty(&p->held))
		return false;
	*out_key = rb_entry(rb_first(&p->held), struct pi_word, held)->key;
	return true;
}

static void let_go_dying(const struct port_futex_key *key)
{
	struct ipc_wake_list wakes = {0};
	struct futex_bucket *b = futex_bucket_lock(*key);
	struct pi_word *w = pi_word_find(b, key);

	if (w && w->owner == port_self() && pi_first_waiter(w))
		hand_over_unwritten(b, w, &wakes);
	port_unlock(&b->lock);
	ipc_wake_flush(&wakes);
}

static void gone_set(struct port_pi *p, bool gone)
{
	GUARD(port)(&p->lock);
	p->gone = gone;
}

void futex_pi_exit(bool dying)
{
	struct port_pi *p = port_pi(port_self());
	struct port_futex_key key;

	/* First, so that it ends: nobody makes this thread an owner while it lets go. */
	gone_set(p, true);
	port_read_lock();
	while (still_holds(p, &key))
		let_go_dying(&key);
	port_read_unlock();
	if (!dying)
		gone_set(p, false);
}

/* --- Unlocking --- */

enum { UNLOCK_AGAIN = 1 };

static int unlock_once(uptr_t word, const struct port_futex_key *key, u32 value,
                       struct futex_bucket *b, struct ipc_wake_list *wakes)
{
	struct pi_word *w = pi_word_find(b, key);
	u32 found, want = 0;

	if (w ? w->owner != port_self() : *word_find(b, key) != NULL)
		return -EINVAL;
	if (w)
		want = pi_first_waiter(w)->tid | FUTEX_WAITERS;
	TRY(port_user_cmpxchg_nofault(word, value, want, &found));
	if (found != value)
		return UNLOCK_AGAIN;
	if (w)
		pi_hand_over(b, w, wakes);
	return 0;
}

int futex_pi_unlock(uptr_t word, enum futex_scope scope)
{
	u32 me = (u32)port_tid(), value;
	struct port_futex_key key;

	for (;;) {
		struct ipc_wake_list wakes = {0};
		TRY(port_copy_in(&value, word, sizeof value));
		if ((value & FUTEX_TID_MASK) != me)
			return -EPERM;
		TRY(futex_key_of(word, scope, &key));
		port_read_lock();
		struct futex_bucket *b = futex_bucket_lock(key);
		int result = unlock_once(word, &key, value, b, &wakes);
		port_unlock(&b->lock);
		ipc_wake_flush(&wakes);
		port_read_unlock();
		if (result == -EFAULT)
			TRY(port_user_fault_in(word, true));
		else if (result != UNLOCK_AGAIN)
			return result;
	}
}
