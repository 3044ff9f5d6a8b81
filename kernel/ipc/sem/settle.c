/*
 * After a change: which sleepers can proceed now, and in which order (the rule is in sem.h).
 *
 * Every sleeper watches one semaphore, with a condition that is false. A change marks the queues of the
 * semaphores that it touched as dirty; only their waiters can have become able. A waiter that is tried and
 * found blocked elsewhere moves there, with its old place in the order of arrival.
 *
 * Fragile waiters. An operation that sleeps at its third sembuf can still fail because of the first: Linux
 * tries every sleeping multi-operation after every change, so if the first one says IPC_NOWAIT and would
 * block now, the call ends with EAGAIN; if it would overflow now, with ERANGE. To end exactly those calls
 * without trying all, watching counts what can fail: `fragile` waiters with IPC_NOWAIT (or an undo entry
 * that other threads change too) before the blocking sembuf, tried after any change; and a `ceiling`, the
 * lowest value that could make an increment before the blocking one overflow. A call fails in its place
 * in the order of arrival: an older one that can proceed goes first, and may save it.
 */
#include "kernel/ipc/sem/set.h"

void sem_mark_slow(struct sem_set *set, u32 num)
{
	struct sem_queue *q = sem_queue_of(set, num);
	s32 value = set->value[num];

	set->changed = true;
	set->exceeded |= value > set->ceiling;
	set->zeroed |= value == 0;
	if (!q || q->dirty || !q->waiters)
		return;
	q->dirty = true;
	q->next_dirty = set->dirty;
	set->dirty = q;
}

void sem_mark_zeroes(struct sem_set *set)
{
	for (u32 i = 0; unlikely(set->fragile) && i < set->nsems && !set->zeroed; i++)
		set->zeroed = set->value[i] == 0;
}

/* What of w could fail before the operation that blocks it? */
static void note_fragile(struct sem_waiter *w, u32 blocking)
{
	s32 rise = 0;
	for (u32 i = 0; i < blocking; i++) {
		const struct sembuf *op = &w->rq.ops[i];
		if (op->sem_flg & IPC_NOWAIT ||
		    (op->sem_flg & SEM_UNDO && sem_undo_shared(w->rq.undo)))
			w->fragile = true;
		if (op->sem_op > 0)
			rise = MIN(rise + op->sem_op, SEMVMX);
	}
	if (rise)
		w->set->ceiling = MIN(w->set->ceiling, SEMVMX - rise);
	w->set->fragile += w->fragile;
}

void sem_watch(struct sem_waiter *w, const struct sem_blocker *at)
{
	const struct sembuf *op = &w->rq.ops[at->index];

	w->need = at->need;
	w->kind = op->sem_op < 0 ? SEM_AT_LEAST : w->rq.alters ? SEM_EQUAL : SEM_ZERO;
	w->fragile = false;
	if (at->index)
		note_fragile(w, at->index);
	sem_queue_add(sem_queue_of(w->set, op->sem_num), w);
}

static void unwatch_here(struct sem_waiter *w)
{
	sem_queue_del(w);
	w->set->fragile -= w->fragile;
}

void sem_unwatch(struct sem_waiter *w)
{
	struct sem_set *set = w->set;

	unwatch_here(w);
	set->sleepers--;
	if (w->rq.n == 1)
		return;
	list_del(&w->complex_link);
	if (list_empty(&set->complex))
		set->ceiling = SEMVMX;
}

static void finish(struct sem_waiter *w, s32 result, struct ipc_wake_list *wakes)
{
	sem_unwatch(w);
	ipc_waiter_decide(&w->wait, result, wakes);
}

/* => was w's operation done? */
static bool retry(struct sem_waiter *w, struct ipc_wake_list *wakes)
{
	struct sem_blocker at;

	switch (sem_try(w->set, &w->rq, &at)) {
	case SEM_DONE:
		finish(w, 0, wakes);
		sem_commit(w->set, &w->rq);
		return true;
	case SEM_BLOCKED:
		unwatch_here(w);
		sem_watch(w, &at);
		return false;
	case SEM_WOULD_BLOCK: finish(w, -EAGAIN, wakes); return false;
	case SEM_OUT_OF_RANGE: finish(w, -ERANGE, wakes); return false;
	}
	UNREACHABLE();
}

/* Would w's call fail now? => 0 or -errno. */
static s32 failure_of(struct sem_waiter *w)
{
	struct sem_blocker at;
	switch (sem_probe(w->set, &w->rq, &at)) {
	case SEM_WOULD_BLOCK: return -EAGAIN;
	case SEM_OUT_OF_RANGE: return -ERANGE;
	case SEM_DONE:
	case SEM_BLOCKED: return 0;
	}
	UNREACHABLE();
}

