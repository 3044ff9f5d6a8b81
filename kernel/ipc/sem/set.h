/*
 * A semaphore set inside: for the files of this folder only. The essay is in sem.h.
 *
 * What protects a field: [I] immutable, [l] the set's lock, [own] the sleeper until it is queued.
 */
#pragma once
#include "kernel/ipc/ns.h"
#include "kernel/ipc/sem/sem.h"
#include "kernel/ipc/wait.h"
#include "kernel/lib/list.h"
#include "kernel/lib/rbtree.h"

enum { QUEUE_LEAF = 64 };
/* The queues of 64 neighbouring semaphores, those that ever had a sleeper. */
struct sem_queue_leaf {
	struct sem_queue *queue[QUEUE_LEAF];
};

struct sem_set {
	struct ipc_object obj;
	u32 nsems;                /* [I] */
	u32 sleepers;             /* [l] waiters in all queues */
	u16 *value;               /* [l] packed, so that GETALL is one copy */
	s32 *pid;                 /* [l] sempid */
	s64 otime, ctime;         /* [l] seconds */
	struct list undos;        /* [l] struct sem_undo.set_link */
	struct sem_queue *dirty;  /* [l] queues to look at, empty outside sem_settle */
	struct sem_queue *queues; /* [l] all queues made so far, newest first */
	struct list complex;      /* [l] waiters with several operations, by arrival */
	u64 next_arrival;         /* [l] */
	u32 fragile;              /* [l] waiters that any change may fail, see settle.c */
	s32 ceiling;              /* [l] a value above this may fail others */
	bool changed;  /* [l] since fragile waiters were looked at: some value changed, */
	bool exceeded; /* [l] one rose above the ceiling, */
	bool zeroed;   /* [l] one became zero */
	struct sem_queue_leaf *leaf[]; /* [l] one for each 64 semaphores, NULL: no queues there */
};

/* What a waiter waits for at the semaphore that blocks it. */
enum sem_watch_kind {
	SEM_AT_LEAST, /* value >= need: blocked by a decrement */
	SEM_EQUAL,    /* value == need: blocked by a wait for zero, among changes */
	SEM_ZERO,     /* value == 0: all operations of the call wait for zero */
};

/* One call of semop. */
struct sem_request {
	const struct sembuf *ops; /* [I] */
	u32 n;                    /* [I] */
	bool alters;              /* [I] not all wait for zero */
	s32 pid;                  /* [I] */
	struct sem_undo
		*undo; /* [I] where SEM_UNDO operations are noted, or NULL: there are none */
};

enum sem_verdict {
	SEM_DONE,
	SEM_BLOCKED,     /* must sleep, see struct sem_blocker */
	SEM_WOULD_BLOCK, /* IPC_NOWAIT: -EAGAIN */
	SEM_OUT_OF_RANGE /* -ERANGE */
};

struct sem_waiter {
	struct ipc_waiter wait;
	struct sem_request rq;
	struct sem_set *set;      /* [I] good while pending, see wait.h */
	u64 arrival;              /* [l] place in the order of all waiters of the set */
	struct sem_queue *queue;  /* [l] of the semaphore that it watches */
	enum sem_watch_kind kind; /* [l] */
	s32 need;                 /* [l] */
	bool fragile;             /* [l] counted in set->fragile */
	struct list link;         /* [l] in the queue */
	struct list complex_link; /* [l] in set->complex when rq.n > 1 */
	struct rb_node node;      /* [l] in the queue's tree */
	s32 least_need;           /* [l] least need in node's subtree */
};

