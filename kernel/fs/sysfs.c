#include "kernel/fs/sysfs.h"
#include "arch/cpu.h"
#include "kernel/fs/dentry.h"
#include "kernel/fs/inode.h"
#include "kernel/fs/seq.h"
#include "kernel/lib/bug.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/mm/page.h"

enum { SYSFS_SUPER_MAGIC = 0x62656572 };

static struct super *the_super; /* [I] since boot */

static int sysfs_show(struct seq *s, void *arg)
{
	const struct sysfs_file *f = arg;
	f->show(s, f->arg);
	return 0;
}
static ssize sysfs_store(struct file *file, void *arg, char *text, size_t length, u64 *pos)
{
	const struct sysfs_file *f = arg;
	if (!f->store)
		return -EIO; /* as Linux; root may open it all the same */
	TRY(f->store(text));
	*pos += length;
	return (ssize)length;
}
static const struct seq_ops sysfs_seq = {.show = sysfs_show, .store = sysfs_store};
static int sysfs_open(struct inode *i, struct file *f)
{
	return seq_open(f, &sysfs_seq, i->private);
}
static void sysfs_getattr(struct inode *i, struct kstat *st)
{
	st->size = PAGE_SIZE; /* what sysfs says of every attribute */
}
static const struct inode_ops sysfs_file_ops = {.open = sysfs_open, .getattr = sysfs_getattr};
static const struct inode_ops sysfs_dir_ops = {0};

static struct dentry *sysfs_child(struct dentry *parent, const char *name, struct inode *i)
{
	ASSERT(i);
	if (S_ISDIR(i->mode))
		i->file_ops = &dir_file_ops;
	struct dentry *d = dentry_make(parent, name, i);
	ASSERT(!is_err(d));
	return d;
}

static struct dentry *sysfs_dir(struct dentry *parent, const char *name, u32 len)
{
	struct qname q = qname_make(name, len);
	struct dentry *d = dentry_find(parent, &q);
	char copy[32];
	if (d)
		return d;
	ASSERT(len < sizeof copy);
	memcpy(copy, name, len);
	copy[len] = 0;
	return sysfs_child(parent, copy, inode_new(the_super, S_IFDIR | 0755, &sysfs_dir_ops, 0));
}

/* A path that ends with a slash is a directory. */
static void sysfs_plant(const char *path, const struct sysfs_file *f)
{
	struct dentry *parent = the_super->root;
	for (const char *slash; (slash = strchr(path, '/')); path = slash + 1)
		parent = sysfs_dir(parent, path, (u32)(slash - path));
	if (!*path)
		return;
	u32 mode = f->store ? 0644 : 0444;
	struct inode *i = inode_new(the_super, S_IFREG | mode, &sysfs_file_ops, 0);
	ASSERT(i);
	i->private = (void *)f;
	sysfs_child(parent, path, i);
}

/* --- texts --- */

static void show_arg(struct seq *s, const char *arg)
{
	seq_printf(s, "%s\n", arg);
}
static void show_cpu_list(struct seq *s, const char *arg)
{
	seq_printf(s, cpu_count > 1 ? "0-%u\n" : "%u\n", cpu_count - 1);
}
static void show_cpu_map(struct seq *s, const char *arg)
{
	u64 map = cpu_count < 64 ? BIT(cpu_count) - 1 : UINT64_MAX;
	if (map >> 32)
		seq_printf(s, "%08x,%08x\n", (u32)(map >> 32), (u32)map);
	else
		seq_printf(s, "%x\n", (u32)map);
}
static void show_node_meminfo(struct seq *s, const char *arg)
{
	struct page_stats m;
	page_stats(&m);
	u64 free = m.free + m.cached;
	const struct {
		const char *name;
		u64 pages;
	} lines[] = {{"MemTotal:", m.total},
	             {"MemFree:", free},
	             {"MemUsed:", m.total - free},
	             {"FilePages:", m.object},
	             {"AnonPages:", m.anonymous},
	             {"Shmem:", m.object},
	             {"KernelStack:", m.stacks},
	             {"PageTables:", m.tables},
	             {"Slab:", m.slab}};
	for (u32 i = 0; i < ARRAY_SIZE(lines); i++)
		seq_printf(s, "Node 0 %-15s %8llu kB\n", lines[i].name,
		           (unsigned long long)(lines[i].pages * (PAGE_SIZE / 1024)));
}

static const struct sysfs_file files[] = {
	{"class/tty/console/active", show_arg, "ttyS0", NULL},
	{"devices/system/cpu/online", show_cpu_list, NULL, NULL},
	{"devices/system/cpu/possible", show_cpu_list, NULL, NULL},
	{"devices/system/cpu/present", show_cpu_list, NULL, NULL},
	{"devices/system/cpu/offline", show_arg, "", NULL},
	{"devices/system/cpu/kernel_max", show_arg, "63", NULL},
	{"devices/system/node/online", show_arg, "0", NULL},
	{"devices/system/node/possible", show_arg, "0", NULL},
	{"devices/system/node/has_cpu", show_arg, "0", NULL},
	{"devices/system/node/has_memory", show_arg, "0", NULL},
	{"devices/system/node/has_normal_memory", show_arg, "0", NULL},
	{"devices/system/node/node0/cpulist", show_cpu_list, NULL, NULL},
	{"devices/system/node/node0/cpumap", show_cpu_map, NULL, NULL},
	{"devices/system/node/node0/distance", show_arg, "10", NULL},
	{"devices/system/node/node0/meminfo", show_node_meminfo, NULL, NULL},
	{"kernel/mm/transparent_hugepage/enabled", show_arg, "always madvise [never]", NULL},
	{"kernel/mm/transparent_hugepage/hpage_pmd_size", show_arg, "2097152", NULL},
	{"fs/cgroup/", NULL, NULL, NULL},
	{"block/", NULL, NULL, NULL},
	{"bus/", NULL, NULL, NULL},
	{"class/block/", NULL, NULL, NULL},
};

static void sysfs_cpus(void)
{
	for_each_cpu (c) {
		char path[64];
		scnprintf(path, sizeof path, "devices/system/cpu/cpu%u/", c);
		sysfs_plant(path, NULL);
		scnprintf(path, sizeof path, "devices/system/node/node0/cpu%u/", c);
		sysfs_plant(path, NULL);
	}
}

static void sysfs_statfs(struct super *s, struct abi_statfs *st)
{
	st->namelen = 255;
	st->bsize = st->frsize = PAGE_SIZE;
}

static struct super *sysfs_mount(const struct fs_type *t, u32 flags, const char *source, char *data)
{
	super_activate(the_super);
	return the_super;
}

static const struct super_ops sysfs_super_ops = {.statfs = sysfs_statfs};
static struct fs_type sysfs_type = {.name = "sysfs", .mount = sysfs_mount};

void sysfs_init(void)
{
	the_super = super_new(&sysfs_type, &sysfs_super_ops, SYSFS_SUPER_MAGIC);
	ASSERT(the_super);
	struct inode *root = inode_new(the_super, S_IFDIR | 0755, &sysfs_dir_ops, 0);
	ASSERT(root);
	root->file_ops = &dir_file_ops;
	int err = super_set_root(the_super, root);
	ASSERT(!err);
	for (u32 i = 0; i < ARRAY_SIZE(files); i++)
		sysfs_plant(files[i].path, &files[i]);
	for (u32 i = 0; i < sysfs_huge_file_count; i++)
		sysfs_plant(sysfs_huge_files[i].path, &sysfs_huge_files[i]);
	sysfs_cpus();
	fs_type_register(&sysfs_type);
}
