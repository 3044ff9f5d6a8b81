/* semctl(2). */
#include "kernel/ipc/sem/set.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"

enum { FEW = 256 }; /* values that fit on the stack */

static bool has(const struct sem_set *set, s32 num)
{
	return num >= 0 && (u32)num < set->nsems;
}

/* As ipc_object_enter(); set may be NULL when err is set. */
static ALWAYS_INLINE int set_lock(struct sem_set *set, int err)
{
	return ipc_object_enter((struct ipc_object *)set, err);
}

static ALWAYS_INLINE void set_unlock(struct sem_set *set)
{
	ipc_object_leave(&set->obj);
}

/* For the commands that read one semaphore. => 0 and a locked set in a read section, or -errno. */
static ALWAYS_INLINE int reader_lock(struct ipc_namespace *ns, ipc_id_t id, s32 num,
                                     struct sem_set **out_set)
{
	port_read_lock();
	struct sem_set *set = sem_find(ns, id);
	int err = set ? ipc_permit(&set->obj, IPC_READ) : -EINVAL;
	if (!err && !has(set, num))
		err = -EINVAL;
	*out_set = set;
	return set_lock(set, err);
}

int sem_getval(struct ipc_namespace *ns, ipc_id_t id, s32 num)
{
	struct sem_set *set;
	TRY(reader_lock(ns, id, num, &set));
	int value = set->value[num];
	set_unlock(set);
	return value;
}

int sem_getpid(struct ipc_namespace *ns, ipc_id_t id, s32 num)
{
	struct sem_set *set;
	TRY(reader_lock(ns, id, num, &set));
	int pid = set->pid[num];
	set_unlock(set);
	return pid;
}

/* Which operation blocks w? One that changes values is judged by the values of now, as on Linux; one that only
 * waits for zero counts at the semaphore that it watches (Linux: at an earlier one that rose meanwhile, if
 * another became zero since). NULL: the latter. */
static const struct sembuf *blocking_op(struct sem_set *set, const struct sem_waiter *w)
{
	struct sem_blocker at;
	if (w->rq.alters && sem_probe(set, &w->rq, &at) == SEM_BLOCKED)
		return &w->rq.ops[at.index];
	return NULL;
}

int sem_getncnt(struct ipc_namespace *ns, ipc_id_t id, s32 num)
{
	struct sem_set *set;
	TRY(reader_lock(ns, id, num, &set));
	const struct sem_queue *q = sem_queue_of(set, (u32)num);
	int count = q ? (int)q->simple_blocked : 0;
	struct sem_waiter *w;
	list_for_each (w, &set->complex, complex_link) {
		const struct sembuf *op = blocking_op(set, w);
		count += op && op->sem_num == num && op->sem_op < 0;
	}
	set_unlock(set);
	return count;
}

int sem_getzcnt(struct ipc_namespace *ns, ipc_id_t id, s32 num)
{
	struct sem_set *set;
	TRY(reader_lock(ns, id, num, &set));
	const struct sem_queue *q = sem_queue_of(set, (u32)num);
	int count = q ? (int)q->simple_zero : 0;
	struct sem_waiter *w;
	list_for_each (w, &set->complex, complex_link) {
		const struct sembuf *op = blocking_op(set, w);
		count += op ? op->sem_num == num && op->sem_op == 0
		            : w->kind == SEM_ZERO && w->queue == q;
	}
	set_unlock(set);
	return count;
}

/* After SETVAL and SETALL; leaves lock and read section. */
static NOINLINE void settle_unlock(struct sem_set *set)
{
	struct ipc_wake_list wakes = {0};
	sem_mark_zeroes(set);
	if (sem_settle(set, &wakes))
		set->otime = port_real_seconds();
	port_unlock(&set->obj.lock);
	ipc_wake_flush(&wakes);
	port_read_unlock();
}

int sem_setval(struct ipc_namespace *ns, ipc_id_t id, s32 num, s32 value)
{
	if (value < 0 || value > SEMVMX)
		return -ERANGE;
	port_read_lock();
	struct sem_set *set = sem_find(ns, id);
	int err = set && has(set, num) ? ipc_permit(&set->obj, IPC_WRITE) : -EINVAL;
	TRY(set_lock(set, err));
	sem_undo_clear(set, (u32)num);
	set->value[num] = (u16)value;
	set->pid[num] = port_pid();
	set->ctime = port_real_seconds();
	if (likely(!set->sleepers)) {
		set_unlock(set);
		return 0;
	}
	sem_mark(set, (u32)num);
	settle_unlock(set);
	return 0;
}

/* => 0 and the number of semaphores, or -errno: what GETALL and SETALL must know before the buffer. */
static int size_of(struct ipc_namespace *ns, ipc_id_t id, u32 want, u32 *out_nsems)
{
	port_read_lock();
	const struct sem_set *set = sem_find(ns, id);
	int err = set ? ipc_permit(&set->obj, want) : -EINVAL;
	if (!err)
		*out_nsems = set->nsems;
	port_read_unlock();
	return err;
}

/* Finds the set again after the buffer was made: by the same id, of the same size, or it was removed. */
static int again_lock(struct ipc_namespace *ns, ipc_id_t id, u32 nsems, struct sem_set **out_set)
{
	port_read_lock();
	*out_set = sem_find(ns, id);
	return set_lock(*out_set, *out_set && (*out_set)->nsems == nsems ? 0 : -EIDRM);
}

