/* semop(2): try, then commit or sleep. The flow is drawn in sem.h. */
#include "kernel/ipc/sem/set.h"

/* --- Trying --- */

/* Applies operations in array order until one cannot be. => the one that stops, or `end`. Set locked. */
static ALWAYS_INLINE const struct sembuf *apply(struct sem_set *set, const struct sembuf *ops,
                                                const struct sembuf *end, struct sem_undo *undo,
                                                enum sem_verdict *out_verdict)
{
	enum sem_verdict verdict = SEM_DONE;

	do
		verdict = sem_apply(set, ops, undo);
	while (likely(verdict == SEM_DONE) && ++ops < end);
	*out_verdict = verdict;
	return ops;
}

/* Takes back operations [ops, end). Set locked. */
static void roll_back(struct sem_set *set, const struct sembuf *ops, const struct sembuf *end,
                      struct sem_undo *undo)
{
	while (end-- > ops) {
		set->value[end->sem_num] -= end->sem_op;
		if (end->sem_flg & SEM_UNDO)
			undo->adjust[end->sem_num] += end->sem_op;
	}
}

/* Rolls rq back; what would the semaphore of the operation that stops it have to be? */
static struct sem_blocker roll_back_stopped(struct sem_set *set, const struct sem_request *rq,
                                            const struct sembuf *stop)
{
	s32 reached = set->value[stop->sem_num];

	roll_back(set, rq->ops, stop, rq->undo);
	/* Earlier operations of rq on the same semaphore have moved it: they count. */
	return (struct sem_blocker){
		.index = (u32)(stop - rq->ops),
		.need = set->value[stop->sem_num] - reached - stop->sem_op,
	};
}

enum sem_verdict sem_try(struct sem_set *set, const struct sem_request *rq, struct sem_blocker *out)
{
	enum sem_verdict verdict;
	const struct sembuf *stop = apply(set, rq->ops, rq->ops + rq->n, rq->undo, &verdict);

	if (verdict != SEM_DONE)
		*out = roll_back_stopped(set, rq, stop);
	return verdict;
}

enum sem_verdict sem_probe(struct sem_set *set, const struct sem_request *rq,
                           struct sem_blocker *out)
{
	enum sem_verdict verdict = sem_try(set, rq, out);
	if (verdict == SEM_DONE)
		roll_back(set, rq->ops, rq->ops + rq->n, rq->undo);
	return verdict;
}

/* --- Committing --- */

static ALWAYS_INLINE void note_pids(struct sem_set *set, const struct sembuf *ops,
                                    const struct sembuf *end, s32 pid)
{
	s32 *pids = set->pid;
	do
		pids[ops->sem_num] = pid;
	while (++ops < end);
}

static void mark_all(struct sem_set *set, const struct sembuf *ops, const struct sembuf *end)
{
	for (; ops < end; ops++)
		sem_mark(set, ops->sem_num);
}

void sem_commit(struct sem_set *set, const struct sem_request *rq)
{
	note_pids(set, rq->ops, rq->ops + rq->n, rq->pid);
	if (rq->alters)
		mark_all(set, rq->ops, rq->ops + rq->n);
}

/* --- Leaving: the set is locked in a read section, and afterwards neither. --- */

static ALWAYS_INLINE int leave_unlock(struct sem_set *set, int result)
{
	port_unlock(&set->obj.lock);
	port_read_unlock();
	return result;
}

static int leave_wake_unlock(struct sem_set *set, struct ipc_wake_list *wakes)
{
	port_unlock(&set->obj.lock);
	ipc_wake_flush(wakes);
	port_read_unlock();
	return 0;
}

/* Completes the sleepers that the caller's change lets go. */
static NOINLINE int settle_many_unlock(struct sem_set *set, const struct sembuf *ops,
                                       const struct sembuf *end)
{
	struct ipc_wake_list wakes = {0};
	mark_all(set, ops, end);
	sem_settle(set, &wakes);
	return leave_wake_unlock(set, &wakes);
}

/* --- Sleeping --- */

static void dequeue(struct ipc_waiter *wait)
{
	sem_unwatch(container_of(wait, struct sem_waiter, wait));
}
/* ipc_wait() asks: the sleeper gives up, unless its outcome is decided. */
static bool withdraw(struct ipc_waiter *wait)
{
	struct sem_waiter *w = container_of(wait, struct sem_waiter, wait);
	return ipc_waiter_withdraw(wait, &w->set->obj.lock, dequeue);
}

