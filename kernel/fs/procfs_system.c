/* What /proc says of the whole machine: meminfo, cpuinfo, stat, uptime, loadavg ... */
#include "arch/boot.h"
#include "arch/clock.h"
#include "arch/cpu.h"
#include "kernel/dev/device.h"
#include "kernel/fs/locks.h"
#include "kernel/fs/procfs_internal.h"
#include "kernel/lib/string.h"
#include "kernel/mm/huge.h"
#include "kernel/mm/page.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/uts.h"
#include "kernel/sched/account.h"
#include "kernel/sched/realtime.h"

enum { NS_PER_TICK = 10000000, NS_PER_SECOND = 1000000000 };

/* --- meminfo --- */

static void kb(struct seq *s, const char *name, u64 pages)
{
	int pad = 15 - (int)strlen(name);
	seq_printf(s, "%s:%*s%8llu kB\n", name, pad > 0 ? pad : 0, "",
	           (unsigned long long)(pages * (PAGE_SIZE / 1024)));
}

static void show_huge_pages(struct seq *s)
{
	struct huge_stats h;
	huge_pool_stats(&h);
	const struct {
		const char *name;
		u64 pages;
	} lines[] = {{"HugePages_Total:", h.total},
	             {"HugePages_Free: ", h.free},
	             {"HugePages_Rsvd: ", h.reserved},
	             {"HugePages_Surp: ", h.surplus}};
	for (u32 i = 0; i < ARRAY_SIZE(lines); i++)
		seq_printf(s, "%s   %5llu\n", lines[i].name, (unsigned long long)lines[i].pages);
	kb(s, "Hugepagesize", 1 << HUGE_PAGE_ORDER);
	kb(s, "Hugetlb", h.total << HUGE_PAGE_ORDER);
}

static int show_meminfo(struct seq *s, const struct proc_file *f)
{
	static const char *const zero_lines[] = {"Zswap", "Zswapped", "Dirty", "Writeback"};
	struct page_stats m;
	page_stats(&m);
	u64 free = m.free + m.cached;
	kb(s, "MemTotal", m.total);
	kb(s, "MemFree", free);
	kb(s, "MemAvailable", free);
	kb(s, "Buffers", 0);
	kb(s, "Cached", m.object);
	kb(s, "SwapCached", 0);
	kb(s, "Active", m.anonymous + m.object);
	kb(s, "Inactive", 0);
	kb(s, "Active(anon)", m.anonymous + m.object);
	kb(s, "Inactive(anon)", 0);
	kb(s, "Active(file)", 0);
	kb(s, "Inactive(file)", 0);
	kb(s, "Unevictable", 0);
	kb(s, "Mlocked", 0);
	kb(s, "SwapTotal", 0);
	kb(s, "SwapFree", 0);
	for (u32 i = 0; i < ARRAY_SIZE(zero_lines); i++)
		kb(s, zero_lines[i], 0);
	kb(s, "AnonPages", m.anonymous);
	kb(s, "Mapped", m.object);
	kb(s, "Shmem", m.object);
	kb(s, "KReclaimable", 0);
	kb(s, "Slab", m.slab);
	kb(s, "SReclaimable", 0);
	kb(s, "SUnreclaim", m.slab);
	kb(s, "KernelStack", m.stacks);
	kb(s, "PageTables", m.tables);
	kb(s, "CommitLimit", m.total);
	kb(s, "Committed_AS", m.anonymous + m.object);
	seq_puts(s, "VmallocTotal:   34359738367 kB\n");
	kb(s, "VmallocUsed", m.stacks);
	kb(s, "VmallocChunk", 0);
	show_huge_pages(s);
	return 0;
}

/* --- processors --- */

static int show_cpuinfo(struct seq *s, const struct proc_file *f)
{
	enum { CPU_TEXT_SIZE = 4096 };
	char *text = kmalloc(CPU_TEXT_SIZE);
	if (!text)
		return -ENOMEM;
	for_each_cpu (c)
		seq_write(s, text, (size_t)cpu_info_print(c, text, CPU_TEXT_SIZE));
	kfree(text);
	return 0;
}

static void stat_cpu_line(struct seq *s, const struct cpu_times *t)
{
	seq_printf(s, " %llu %llu %llu %llu 0 0 0 0 0 0\n",
	           (unsigned long long)(t->user / NS_PER_TICK),
	           (unsigned long long)(t->nice / NS_PER_TICK),
	           (unsigned long long)(t->system / NS_PER_TICK),
	           (unsigned long long)(t->idle / NS_PER_TICK));
}

static u64 boot_seconds(void)
{
	return (realtime_ns() - clock_mono_ns()) / NS_PER_SECOND;
}

static int show_stat(struct seq *s, const struct proc_file *f)
{
	struct cpu_times sum = {0}, one;
	for_each_cpu (c) {
		sched_cpu_times(c, &one);
		sum.user += one.user;
		sum.nice += one.nice;
		sum.system += one.system;
		sum.idle += one.idle;
	}
	seq_puts(s, "cpu ");
	stat_cpu_line(s, &sum);
	for_each_cpu (c) {
		sched_cpu_times(c, &one);
		seq_printf(s, "cpu%u", c);
		stat_cpu_line(s, &one);
	}
	seq_printf(s,
	           "intr 0\nctxt %llu\nbtime %llu\nprocesses %llu\nprocs_running %u\n"
	           "procs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n",
	           (unsigned long long)sched_switches(), (unsigned long long)boot_seconds(),
	           (unsigned long long)task_count_ever(), sched_running());
	return 0;
}

