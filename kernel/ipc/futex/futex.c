#include "kernel/ipc/futex/pi_word.h"

/* --- Waiting --- */

bool futex_withdraw(struct ipc_waiter *wait)
{
	struct futex_waiter *w = container_of(wait, struct futex_waiter, wait);

	port_read_lock();
	struct futex_bucket *b = futex_waiter_lock(w);
	bool pending = ipc_waiter_pending(wait);
	if (pending)
		futex_dequeue(w);
	port_unlock(&b->lock);
	port_read_unlock();
	return pending;
}

int futex_queue_if(struct futex_waiter *w, uptr_t word, u32 expected)
{
	u32 value;

	port_read_lock();
	struct futex_bucket *b = futex_bucket_lock(w->key);
	int err = port_user_load_nofault(word, &value);
	if (!err && value != expected)
		err = -EAGAIN;
	if (!err)
		futex_queue(b, w);
	bool crowded = futex_bucket_crowded(b);
	port_unlock(&b->lock);
	if (unlikely(crowded))
		futex_table_grow();
	port_read_unlock();
	return err;
}

static NOINLINE int wait_for_wake(uptr_t word, enum futex_scope scope, u32 expected, u32 bitset,
                                  u64 deadline)
{
	struct futex_waiter w;
	int err;

	TRY(futex_key_of(word, scope, &w.key));
	ipc_waiter_init(&w.wait);
	w.bitset = bitset;
	w.priority = port_base_priority(port_self());
	while (unlikely((err = futex_queue_if(&w, word, expected)) == -EFAULT)) {
		TRY(port_user_fault_in(word, false));
		/* The page that came in may be another one. */
		TRY(futex_key_of(word, scope, &w.key));
	}
	if (err)
		return err;
	err = ipc_wait(&w.wait, deadline, futex_withdraw);
	return err == -EAGAIN ? -ETIMEDOUT : err;
}

/* A word that others share must be one that can change, even if there is nothing to wait for. */
static NOINLINE int no_wait_shared(uptr_t word)
{
	struct port_futex_key key;

	TRY(port_futex_key(word, true, &key));
	return -EAGAIN;
}

int futex_wait(uptr_t word, enum futex_scope scope, u32 expected, u32 bitset, u64 deadline)
{
	u32 value;

	if (unlikely(!bitset || word.addr % sizeof value))
		return -EINVAL;
	/* Looking before locking costs little, and often there is nothing to wait for. */
	TRY(port_copy_in(&value, word, sizeof value));
	if (value != expected)
		return likely(scope != FUTEX_SHARED) ? -EAGAIN : no_wait_shared(word);
	return wait_for_wake(word, scope, expected, bitset, deadline);
}

/* --- Waking --- */

static ALWAYS_INLINE struct futex_waiter *next_sleeper(const struct futex_waiter *w)
{
	return list_entry(w->link.next, struct futex_waiter, link);
}

/* Cuts the sleepers before `rest` off the front of the word at slot; all, when rest is the first. b locked. */
static void cut_front(struct futex_bucket *b, struct futex_waiter **slot, struct futex_waiter *rest)
{
	struct futex_waiter *first = *slot;

	if (rest == first) {
		*slot = first->next_word;
		b->words--;
		return;
	}
	rest->link.prev = first->link.prev;
	rest->link.prev->next = &rest->link;
	rest->next_word = first->next_word;
	*slot = rest;
}

/* The rest of take(), when the bitset passes some over. */
static NOINLINE int take_selected(struct futex_bucket *b, struct futex_waiter *w, s32 max,
                                  u32 bitset, struct ipc_wake_list *wakes, int taken)
{
	struct futex_waiter *last = list_entry(w->link.prev, struct futex_waiter, link), *next;
	bool done = false;

	for (; !done && (taken < max || !taken); w = next) {
		done = w == last;
		next = next_sleeper(w);
		if (!w->bitset)
			return -EINVAL;
		if (!(w->bitset & bitset))
			continue;
		futex_dequeue(w);
		ipc_waiter_decide(&w->wait, 0, wakes);
		taken++;
	}
	return taken;
}

/* Takes up to max sleepers with a bit of `bitset` off a word, at least one. b locked. => how many; -EINVAL: priority
 * inheritance is at work there, and its sleepers are woken by its own operations only. */
static int take(struct futex_bucket *b, const struct port_futex_key *key, s32 max, u32 bitset,
                struct ipc_wake_list *wakes)
{
	struct futex_waiter **slot = word_find(b, key), *first = *slot, *w = first;
	int taken = 0;

