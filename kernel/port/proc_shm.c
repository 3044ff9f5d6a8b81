/* /proc/sysvipc/shm and the limits of shared memory in /proc/sys/kernel: always the reader's namespace. */
#include "kernel/fs/procfs.h"
#include "kernel/fs/seq.h"
#include "kernel/ipc/ns.h"
#include "kernel/ipc/shm/shm.h"
#include "kernel/port/internal.h"
#include "kernel/port/ns_limit.h"

static int show_shm(struct seq *s, const struct proc_file *f)
{
	char line[SHM_PROC_LINE];
	seq_puts(s, SHM_PROC_HEADER);
	for (u32 i = 0; shm_proc_line(port_ipc_ns(), &i, line, sizeof line); i++)
		seq_puts(s, line);
	return 0;
}

NS_LIMIT(max, shm_max, u64)
NS_LIMIT(all, shm_all, u64)
NS_LIMIT(mni, shm.max_objects, u32)

static int load_forced(const struct sysctl *c, s64 *values)
{
	values[0] = load_relaxed(&port_ipc_ns()->shm_rmid_forced);
	return 0;
}
static int store_forced(const struct sysctl *c, const s64 *values, u32 given)
{
	shm_set_rmid_forced(port_ipc_ns(), (s32)values[0]);
	return 0;
}

NS_NEXT_ID(shm)

void proc_shm_init(void)
{
	static const struct proc_file list = {.path = "sysvipc/shm", .show = show_shm};
	static const struct sysctl limits[] = {
		{.path = "sys/kernel/shmmax",
	         .kind = SYSCTL_ULONG,
	         .load = load_max,
	         .store = store_max},
		{.path = "sys/kernel/shmall",
	         .kind = SYSCTL_ULONG,
	         .load = load_all,
	         .store = store_all},
		{.path = "sys/kernel/shmmni",
	         .max = IPC_INDEX_MAX,
	         .load = load_mni,
	         .store = store_mni},
		{.path = "sys/kernel/shm_rmid_forced",
	         .max = 1,
	         .load = load_forced,
	         .store = store_forced},
		{.path = "sys/kernel/shm_next_id",
	         .max = INT32_MAX,
	         .load = load_next_id,
	         .store = store_next_id},
	};
	proc_file_register(&list);
	for (u32 i = 0; i < ARRAY_SIZE(limits); i++)
		sysctl_register(&limits[i]);
}
