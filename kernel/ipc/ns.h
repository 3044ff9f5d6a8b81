/*
 * IPC namespaces, ipc_namespaces(7): a closed world of System V objects and POSIX message queues with
 * limits of its own.
 *
 * Reference counted: each task holds one reference, an open /proc/PID/ns/ipc another. With the last
 * reference all objects go, at once and in the caller's context; nobody can be waiting in one, since a
 * waiter is a task and a task holds its namespace. The struct itself lasts for a grace period, so that
 * another task's namespace can be looked up with refcount_get_not_zero() in a read section.
 *
 * The limits are plain words that sysctl writes while others read: each is read once per decision.
 */
#pragma once
#include "abi/msg.h"
#include "abi/sem.h"
#include "abi/shm.h"
#include "kernel/ipc/ipc.h"
#include "kernel/ipc/mq/mq.h"
#include "kernel/lib/refcount.h"

struct ipc_namespace {
	refcount_t refs;
	struct port_defer defer;
	u64 number; /* [I] inode number of /proc/PID/ns/ipc */
	struct ipc_ids sem;
	s32 sem_msl; /* [a] most semaphores in a set */
	s32 sem_opm; /* [a] most operations in one call */
	struct ipc_ids msg;
	s32 msg_max; /* [a] most bytes in a message */
	s32 msg_mnb; /* [a] most bytes in a queue, when it is made */
	struct ipc_ids shm;
	u64 shm_max;         /* [a] most bytes in a segment */
	u64 shm_all;         /* [a] most pages in all segments */
	u64 shm_pages;       /* [a] pages in all segments */
	s32 shm_rmid_forced; /* [a] segments go with their last detach, or with their creator */
	struct mq_space *mq; /* [I] reference: limits and names of POSIX message queues */
};

/* The namespace that the first process lives in; its first reference is never dropped. */
struct ipc_namespace *ipc_ns_initial(void);
/* => an empty namespace with the default limits, or NULL. */
MUST_CHECK struct ipc_namespace *ipc_ns_new(void);
static inline void ipc_ns_get(struct ipc_namespace *ns)
{
	refcount_get(&ns->refs);
}
void ipc_ns_put(struct ipc_namespace *ns);
DEFINE_GUARD(ipc_ns, struct ipc_namespace *, ipc_ns_put)

/* Power-off: empties the initial namespace, for the leak report. No process is left. */
void ipc_ns_shutdown(void);

/* /proc/sys/kernel/sem: the four limits. => 0, or -ERANGE when the number of sets is impossible; the three
 * before it are set then all the same, as on Linux. */
void ipc_ns_sem_limits(const struct ipc_namespace *ns, s32 out[4]);
MUST_CHECK int ipc_ns_set_sem_limits(struct ipc_namespace *ns, const s32 in[4]);
/* /proc/sys/kernel/{sem,msg,shm}_next_id: -1, or the id that the next object gets. */
s32 ipc_ids_next_id(struct ipc_ids *ids);
MUST_CHECK int ipc_ids_set_next_id(struct ipc_ids *ids, s32 id);
