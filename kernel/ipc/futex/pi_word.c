#include "kernel/ipc/futex/pi_word.h"

/* --- Accounts of threads --- */

void futex_pi_thread_init(struct port_pi *p)
{
	port_lock_init(&p->lock, LOCK_CLASS_FUTEX_PI);
	p->ready = true;
}

/* p locked. */
static u32 effective_priority(const struct port_thread *t, const struct port_pi *p)
{
	return MAX(port_base_priority(t), p->boost);
}

/* p locked, `held` has changed. */
static void inherit(struct port_thread *t, struct port_pi *p)
{
	struct rb_node *most = rb_first(&p->held);
	u32 boost = most ? rb_entry(most, struct pi_word, held)->lent : 0;

	if (boost == p->boost)
		return;
	p->boost = boost;
	port_boost(t, boost);
}

static bool lends_more(const struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct pi_word, held)->lent > rb_entry(b, struct pi_word, held)->lent;
}

static u32 to_lend(const struct pi_word *w)
{
	struct pi_waiter *first = pi_first_waiter(w);
	return first ? first->priority : 0;
}

/* The owner is w->owner from here on. */
static void account_open(struct pi_word *w)
{
	struct port_pi *p = port_pi(w->owner);

	GUARD(port)(&p->lock);
	w->lent = to_lend(w);
	rb_insert(&p->held, &w->held, lends_more);
	inherit(w->owner, p);
}
static void account_close(struct pi_word *w)
{
	struct port_pi *p = port_pi(w->owner);

	GUARD(port)(&p->lock);
	rb_erase(&p->held, &w->held);
	inherit(w->owner, p);
}
/* p: the owner's, locked. */
static void account_update(struct pi_word *w, struct port_pi *p)
{
	if (w->lent == to_lend(w))
		return;
	rb_erase(&p->held, &w->held);
	w->lent = to_lend(w);
	rb_insert(&p->held, &w->held, lends_more);
	inherit(w->owner, p);
}

/* --- Words --- */

struct pi_word **pi_word_slot(struct futex_bucket *b, const struct port_futex_key *key)
{
	struct pi_word **slot = &b->owned;
	while (*slot && !key_equal(&(*slot)->key, key))
		slot = &(*slot)->next;
	return slot;
}

void pi_words_move(struct futex_bucket *from, struct futex_bucket *to, struct futex_table *t)
{
	struct pi_word **slot = &from->owned, *w;
	struct rb_node *n;

	while ((w = *slot)) {
		if (bucket_of(t, w->key) != to) {
			slot = &w->next;
			continue;
		}
		*slot = w->next;
		w->next = to->owned;
		to->owned = w;
		from->words--;
		to->words++;
		rb_for_each (n, &w->waiters)
			store_release(&rb_entry(n, struct pi_waiter, node)->sleep.bucket, to);
	}
}

bool pi_word_begin(struct futex_bucket *b, const struct port_futex_key *key, struct pi_waiter *host,
                   struct port_thread *owner, u32 owner_tid)
{
	struct pi_word *w = &host->word;
	struct port_pi *p = port_pi(owner);

	*w = (struct pi_word){
		.key = *key, .owner = owner, .owner_tid = owner_tid, .next = b->owned};
	{
		GUARD(port)(&p->lock);
		if (p->gone)
			return false;
		rb_insert(&p->held, &w->held, lends_more);
	}
	b->owned = w;
	b->words++;
	return true;
}

static void word_end(struct futex_bucket *b, struct pi_word *w)
{
	account_close(w);
	*pi_word_slot(b, &w->key) = w->next;
	b->words--;
}

static struct pi_word *word_move(struct futex_bucket *b, struct pi_word *w, struct pi_waiter *host)
{
	struct pi_word *to = &host->word;
	struct port_pi *p = port_pi(w->owner);

	GUARD(port)(&p->lock); /* `held` is copied, too */
	*to = *w;
	*pi_word_slot(b, &w->key) = to;
	rb_replace(&p->held, &w->held, &to->held);
	return to;
}

struct pi_word *pi_word_settle(struct futex_bucket *b, struct pi_word *w, struct pi_waiter *leaving)
{
	struct pi_waiter *host = pi_first_waiter(w);

	if (!host)
		host = w->fixer;
	if (!host) {
		word_end(b, w);
		return NULL;
	}
	return w == &leaving->word && host != leaving ? word_move(b, w, host) : w;
}

/* --- Sleepers --- */

static bool goes_first(const struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct pi_waiter, node)->priority >
	       rb_entry(b, struct pi_waiter, node)->priority;
}

/* p: t's, locked. => false: t does not sleep for an owned word. */
static bool link_of(struct port_thread *t, const struct port_pi *p, struct pi_link *out)
{
	const struct pi_waiter *waiting = p->waiting;

	if (!waiting)
		return false;
	*out = (struct pi_link){.thread = t,
	                        .bucket = load_acquire(&waiting->sleep.bucket),
	                        .key = waiting->sleep.key,
	                        .sleep = p->sleeps,
	                        .settled = waiting->priority == effective_priority(t, p)};
	return true;
}

bool pi_join(struct futex_bucket *b, struct pi_word *w, struct pi_waiter *waiter,
             struct pi_link *out_next)
{
	struct port_thread *t = waiter->sleep.wait.thread;
	struct port_pi *p = port_pi(t), *owner = port_pi(w->owner);