/* Ends fragile calls that only wait for zero; Linux looks at them when a semaphore is zero. */
static void fail_zero(struct sem_set *set, struct ipc_wake_list *wakes)
{
	struct sem_waiter *w, *next;
	bool look = set->zeroed && set->fragile;

	set->zeroed = false;
	if (likely(!look))
		return;
	list_for_each_safe (w, next, &set->complex, complex_link) {
		s32 err = w->rq.alters ? 0 : failure_of(w);
		if (err)
			finish(w, err, wakes);
	}
}

/* Completes those that only wait for zero. => were any done? */
static bool complete_zero(struct sem_set *set, struct ipc_wake_list *wakes)
{
	bool any = false;
	for (struct sem_queue *q = set->dirty; q; q = q->next_dirty) {
		struct sem_waiter *w, *next;
		if (set->value[q->num] != 0 || list_empty(&q->zero))
			continue;
		list_for_each_safe (w, next, &q->zero, link)
			any |= retry(w, wakes);
	}
	return any;
}

/* Ends the first fragile call that arrived before `arrival` and has become impossible. => was there one? */
static bool fail_before(struct sem_set *set, u64 arrival, struct ipc_wake_list *wakes)
{
	struct sem_waiter *w;

	if (likely(!(set->fragile && set->changed) && !set->exceeded))
		return false;
	list_for_each (w, &set->complex, complex_link) {
		if (w->arrival >= arrival)
			return false;
		s32 err = w->rq.alters ? failure_of(w) : 0;
		if (err) {
			finish(w, err, wakes);
			return true;
		}
	}
	if (arrival == UINT64_MAX)
		set->changed = set->exceeded = false;
	return false;
}

/* => the longest waiting of those that the dirty queues may release, or NULL; queues that release nobody
 * are dirty no more. */
static struct sem_waiter *next_candidate(struct sem_set *set)
{
	struct sem_waiter *best = NULL;
	struct sem_queue **link = &set->dirty, *q;

	while ((q = *link)) {
		struct sem_waiter *w = sem_queue_first(q, set->value[q->num]);
		if (!w) {
			q->dirty = false;
			*link = q->next_dirty;
			continue;
		}
		if (!best || w->arrival < best->arrival)
			best = w;
		/* Where all wait for a single semaphore, one queue cannot affect another. */
		if (list_empty(&set->complex))
			break;
		link = &q->next_dirty;
	}
	return best;
}

bool sem_settle_marked(struct sem_set *set, struct ipc_wake_list *wakes)
{
	bool any = false;
	for (;;) {
		fail_zero(set, wakes);
		any |= complete_zero(set, wakes);
		struct sem_waiter *w = next_candidate(set);
		if (fail_before(set, w ? w->arrival : UINT64_MAX, wakes))
			continue;
		if (!w)
			return any;
		any |= retry(w, wakes);
	}
}

/* --- The common case: everybody sleeps with one operation, and one semaphore changed. --- */

/* w waits with one operation, for what its semaphore is now, and is off its queue. */
static ALWAYS_INLINE void complete_single(struct sem_set *set, struct sem_waiter *w,
                                          struct ipc_wake_list *wakes)
{
	const struct sembuf *op = w->rq.ops;

	set->sleepers--;
	if (likely(!w->rq.undo)) {
		set->value[op->sem_num] += op->sem_op;
	} else if (sem_apply(set, op, w->rq.undo) != SEM_DONE) { /* beyond SEM_UNDO's range */
		ipc_waiter_decide(&w->wait, -ERANGE, wakes);
		return;
	}
	set->pid[op->sem_num] = w->rq.pid;
	ipc_waiter_decide(&w->wait, 0, wakes);
}

static NOINLINE void complete_all_zero(struct sem_set *set, struct sem_queue *q,
                                       struct ipc_wake_list *wakes)
{
	struct sem_waiter *w, *next;

	list_for_each_safe (w, next, &q->zero, link) {
		sem_queue_del(w);
		complete_single(set, w, wakes);
	}
}

static ALWAYS_INLINE void settle_one(struct sem_set *set, u32 num, struct ipc_wake_list *wakes)
{
	struct sem_queue *q =
		sem_queue_of(set, num); /* somebody minds: it exists, or is not needed */
	struct sem_waiter *w;

	if (unlikely(!list_empty(&set->complex))) {
		sem_mark(set, num);
		sem_settle_marked(set, wakes);
		return;
	}
	for (;;) {
		if (set->value[num] == 0) {
			if (unlikely(!list_empty(&q->zero)))
				complete_all_zero(set, q, wakes);
			return; /* single operations only: nobody else waits for zero */
		}
		w = sem_queue_first(q, set->value[num]);
		if (!w)
			return;
		sem_queue_del_blocked(q, w);
		complete_single(set, w, wakes);
	}
}

int sem_settle_one_unlock(struct sem_set *set, u32 num)
{
	struct ipc_wake_list wakes = {0};
	settle_one(set, num, &wakes);
	port_unlock(&set->obj.lock);
	ipc_wake_flush(&wakes);
	port_read_unlock();
	return 0;
}
