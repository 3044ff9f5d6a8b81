/*
 * /proc/sysvipc/{sem,msg,shm}, and the limits of System V IPC in /proc/sys/kernel, proc(5). A file shows the namespace that
 * its opener was in.
 */
#include "kernel/fs/inode.h"
#include "kernel/fs/procfs.h"
#include "kernel/fs/seq.h"
#include "kernel/ipc/msg/msg.h"
#include "kernel/ipc/ns.h"
#include "kernel/ipc/sem/sem.h"
#include "kernel/ipc/shm/shm.h"
#include "kernel/port/internal.h"
#include "kernel/port/ns_limit.h"

static void *own_ns_get(void)
{
	ipc_ns_get(port_ipc_ns());
	return port_ipc_ns();
}
static void ns_put(void *ns)
{
	ipc_ns_put(ns);
}
const struct sysctl_owner ns_sysctl_owner = {.get = own_ns_get, .put = ns_put};

/* --- lists --- */

enum { LINE = 256 };
_Static_assert((int)SEM_PROC_LINE <= LINE && (int)MSG_PROC_LINE <= LINE &&
                       (int)SHM_PROC_LINE <= LINE,
               "a line of every list fits");
struct list_kind {
	const char *header;
	int (*line)(struct ipc_namespace *ns, u32 *index, char *buf, size_t size);
};

static int list_show(struct seq *s, void *ns)
{
	const struct proc_file *p = s->file->inode->private;
	const struct list_kind *kind = p->arg;
	char line[LINE];

	seq_puts(s, kind->header);
	for (u32 i = 0; kind->line(ns, &i, line, sizeof line); i++)
		seq_puts(s, line);
	return 0;
}

static int list_open(const struct proc_file *p, struct file *f)
{
	static const struct seq_ops ops = {.show = list_show, .release = ns_put};
	void *ns = own_ns_get();
	int err = seq_open(f, &ops, ns);

	if (err)
		ns_put(ns);
	return err;
}

static const struct list_kind sem_list = {SEM_PROC_HEADER, sem_proc_line};
static const struct list_kind msg_list = {MSG_PROC_HEADER, msg_proc_line};
static const struct list_kind shm_list = {SHM_PROC_HEADER, shm_proc_line};
static const struct proc_file lists[] = {
	{.path = "sysvipc/sem", .arg = (void *)&sem_list, .open = list_open},
	{.path = "sysvipc/msg", .arg = (void *)&msg_list, .open = list_open},
	{.path = "sysvipc/shm", .arg = (void *)&shm_list, .open = list_open},
};

/* --- limits --- */

static int load_sem(void *ns, s64 *values)
{
	s32 limits[4];
	ipc_ns_sem_limits(ns, limits);
	for (int i = 0; i < 4; i++)
		values[i] = limits[i];
	return 0;
}
static int store_sem(void *ns, const s64 *values, u32 given)
{
	s32 limits[4];
	ipc_ns_sem_limits(ns, limits);
	for (u32 i = 0; i < given && i < 4; i++)
		limits[i] = (s32)values[i];
	return ipc_ns_set_sem_limits(ns, limits);
}

NS_LIMIT(msgmax, msg_max, s32)
NS_LIMIT(msgmnb, msg_mnb, s32)
NS_LIMIT(msgmni, msg.max_objects, u32)
NS_LIMIT(shmmax, shm_max, u64)
NS_LIMIT(shmall, shm_all, u64)
NS_LIMIT(shmmni, shm.max_objects, u32)

static int load_forced(void *owner, s64 *values)
{
	const struct ipc_namespace *ns = owner;
	values[0] = load_relaxed(&ns->shm_rmid_forced);
	return 0;
}
static int store_forced(void *ns, const s64 *values, u32 given)
{
	shm_set_rmid_forced(ns, (s32)values[0]);
	return 0;
}

#define NEXT_ID(family)                                                                            \
	static int load_##family##_next_id(void *owner, s64 *values)                               \
	{                                                                                          \
		struct ipc_namespace *ns = owner;                                                  \
		values[0] = ipc_ids_next_id(&ns->family);                                          \
		return 0;                                                                          \
	}                                                                                          \
	static int store_##family##_next_id(void *owner, const s64 *values, u32 given)             \
	{                                                                                          \
		struct ipc_namespace *ns = owner;                                                  \
		return given ? ipc_ids_set_next_id(&ns->family, (s32)values[0]) : 0;               \
	}
NEXT_ID(sem)
NEXT_ID(msg)
NEXT_ID(shm)

static const struct sysctl limits[] = {
	{.path = "sys/kernel/sem", .count = 4, NS_SYSCTL(sem)},
	{.path = "sys/kernel/sem_next_id", .max = INT32_MAX, NS_SYSCTL(sem_next_id)},
	{.path = "sys/kernel/msgmax", .max = INT32_MAX, NS_SYSCTL(msgmax)},
	{.path = "sys/kernel/msgmnb", .max = INT32_MAX, NS_SYSCTL(msgmnb)},
	{.path = "sys/kernel/msgmni", .max = IPC_INDEX_MAX, NS_SYSCTL(msgmni)},
	{.path = "sys/kernel/msg_next_id", .max = INT32_MAX, NS_SYSCTL(msg_next_id)},
	{.path = "sys/kernel/shmmax", .kind = SYSCTL_ULONG, NS_SYSCTL(shmmax)},
	{.path = "sys/kernel/shmall", .kind = SYSCTL_ULONG, NS_SYSCTL(shmall)},
	{.path = "sys/kernel/shmmni", .max = IPC_INDEX_MAX, NS_SYSCTL(shmmni)},
	{.path = "sys/kernel/shm_rmid_forced", .max = 1, NS_SYSCTL(forced)},
	{.path = "sys/kernel/shm_next_id", .max = INT32_MAX, NS_SYSCTL(shm_next_id)},
};

void proc_sysv_init(void)
{
	for (u32 i = 0; i < ARRAY_SIZE(lists); i++)
		proc_file_register(&lists[i]);
	for (u32 i = 0; i < ARRAY_SIZE(limits); i++)
		sysctl_register(&limits[i]);
}
