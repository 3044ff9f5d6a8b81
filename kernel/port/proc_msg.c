/* /proc/sysvipc/msg and the limits of message queues in /proc/sys/kernel: always the reader's namespace. */
#include "kernel/fs/procfs.h"
#include "kernel/fs/seq.h"
#include "kernel/ipc/msg/msg.h"
#include "kernel/ipc/ns.h"
#include "kernel/port/internal.h"
#include "kernel/port/ns_limit.h"

static int show_msg(struct seq *s, const struct proc_file *f)
{
	char line[MSG_PROC_LINE];
	seq_puts(s, MSG_PROC_HEADER);
	for (u32 i = 0; msg_proc_line(port_ipc_ns(), &i, line, sizeof line); i++)
		seq_puts(s, line);
	return 0;
}

NS_LIMIT(max, msg_max, s32)
NS_LIMIT(mnb, msg_mnb, s32)
NS_LIMIT(mni, msg.max_objects, u32)
NS_NEXT_ID(msg)

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
