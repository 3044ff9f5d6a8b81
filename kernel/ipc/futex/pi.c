#include "kernel/ipc/futex/pi.h"
#include "kernel/ipc/futex/table.h"

/* A word with kernel sleepers, or one whose new owner has yet to write its tid (fixing). */
struct pi_word {
	struct rb_node node;
	struct port_futex_key key;
	struct port_thread *owner;
	struct list waiters; /* by priority, then FIFO */
	struct list held_link;
	bool fixing;
};

struct pi_waiter {
	struct ipc_waiter wait;
	struct pi_word
		*word; /* [pi.lock] stays valid until the waiter has returned when `fix` is set */
	struct list link; /* [pi.lock] */
	u32 tid;
	u32 priority; /* [pi.lock] effective, as it is queued */
	bool fix;     /* [pi.lock] the owner died: the new one writes the word */
};

static struct {
	struct port_lock lock; /* class FUTEX_PI */
	struct rb_root words;  /* [lock] by key */
} pi;

/* What a locked section leaves for after it: who is to be woken, what is to be freed. */
struct after {
	struct ipc_wake_list wakes;
	struct pi_word *unused;
};

void futex_pi_init(void)
{
	port_lock_init(&pi.lock, LOCK_CLASS_FUTEX_PI);
}

static struct list *held_by(struct port_thread *t)
{
	struct port_pi *p = port_pi(t);

	if (!p->held.next) /* a thread begins as zeroes */
		list_init(&p->held);
	return &p->held;
}

static bool key_before(const struct port_futex_key *a, const struct port_futex_key *b)
{
	return a->space != b->space ? a->space < b->space : a->offset < b->offset;
}

static bool word_before(const struct rb_node *a, const struct rb_node *b)
{
	return key_before(&rb_entry(a, struct pi_word, node)->key,
	                  &rb_entry(b, struct pi_word, node)->key);
}

static struct pi_word *pi_word_find(const struct port_futex_key *key)
{
	for (struct rb_node *n = pi.words.node; n;) {
		struct pi_word *w = rb_entry(n, struct pi_word, node);
		if (key_equal(&w->key, key))
			return w;
		n = key_before(key, &w->key) ? n->left : n->right;
	}
	return NULL;
}

static void unlock_after(struct after *a)
{
	port_unlock(&pi.lock);
	ipc_wake_flush(&a->wakes);
	port_free(a->unused);
}

/* --- Inheritance; pi.lock held --- */

static struct pi_waiter *first_waiter(const struct pi_word *w)
{
	return list_empty(&w->waiters) ? NULL : list_first(&w->waiters, struct pi_waiter, link);
}

static void queue_waiter(struct pi_word *w, struct pi_waiter *waiter)
{
	struct list *at = w->waiters.prev;

	while (at != &w->waiters &&
	       list_entry(at, struct pi_waiter, link)->priority < waiter->priority)
		at = at->prev;
	list_add(at, &waiter->link);
}

static u32 inherited(struct port_thread *t)
{
	struct pi_word *w;
	u32 most = 0;

	list_for_each (w, held_by(t), held_link) {
		struct pi_waiter *first = first_waiter(w);
		if (first)
			most = MAX(most, first->priority);
	}
	return most;
}

/* What t's sleepers lend it has changed: lends it on along the chain of owners. Ends: chains have no cycles. */
static void lend(struct port_thread *t)
{
	while (t) {
		struct port_pi *p = port_pi(t);
		struct pi_waiter *waiting = p->waiting;
		u32 boost = inherited(t), priority;
		if (boost != p->boost) {
			p->boost = boost;
			port_boost(t, boost);
		}
		priority = MAX(boost, port_base_priority(t));
		if (!waiting || waiting->priority == priority)
			return;
		waiting->priority = priority;
		list_del(&waiting->link);
		queue_waiter(waiting->word, waiting);
		t = waiting->word->owner;
	}
}

/* Would sleeping for `owner` be waiting for oneself? */
static bool would_deadlock(struct port_thread *owner)
{
	struct port_thread *self = port_self();

	while (owner) {
		struct pi_waiter *waiting = port_pi(owner)->waiting;
		if (owner == self)
			return true;
		owner = waiting ? waiting->word->owner : NULL;
	}
	return false;
}

