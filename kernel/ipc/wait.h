/*
 * Waiting: how every blocking operation of the module sleeps, is completed, and wakes.
 *
 * A waiter is a record on the sleeper's stack, queued at an object. Its outcome is decided exactly once,
 * under the object's lock, by whoever is first: a thread that performs the operation on the sleeper's
 * behalf (DONE or ERROR), one that removes the object (REMOVED), or the sleeper itself when its time is
 * up or a signal came (TIMEOUT, SIGNAL). The loser of such a race finds it decided and changes nothing.
 *
 *	              ipc_waiter_decide(w, result)         ipc_wake_flush
 *	WAIT_PENDING -----------------------------> WAIT_DECIDED ---------> WAIT_OVER, thread unparked
 *	     |        object's lock held, w dequeued      after unlock; w may vanish at once
 *	     | sleeper: deadline or signal, object's lock held, w still pending
 *	     +--> withdrawn: the sleeper returns -EAGAIN or -EINTR
 *
 * Why two steps? The sleeper's stack may be gone as soon as it sees WAIT_OVER; so the list of those to
 * wake is linked through the records, which stay valid until the flush has read them.
 *
 * The woken thread only reads its result: it takes no lock and does not touch the object, which may be
 * gone. A sleeper that withdraws does. If it holds no reference to the object, it enters a read section and
 * looks whether its wait is over: if not, the object has not yet been handed to port_defer, because
 * removal flushes first, and its lock may be taken.
 */
#pragma once
#include "kernel/ipc/port.h"

enum ipc_wait_state { WAIT_PENDING, WAIT_DECIDED, WAIT_OVER };

struct ipc_waiter {
	struct port_thread *thread; /* [I] */
	struct ipc_waiter *next;    /* next to wake, once decided */
	s32 result;                 /* [l] 0 or -errno, once decided */
	u32 state;                  /* [a] enum ipc_wait_state; decided under the object's lock */
};

/* Waiters decided under a lock, to be woken after it is released. In order. */
struct ipc_wake_list {
	struct ipc_waiter *first, *last;
};

static inline void ipc_waiter_init(struct ipc_waiter *w)
{
	*w = (struct ipc_waiter){.thread = port_self()};
}
static inline bool ipc_waiter_pending(const struct ipc_waiter *w)
{
	return load_relaxed(&w->state) == WAIT_PENDING;
}
/* => lock of the object held, w pending and no longer queued. */
static inline void ipc_waiter_decide(struct ipc_waiter *w, s32 result, struct ipc_wake_list *list)
{
	DEBUG_ASSERT(ipc_waiter_pending(w));
	w->result = result;
	store_relaxed(&w->state, WAIT_DECIDED);
	w->next = NULL;
	if (list->first)
		list->last->next = w;
	else
		list->first = w;
	list->last = w;
}

/* Wakes all on the list, which is empty then. No lock held. */
void ipc_wake_all(struct ipc_waiter *first);
static ALWAYS_INLINE void ipc_wake_flush(struct ipc_wake_list *list)
{
	struct ipc_waiter *first = list->first;
	list->first = NULL;
	if (unlikely(first))
		ipc_wake_all(first);
}

static inline bool ipc_waiter_over(const struct ipc_waiter *w)
{
	return load_acquire(&w->state) == WAIT_OVER;
}

/* The end of most `withdraw` functions, of sleepers without a reference to their object: `lock` is the object's, and is
 * looked at only if the object must still be there. */
bool ipc_waiter_withdraw(struct ipc_waiter *w, struct port_lock *lock,
                         void (*dequeue)(struct ipc_waiter *w));

/*
 * Sleeps until w is over, the deadline, or a signal. => its result, -EAGAIN at the deadline, -EINTR.
 * `withdraw` locks the object and, if w is still pending, dequeues it and returns true.
 */
MUST_CHECK int ipc_wait_more(struct ipc_waiter *w, u64 deadline,
                             bool (*withdraw)(struct ipc_waiter *w), enum port_wake why);
MUST_CHECK static ALWAYS_INLINE int ipc_wait(struct ipc_waiter *w, u64 deadline,
                                             bool (*withdraw)(struct ipc_waiter *w))
{
	enum port_wake why = port_park(deadline, PORT_INTERRUPTIBLE);
	return likely(ipc_waiter_over(w)) ? w->result : ipc_wait_more(w, deadline, withdraw, why);
}
