/* semop(2): try, then commit or sleep. The flow is drawn in sem.h. */
#include "kernel/ipc/sem/set.h"

/* Applies operations of rq in array order until one cannot be. => how many were. Set locked. */
static ALWAYS_INLINE u32 apply(struct sem_set *set, const struct sem_request *rq,
			       enum sem_verdict *out_verdict)
{
	const struct sembuf *op = rq->ops, *end = op + rq->n;
	enum sem_verdict verdict = SEM_DONE;

	do
		verdict = sem_apply(set, op, rq->undo);
	while (likely(verdict == SEM_DONE) && ++op < end);
	*out_verdict = verdict;
	return (u32)(op - rq->ops);
}

/* Takes back the first n operations of rq. Set locked. */
static void roll_back(struct sem_set *set, const struct sem_request *rq, u32 n)
{
	while (n-- > 0) {
		const struct sembuf *op = &rq->ops[n];
		set->value[op->sem_num] -= op->sem_op;
		if (op->sem_flg & SEM_UNDO)
			rq->undo->adjust[op->sem_num] += op->sem_op;
	}
}

/* Rolls rq back; what would the semaphore of the operation that stops it have to be? */
static struct sem_blocker roll_back_stopped(struct sem_set *set, const struct sem_request *rq, u32 stop)
{
	const struct sembuf *op = &rq->ops[stop];
	s32 reached = set->value[op->sem_num];

	roll_back(set, rq, stop);
	/* Earlier operations of rq on the same semaphore have moved it: they count. */
	return (struct sem_blocker){
		.index = stop,
		.need = set->value[op->sem_num] - reached - op->sem_op,
	};
}

enum sem_verdict sem_try(struct sem_set *set, const struct sem_request *rq, struct sem_blocker *out)
{
	enum sem_verdict verdict;
	u32 applied = apply(set, rq, &verdict);

	if (verdict != SEM_DONE)
		*out = roll_back_stopped(set, rq, applied);
	return verdict;
}

enum sem_verdict sem_probe(struct sem_set *set, const struct sem_request *rq,
			   struct sem_blocker *out)
{
	enum sem_verdict verdict = sem_try(set, rq, out);
	if (verdict == SEM_DONE)
		roll_back(set, rq, rq->n);
	return verdict;
}