int sem_getall(struct ipc_namespace *ns, ipc_id_t id, uptr_t out_values)
{
	u16 few[FEW], *values = few;
	AUTO_PUT(port_mem) many = NULL;
	struct sem_set *set;
	u32 nsems;

	TRY(size_of(ns, id, IPC_READ, &nsems));
	if (nsems > FEW && !(values = many = port_alloc(nsems * sizeof *values)))
		return -ENOMEM;
	TRY(again_lock(ns, id, nsems, &set));
	memcpy(values, set->value, nsems * sizeof *values);
	set_unlock(set);
	return port_copy_out(out_values, values, nsems * sizeof *values);
}

int sem_setall(struct ipc_namespace *ns, ipc_id_t id, uptr_t in_values)
{
	u16 few[FEW], *values = few;
	AUTO_PUT(port_mem) many = NULL;
	struct sem_set *set;
	s32 pid = port_pid();
	u32 nsems;

	TRY(size_of(ns, id, IPC_WRITE, &nsems));
	if (nsems > FEW && !(values = many = port_alloc(nsems * sizeof *values)))
		return -ENOMEM;
	TRY(port_copy_in(values, in_values, nsems * sizeof *values));
	for (u32 i = 0; i < nsems; i++)
		if (values[i] > SEMVMX)
			return -ERANGE;
	TRY(again_lock(ns, id, nsems, &set));
	memcpy(set->value, values, nsems * sizeof *values);
	for (u32 i = 0; i < nsems; i++)
		set->pid[i] = pid;
	sem_undo_clear_all(set);
	set->ctime = port_real_seconds();
	for (struct sem_queue *q = set->queues; q; q = q->next)
		sem_mark(set, q->num);
	settle_unlock(set);
	return 0;
}

static void fill_stat(const struct sem_set *set, struct semid_ds *out)
{
	*out = (struct semid_ds){
		.sem_otime = set->otime,
		.sem_ctime = set->ctime,
		.sem_nsems = set->nsems,
	};
	ipc_perm_get(&set->obj, &out->sem_perm);
}

int sem_stat(struct ipc_namespace *ns, ipc_id_t id, struct semid_ds *out)
{
	port_read_lock();
	struct sem_set *set = sem_find(ns, id);
	TRY(set_lock(set, set ? ipc_permit(&set->obj, IPC_READ) : -EINVAL));
	fill_stat(set, out);
	set_unlock(set);
	return 0;
}

int sem_stat_index(struct ipc_namespace *ns, s32 index, enum ipc_stat_check check,
                   struct semid_ds *out)
{
	struct ipc_object *o = NULL;
	port_read_lock();
	int err = ipc_ids_stat(&ns->sem, index, check, &o);
	TRY(ipc_object_enter(o, err));
	fill_stat(container_of(o, struct sem_set, obj), out);
	int id = o->id.n;
	ipc_object_leave(o);
	return id;
}

int sem_set_perm(struct ipc_namespace *ns, ipc_id_t id, const struct ipc_perm *perm)
{
	port_read_lock();
	struct sem_set *set = sem_find(ns, id);
	TRY(set_lock(set, set ? ipc_permit_control(&set->obj) : -EINVAL));
	int err = ipc_perm_set(&set->obj, perm);
	if (!err)
		set->ctime = port_real_seconds();
	set_unlock(set);
	return err;
}

int sem_info(struct ipc_namespace *ns, enum sem_info_kind kind, struct seminfo *out)
{
	*out = (struct seminfo){
		.semmap = SEMMNS,
		.semmni = (s32)load_relaxed(&ns->sem.max_objects),
		.semmns = (s32)load_relaxed(&ns->sem.max_units),
		.semmnu = SEMMNS,
		.semmsl = load_relaxed(&ns->sem_msl),
		.semopm = load_relaxed(&ns->sem_opm),
		.semume = SEMOPM,
		.semusz = 20, /* what Linux says */
		.semvmx = SEMVMX,
		.semaem = SEMAEM,
	};
	if (kind == SEM_INFO_USED) {
		GUARD(port)
		(&ns->sem.lock);
		out->semusz = (s32)ns->sem.in_use;
		out->semaem = (s32)ns->sem.units;
	}
	return ipc_ids_highest(&ns->sem);
}

int sem_proc_line(struct ipc_namespace *ns, u32 *index, char *buf, size_t size)
{
	port_read_lock();
	struct sem_set *set = (struct sem_set *)ipc_ids_next(&ns->sem, index);
	struct semid_ds ds;
	s32 id = 0;
	if (set) {
		GUARD(port)
		(&set->obj.lock);
		fill_stat(set, &ds);
		id = set->obj.id.n;
	}
	port_read_unlock();
	if (!set)
		return 0;
	return snprintf(buf, size, "%10d %10d  %4o %10u %5u %5u %5u %5u %10llu %10llu\n",
	                ds.sem_perm.key, id, ds.sem_perm.mode, (unsigned)ds.sem_nsems,
	                ds.sem_perm.uid, ds.sem_perm.gid, ds.sem_perm.cuid, ds.sem_perm.cgid,
	                (unsigned long long)ds.sem_otime, (unsigned long long)ds.sem_ctime);
}