/* queue.c: the waiters of one semaphore. */
struct sem_queue {
	u32 num;             /* [I] semaphore */
	u32 waiters;         /* [l] in the three lists */
	bool dirty;          /* [l] in set->dirty */
	bool mixed;          /* [l] needs differ: `tree` holds what `blocked` holds */
	struct list blocked; /* [l] SEM_AT_LEAST, by arrival */
	struct list equal;   /* [l] SEM_EQUAL, by arrival */
	u32 equal_not_zero;  /* [l] of `equal`, those that need another value than 0 */
	struct list zero;    /* [l] SEM_ZERO, by arrival */
	struct rb_root tree; /* [l] by arrival; finds the first with need <= value in O(log n) */
	u32 simple_blocked;  /* [l] of `blocked`, those with one operation: for GETNCNT */
	u32 simple_zero;     /* [l] likewise of `zero`, for GETZCNT */
	struct sem_queue *next_dirty; /* [l] */
	struct sem_queue *next;       /* [I] set->queues */
};
/* => queue of semaphore num, or NULL: nobody ever slept there. Set locked. */
static inline struct sem_queue *sem_queue_of(const struct sem_set *set, u32 num)
{
	const struct sem_queue_leaf *leaf = set->leaf[num / QUEUE_LEAF];
	return leaf ? leaf->queue[num % QUEUE_LEAF] : NULL;
}
/* Can a change of semaphore num to its present value concern no sleeper? Set locked. */
static ALWAYS_INLINE bool sem_nobody_minds(const struct sem_set *set, u32 num)
{
	const struct sem_queue *q = sem_queue_of(set, num);
	return (!q || !q->waiters) && !set->fragile && set->value[num] <= set->ceiling;
}
/* Have all semaphores named in rq a queue? Set locked. */
bool sem_queues_ready(const struct sem_set *set, const struct sem_request *rq);
/* Makes the queues that rq lacks. => 0 or -ENOMEM. Set not locked, read section. */
MUST_CHECK int sem_queues_reserve(struct sem_set *set, const struct sem_request *rq);
void sem_queues_free(struct sem_set *set);
/* Adds w at its place in the order of arrival; removes it. Set locked. */
void sem_queue_add(struct sem_queue *q, struct sem_waiter *w);
/* The same for a newcomer with one operation. */
static ALWAYS_INLINE void sem_queue_add_new(struct sem_queue *q, struct sem_waiter *w)
{
	bool alone = list_empty(&q->blocked);
	if (unlikely(w->kind != SEM_AT_LEAST || q->mixed ||
	             (!alone &&
	              list_first(&q->blocked, struct sem_waiter, link)->need != w->need))) {
		sem_queue_add(q, w);
		return;
	}
	w->queue = q;
	q->waiters++;
	q->simple_blocked++;
	list_add_tail(&q->blocked, &w->link);
}
void sem_queue_del(struct sem_waiter *w);
void sem_queue_del_mixed(struct sem_queue *q, struct sem_waiter *w);
static ALWAYS_INLINE void sem_queue_del_blocked(struct sem_queue *q, struct sem_waiter *w)
{
	list_unlink(&w->link);
	q->waiters--;
	if (unlikely(q->mixed))
		sem_queue_del_mixed(q, w);
	q->simple_blocked -= w->rq.n == 1;
}
/* => the longest waiting of those whose condition `value` meets, SEM_ZERO ones apart, or NULL. */
struct sem_waiter *sem_queue_first_slow(const struct sem_queue *q, s32 value);
static ALWAYS_INLINE struct sem_waiter *sem_queue_first(const struct sem_queue *q, s32 value)
{
	struct sem_waiter *w = list_first(&q->blocked, struct sem_waiter, link);
	if (unlikely(q->mixed || !list_empty(&q->equal)))
		return sem_queue_first_slow(q, value);
	return !list_empty(&q->blocked) && w->need <= value ? w : NULL;
}

/* op.c */
struct sem_blocker { /* why a request cannot proceed now */
	u32 index;   /* which of its operations */
	s32 need;    /* value that the semaphore must have for it, at least or exactly */
};
/* Applies all of rq or nothing. *out is set when blocked. Set locked. */
enum sem_verdict sem_try(struct sem_set *set, const struct sem_request *rq,
                         struct sem_blocker *out);
/* The same verdict, but nothing stays applied. */
enum sem_verdict sem_probe(struct sem_set *set, const struct sem_request *rq,
                           struct sem_blocker *out);
/* After SEM_DONE: pids; marks the queues whose semaphore changed. Set locked. */
void sem_commit(struct sem_set *set, const struct sem_request *rq);
/* Does one operation, or says why not. Set locked. */
static ALWAYS_INLINE enum sem_verdict sem_apply(struct sem_set *set, const struct sembuf *op,
                                                struct sem_undo *undo);