static ALWAYS_INLINE void waiter_init(struct sem_waiter *w, struct sem_set *set)
{
	ipc_waiter_init(&w->wait);
	w->set = set;
	w->arrival = set->next_arrival++;
	w->fragile = false;
	set->sleepers++;
}

static int sleep_unlock(struct sem_set *set, const struct sem_request *rq, struct sem_blocker at,
                        u64 deadline)
{
	struct sem_waiter w;

	waiter_init(&w, set);
	w.rq = *rq;
	if (rq->n > 1)
		list_add_tail(&set->complex, &w.complex_link);
	sem_watch(&w, &at);
	leave_unlock(set, 0);
	return ipc_wait(&w.wait, deadline, withdraw);
}

/* The queues that a sleeper may need must exist before it sleeps. Drops the lock to make them. */
static int reserve_relocked(struct sem_set *set, const struct sem_request *rq)
{
	port_unlock(&set->obj.lock);
	int err = sem_queues_reserve(set, rq);
	port_lock(&set->obj.lock);
	return set->obj.removed ? -EIDRM : err;
}

/* Performs rq, or fails, or sleeps until it is over. */
static NOINLINE int perform_unlock(struct sem_set *set, const struct sem_request *rq, u64 deadline)
{
	for (;;) {
		struct sem_blocker at;

		switch (sem_try(set, rq, &at)) {
		case SEM_DONE:
			note_pids(set, rq->ops, rq->ops + rq->n, rq->pid);
			set->otime = port_real_seconds();
			return settle_many_unlock(set, rq->ops, rq->ops + (rq->alters ? rq->n : 0));
		case SEM_WOULD_BLOCK: return leave_unlock(set, -EAGAIN);
		case SEM_OUT_OF_RANGE: return leave_unlock(set, -ERANGE);
		case SEM_BLOCKED: break;
		}
		if (likely(sem_queues_ready(set, rq)))
			return sleep_unlock(set, rq, at, deadline);
		int err = reserve_relocked(set, rq);
		if (err)
			return leave_unlock(set, err);
	}
}

/* --- Entering --- */

/* => 0, or why the caller may not do this to `set` (NULL: there is no such set). Read section. */
static ALWAYS_INLINE int vet(const struct sem_set *set, u32 highest, bool alters)
{
	if (unlikely(!set))
		return -EINVAL;
	if (unlikely(highest >= set->nsems))
		return -EFBIG;
	return alters ? ipc_permit(&set->obj, IPC_WRITE) : ipc_permit(&set->obj, IPC_READ);
}

/* What must be known of an array before it is tried. */
struct survey {
	u32 highest; /* sem_num, or a little more: an upper bound */
	bool alters, wants_undo;
};

static ALWAYS_INLINE struct survey survey(const struct sembuf *ops, const struct sembuf *end)
{
	u32 nums_and_ops = 0, both, flags = 0;

	do {
		__builtin_memcpy(&both, ops, sizeof both); /* sem_num below, sem_op above */
		nums_and_ops |= both;
		flags |= (u16)ops->sem_flg;
	} while (++ops < end);
	return (struct survey){
		.highest = (u16)nums_and_ops,
		.alters = nums_and_ops >> 16,
		.wants_undo = flags & SEM_UNDO,
	};
}

static NOINLINE u32 highest_num(const struct sembuf *ops, u32 n)
{
	u32 highest = 0;
	UNROLL(4)
	for (u32 i = 0; i < n; i++)
		highest = MAX(highest, (u32)ops[i].sem_num);
	return highest;
}

/* Any number of operations, with or without SEM_UNDO. */
int sem_op_many(struct ipc_namespace *ns, ipc_id_t id, const struct sembuf *ops, u32 n,
                u64 deadline)
{
	const struct sembuf *end = ops + n;
	struct sem_undo *undo = NULL;
	enum sem_verdict verdict;

	struct survey s = survey(ops, end);
	port_read_lock();
	struct sem_set *set = sem_find(ns, id);
	int err = vet(set, s.highest, s.alters);
	if (unlikely(err == -EFBIG))
		err = vet(set, highest_num(ops, n), s.alters);
	if (!err && s.wants_undo) {
		undo = sem_undo_obtain(set);
		err = is_err(undo) ? ptr_err(undo) : 0;
	}
	if (unlikely(err)) {
		port_read_unlock();
		return err;
	}
	port_lock(&set->obj.lock);
	if (unlikely(set->obj.removed || (undo && undo->set != set)))
		return leave_unlock(set, -EIDRM);

	const struct sembuf *stop = apply(set, ops, end, undo, &verdict);
	if (unlikely(verdict != SEM_DONE)) {
		const struct sem_request rq = {
			.ops = ops, .n = n, .alters = s.alters, .pid = port_pid(), .undo = undo};
		roll_back(set, ops, stop, undo);
		return perform_unlock(set, &rq, deadline);
	}
	note_pids(set, ops, end, port_pid());
	set->otime = port_real_seconds();
	if (unlikely(set->sleepers && s.alters))
		return settle_many_unlock(set, ops, end);
	return leave_unlock(set, 0);
}

