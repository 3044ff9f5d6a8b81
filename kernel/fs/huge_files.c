/* The pool of huge pages in /proc/sys/vm and /sys/kernel/mm/hugepages; Linux' admin-guide/mm/hugetlbpage. */
#include "kernel/fs/procfs.h"
#include "kernel/fs/procfs_internal.h"
#include "kernel/fs/sysfs.h"
#include "kernel/lib/checked.h"
#include "kernel/mm/huge.h"

static struct huge_stats stats(void)
{
	struct huge_stats h;

	huge_pool_stats(&h);
	return h;
}
static u64 persistent(void)
{
	struct huge_stats h = stats();

	return h.total - h.surplus;
}

/* --- /proc/sys/vm --- */

static int load_size(const struct sysctl *c, s64 *values)
{
	values[0] = (s64)persistent();
	return 0;
}
static int store_size(const struct sysctl *c, const s64 *values, u32 given)
{
	huge_pool_resize((u64)values[0]);
	return 0;
}
static int load_overcommit(const struct sysctl *c, s64 *values)
{
	values[0] = (s64)stats().overcommit;
	return 0;
}
static int store_overcommit(const struct sysctl *c, const s64 *values, u32 given)
{
	huge_pool_set_overcommit((u64)values[0]);
	return 0;
}

void huge_files_init(void)
{
	static const struct sysctl sysctls[] = {
		{.path = "sys/vm/nr_hugepages",
	         .kind = SYSCTL_ULONG,
	         .load = load_size,
	         .store = store_size},
		{.path = "sys/vm/nr_hugepages_mempolicy",
	         .kind = SYSCTL_ULONG,
	         .load = load_size,
	         .store = store_size},
		{.path = "sys/vm/nr_overcommit_hugepages",
	         .kind = SYSCTL_ULONG,
	         .load = load_overcommit,
	         .store = store_overcommit},
		{.path = "sys/vm/hugetlb_shm_group", .data = &huge_shm_group},
	};

	for (u32 i = 0; i < ARRAY_SIZE(sysctls); i++)
		sysctl_register(&sysctls[i]);
}

/* --- /sys --- */

static void show(struct seq *s, u64 n)
{
	seq_printf(s, "%llu\n", (unsigned long long)n);
}
static void show_size(struct seq *s, const char *arg)
{
	show(s, persistent());
}
static void show_total(struct seq *s, const char *arg)
{
	show(s, stats().total);
}
static void show_free(struct seq *s, const char *arg)
{
	show(s, stats().free);
}
static void show_reserved(struct seq *s, const char *arg)
{
	show(s, stats().reserved);
}
static void show_surplus(struct seq *s, const char *arg)
{
	show(s, stats().surplus);
}
static void show_overcommit(struct seq *s, const char *arg)
{
	show(s, stats().overcommit);
}

/* kstrtoul() of Linux, base 10: digits, and perhaps a newline. */
static int number_parse(const char *text, u64 *out)
{
	u64 n = 0;

	if (*text == '+')
		text++;
	if (*text < '0' || *text > '9')
		return -EINVAL;
	for (; *text >= '0' && *text <= '9'; text++)
		if (mul_overflows(n, 10ull, &n) || add_overflows(n, (u64)(*text - '0'), &n))
			return -ERANGE;
	if (*text == '\n')
		text++;
	*out = n;
	return *text ? -EINVAL : 0;
}
static int resize(const char *text)
{
	u64 n;

	TRY(number_parse(text, &n));
	huge_pool_resize(n);
	return 0;
}
static int set_overcommit(const char *text)
{
	u64 n;

	TRY(number_parse(text, &n));
	huge_pool_set_overcommit(n);
	return 0;
}

#define POOL "kernel/mm/hugepages/hugepages-2048kB/"
#define NODE "devices/system/node/node0/hugepages/hugepages-2048kB/"
const struct sysfs_file sysfs_huge_files[] = {
	{POOL "nr_hugepages", show_size, NULL, resize},
	{POOL "nr_hugepages_mempolicy", show_size, NULL, resize},
	{POOL "nr_overcommit_hugepages", show_overcommit, NULL, set_overcommit},
	{POOL "free_hugepages", show_free, NULL, NULL},
	{POOL "resv_hugepages", show_reserved, NULL, NULL},
	{POOL "surplus_hugepages", show_surplus, NULL, NULL},
	{NODE "nr_hugepages", show_total, NULL, resize},
	{NODE "free_hugepages", show_free, NULL, NULL},
	{NODE "surplus_hugepages", show_surplus, NULL, NULL},
};
const u32 sysfs_huge_file_count = ARRAY_SIZE(sysfs_huge_files);
