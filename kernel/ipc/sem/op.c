/* semop(2): try, then commit or sleep. The flow is drawn in sem.h. */
#include "kernel/ipc/sem/set.h"

/* Applies operations of rq in array order until one cannot be. => how many were. Set locked. */
static u32 apply(struct sem_set *set, const struct sem_request *rq, enum sem_verdict *out_verdict)
{
	u32 i;
	for (i = 0; i < rq->n; i++) {
		const struct sembuf *op = &rq->ops[i];
		s32 value = set->value[op->sem_num] + op->sem_op;

		if (unlikely((u32)value > SEMVMX || (op->sem_op == 0 && value != 0))) {
			*out_verdict = value > SEMVMX             ? SEM_OUT_OF_RANGE
			               : op->sem_flg & IPC_NOWAIT ? SEM_WOULD_BLOCK
			                                          : SEM_BLOCKED;
			return i;
		}
		if (op->sem_flg & SEM_UNDO) {
			s32 adjust = rq->undo->adjust[op->sem_num] - op->sem_op;
			if (adjust < -SEMAEM - 1 || adjust > SEMAEM) {
				*out_verdict = SEM_OUT_OF_RANGE;
				return i;
			}
			rq->undo->adjust[op->sem_num] = (s16)adjust;
		}
		set->value[op->sem_num] = (u16)value;
	}
	*out_verdict = SEM_DONE;
	return i;
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

/* Rolls rq back; what would the semaphore of the operation that blocks have to be? */
static void roll_back_blocked(struct sem_set *set, const struct sem_request *rq, u32 blocked,
                              struct sem_blocker *out)
{
	const struct sembuf *op = &rq->ops[blocked];
	s32 reached = set->value[op->sem_num];

	roll_back(set, rq, blocked);
	/* Earlier operations of rq on the same semaphore have moved it: they count. */
	out->index = blocked;
	out->need = set->value[op->sem_num] - reached - op->sem_op;
}

enum sem_verdict sem_try(struct sem_set *set, const struct sem_request *rq, struct sem_blocker *out)
{
	enum sem_verdict verdict;
	u32 applied = apply(set, rq, &verdict);

	if (verdict == SEM_BLOCKED)
		roll_back_blocked(set, rq, applied, out);
	else if (verdict != SEM_DONE)
		roll_back(set, rq, applied);
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
	for (u32 i = 0; i < rq->n; i++)
		set->pid[rq->ops[i].sem_num] = rq->pid;
	for (u32 i = 0; unlikely(set->sleepers) && rq->alters && i < rq->n; i++)
		sem_mark(set, rq->ops[i].sem_num);
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

/* Sleeps on a set that is locked in a read section; leaves both. */
static int sleep_unlock(struct sem_set *set, const struct sem_request *rq,
                        const struct sem_blocker *at, u64 deadline)
{
	struct sem_waiter w;

	ipc_waiter_init(&w.wait);
	w.rq = *rq;
	w.set = set;
	w.arrival = set->next_arrival++;
	if (rq->n > 1)
		list_add_tail(&set->complex, &w.complex_link);
	set->sleepers++;
	sem_watch(&w, at);
	port_unlock(&set->obj.lock);
	port_read_unlock();
	return ipc_wait(&w.wait, deadline, withdraw);
}

/* After a change: completes the sleepers that now can, and leaves lock and read section. */
static NOINLINE int settle_unlock(struct sem_set *set)
{
	struct ipc_wake_list wakes = {0};

	sem_settle(set, &wakes);
	port_unlock(&set->obj.lock);
	ipc_wake_flush(&wakes);
	port_read_unlock();
	return 0;
}

static int leave_unlock(struct sem_set *set, int result)
{
	port_unlock(&set->obj.lock);
	port_read_unlock();
	return result;
}

/* The queues that a sleeper may need must exist before it sleeps. Drops the lock to make them. */
static int reserve_relocked(struct sem_set *set, const struct sem_request *rq)
{
	port_unlock(&set->obj.lock);
	int err = sem_queues_reserve(set, rq);
	port_lock(&set->obj.lock);
	return set->obj.removed ? -EIDRM : err;
}

/* Performs rq on a set that is locked in a read section, or sleeps; leaves both. */
static NOINLINE int perform_unlock(struct sem_set *set, const struct sem_request *rq, u64 deadline)
{
	for (;;) {
		struct sem_blocker at;

		switch (sem_try(set, rq, &at)) {
		case SEM_DONE:
			sem_commit(set, rq);
			set->otime = port_real_seconds();
			return likely(!set->sleepers) ? leave_unlock(set, 0) : settle_unlock(set);
		case SEM_WOULD_BLOCK: return leave_unlock(set, -EAGAIN);
		case SEM_OUT_OF_RANGE: return leave_unlock(set, -ERANGE);
		case SEM_BLOCKED: break;
		}
		if (likely(sem_queues_ready(set, rq)))
			return sleep_unlock(set, rq, &at, deadline);
		int err = reserve_relocked(set, rq);
		if (err)
			return leave_unlock(set, err);
	}
}

/* => 0, or why the caller may not do this to `set` (NULL: there is no such set). Read section. */
static ALWAYS_INLINE int vet(const struct sem_set *set, u32 highest, bool alters)
{
	if (unlikely(!set))
		return -EINVAL;
	if (unlikely(highest >= set->nsems))
		return -EFBIG;
	return ipc_permit(&set->obj, alters ? IPC_WRITE : IPC_READ);
}

static struct sem_request survey(const struct sembuf *ops, u32 n)
{
	struct sem_request rq = {.ops = ops, .n = n, .pid = port_pid()};
	u32 highest = 0, flags = 0, changes = 0;

	for (u32 i = 0; i < n; i++) {
		highest = MAX(highest, (u32)ops[i].sem_num);
		changes |= (u16)ops[i].sem_op;
		flags |= (u16)ops[i].sem_flg;
	}
	rq.highest = highest;
	rq.alters = changes != 0;
	rq.wants_undo = flags & SEM_UNDO;
	return rq;
}

/* Any number of operations, with or without SEM_UNDO. */
static NOINLINE int op_general(struct ipc_namespace *ns, ipc_id_t id, const struct sembuf *ops,
                               u32 n, u64 deadline)
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
	return perform_unlock(set, &rq, deadline);
}

/* The common case: one operation without SEM_UNDO. */
static ALWAYS_INLINE int op_single(struct ipc_namespace *ns, ipc_id_t id, const struct sembuf *op,
                                   u64 deadline)
{
	port_read_lock();
	struct sem_set *set = sem_find(ns, id);
	int err = vet(set, op->sem_num, op->sem_op != 0);
	if (unlikely(err)) {
		port_read_unlock();
		return err;
	}
	port_lock(&set->obj.lock);
	if (unlikely(set->obj.removed))
		return leave_unlock(set, -EIDRM);

	s32 value = set->value[op->sem_num] + op->sem_op;
	if (unlikely((u32)value > SEMVMX || (op->sem_op == 0 && value != 0))) {
		if (op->sem_flg & IPC_NOWAIT && value <= SEMVMX)
			return leave_unlock(set, -EAGAIN);
		struct sem_request rq = survey(op, 1);
		return perform_unlock(set, &rq, deadline);
	}
	set->value[op->sem_num] = (u16)value;
	set->pid[op->sem_num] = port_pid();
	set->otime = port_real_seconds();
	if (likely(!set->sleepers || !op->sem_op))
		return leave_unlock(set, 0);
	sem_mark(set, op->sem_num);
	return settle_unlock(set);
}

int sem_op(struct ipc_namespace *ns, ipc_id_t id, const struct sembuf *ops, u32 n, u64 deadline)
{
	if (likely(n == 1 && !(ops->sem_flg & SEM_UNDO)))
		return op_single(ns, id, ops, deadline);
	return op_general(ns, id, ops, n, deadline);
}