/* Nobody sleeps for the word any more: it goes. */
static void word_drop_if_idle(struct pi_word *w, struct after *a)
{
	if (!list_empty(&w->waiters) || w->fixing)
		return;
	list_del(&w->held_link);
	rb_erase(&pi.words, &w->node);
	a->unused = w;
}

/* The first sleeper becomes the owner, and is woken. */
static void pass_on(struct pi_word *w, struct after *a)
{
	struct pi_waiter *next = first_waiter(w);
	struct port_thread *old = w->owner, *owner = next->wait.thread;

	list_del(&next->link);
	port_pi(owner)->waiting = NULL;
	list_del(&w->held_link);
	w->owner = owner;
	list_add_tail(held_by(owner), &w->held_link);
	word_drop_if_idle(w, a);
	lend(old);
	lend(owner);
	ipc_waiter_decide(&next->wait, 0, &a->wakes);
}

/* --- Locking --- */

struct attempt {
	uptr_t word;
	struct port_futex_key key;
	bool try;
	struct pi_waiter *waiter;
	struct pi_word *spare; /* used up when the word gets its first sleeper */
};
enum { TAKEN = 0, QUEUED = 1 };

static void sleep_for(struct attempt *t, struct pi_word *w, struct port_thread *owner)
{
	struct pi_waiter *waiter = t->waiter;

	if (!w) {
		w = TAKE(t->spare);
		w->key = t->key;
		w->owner = owner;
		list_init(&w->waiters);
		rb_insert(&pi.words, &w->node, word_before);
		list_add_tail(held_by(owner), &w->held_link);
	}
	ipc_waiter_init(&waiter->wait);
	waiter->word = w;
	waiter->fix = false;
	waiter->priority = MAX(port_base_priority(port_self()), port_pi(port_self())->boost);
	queue_waiter(w, waiter);
	port_pi(port_self())->waiting = waiter;
	lend(owner);
}

/* => TAKEN, QUEUED, -EDEADLK, -EAGAIN (try), -ESRCH: the owner is gone; -EFAULT: could not look without faulting.
 * pi.lock held, in a read section. */
static int attempt_locked(struct attempt *t)
{
	u32 me = (u32)port_tid(), value, found, want;

	TRY(port_user_load_nofault(t->word, &value));
	for (;; value = found) {
		struct pi_word *w = pi_word_find(&t->key);
		struct port_thread *owner = w ? w->owner : NULL;
		if ((value & FUTEX_TID_MASK) == me)
			return -EDEADLK;
		want = value | FUTEX_WAITERS;
		if (!w && !(value & FUTEX_TID_MASK)) {
			want = (value & FUTEX_OWNER_DIED) | me;
		} else {
			if (!w)
				owner = port_thread_find((s32)(value & FUTEX_TID_MASK));
			if (!owner || port_pi(owner)->gone) {
				/* It may have let go just before it went. */
				TRY(port_user_load_nofault(t->word, &found));
				if (found == value)
					return -ESRCH;
				continue;
			}
			if (t->try)
				return -EAGAIN;
			if (would_deadlock(owner))
				return -EDEADLK;
		}
		TRY(port_user_cmpxchg_nofault(t->word, value, want, &found));
		if (found != value)
			continue;
		if (!owner)
			return TAKEN;
		sleep_for(t, w, owner);
		return QUEUED;
	}
}

static bool pi_withdraw(struct ipc_waiter *wait)
{
	struct pi_waiter *waiter = container_of(wait, struct pi_waiter, wait);
	struct after a = {};
	bool pending;

	port_lock(&pi.lock);
	pending = ipc_waiter_pending(wait);
	if (pending) {
		struct pi_word *w = waiter->word;
		struct port_thread *owner = w->owner;
		list_del(&waiter->link);
		port_pi(port_self())->waiting = NULL;
		word_drop_if_idle(w, &a);
		lend(owner);
	}
	unlock_after(&a);
	return pending;
}

