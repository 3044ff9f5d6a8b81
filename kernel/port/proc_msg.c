/* /proc/sysvipc/msg and the limits of message queues in /proc/sys/kernel: always the reader's namespace. */
#include "kernel/fs/procfs.h"
#include "kernel/fs/seq.h"
#include "kernel/ipc/msg/msg.h"
#include "kernel/ipc/ns.h"
#include "kernel/port/internal.h"

static int show_msg(struct seq *s, const struct proc_file *f)
{
	char line[MSG_PROC_LINE];
	seq_puts(s, MSG_PROC_HEADER);
	for (u32 i = 0; msg_proc_line(port_ipc_ns(), &i, line, sizeof line); i++)
		seq_puts(s, line);
	return 0;
}

static int load_max(const struct sysctl *c, s64 *values)
{
	values[0] = load_relaxed(&port_ipc_ns()->msg_max);
	return 0;
}
static int store_max(const struct sysctl *c, const s64 *values, u32 given)
{
	store_relaxed(&port_ipc_ns()->msg_max, (s32)values[0]);
	return 0;
}

static int load_mnb(const struct sysctl *c, s64 *values)
{
	values[0] = load_relaxed(&port_ipc_ns()->msg_mnb);
	return 0;
}
static int store_mnb(const struct sysctl *c, const s64 *values, u32 given)
{
	store_relaxed(&port_ipc_ns()->msg_mnb, (s32)values[0]);
	return 0;
}

static int load_mni(const struct sysctl *c, s64 *values)
{
	values[0] = load_relaxed(&port_ipc_ns()->msg.max_objects);
	return 0;
}
static int store_mni(const struct sysctl *c, const s64 *values, u32 given)
{
	store_relaxed(&port_ipc_ns()->msg.max_objects, (u32)values[0]);
	return 0;
}

static int load_next_id(const struct sysctl *c, s64 *values)
{
	values[0] = ipc_ids_next_id(&port_ipc_ns()->msg);
	return 0;
}
static int store_next_id(const struct sysctl *c, const s64 *values, u32 given)
{
	return given ? ipc_ids_set_next_id(&port_ipc_ns()->msg, (s32)values[0]) : 0;
}

void proc_msg_init(void)
{
	static const struct proc_file list = {.path = "sysvipc/msg", .show = show_msg};
	static const struct sysctl limits[] = {
		{.path = "sys/kernel/msgmax",
	         .max = INT32_MAX,
	         .load = load_max,
	         .store = store_max},
		{.path = "sys/kernel/msgmnb",
	         .max = INT32_MAX,
	         .load = load_mnb,
	         .store = store_mnb},
		{.path = "sys/kernel/msgmni",
	         .max = IPC_INDEX_MAX,
	         .load = load_mni,
	         .store = store_mni},
		{.path = "sys/kernel/msg_next_id",
	         .max = INT32_MAX,
	         .load = load_next_id,
	         .store = store_next_id},
	};
	proc_file_register(&list);
	for (u32 i = 0; i < ARRAY_SIZE(limits); i++)
		sysctl_register(&limits[i]);
}