void sem_commit(struct sem_set *set, const struct sem_request *rq)
{
	const struct sembuf *op, *end = rq->ops + rq->n;
	s32 *pids = set->pid, pid = rq->pid;

	for (op = rq->ops; op < end; op++)
		pids[op->sem_num] = pid;
	if (likely(!set->sleepers) || !rq->alters)
		return;
	for (op = rq->ops; op < end; op++)
		sem_mark(set, op->sem_num);
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
static NOINLINE int settle_unlock(struct sem_set *set)
{
	struct ipc_wake_list wakes = {0};
	sem_settle(set, &wakes);
	return leave_wake_unlock(set, &wakes);
}
static NOINLINE int settle_one_unlock(struct sem_set *set, u32 num)
{
	struct ipc_wake_list wakes = {0};
	sem_settle_one(set, num, &wakes);
	return leave_wake_unlock(set, &wakes);
}

/* ipc_wait() asks: the sleeper gives up, unless its outcome is decided. */
static bool withdraw(struct ipc_waiter *wait)
{
	struct sem_waiter *w = container_of(wait, struct sem_waiter, wait);
	bool pending = false;

	port_read_lock();
	if (!ipc_waiter_over(wait)) { /* so the set's memory is still there, see wait.h */
		port_lock(&w->set->obj.lock);
		pending = ipc_waiter_pending(wait);
		if (pending)
			sem_unwatch(w);
		port_unlock(&w->set->obj.lock);
	}
	port_read_unlock();
	return pending;
}

static int sleep_unlock(struct sem_set *set, const struct sem_request *rq, struct sem_blocker at,
			u64 deadline)
{
	struct sem_waiter w;

	ipc_waiter_init(&w.wait);
	w.rq = *rq;
	w.set = set;
	w.arrival = set->next_arrival++;
	if (unlikely(rq->n > 1))
		list_add_tail(&set->complex, &w.complex_link);
	set->sleepers++;
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

static int perform_unlock(struct sem_set *set, const struct sem_request *rq, u64 deadline);

/* rq was stopped: fails, or sleeps until it is over. */
static NOINLINE int stopped_unlock(struct sem_set *set, const struct sem_request *rq, struct sem_blocker at,
				   enum sem_verdict verdict, u64 deadline)
{
	if (verdict == SEM_WOULD_BLOCK)
		return leave_unlock(set, -EAGAIN);
	if (verdict == SEM_OUT_OF_RANGE)
		return leave_unlock(set, -ERANGE);
	if (likely(sem_queues_ready(set, rq)))
		return sleep_unlock(set, rq, at, deadline);
	int err = reserve_relocked(set, rq);
	return err ? leave_unlock(set, err) : perform_unlock(set, rq, deadline);
}

static ALWAYS_INLINE int perform_unlock_inline(struct sem_set *set, const struct sem_request *rq,
					       u64 deadline)
{
	enum sem_verdict verdict;
	u32 applied = apply(set, rq, &verdict);

	if (unlikely(verdict != SEM_DONE))
		return stopped_unlock(set, rq, roll_back_stopped(set, rq, applied), verdict, deadline);
	sem_commit(set, rq);
	set->otime = port_real_seconds();
	return likely(!set->sleepers) ? leave_unlock(set, 0) : settle_unlock(set);
}
static NOINLINE int perform_unlock(struct sem_set *set, const struct sem_request *rq, u64 deadline)
{
	return perform_unlock_inline(set, rq, deadline);
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

static ALWAYS_INLINE struct sem_request survey(const struct sembuf *ops, u32 n)
{
	const struct sembuf *op = ops, *end = ops + n;
	u32 highest = 0, flags = 0, changes = 0;

	do {
		highest = MAX(highest, (u32)op->sem_num);
		changes |= (u16)op->sem_op;
		flags |= (u16)op->sem_flg;
	} while (++op < end);
	return (struct sem_request){
		.ops = ops,
		.n = n,
		.highest = highest,
		.alters = changes != 0,
		.wants_undo = flags & SEM_UNDO,
		.pid = port_pid(),
	};
}

/* Any number of operations, with or without SEM_UNDO. */
static NOINLINE int op_general(struct ipc_namespace *ns, ipc_id_t id, const struct sembuf *ops, u32 n,
			       u64 deadline)
{
	struct sem_request rq = survey(ops, n);

	port_read_lock();
	struct sem_set *set = sem_find(ns, id);
	int err = vet(set, rq.highest, rq.alters);
	if (!err && rq.wants_undo) {
		rq.undo = sem_undo_obtain(set);
		err = is_err(rq.undo) ? ptr_err(rq.undo) : 0;
	}
	if (unlikely(err)) {
		port_read_unlock();
		return err;
	}
	port_lock(&set->obj.lock);
	if (unlikely(set->obj.removed || (rq.undo && rq.undo->set != set)))
		return leave_unlock(set, -EIDRM);
	return perform_unlock_inline(set, &rq, deadline);
}

/* A single operation was stopped. */
static NOINLINE int single_stopped_unlock(struct sem_set *set, const struct sembuf *op,
					  struct sem_undo *undo, enum sem_verdict verdict, u64 deadline)
{
	const struct sem_request rq = {
		.ops = op,
		.n = 1,
		.highest = op->sem_num,
		.alters = op->sem_op,
		.pid = port_pid(),
		.undo = undo,
	};
	const struct sem_blocker at = {.index = 0, .need = -op->sem_op};
	return stopped_unlock(set, &rq, at, verdict, deadline);
}

enum undo_use { WITHOUT_UNDO, WITH_UNDO };

/* The common case, made once for operations without SEM_UNDO and once for those with. */
static ALWAYS_INLINE int op_single(struct ipc_namespace *ns, ipc_id_t id, const struct sembuf *op,
				   u64 deadline, enum undo_use use)
{
	struct sem_undo *undo = NULL;

	port_read_lock();
	struct sem_set *set = sem_find(ns, id);
	int err = vet(set, op->sem_num, op->sem_op != 0);
	if (use == WITH_UNDO && likely(!err)) {
		undo = sem_undo_obtain(set);
		err = is_err(undo) ? ptr_err(undo) : 0;
	}
	if (unlikely(err)) {
		port_read_unlock();
		return err;
	}
	port_lock(&set->obj.lock);
	if (unlikely(set->obj.removed || (use == WITH_UNDO && undo->set != set)))
		return leave_unlock(set, -EIDRM);

	enum sem_verdict verdict = sem_apply(set, op, undo);
	if (unlikely(verdict != SEM_DONE)) {
		if (verdict == SEM_WOULD_BLOCK)
			return leave_unlock(set, -EAGAIN);
		return single_stopped_unlock(set, op, undo, verdict, deadline);
	}
	set->pid[op->sem_num] = port_pid();
	set->otime = port_real_seconds();
	if (unlikely(set->sleepers && op->sem_op))
		return settle_one_unlock(set, op->sem_num);
	return leave_unlock(set, 0);
}
static NOINLINE int op_single_undo(struct ipc_namespace *ns, ipc_id_t id, const struct sembuf *op,
				   u64 deadline)
{
	return op_single(ns, id, op, deadline, WITH_UNDO);
}

int sem_op(struct ipc_namespace *ns, ipc_id_t id, const struct sembuf *ops, u32 n, u64 deadline)
{
	if (unlikely(n != 1))
		return op_general(ns, id, ops, n, deadline);
	if (unlikely(ops->sem_flg & SEM_UNDO))
		return op_single_undo(ns, id, ops, deadline);
	return op_single(ns, id, ops, deadline, WITHOUT_UNDO);
}