/* The last owner died: the word says so, and that it is ours. => 0, or -EFAULT: then the word stays as it is. */
static int fix_word(uptr_t word, struct pi_waiter *waiter)
{
	struct pi_word *w = waiter->word;

	for (;;) {
		struct after a = {};
		u32 value, found, want;
		port_lock(&pi.lock);
		int err = port_user_load_nofault(word, &value);
		for (; !err; value = found) {
			want = waiter->tid | FUTEX_OWNER_DIED |
			       (list_empty(&w->waiters) ? 0 : FUTEX_WAITERS);
			err = port_user_cmpxchg_nofault(word, value, want, &found);
			if (!err && found == value)
				break;
		}
		bool done = !err;
		port_unlock(&pi.lock);
		if (!done && !port_user_fault_in(word, true))
			continue;
		port_lock(&pi.lock);
		w->fixing = false;
		word_drop_if_idle(w, &a);
		unlock_after(&a);
		return err;
	}
}

static int wait_for_owner(uptr_t word, struct pi_waiter *waiter, u64 deadline)
{
	int err = ipc_wait(&waiter->wait, deadline, pi_withdraw);

	if (!err && waiter->fix)
		return fix_word(word, waiter);
	return err == -EAGAIN ? -ETIMEDOUT : err;
}

static int lock_word(uptr_t word, enum futex_scope scope, bool try, u64 deadline)
{
	struct pi_waiter waiter = {.tid = (u32)port_tid()};
	struct attempt t = {.word = word, .try = try, .waiter = &waiter};

	for (;;) {
		TRY(futex_key_of(word, scope, &t.key));
		t.spare = try ? NULL : port_alloc(sizeof *t.spare);
		if (!try && !t.spare)
			return -ENOMEM;
		port_read_lock();
		port_lock(&pi.lock);
		int result = attempt_locked(&t);
		port_unlock(&pi.lock);
		port_read_unlock();
		port_free(t.spare);
		if (result == QUEUED)
			return wait_for_owner(word, &waiter, deadline);
		if (result != -EFAULT)
			return result;
		TRY(port_user_fault_in(word, true));
	}
}

int futex_pi_lock(uptr_t word, enum futex_scope scope, u64 deadline)
{
	return lock_word(word, scope, false, deadline);
}

int futex_pi_trylock(uptr_t word, enum futex_scope scope)
{
	return lock_word(word, scope, true, PORT_FOREVER);
}

/* --- Unlocking --- */

static int unlock_locked(uptr_t word, const struct port_futex_key *key, struct after *a)
{
	u32 me = (u32)port_tid(), value, found, want;

	TRY(port_user_load_nofault(word, &value));
	for (;; value = found) {
		struct pi_word *w = pi_word_find(key);
		if ((value & FUTEX_TID_MASK) != me)
			return -EPERM;
		if (w && w->owner != port_self())
			return -EINVAL;
		want = w ? first_waiter(w)->tid | FUTEX_WAITERS : 0;
		TRY(port_user_cmpxchg_nofault(word, value, want, &found));
		if (found != value)
			continue;
		if (w)
			pass_on(w, a);
		return 0;
	}
}

int futex_pi_unlock(uptr_t word, enum futex_scope scope)
{
	struct port_futex_key key;

	for (;;) {
		struct after a = {};
		TRY(futex_key_of(word, scope, &key));
		port_lock(&pi.lock);
		int result = unlock_locked(word, &key, &a);
		unlock_after(&a);
		if (result != -EFAULT)
			return result;
		TRY(port_user_fault_in(word, true));
	}
}

void futex_pi_exit(bool dying)
{
	struct list *held = held_by(port_self());
	bool more = true;

	while (more) {
		struct after a = {};
		port_lock(&pi.lock);
		if (!list_empty(held)) {
			struct pi_word *w = list_first(held, struct pi_word, held_link);
			struct pi_waiter *first = first_waiter(w);
			w->fixing = first != NULL;
			if (first) {
				first->fix = true;
				pass_on(w, &a);
			} else {
				word_drop_if_idle(w, &a);
			}
		}
		more = !list_empty(held);
		if (!more)
			port_pi(port_self())->gone = dying;
		unlock_after(&a);
	}
}
