/*
 * /proc/PID/ns: links to namespaces. What a link leads to is an inode of a file system of its own
 * (nsfs on Linux), whose number is the namespace's, so that stat(2) tells whether two are the same.
 */
#include "kernel/fs/procfs_internal.h"
#include "kernel/lib/bug.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"

enum { NSFS_MAGIC = 0x6e736673, NS_KINDS_MAX = 8 };

static const struct proc_ns *kinds[NS_KINDS_MAX]; /* [I] after boot */
static u32 kind_count;
static struct super *nsfs_super; /* [I] since the first registration */

static void nsfs_statfs(struct super *s, struct abi_statfs *st)
{
	st->namelen = 255;
	st->bsize = st->frsize = 4096;
}
static const struct super_ops nsfs_ops = {.statfs = nsfs_statfs};
static struct fs_type nsfs_type = {.name = "nsfs", .flags = FS_NO_USER_MOUNT};

void proc_ns_register(const struct proc_ns *ns)
{
	if (!nsfs_super)
		nsfs_super = super_new(&nsfs_type, &nsfs_ops, NSFS_MAGIC);
	ASSERT(nsfs_super && kind_count < NS_KINDS_MAX);
	kinds[kind_count++] = ns;
}

/* --- the namespace as a file --- */

static int nsfs_open(struct inode *i, struct file *f)
{
	return kinds[i->private_id]->open(i->private, f);
}

static const struct inode_ops nsfs_inode_ops = {.open = nsfs_open, .evict = proc_evict};

static const struct proc_ns *ns_of(const struct inode *i)
{
	return kinds[proc_ino_sub(i->ino) - 1];
}

static int nsfs_path(struct task *t, u32 kind, u64 number, struct path *out)
{
	char name[48];
	struct qname q = {name,
	                  (u32)scnprintf(name, sizeof name, "%s:[%llu]", kinds[kind]->name,
	                                 (unsigned long long)number),
	                  0};
	AUTO_PUT(inode) i = inode_new(nsfs_super, S_IFREG | 0444, &nsfs_inode_ops, number);
	if (!i)
		return -ENOMEM;
	task_get(t);
	i->private = t;
	i->private_id = kind;
	struct dentry *d = dentry_new(NULL, &q, i);
	if (!d)
		return -ENOMEM;
	*out = (struct path){NULL, d};
	return 0;
}

/* --- the links and their directory --- */

static int ns_link_path(struct inode *i, struct path *out)
{
	struct task *raw;
	TRY(proc_link_task(i, &raw));
	AUTO_PUT(task) t = raw;
	u64 number = ns_of(i)->number(t);
	return number ? nsfs_path(t, proc_ino_sub(i->ino) - 1, number, out) : -ENOENT;
}

static ssize ns_readlink(struct inode *i, char *buf, size_t size)
{
	struct task *raw;
	TRY(proc_link_task(i, &raw));
	AUTO_PUT(task) t = raw;
	char name[48];
	u64 number = ns_of(i)->number(t);
	if (!number)
		return -ENOENT;
	size_t n = (size_t)scnprintf(name, sizeof name, "%s:[%llu]", ns_of(i)->name,
	                             (unsigned long long)number);
	n = MIN(n, size);
	memcpy(buf, name, n);
	return (ssize)n;
}

static const struct inode_ops ns_link_ops = {.link_path = ns_link_path,
                                             .readlink = ns_readlink,
                                             .stale = proc_stale,
                                             .setattr = proc_setattr,
                                             .evict = proc_evict};

static u64 ns_ino(const struct inode *dir, u32 kind)
{
	return dir->ino + kind + 1;
}

static int ns_lookup(struct inode *dir, const char *name, u32 len, struct inode **out)
{
	if (proc_stale(dir))
		return -ENOENT;
	for (u32 k = 0; k < kind_count; k++)
		if (strlen(kinds[k]->name) == len && !memcmp(kinds[k]->name, name, len))
			return proc_inode_new(dir->private, S_IFLNK | 0777, &ns_link_ops,
			                      ns_ino(dir, k), out);
	return -ENOENT;
}

static int ns_readdir(struct file *f, struct dir_emit *e)
{
	if (!dir_emit_dots(f, e))
		return 0;
	for (u32 k = (u32)e->pos - 2; k < kind_count; k++)
		if (!dir_emit(e, kinds[k]->name, (u32)strlen(kinds[k]->name), ns_ino(f->inode, k),
		              DT_LNK, k + 3))
			break;
	return 0;
}

const struct file_ops proc_ns_dir_file_ops = {.iterate = ns_readdir, .seek = file_seek_no_end};
const struct inode_ops proc_ns_dir_ops = {
	.lookup = ns_lookup, .stale = proc_stale, .setattr = proc_setattr, .evict = proc_evict};
