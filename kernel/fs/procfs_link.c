/* Links into the life of a task: exe, cwd, root, and descriptors (fd, fdinfo). */
#include "abi/fcntl.h"
#include "kernel/fs/context.h"
#include "kernel/fs/open.h"
#include "kernel/fs/procfs_internal.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/mm/aspace.h"
#include "kernel/mm/page.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/fdtable.h"

int proc_link_task(struct inode *i, struct task **out)
{
	struct task *t = proc_task_get(i);
	if (!t)
		return -ENOENT;
	if (!proc_may_inspect(t)) {
		task_put(t);
		return -EACCES;
	}
	*out = t;
	return 0;
}

/* readlink(2) of whatever i's link_path yields. */
static ssize proc_readlink(struct inode *i, char *buf, size_t size)
{
	AUTO_PATH path = {0};
	TRY(i->ops->link_path(i, &path));
	char *page = kmalloc(PAGE_SIZE);
	if (!page)
		return -ENOMEM;
	const char *name = path_name(&path, page, PAGE_SIZE);
	ssize n = is_err(name) ? ptr_err(name) : (ssize)MIN(strlen(name), size);
	if (n > 0)
		memcpy(buf, name, (size_t)n);
	kfree(page);
	return n;
}

static int proc_exe_path(struct inode *i, struct path *out)
{
	struct task *raw;
	TRY(proc_link_task(i, &raw));
	AUTO_PUT(task) t = raw;
	AUTO_PUT(aspace) as = task_aspace_get(t);
	if (!as)
		return -ENOENT;
	GUARD(read)(&as->lock);
	if (!as->exe)
		return -ENOENT;
	*out = as->exe->path;
	path_get(out);
	return 0;
}

/* => the task's file-system context with a reference, or err_ptr. */
static struct fs_context *proc_fs(struct inode *i)
{
	struct task *raw;
	int err = proc_link_task(i, &raw);
	if (err)
		return err_ptr(err);
	AUTO_PUT(task) t = raw;
	struct fs_context *fs = task_fs_get(t);
	return fs ? fs : err_ptr(-ENOENT);
}

/* Of the two paths of `fs`, whose reference is consumed. */
static int fs_path_get(struct fs_context *fs, const struct path *which, struct path *out)
{
	spin_lock(&fs->lock);
	*out = *which;
	path_get(out);
	spin_unlock(&fs->lock);
	fs_context_put(fs);
	return 0;
}

static int proc_cwd_path(struct inode *i, struct path *out)
{
	struct fs_context *fs = TRY_PTR(proc_fs(i));
	return fs_path_get(fs, &fs->cwd, out);
}

static int proc_root_path(struct inode *i, struct path *out)
{
	struct fs_context *fs = TRY_PTR(proc_fs(i));
	return fs_path_get(fs, &fs->root, out);
}

#define PROC_LINK_OPS(path_)                                                                       \
	{                                                                                          \
		.link_path = path_, .readlink = proc_readlink, .stale = proc_stale,                \
		.setattr = proc_setattr, .evict = proc_evict                                       \
	}
const struct inode_ops proc_exe_ops = PROC_LINK_OPS(proc_exe_path);
const struct inode_ops proc_cwd_ops = PROC_LINK_OPS(proc_cwd_path);
const struct inode_ops proc_root_link_ops = PROC_LINK_OPS(proc_root_path);

/* --- descriptors --- */

/* => the file at fd with a reference, or NULL. May sleep. */
static struct file *proc_fd_file(struct task *t, u32 fd, bool *out_cloexec)
{
	struct fdtable *table = task_files_pin(t);
	if (!table)
		return NULL;
	int at = (int)fd;
	struct file *f = fdtable_next(table, &at);
	if (f && at != (int)fd) {
		file_put(f);
		f = NULL;
	}
	if (f) {
		GUARD(spin)(&table->lock);
		*out_cloexec = table->array->cloexec[fd / 64] >> (fd % 64) & 1;
	}
	fdtable_unpin(table);
	return f;
}

/* Walk: the permissions of the link for fd, by the file's access mode, without references: the table
 * cannot go while SIGHAND is held, its array and files not before a grace period. => 0: not open. */
static u32 proc_fd_peek(struct task *t, u32 fd)
{
	u32 mode = 0;
	struct sighand *s = sighand_lock(t->process);
	struct fdtable *table = t->files;
	if (table) {
		const struct fdarray *a = rcu_dereference(table->array);
		struct file *f = fd < a->size ? rcu_dereference(a->files[fd]) : NULL;
		if (f)
			mode = S_IFLNK | (file_readable(f) ? 0500 : 0) |
			       (file_writable(f) ? 0300 : 0);
	}
	sighand_unlock(s);
	return mode;
}

static bool proc_fd_stale(struct inode *i)
{
	if (proc_stale(i))
		return true;
	u32 mode = proc_fd_peek(i->private, proc_ino_sub(i->ino) - 1);
	if (mode && S_ISLNK(i->mode))
		store_relaxed(&i->mode, mode);
	return !mode;
}

