/* /proc/net/unix and the sysctls of sockets; and what boot does for this room. */
#include "kernel/fs/procfs.h"
#include "kernel/fs/seq.h"
#include "kernel/ipc/socket/socket.h"
#include "kernel/net/net.h"
#include "kernel/proc/hooks.h"
#include "kernel/sched/thread.h"

u32 net_buffer_default[2] = {SOCKET_BUFFER_DEFAULT, SOCKET_BUFFER_DEFAULT};
u32 net_buffer_max[2] = {SOCKET_BUFFER_DEFAULT, SOCKET_BUFFER_DEFAULT};
u32 net_backlog_max = SOMAXCONN_DEFAULT;
u32 net_control_max = 20480;

static void show_address(struct seq *s, const struct socket_name *name)
{
	seq_putc(s, ' ');
	u32 end = name->length;
	/* An abstract name shows its zeroes as '@'; a path ends at its zero. */
	if (name->node)
		end--;
	for (u32 i = UNIX_PATH_OFFSET; i < end; i++)
		seq_putc(s, name->address[i] ? (char)name->address[i] : '@');
}

static void show_socket(struct seq *s, struct socket *k)
{
	enum { SHOW_LISTENING = 1 << 16 };
	const struct socket_name *name = socket_name(k);
	seq_printf(s, "%016llx: %08X %08X %08X %04X %02X %5llu",
	           0ull, /* Linux shows an address, to those who may see it */
	           (u32)refcount_read(&k->refs) - 1, /* without ours */
	           0, load_relaxed(&k->state) == SOCKET_LISTENING ? SHOW_LISTENING : 0, k->type,
	           socket_state_shown(k), (unsigned long long)k->number);
	if (name)
		show_address(s, name);
	seq_putc(s, '\n');
}

static int show_unix(struct seq *s, const struct proc_file *f)
{
	seq_puts(s, "Num       RefCount Protocol Flags    Type St Inode Path\n");
	for (struct socket *k = NULL; (k = socket_next(k));) {
		show_socket(s, k);
		cond_resched();
	}
	return 0;
}

static void net_proc_init(void)
{
	static const struct proc_file list = {.path = "net/unix", .show = show_unix};
	static const struct sysctl limits[] = {
		{.path = "sys/net/core/somaxconn", .max = INT32_MAX, .data = &net_backlog_max},
		{.path = "sys/net/core/wmem_default",
	         .min = 4608,
	         .max = INT32_MAX,
	         .data = &net_buffer_default[0]},
		{.path = "sys/net/core/wmem_max",
	         .min = 4608,
	         .max = INT32_MAX,
	         .data = &net_buffer_max[0]},
		{.path = "sys/net/core/rmem_default",
	         .min = 2304,
	         .max = INT32_MAX,
	         .data = &net_buffer_default[1]},
		{.path = "sys/net/core/rmem_max",
	         .min = 2304,
	         .max = INT32_MAX,
	         .data = &net_buffer_max[1]},
		{.path = "sys/net/core/optmem_max", .max = INT32_MAX, .data = &net_control_max},
		{.path = "sys/net/unix/max_dgram_qlen",
	         .max = INT32_MAX,
	         .data = &socket_dgram_backlog},
	};
	proc_file_register(&list);
	for (u32 i = 0; i < ARRAY_SIZE(limits); i++)
		sysctl_register(&limits[i]);
}

/* Nothing else is left to be closed that would search. */
static const struct proc_hooks net_hooks = {.name = "net", .shutdown = socket_collect};
PROC_HOOKS(net_hooks);

void net_init(void)
{
	socket_init();
	net_proc_init();
}