	if (!w)
		return pi_word_find(b, key) ? -EINVAL : 0;
	do {
		if (unlikely(!(w->bitset & bitset))) {
			if (taken)
				cut_front(b, slot, w);
			return take_selected(b, w, max, bitset, wakes, taken);
		}
		ipc_waiter_decide(&w->wait, 0, wakes);
		w = next_sleeper(w);
		taken++;
	} while (w != first && taken < max);
	cut_front(b, slot, w);
	return taken;
}

/* b is locked, and not the whole truth: it has sleepers, or has moved. */
static NOINLINE long wake_sleepers(struct futex_bucket *b, struct port_futex_key key, s32 max,
                                   u32 bitset)
{
	struct ipc_wake_list wakes = {0};
	int woken;

	if (unlikely(b->moved)) {
		port_unlock(&b->lock);
		b = futex_bucket_lock_slow(key);
	}
	woken = take(b, &key, max, bitset, &wakes);
	port_unlock(&b->lock);
	ipc_wake_flush(&wakes);
	port_read_unlock();
	return woken;
}

static ALWAYS_INLINE long wake_key(struct port_futex_key key, s32 max, u32 bitset)
{
	port_read_lock();
	struct futex_bucket *b = bucket_of(load_acquire(&futex_table), key);
	port_lock(&b->lock);
	if (unlikely(b->words | b->moved))
		return wake_sleepers(b, key, max, bitset);
	port_unlock(&b->lock);
	port_read_unlock();
	return 0;
}

static NOINLINE long wake_shared(uptr_t word, s32 max, u32 bitset)
{
	struct port_futex_key key;
	TRY(port_futex_key(word, true, &key));
	return wake_key(key, max, bitset);
}

long futex_wake(uptr_t word, enum futex_scope scope, s32 max, u32 bitset)
{
	struct port_futex_key key;

	if (unlikely(!bitset || word.addr % sizeof(u32)))
		return -EINVAL;
	if (scope == FUTEX_SHARED)
		return wake_shared(word, max, bitset);
	TRY(port_futex_key(word, false, &key));
	return wake_key(key, max, bitset);
}

/* --- Requeueing --- */

/* Hangs a ring of ordinary sleepers behind those of `key`, which is theirs by now. b locked. */
static void append_ring(struct futex_bucket *b, struct futex_waiter *ring)
{
	struct futex_waiter **slot = word_find(b, &ring->key), *first = *slot;
	struct list *last = ring->link.prev;

	if (!first) {
		ring->next_word = NULL;
		*slot = ring;
		b->words++;
		return;
	}
	last->next = &first->link;
	ring->link.prev = first->link.prev;
	ring->link.prev->next = &ring->link;
	first->link.prev = last;
}

/* The first of the word is an ordinary thread, so all are, and they go to the end of the other word in one piece. */
static int move_ordinary(struct futex_bucket *from, struct futex_waiter **slot,
                         struct futex_bucket *to, struct port_futex_key to_key, s32 max)
{
	struct futex_waiter *ring = *slot, *w = ring;
	struct list *last;
	s32 left = max;

	do {
		if (unlikely(!w->bitset))
			break;
		w->key = to_key;
		store_release(&w->bucket, to);
		w = next_sleeper(w);
	} while (--left && w != ring);
	if (left == max)
		return -EINVAL;
	last = w->link.prev;
	cut_front(from, slot, w);
	ring->link.prev = last;
	last->next = &ring->link;
	append_ring(to, ring);
	return max - left;
}

/* Hangs up to max sleepers of m's first word behind those of its second. Both locked. => how many; -EINVAL as take(). */
static int move(struct futex_bucket *from, const struct port_futex_key *from_key,
                struct futex_bucket *to, const struct port_futex_key *to_key, s32 max)
{
	int moved = 0;
	struct futex_waiter **slot, *w;

	if (key_equal(from_key, to_key))
		return 0;
	while (moved < max && (w = *(slot = word_find(from, from_key)))) {
		if (likely(!w->priority)) {
			moved += TRY(move_ordinary(from, slot, to, *to_key, max - moved));
			continue;
		}
		if (!w->bitset)
			return -EINVAL;
		futex_dequeue(w);
		w->key = *to_key;
		futex_queue(to, w);
		moved++;
	}
	return moved < max && pi_word_find(from, from_key) ? -EINVAL : moved;
}