static int proc_fd_path(struct inode *i, struct path *out)
{
	struct task *raw;
	TRY(proc_link_task(i, &raw));
	AUTO_PUT(task) t = raw;
	bool cloexec;
	AUTO_PUT(file) f = proc_fd_file(t, proc_ino_sub(i->ino) - 1, &cloexec);
	if (!f)
		return -ENOENT;
	*out = f->path;
	path_get(out);
	return 0;
}

static const struct inode_ops proc_fd_link_ops = {.link_path = proc_fd_path,
                                                  .readlink = proc_readlink,
                                                  .stale = proc_fd_stale,
                                                  .setattr = proc_setattr,
                                                  .evict = proc_evict};

static int proc_fdinfo_show(struct seq *s, void *arg)
{
	struct inode *i = arg;
	AUTO_PUT(task) t = proc_task_get(i);
	if (!t)
		return -ESRCH;
	bool cloexec;
	AUTO_PUT(file) f = proc_fd_file(t, proc_ino_sub(i->ino) - 1, &cloexec);
	if (!f)
		return -ENOENT;
	file_fdinfo(f, cloexec, s);
	return 0;
}

static const struct seq_ops proc_fdinfo_seq = {.show = proc_fdinfo_show};

static int proc_fdinfo_open(struct inode *i, struct file *f)
{
	AUTO_PUT(task) t = proc_task_get(i);
	if (!t)
		return -ESRCH;
	if (!proc_may_inspect(t))
		return -EACCES;
	return seq_open(f, &proc_fdinfo_seq, i);
}

static const struct inode_ops proc_fdinfo_ops = {.open = proc_fdinfo_open,
                                                 .stale = proc_fd_stale,
                                                 .setattr = proc_setattr,
                                                 .evict = proc_evict};

/* --- their directories --- */

static u64 proc_fd_ino(const struct inode *dir, u32 fd)
{
	return proc_ino(proc_ino_tid(dir->ino), proc_ino_as_thread(dir->ino),
	                proc_ino_index(dir->ino), fd + 1);
}

static int proc_fd_child(struct inode *dir, const char *name, u32 len, const struct inode_ops *ops,
                         u32 fixed_mode, struct inode **out)
{
	s64 fd = proc_parse_number(name, len);
	if (fd < 0 || fd >= PROC_SUB_MAX || proc_stale(dir))
		return -ENOENT;
	struct task *t = dir->private;
	u32 mode = proc_fd_peek(t, (u32)fd);
	if (!mode)
		return -ENOENT;
	return proc_inode_new(t, fixed_mode ? fixed_mode : mode, ops, proc_fd_ino(dir, (u32)fd),
	                      out);
}

static int proc_fd_lookup(struct inode *dir, const char *name, u32 len, struct inode **out)
{
	return proc_fd_child(dir, name, len, &proc_fd_link_ops, 0, out);
}
static int proc_fdinfo_lookup(struct inode *dir, const char *name, u32 len, struct inode **out)
{
	return proc_fd_child(dir, name, len, &proc_fdinfo_ops, S_IFREG | 0444, out);
}

/* Threads of one group may look at each other's descriptors whatever their credentials. */
static int proc_fd_permission(struct inode *i, u32 mask)
{
	struct task *t = i->private;
	return t->process == process_current() ? 0 : inode_permission_generic(i, mask);
}

static int proc_fd_readdir(struct file *f, struct dir_emit *e)
{
	u32 type = proc_entries[proc_ino_index(f->inode->ino) - 1].ops == &proc_fd_dir_ops ? DT_LNK
	                                                                                   : DT_REG;
	AUTO_PUT(task) t = proc_task_get(f->inode);
	if (!t)
		return -ENOENT;
	if (!dir_emit_dots(f, e))
		return 0;
	struct fdtable *table = task_files_pin(t);
	if (!table)
		return 0;
	for (int fd = (int)(e->pos - 2);; fd++) {
		AUTO_PUT(file) open = fdtable_next(table, &fd);
		if (!open)
			break;
		char name[12];
		u32 len = (u32)scnprintf(name, sizeof name, "%d", fd);
		if (!dir_emit(e, name, len, proc_fd_ino(f->inode, (u32)fd), type, (u64)fd + 3))
			break;
	}
	fdtable_unpin(table);
	return 0;
}

const struct file_ops proc_fd_dir_file_ops = {.iterate = proc_fd_readdir, .seek = file_seek_no_end};
const struct file_ops proc_fdinfo_dir_file_ops = {.iterate = proc_fd_readdir,
                                                  .seek = file_seek_no_end};
const struct inode_ops proc_fd_dir_ops = {.lookup = proc_fd_lookup,
                                          .stale = proc_stale,
                                          .permission = proc_fd_permission,
                                          .setattr = proc_setattr,
                                          .evict = proc_evict};
const struct inode_ops proc_fdinfo_dir_ops = {.lookup = proc_fdinfo_lookup,
                                              .stale = proc_stale,
                                              .permission = proc_fd_permission,
                                              .setattr = proc_setattr,
                                              .evict = proc_evict};