static int show_uptime(struct seq *s, const struct proc_file *f)
{
	u64 up = clock_mono_ns() / NS_PER_TICK, idle = 0;
	for_each_cpu (c)
		idle += sched_idle_ns(c) / NS_PER_TICK;
	seq_printf(s, "%llu.%02llu %llu.%02llu\n", (unsigned long long)(up / 100),
	           (unsigned long long)(up % 100), (unsigned long long)(idle / 100),
	           (unsigned long long)(idle % 100));
	return 0;
}

static int show_loadavg(struct seq *s, const struct proc_file *f)
{
	enum { SHIFT = 11, ONE = 1 << SHIFT };
	u32 load[3];
	sched_loadavg(load);
	for (u32 i = 0; i < 3; i++) {
		u32 rounded = load[i] + ONE / 200;
		seq_printf(s, "%u.%02u ", rounded >> SHIFT, (rounded & (ONE - 1)) * 100 >> SHIFT);
	}
	seq_printf(s, "%u/%u %d\n", sched_running(), task_count(), pid_last());
	return 0;
}

/* --- names --- */

static int show_version(struct seq *s, const struct proc_file *f)
{
	struct utsname_abi u;
	uts_get(&u);
	seq_printf(s, "%s version %s (halyard@build) (%s) %s\n", u.sysname, u.release, __VERSION__,
	           u.version);
	return 0;
}

static int show_cmdline(struct seq *s, const struct proc_file *f)
{
	seq_printf(s, "%s\n", boot_info.command_line);
	return 0;
}

static int show_filesystems(struct seq *s, const struct proc_file *f)
{
	for (const struct fs_type *t = fs_type_first(); t; t = t->next)
		seq_printf(s, "%s\t%s\n", t->flags & FS_REQUIRES_DEVICE ? "" : "nodev", t->name);
	return 0;
}

/* A driver is called as its nodes are, without their numbers. */
static void device_line(struct seq *s, const struct device *d)
{
	const char *name = d->name ? d->name : "pts";
	size_t len = strlen(name);
	while (len && name[len - 1] >= '0' && name[len - 1] <= '9')
		len--;
	enum { TTYAUX_MAJOR = 5 };
	seq_printf(s, device_major(d->number) == TTYAUX_MAJOR ? "%3u /dev/%.*s\n" : "%3u %.*s\n",
	           device_major(d->number), (int)len, name);
}

static int show_devices(struct seq *s, const struct proc_file *f)
{
	enum { MEM_MAJOR = 1 };
	seq_puts(s, "Character devices:\n  1 mem\n");
	for (const struct device *d = NULL; (d = device_next(d));)
		if (device_major(d->number) != MEM_MAJOR)
			device_line(s, d);
	seq_puts(s, "\nBlock devices:\n");
	return 0;
}

static int show_consoles(struct seq *s, const struct proc_file *f)
{
	seq_puts(s, "ttyS0                -W- (EC p a)    4:64\n");
	return 0;
}

static int show_swaps(struct seq *s, const struct proc_file *f)
{
	seq_puts(s, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	return 0;
}

static int show_vmstat(struct seq *s, const struct proc_file *f)
{
	struct page_stats m;
	page_stats(&m);
	seq_printf(s,
	           "nr_free_pages %llu\nnr_anon_pages %llu\nnr_file_pages %llu\nnr_shmem %llu\n"
	           "nr_page_table_pages %llu\nnr_slab_unreclaimable %llu\n",
	           (unsigned long long)(m.free + m.cached), (unsigned long long)m.anonymous,
	           (unsigned long long)m.object, (unsigned long long)m.object,
	           (unsigned long long)m.tables, (unsigned long long)m.slab);
	return 0;
}

static int show_locks(struct seq *s, const struct proc_file *f)
{
	locks_show(s);
	return 0;
}

static int show_interrupts(struct seq *s, const struct proc_file *f)
{
	seq_puts(s, "          ");
	for_each_cpu (c)
		seq_printf(s, " CPU%-7u", c);
	seq_putc(s, '\n');
	return 0;
}

static const struct proc_file system_files[] = {
	{.path = "meminfo", .show = show_meminfo},
	{.path = "cpuinfo", .show = show_cpuinfo},
	{.path = "stat", .show = show_stat},
	{.path = "uptime", .show = show_uptime},
	{.path = "loadavg", .show = show_loadavg},
	{.path = "version", .show = show_version},
	{.path = "cmdline", .show = show_cmdline},
	{.path = "filesystems", .show = show_filesystems},
	{.path = "devices", .show = show_devices},
	{.path = "consoles", .show = show_consoles},
	{.path = "swaps", .show = show_swaps},
	{.path = "vmstat", .show = show_vmstat},
	{.path = "locks", .show = show_locks},
	{.path = "interrupts", .show = show_interrupts},
};

void procfs_system_init(void)
{
	for (u32 i = 0; i < ARRAY_SIZE(system_files); i++)
		proc_file_register(&system_files[i]);
}