/* settle.c */
/* Notes that semaphore num has a new value, for sem_settle(). Set locked. */
void sem_mark_slow(struct sem_set *set, u32 num);
static ALWAYS_INLINE void sem_mark(struct sem_set *set, u32 num)
{
	if (unlikely(set->sleepers))
		sem_mark_slow(set, num);
}
/* After a change that was no semop, Linux looks at the zeroes of all semaphores. Set locked. */
void sem_mark_zeroes(struct sem_set *set);
/* Queues w, blocked as `at` says, at the semaphore that blocks it; the queue exists. Set locked. */
void sem_watch(struct sem_waiter *w, const struct sem_blocker *at);
/* Takes w out of all queues. Set locked. */
void sem_unwatch(struct sem_waiter *w);
/* Completes all waiters that the marked changes allow. => were any done? Set locked. */
bool sem_settle_marked(struct sem_set *set, struct ipc_wake_list *wakes);
static ALWAYS_INLINE bool sem_settle(struct sem_set *set, struct ipc_wake_list *wakes)
{
	return unlikely(set->sleepers) && sem_settle_marked(set, wakes);
}
/* The same after a change of semaphore num only, not marked; leaves lock and read section, and wakes. => 0 */
int sem_settle_one_unlock(struct sem_set *set, u32 num);

/* set.c */
static ALWAYS_INLINE struct sem_set *sem_find(const struct ipc_namespace *ns, ipc_id_t id)
{
	struct ipc_object *o = ipc_ids_find(&ns->sem, id);
	_Static_assert(offsetof(struct sem_set, obj) == 0, "a NULL object is a NULL set");
	return (struct sem_set *)o;
}

/* undo.c */
enum { SEM_UNDO_BUCKETS = 8 };
struct sem_undo {
	struct sem_set *set;        /* [l] NULL once the set is removed */
	const struct sem_set *key;  /* [I] what it is hashed by */
	struct sem_undo_list *list; /* [I] good while hashed */
	struct list set_link;       /* [l] set->undos */
	struct sem_undo *chain;     /* [list lock] */
	bool hashed;                /* [list lock] whoever clears it frees the entry */
	struct port_defer defer;
	s16 adjust[]; /* [l] one for each semaphore: what exit adds */
};
struct sem_undo_list {
	refcount_t refs;
	struct port_lock lock;
	struct sem_undo *last;     /* [a] hint, hashed; NULL: none */
	struct sem_undo **buckets; /* [l] */
	u32 mask, count;           /* [l] buckets - 1; entries */
	struct sem_undo *settled;  /* at the end: entries to free with the list, by chain */
	struct port_defer defer;
	struct sem_undo *first_buckets[SEM_UNDO_BUCKETS];
};
/* => the caller's entry for set, made if need be; err_ptr: -ENOMEM, -EIDRM. Read section, set not locked.
 * Whether it still belongs to the set must be asked again under the set's lock. */
MUST_CHECK struct sem_undo *sem_undo_obtain_slow(struct sem_set *set);
static ALWAYS_INLINE MUST_CHECK struct sem_undo *sem_undo_obtain(struct sem_set *set)
{
	struct sem_undo_list *l = *port_sem_undo();
	if (likely(l)) {
		struct sem_undo *u = load_acquire(&l->last);
		if (likely(u && load_relaxed(&u->set) == set))
			return u;
	}
	return sem_undo_obtain_slow(set);
}
bool sem_undo_shared(const struct sem_undo *undo);
/* Forgets all adjustments of semaphore num; of all semaphores. Set locked. */
static inline void sem_undo_clear(struct sem_set *set, u32 num)
{
	struct sem_undo *u;
	list_for_each (u, &set->undos, set_link)
		u->adjust[num] = 0;
}
void sem_undo_clear_all(struct sem_set *set);
/* IPC_RMID: detaches all entries into *out (set locked), and frees them (not locked, same read section). */
void sem_undo_detach(struct sem_set *set, struct list *out);
void sem_undo_free_detached(struct list *detached);

static ALWAYS_INLINE enum sem_verdict sem_apply(struct sem_set *set, const struct sembuf *op,
                                                struct sem_undo *undo)
{
	s32 value = set->value[op->sem_num] + op->sem_op;

	if (unlikely((u32)value > SEMVMX || (op->sem_op == 0 && value != 0))) {
		if (value > SEMVMX)
			return SEM_OUT_OF_RANGE;
		return op->sem_flg & IPC_NOWAIT ? SEM_WOULD_BLOCK : SEM_BLOCKED;
	}
	if (undo && op->sem_flg & SEM_UNDO) {
		s32 adjust = undo->adjust[op->sem_num] - op->sem_op;
		if (unlikely(adjust < -SEMAEM - 1 || adjust > SEMAEM))
			return SEM_OUT_OF_RANGE;
		undo->adjust[op->sem_num] = (s16)adjust;
	}
	set->value[op->sem_num] = (u16)value;
	return SEM_DONE;
}
