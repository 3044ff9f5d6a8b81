/* /proc/sys: what belongs to no other room. Names that change, random, and limits that never bite here. */
#include "kernel/dev/random.h"
#include "kernel/fs/procfs_internal.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/mm/aspace.h"
#include "kernel/mm/page.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/uts.h"

/* --- names --- */

enum { NAME_SYSNAME, NAME_RELEASE, NAME_VERSION, NAME_NODE, NAME_DOMAIN };

static int show_name(struct seq *s, const struct proc_file *f)
{
	struct utsname_abi u;
	uts_get(&u);
	const char *const names[] = {u.sysname, u.release, u.version, u.nodename, u.domainname};
	seq_printf(s, "%s\n", names[(uintptr_t)f->arg]);
	return 0;
}

static int store_name(const struct proc_file *f, char *text, size_t length)
{
	char *end = memchr(text, '\n', length);
	length = MIN(end ? (size_t)(end - text) : length, (size_t)UTS_LEN - 1);
	return uts_set((uintptr_t)f->arg == NAME_NODE ? UTS_NODENAME : UTS_DOMAINNAME, text,
	               length);
}

/* --- random --- */

static void seq_uuid(struct seq *s, const u8 *u)
{
	for (u32 i = 0; i < 16; i++)
		seq_printf(s, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", u[i]);
	seq_putc(s, '\n');
}

/* RFC 9562: version 4, variant 10. */
static void uuid_make(u8 *u)
{
	random_bytes(u, 16);
	u[6] = (u[6] & 0x0f) | 0x40;
	u[8] = (u[8] & 0x3f) | 0x80;
}

static int show_uuid(struct seq *s, const struct proc_file *f)
{
	u8 u[16];
	uuid_make(u);
	seq_uuid(s, u);
	return 0;
}

static u8 boot_id[16];

static int show_boot_id(struct seq *s, const struct proc_file *f)
{
	seq_uuid(s, boot_id);
	return 0;
}

/* --- counted by others --- */

static int show_text(struct seq *s, const struct proc_file *f)
{
	seq_printf(s, "%s\n", (const char *)f->arg);
	return 0;
}

static int load_threads_max(const struct sysctl *c, s64 *values)
{
	/* As Linux: threads whose stacks would fill an eighth of memory. */
	enum { THREAD_PAGES = 4 };
	values[0] = (s64)(page_total / (8 * THREAD_PAGES));
	return 0;
}

static const struct proc_file sys_files[] = {
	{.path = "sys/kernel/ostype", .show = show_name, .arg = (void *)NAME_SYSNAME},
	{.path = "sys/kernel/osrelease", .show = show_name, .arg = (void *)NAME_RELEASE},
	{.path = "sys/kernel/version", .show = show_name, .arg = (void *)NAME_VERSION},
	{.path = "sys/kernel/hostname",
         .show = show_name,
         .store = store_name,
         .arg = (void *)NAME_NODE},
	{.path = "sys/kernel/domainname",
         .show = show_name,
         .store = store_name,
         .arg = (void *)NAME_DOMAIN},
	{.path = "sys/kernel/random/uuid", .show = show_uuid},
	{.path = "sys/kernel/random/boot_id", .show = show_boot_id},
	{.path = "sys/kernel/random/entropy_avail", .show = show_text, .arg = "256"},
	{.path = "sys/kernel/random/poolsize", .show = show_text, .arg = "256"},
	{.path = "sys/kernel/core_pattern", .show = show_text, .arg = "core"},
};

/* Settings that programs read, and some write, without anything here depending on them. */
static s32 printk_levels[] = {7, 4, 1, 7};
static s32 panic_seconds, randomize_va_space = 2, dmesg_restrict, kptr_restrict, tainted;
static s32 cap_last_cap = CAP_LAST, ngroups_max = 65536, overflow_uid = 65534, overflow_gid = 65534;
static s32 pid_max = 4194304; /* kernel/proc/pid.c */
static s32 core_uses_pid, rr_timeslice_ms = 100, rt_period_us = 1000000, rt_runtime_us = 950000;
static s32 overcommit_ratio = 50, max_map_count = 65530, swappiness = 60;
static s64 mmap_min_addr = 65536;
static s32 protected_hardlinks, protected_symlinks, suid_dumpable, nr_open = 1048576;
static s64 file_max = INT64_MAX, file_nr[3] = {0, 0, INT64_MAX}, aio_max_nr = 65536, aio_nr;
static s32 yes = 1;

static const struct sysctl sys_numbers[] = {
	{.path = "sys/kernel/printk", .count = 4, .data = printk_levels},
	{.path = "sys/kernel/panic", .data = &panic_seconds},
	{.path = "sys/kernel/randomize_va_space", .max = 2, .data = &randomize_va_space},
	{.path = "sys/kernel/dmesg_restrict", .max = 1, .data = &dmesg_restrict},
	{.path = "sys/kernel/kptr_restrict", .max = 2, .data = &kptr_restrict},
	{.path = "sys/kernel/tainted", .mode = 0444, .data = &tainted},
	{.path = "sys/kernel/cap_last_cap", .mode = 0444, .data = &cap_last_cap},
	{.path = "sys/kernel/ngroups_max", .mode = 0444, .data = &ngroups_max},
	{.path = "sys/kernel/pid_max", .mode = 0444, .data = &pid_max},
	{.path = "sys/kernel/overflowuid", .max = 65535, .data = &overflow_uid},
	{.path = "sys/kernel/overflowgid", .max = 65535, .data = &overflow_gid},
	{.path = "sys/kernel/core_uses_pid", .data = &core_uses_pid},
	{.path = "sys/kernel/sched_rr_timeslice_ms", .mode = 0444, .data = &rr_timeslice_ms},
	{.path = "sys/kernel/sched_rt_period_us", .mode = 0444, .data = &rt_period_us},
	{.path = "sys/kernel/sched_rt_runtime_us", .mode = 0444, .data = &rt_runtime_us},
	{.path = "sys/kernel/threads-max", .mode = 0444, .load = load_threads_max},
	{.path = "sys/vm/overcommit_memory",
         .max = VM_OVERCOMMIT_ALWAYS,
         .data = &vm_overcommit_memory},
	{.path = "sys/vm/overcommit_ratio", .data = &overcommit_ratio},
	{.path = "sys/vm/max_map_count", .mode = 0444, .data = &max_map_count},
	{.path = "sys/vm/swappiness", .max = 200, .data = &swappiness},
	{.path = "sys/vm/mmap_min_addr",
         .kind = SYSCTL_ULONG,
         .mode = 0444,
         .data = &mmap_min_addr},
	{.path = "sys/fs/file-max", .kind = SYSCTL_ULONG, .mode = 0444, .data = &file_max},
	{.path = "sys/fs/file-nr", .kind = SYSCTL_ULONG, .count = 3, .mode = 0444, .data = file_nr},
	{.path = "sys/fs/nr_open", .mode = 0444, .data = &nr_open},
	{.path = "sys/fs/aio-max-nr", .kind = SYSCTL_ULONG, .mode = 0444, .data = &aio_max_nr},
	{.path = "sys/fs/aio-nr", .kind = SYSCTL_ULONG, .mode = 0444, .data = &aio_nr},
	{.path = "sys/fs/protected_hardlinks", .mode = 0444, .data = &protected_hardlinks},
	{.path = "sys/fs/protected_symlinks", .mode = 0444, .data = &protected_symlinks},
	{.path = "sys/fs/suid_dumpable", .mode = 0444, .data = &suid_dumpable},
	{.path = "sys/kernel/sysctl_writes_strict", .mode = 0444, .data = &yes},
};

void procfs_sys_init(void)
{
	uuid_make(boot_id);
	for (u32 i = 0; i < ARRAY_SIZE(sys_files); i++)
		proc_file_register(&sys_files[i]);
	for (u32 i = 0; i < ARRAY_SIZE(sys_numbers); i++)
		sysctl_register(&sys_numbers[i]);
}