static int requeue_once(const struct futex_move *m, const struct port_futex_key *from_key,
                        const struct port_futex_key *to_key)
{
	struct ipc_wake_list wakes = {0};
	struct futex_bucket *from, *to;
	u32 value;
	int result = 0, moved;

	port_read_lock();
	futex_bucket_lock2(from_key, to_key, &from, &to);
	if (m->expected)
		result = port_user_load_nofault(m->from, &value);
	if (!result && m->expected && value != *m->expected)
		result = -EAGAIN;
	if (!result && m->wake > 0)
		result = take(from, from_key, m->wake, FUTEX_BITSET_MATCH_ANY, &wakes);
	if (result >= 0) {
		moved = move(from, from_key, to, to_key, m->move);
		result = moved < 0 ? moved : result + moved;
	}
	port_unlock2(&from->lock, &to->lock);
	ipc_wake_flush(&wakes);
	port_read_unlock();
	return result;
}

int futex_requeue(const struct futex_move *m)
{
	struct port_futex_key from, to;

	if (m->wake < 0 || m->move < 0)
		return -EINVAL;
	for (;;) {
		TRY(futex_key_of(m->from, m->scope, &from));
		TRY(futex_key_of(m->to, m->scope, &to));
		int result = requeue_once(m, &from, &to);
		if (likely(result != -EFAULT))
			return result;
		TRY(port_user_fault_in(m->from, false));
	}
}

/* --- Waking with an operation --- */

struct wake_operation {
	u32 op, cmp;
	s32 oparg, cmparg;
};

static struct wake_operation decode(u32 encoded)
{
	struct wake_operation o = {
		.op = encoded >> 28 & 7,
		.cmp = encoded >> 24 & 15,
		.oparg = (s32)(encoded << 8) >> 20,
		.cmparg = (s32)(encoded << 20) >> 20,
	};
	if (encoded >> 28 & FUTEX_OP_ARG_SHIFT)
		o.oparg = (s32)(1u << (o.oparg & 31));
	return o;
}

/* => 0 and the new value, or -ENOSYS. */
static int operate(const struct wake_operation *o, u32 value, u32 *out)
{
	u32 arg = (u32)o->oparg;
	switch (o->op) {
	case FUTEX_OP_SET: *out = arg; return 0;
	case FUTEX_OP_ADD: *out = value + arg; return 0;
	case FUTEX_OP_OR: *out = value | arg; return 0;
	case FUTEX_OP_ANDN: *out = value & ~arg; return 0;
	case FUTEX_OP_XOR: *out = value ^ arg; return 0;
	}
	return -ENOSYS;
}

/* => 1, 0, or -ENOSYS. */
static int compare(const struct wake_operation *o, s32 old)
{
	switch (o->cmp) {
	case FUTEX_OP_CMP_EQ: return old == o->cmparg;
	case FUTEX_OP_CMP_NE: return old != o->cmparg;
	case FUTEX_OP_CMP_LT: return old < o->cmparg;
	case FUTEX_OP_CMP_LE: return old <= o->cmparg;
	case FUTEX_OP_CMP_GT: return old > o->cmparg;
	case FUTEX_OP_CMP_GE: return old >= o->cmparg;
	}
	return -ENOSYS;
}

/* Changes the word atomically, without faulting. => comparison of its old value, -ENOSYS, -EFAULT. */
static int change_and_compare(uptr_t word, const struct wake_operation *o)
{
	u32 old, new, found;
	TRY(operate(o, 0, &new)); /* an operation that does not exist comes before a bad address */
	TRY(port_user_load_nofault(word, &old));
	for (;; old = found) {
		TRY(operate(o, old, &new));
		TRY(port_user_cmpxchg_nofault(word, old, new, &found));
		if (found == old)
			return compare(o, (s32)old);
	}
}

static int wake_op_once(const struct futex_pair *p, const struct port_futex_key *key,
                        const struct port_futex_key *other_key)
{
	const struct wake_operation o = decode(p->operation);
	struct ipc_wake_list wakes = {0};
	struct futex_bucket *b, *other;

	port_read_lock();
	futex_bucket_lock2(key, other_key, &b, &other);
	int holds = change_and_compare(p->other, &o), result = holds;
	if (holds >= 0)
		result = take(b, key, p->wake, FUTEX_BITSET_MATCH_ANY, &wakes);
	if (holds > 0 && result >= 0) {
		int more = take(other, other_key, p->wake_other, FUTEX_BITSET_MATCH_ANY, &wakes);
		result = more < 0 ? more : result + more;
	}
	port_unlock2(&b->lock, &other->lock);
	ipc_wake_flush(&wakes);
	port_read_unlock();
	return result;
}

int futex_wake_op(const struct futex_pair *p)
{
	struct port_futex_key key, other;
	for (;;) {
		TRY(futex_key_of(p->word, p->scope, &key));
		TRY(futex_key_of(p->other, p->scope, &other));
		int result = wake_op_once(p, &key, &other);
		if (likely(result != -EFAULT))
			return result;
		TRY(port_user_fault_in(p->other, true));
	}
}
