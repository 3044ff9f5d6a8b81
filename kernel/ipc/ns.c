#include "kernel/ipc/ns.h"
#include "kernel/ipc/msg/msg.h"
#include "kernel/ipc/sem/sem.h"
#include "kernel/ipc/shm/shm.h"

/* Takes the reference of `mq`. */
static void ns_init(struct ipc_namespace *ns, u64 number, struct mq_space *mq)
{
	ns->mq = mq;
	refcount_init(&ns->refs, 1);
	ns->number = number;
	ipc_ids_init(&ns->sem, SEMMNI, SEMMNS);
	ns->sem_msl = SEMMSL;
	ns->sem_opm = SEMOPM;
	ipc_ids_init(&ns->msg, MSGMNI, UINT64_MAX);
	ns->msg_max = MSGMAX;
	ns->msg_mnb = MSGMNB;
	ipc_ids_init(&ns->shm, SHMMNI, UINT64_MAX);
	ns->shm_max = SHMMAX;
	ns->shm_all = SHMALL;
}

/* Inode numbers of namespaces start where those of Linux do. */
static u64 last_number = 0xefffffff; /* [a] */

struct ipc_namespace *ipc_ns_initial(void)
{
	static struct ipc_namespace initial;
	static struct mq_space mq;
	static bool ready;
	/* Called first while one processor runs the boot list. */
	if (!ready) {
		mq_space_init(&mq);
		ns_init(&initial, load_relaxed(&last_number), &mq);
		ready = true;
	}
	return &initial;
}

struct ipc_namespace *ipc_ns_new(void)
{
	struct ipc_namespace *ns = port_alloc(sizeof *ns);
	struct mq_space *mq = ns ? mq_space_new() : NULL;
	if (!mq) {
		port_free(ns);
		return NULL;
	}
	ns_init(ns, __atomic_add_fetch(&last_number, 1, __ATOMIC_RELAXED), mq);
	return ns;
}

static void ns_free(struct port_defer *d)
{
	port_free(container_of(d, struct ipc_namespace, defer));
}

/* Takes everything out of a namespace that nobody is in. */
static void ns_empty(struct ipc_namespace *ns)
{
	sem_ns_teardown(ns);
	ipc_ids_destroy(&ns->sem);
	msg_ns_teardown(ns);
	ipc_ids_destroy(&ns->msg);
	shm_ns_teardown(ns);
	ipc_ids_destroy(&ns->shm);
	mq_space_close(ns->mq);
}

void ipc_ns_put(struct ipc_namespace *ns)
{
	if (!refcount_put(&ns->refs))
		return;
	ns_empty(ns);
	mq_space_put(ns->mq);
	port_defer(&ns->defer, ns_free);
}

void ipc_ns_sem_limits(const struct ipc_namespace *ns, s32 out[4])
{
	out[0] = load_relaxed(&ns->sem_msl);
	out[1] = (s32)load_relaxed(&ns->sem.max_units);
	out[2] = load_relaxed(&ns->sem_opm);
	out[3] = (s32)load_relaxed(&ns->sem.max_objects);
}

int ipc_ns_set_sem_limits(struct ipc_namespace *ns, const s32 in[4])
{
	store_relaxed(&ns->sem_msl, in[0]);
	/* A negative limit lets no set in. */
	store_relaxed(&ns->sem.max_units, in[1] < 0 ? 0 : (u64)in[1]);
	store_relaxed(&ns->sem_opm, in[2]);
	/* As on Linux: more sets than ids can express are refused after the rest is in force. */
	if (in[3] < 0 || in[3] > IPC_INDEX_MAX)
		return -ERANGE;
	store_relaxed(&ns->sem.max_objects, (u32)in[3]);
	return 0;
}

s32 ipc_ids_next_id(struct ipc_ids *ids)
{
	GUARD(port)
	(&ids->lock);
	return ids->wanted_id;
}

int ipc_ids_set_next_id(struct ipc_ids *ids, s32 id)
{
	if (id < 0)
		return -EINVAL;
	GUARD(port)
	(&ids->lock);
	ids->wanted_id = id;
	return 0;
}

void ipc_ns_shutdown(void)
{
	struct ipc_namespace *ns = ipc_ns_initial();
	ns_empty(ns);
	ipc_ids_init(&ns->sem, SEMMNI, SEMMNS);
	ipc_ids_init(&ns->msg, MSGMNI, UINT64_MAX);
	ipc_ids_init(&ns->shm, SHMMNI, UINT64_MAX);
}