/* A single operation cannot be done now. */
static NOINLINE int single_stopped_unlock(struct sem_set *set, const struct sembuf *op,
                                          struct sem_undo *undo, enum sem_verdict verdict,
                                          u64 deadline)
{
	struct sem_queue *q = sem_queue_of(set, op->sem_num);
	struct sem_waiter w;

	w.rq = (struct sem_request){
		.ops = op, .n = 1, .alters = op->sem_op, .pid = port_pid(), .undo = undo};
	if (unlikely(verdict != SEM_BLOCKED || !q))
		return perform_unlock(set, &w.rq, deadline);
	waiter_init(&w, set);
	w.kind = op->sem_op ? SEM_AT_LEAST : SEM_ZERO;
	w.need = -op->sem_op;
	sem_queue_add_new(q, &w);
	leave_unlock(set, 0);
	return ipc_wait(&w.wait, deadline, withdraw);
}

/* One operation, the common case: made three times, twice for undo always NULL. Read section, which it leaves. */
static ALWAYS_INLINE int op_single(struct sem_set *set, const struct sembuf *op,
                                   struct sem_undo *undo, u64 deadline)
{
	port_lock(&set->obj.lock);
	if (unlikely(set->obj.removed || (undo && undo->set != set)))
		return leave_unlock(set, -EIDRM);

	const u32 num = op->sem_num;
	const s32 change = op->sem_op;
	enum sem_verdict verdict = sem_apply(set, op, undo);
	if (unlikely(verdict != SEM_DONE)) {
		if (verdict == SEM_WOULD_BLOCK)
			return leave_unlock(set, -EAGAIN);
		return single_stopped_unlock(set, op, undo, verdict, deadline);
	}
	set->pid[num] = port_pid();
	set->otime = port_real_seconds();
	if (unlikely(set->sleepers && change) && !sem_nobody_minds(set, num))
		return sem_settle_one_unlock(set, num);
	return leave_unlock(set, 0);
}

static NOINLINE int op_single_vetted(struct sem_set *set, const struct sembuf *op, u64 deadline)
{
	int err = vet(set, op->sem_num, op->sem_op != 0);
	if (likely(!err))
		return op_single(set, op, NULL, deadline);
	port_read_unlock();
	return err;
}

/* May the caller do this to a set of its own? Two constants are quicker tested than one variable. */
static ALWAYS_INLINE bool owner_may(const struct sem_set *set, const struct sembuf *op)
{
	if (unlikely(op->sem_num >= set->nsems))
		return false;
	return op->sem_op ? ipc_permits_owner(&set->obj, IPC_WRITE)
	                  : ipc_permits_owner(&set->obj, IPC_READ);
}

/* With a set of one's own it calls nothing in general, and no register is saved. */
int sem_op_single(struct ipc_namespace *ns, ipc_id_t id, const struct sembuf *op, u64 deadline)
{
	port_read_lock();
	struct sem_set *set = sem_find(ns, id);
	if (unlikely(!set) || unlikely(!owner_may(set, op)))
		return op_single_vetted(set, op, deadline);
	return op_single(set, op, NULL, deadline);
}

int sem_op_single_undo(struct ipc_namespace *ns, ipc_id_t id, const struct sembuf *op, u64 deadline)
{
	port_read_lock();
	struct sem_set *set = sem_find(ns, id);
	int err = vet(set, op->sem_num, op->sem_op != 0);
	if (likely(!err)) {
		struct sem_undo *undo = sem_undo_obtain(set);
		if (likely(!is_err(undo)))
			return op_single(set, op, undo, deadline);
		err = ptr_err(undo);
	}
	port_read_unlock();
	return err;
}
