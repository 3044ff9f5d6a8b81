#include "kernel/fs/procfs_internal.h"
#include "kernel/lib/bug.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/proc/poll.h"

enum { PROC_SUPER_MAGIC = 0x9fa0 };

/* --- registered text files --- */

static int proc_file_show(struct seq *s, void *arg)
{
	const struct proc_file *f = arg;
	return f->show ? f->show(s, f) : 0;
}

static ssize proc_file_store(struct file *file, void *arg, char *text, size_t length, u64 *pos)
{
	const struct proc_file *f = arg;
	if (!f->store)
		return -EIO; /* as Linux: only who ignores permissions gets here */
	TRY(f->store(f, text, length));
	*pos += length;
	return (ssize)length;
}

static u32 proc_file_poll(struct seq *s, struct poll_table *pt)
{
	return POLL_ALWAYS_READY;
}

static const struct seq_ops proc_file_seq = {
	.show = proc_file_show, .store = proc_file_store, .poll = proc_file_poll};

static int proc_file_open(struct inode *inode, struct file *f)
{
	const struct proc_file *p = inode->private;
	return p->open ? p->open(p, f) : seq_open(f, &proc_file_seq, inode->private);
}

static const struct inode_ops proc_file_inode_ops = {.open = proc_file_open};

void proc_file_register(const struct proc_file *f)
{
	u32 mode = f->mode ? f->mode : f->store ? 0644 : 0444;
	struct inode *i = inode_new(proc_super(), S_IFREG | mode, &proc_file_inode_ops, 0);
	ASSERT(i);
	i->private = (void *)f;
	proc_plant(f->path, i);
}

/* --- the tree --- */

static const struct inode_ops proc_static_dir_ops = {0};

static struct inode *proc_static_dir(void)
{
	struct inode *i = inode_new(proc_super(), S_IFDIR | 0555, &proc_static_dir_ops, 0);
	ASSERT(i);
	i->file_ops = &dir_file_ops;
	return i;
}

static struct dentry *proc_child_dir(struct dentry *parent, const char *name, u32 len)
{
	struct qname q = qname_make(name, len);
	struct dentry *d = dentry_find(parent, &q);
	if (d)
		return d;
	char copy[64];
	ASSERT(len < sizeof copy);
	memcpy(copy, name, len);
	copy[len] = 0;
	d = dentry_make(parent, copy, proc_static_dir());
	ASSERT(!is_err(d));
	return d;
}

struct dentry *proc_plant(const char *path, struct inode *inode)
{
	struct dentry *parent = proc_super()->root;
	for (const char *slash; (slash = strchr(path, '/')); path = slash + 1)
		parent = proc_child_dir(parent, path, (u32)(slash - path));
	struct dentry *d = dentry_make(parent, path, inode);
	ASSERT(!is_err(d));
	return d;
}

/* --- links --- */

static const char *proc_self_text(struct inode *i, char *buf)
{
	snprintf(buf, 64, "%d", process_current()->pid);
	return buf;
}
static const char *proc_thread_self_text(struct inode *i, char *buf)
{
	snprintf(buf, 64, "%d/task/%d", process_current()->pid, task_current()->tid);
	return buf;
}
static const char *proc_fixed_text(struct inode *i, char *buf)
{
	return i->private;
}
static const struct inode_ops proc_self_ops = {.link_text = proc_self_text};
static const struct inode_ops proc_thread_self_ops = {.link_text = proc_thread_self_text};
static const struct inode_ops proc_fixed_link_ops = {.link_text = proc_fixed_text};

static void proc_link(const char *path, const struct inode_ops *ops, const char *target)
{
	struct inode *i = inode_new(proc_super(), S_IFLNK | 0777, ops, 0);
	ASSERT(i);
	i->private = (void *)target;
	proc_plant(path, i);
}

/* --- root and file system type --- */

/* Tells a buffer that is full from a directory that has ended. */
struct root_emit {
	struct dir_emit emit;
	struct dir_emit *outer;
	bool full;
};

static bool root_emit_actor(struct dir_emit *e, const char *name, u32 len, u64 ino, u32 type,
                            u64 next_pos)
{
	struct root_emit *r = container_of(e, struct root_emit, emit);
	r->full = !dir_emit(r->outer, name, len, ino, type, next_pos);
	return !r->full;
}

static int proc_root_readdir(struct file *f, struct dir_emit *e)
{
	if (e->pos < DIR_DYNAMIC_POS) {
		struct root_emit r = {.emit = {e->pos, root_emit_actor}, .outer = e};
		TRY(dir_iterate_memory(f, &r.emit));
		if (r.full)
			return 0;
		e->pos = DIR_DYNAMIC_POS;
	}
	proc_root_iterate(e);
	return 0;
}

static const struct file_ops proc_root_file_ops = {.iterate = proc_root_readdir,
                                                   .seek = file_seek_no_end};
static const struct inode_ops proc_root_inode_ops = {.lookup = proc_root_lookup};

static void proc_statfs(struct super *s, struct abi_statfs *st)
{
	st->type = PROC_SUPER_MAGIC;
	st->namelen = 255;
	st->bsize = st->frsize = 4096;
}

static struct super *proc_mount(const struct fs_type *t, u32 flags, const char *source, char *data)
{
	struct super *s = proc_super();
	super_activate(s);
	return s;
}

static const struct super_ops proc_super_ops = {.statfs = proc_statfs};
static struct fs_type proc_type = {
	.name = "proc", .flags = FS_NO_NEW_NAMES | FS_STACKS, .mount = proc_mount};
static struct super
	*the_super; /* one for all mounts; made at boot by one thread, never destroyed */

static struct super *proc_super_make(void)
{
	struct super *s = super_new(&proc_type, &proc_super_ops, PROC_SUPER_MAGIC);
	ASSERT(s);
	struct inode *root = inode_new(s, S_IFDIR | 0555, &proc_root_inode_ops, 0);
	ASSERT(root);
	root->file_ops = &proc_root_file_ops;
	int err = super_set_root(s, root);
	ASSERT(!err);
	return s;
}

struct super *proc_super(void)
{
	if (!the_super)
		the_super = proc_super_make();
	return the_super;
}

void procfs_init(void)
{
	proc_link("self", &proc_self_ops, NULL);
	proc_link("thread-self", &proc_thread_self_ops, NULL);
	proc_link("mounts", &proc_fixed_link_ops, "self/mounts");
	procfs_system_init();
	procfs_sys_init();
	huge_files_init();
	fs_type_register(&proc_type);
}
