/* Making and removing sets. */
#include "kernel/ipc/sem/set.h"

static struct ipc_object *set_new(struct ipc_get_request rq)
{
	u32 nsems = (u32)rq.size, leaves = (nsems + QUEUE_LEAF - 1) / QUEUE_LEAF;
	size_t fixed = sizeof(struct sem_set) + leaves * sizeof(struct sem_queue_leaf *);
	struct sem_set *set;

	if (!nsems)
		return err_ptr(-EINVAL);
	set = port_alloc(fixed + nsems * (sizeof set->pid[0] + sizeof set->value[0]));
	if (!set)
		return err_ptr(-ENOMEM);
	ipc_object_init(&set->obj, rq.key, rq.flags, LOCK_CLASS_SEM_SET);
	set->obj.units = set->nsems = nsems;
	set->pid = (s32 *)((char *)set + fixed);
	set->value = (u16 *)(set->pid + nsems);
	set->ctime = port_real_seconds();
	set->ceiling = SEMVMX;
	list_init(&set->undos);
	list_init(&set->complex);
	return &set->obj;
}

static void set_free(struct ipc_object *o)
{
	struct sem_set *set = container_of(o, struct sem_set, obj);
	sem_queues_free(set);
	port_free(set);
}

static void set_free_deferred(struct port_defer *d)
{
	set_free(container_of(d, struct ipc_object, defer));
}

s32 sem_get(struct ipc_namespace *ns, ipc_key_t key, s32 nsems, u32 flags)
{
	static const struct ipc_family family = {.new = set_new, .free = set_free};

	if (nsems < 0 || nsems > load_relaxed(&ns->sem_msl))
		return -EINVAL;
	const struct ipc_get_request rq = {.key = key, .flags = flags, .size = (u64)nsems};
	return ipc_get(&ns->sem, &family, rq);
}

static void remove_waiters(struct sem_set *set, struct list *waiters, struct ipc_wake_list *wakes)
{
	struct sem_waiter *w, *next;
	list_for_each_safe (w, next, waiters, link) {
		sem_unwatch(w);
		ipc_waiter_decide(&w->wait, -EIDRM, wakes);
	}
}

/* The set is withdrawn from its namespace: ends all that waits for it or remembers it. */
static void set_retire(struct sem_set *set, struct ipc_wake_list *wakes, struct list *undos)
{
	GUARD(port)
	(&set->obj.lock);
	set->obj.removed = true;
	for (struct sem_queue *q = set->queues; unlikely(set->sleepers) && q; q = q->next) {
		remove_waiters(set, &q->blocked, wakes);
		remove_waiters(set, &q->equal, wakes);
		remove_waiters(set, &q->zero, wakes);
	}
	sem_undo_detach(set, undos);
}

/* Read section. */
static int set_remove(struct ipc_namespace *ns, struct sem_set *set)
{
	struct ipc_wake_list wakes = {0};
	struct list undos = LIST_INIT(undos);

	if (!ipc_ids_del(&ns->sem, &set->obj))
		return -EIDRM;
	set_retire(set, &wakes, &undos);
	/* Before port_defer(): a sleeper whose wait is not over relies on the set's memory. */
	ipc_wake_flush(&wakes);
	sem_undo_free_detached(&undos);
	port_defer(&set->obj.defer, set_free_deferred);
	return 0;
}

int sem_remove(struct ipc_namespace *ns, ipc_id_t id)
{
	port_read_lock();
	struct sem_set *set = sem_find(ns, id);
	int err = set ? ipc_permit_control(&set->obj) : -EINVAL;
	if (!err)
		err = set_remove(ns, set);
	port_read_unlock();
	return err;
}

void sem_ns_teardown(struct ipc_namespace *ns)
{
	struct ipc_object *o;
	port_read_lock();
	for (u32 i = 0; (o = ipc_ids_next(&ns->sem, &i)); i++)
		ASSERT(set_remove(ns, container_of(o, struct sem_set, obj)) == 0);
	port_read_unlock();
}