	waiter->sleep.key = w->key;
	waiter->owned_word = true;
	store_release(&waiter->sleep.bucket, b);
	{
		GUARD(port)(&p->lock);
		waiter->priority = effective_priority(t, p);
		p->waiting = waiter;
		p->sleeps++;
	}
	rb_insert(&w->waiters, &waiter->node, goes_first);
	GUARD(port)(&owner->lock);
	account_update(w, owner);
	return link_of(w->owner, owner, out_next);
}

struct pi_word *pi_leave(struct futex_bucket *b, struct pi_word *w, struct pi_waiter *waiter)
{
	struct port_pi *p = port_pi(waiter->sleep.wait.thread);

	rb_erase(&w->waiters, &waiter->node);
	{
		GUARD(port)(&p->lock);
		p->waiting = NULL;
	}
	w = pi_word_settle(b, w, waiter);
	if (w) {
		p = port_pi(w->owner);
		GUARD(port)(&p->lock);
		account_update(w, p);
	}
	return w;
}

void pi_hand_over(struct futex_bucket *b, struct pi_word *w, struct ipc_wake_list *wakes)
{
	struct pi_waiter *next = pi_first_waiter(w);

	w = pi_leave(b, w, next);
	if (w) {
		account_close(w);
		w->owner = next->sleep.wait.thread;
		w->owner_tid = next->tid;
		account_open(w);
	}
	ipc_waiter_decide(&next->sleep.wait, 0, wakes);
}

bool pi_withdraw(struct ipc_waiter *wait)
{
	struct pi_waiter *waiter = container_of(wait, struct pi_waiter, sleep.wait);
	struct port_thread *owner = NULL;

	port_read_lock();
	struct futex_bucket *b = futex_waiter_lock(&waiter->sleep);
	bool pending = ipc_waiter_pending(wait);
	if (pending && waiter->owned_word) {
		struct pi_word *w = pi_word_find(b, &waiter->sleep.key);
		owner = w->owner;
		pi_leave(b, w, waiter);
	} else if (pending) {
		futex_dequeue(&waiter->sleep);
	}
	port_unlock(&b->lock);
	if (owner)
		pi_chain_lend(owner);
	port_read_unlock();
	return pending;
}

/* --- Chains --- */

enum { LONGEST_CHAIN = 1024 }; /* as Linux's max_lock_depth: beyond it, it is taken for a circle */

static bool first_link(struct port_thread *t, struct pi_link *out)
{
	struct port_pi *p = port_pi(t);

	GUARD(port)(&p->lock);
	return link_of(t, p, out);
}

/* Locks the bucket where the link's thread sleeps. => false: that sleep is over; nothing is locked. It does not matter if the
 * thread sleeps again, even for the same word: in between it may have let go of what the chain came here through. */
static bool link_lock(struct pi_link *l)
{
	struct pi_link now;

	for (;; l->bucket = now.bucket) {
		port_lock(&l->bucket->lock);
		bool sleeps = first_link(l->thread, &now) && now.sleep == l->sleep;
		if (sleeps && now.bucket == l->bucket)
			return true;
		port_unlock(&l->bucket->lock);
		if (!sleeps)
			return false;
	}
}

/* The sleeper of w in thread t goes to its place by t's priority of now. Under t's lock: who changes what t is lent looks next
 * whether the sleeper is settled, and must not see an older judgement overwrite that. */
static void sleeper_settle(struct pi_word *w, struct port_thread *t)
{
	struct port_pi *p = port_pi(t);

	GUARD(port)(&p->lock);
	struct pi_waiter *waiter = p->waiting; /* stays: who takes it off needs the bucket */
	u32 priority = effective_priority(t, p);
	if (waiter->priority == priority)
		return;
	rb_erase(&w->waiters, &waiter->node);
	waiter->priority = priority;
	rb_insert(&w->waiters, &waiter->node, goes_first);
}

/* From a sleeper to what the owner of its word sleeps for. => false: the chain ends there. */
static bool link_step(struct pi_link *l)
{
	struct port_pi *p;

	if (!link_lock(l))
		return false;
	struct futex_bucket *b = l->bucket;
	struct pi_word *w = pi_word_find(b, &l->key);
	sleeper_settle(w, l->thread);
	p = port_pi(w->owner);
	port_lock(&p->lock);
	account_update(w, p);
	bool more = link_of(w->owner, p, l);
	port_unlock(&p->lock);
	port_unlock(&b->lock);
	return more;
}

void pi_chain_lend(struct port_thread *t)
{
	struct pi_link l;
	u32 length = 0;

	for (bool more = first_link(t, &l); more && !l.settled; more = link_step(&l))
		if (++length > LONGEST_CHAIN)
			return;
}

enum pi_chain pi_chain_walk(struct pi_link *l, const struct port_futex_key *key)
{
	const struct port_thread *met = NULL;
	u32 length = 0;

	do {
		if (key_equal(&l->key, key))
			return CHAIN_RETURNS;
		if (l->thread == met)
			return CHAIN_ENDS; /* round in a circle of others */
		if (++length > LONGEST_CHAIN)
			return CHAIN_ENDLESS;
		if (!(length & (length - 1)))
			met = l->thread;
	} while (link_step(l));
	return CHAIN_ENDS;
}

void futex_pi_priority_changed(struct port_thread *t)
{
	pi_chain_lend(t);
}
