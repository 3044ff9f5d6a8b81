/* /proc/sysvipc/sem and the limits of semaphores in /proc/sys/kernel, proc(5): always the reader's namespace. */
#include "kernel/fs/procfs.h"
#include "kernel/fs/seq.h"
#include "kernel/ipc/ns.h"
#include "kernel/ipc/sem/sem.h"
#include "kernel/port/internal.h"
#include "kernel/port/ns_limit.h"

static int show_sem(struct seq *s, const struct proc_file *f)
{
	char line[SEM_PROC_LINE];
	seq_puts(s, SEM_PROC_HEADER);
	for (u32 i = 0; sem_proc_line(port_ipc_ns(), &i, line, sizeof line); i++)
		seq_puts(s, line);
	return 0;
}

static int load_sem(const struct sysctl *c, s64 *values)
{
	s32 limits[4];
	ipc_ns_sem_limits(port_ipc_ns(), limits);
	for (int i = 0; i < 4; i++)
		values[i] = limits[i];
	return 0;
}
static int store_sem(const struct sysctl *c, const s64 *values, u32 given)
{
	s32 limits[4];
	ipc_ns_sem_limits(port_ipc_ns(), limits);
	for (u32 i = 0; i < given && i < 4; i++)
		limits[i] = (s32)values[i];
	return ipc_ns_set_sem_limits(port_ipc_ns(), limits);
}

NS_NEXT_ID(sem)

void proc_sem_init(void)
{
	static const struct proc_file sem = {.path = "sysvipc/sem", .show = show_sem};
	static const struct sysctl limits = {
		.path = "sys/kernel/sem", .count = 4, .load = load_sem, .store = store_sem};
	static const struct sysctl next_id = {.path = "sys/kernel/sem_next_id",
	                                      .max = INT32_MAX,
	                                      .load = load_next_id,
	                                      .store = store_next_id};
	proc_file_register(&sem);
	sysctl_register(&limits);
	sysctl_register(&next_id);
}
