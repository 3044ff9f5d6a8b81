#include "kernel/fs/context.h"
#include "kernel/fs/dentry.h"
#include "kernel/fs/mount.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/task.h"

static struct fs_context *context_make(const struct path *cwd, const struct path *root, u32 umask)
{
	struct fs_context *fs = kmalloc(sizeof(*fs));
	if (!fs)
		return NULL;
	refcount_init(&fs->refs, 1);
	spinlock_init(&fs->lock, FS);
	fs->cwd = *cwd;
	fs->root = *root;
	fs->umask = umask;
	return fs;
}

struct fs_context *fs_context_new(void)
{
	struct path root = {mount_initial, mount_initial->root};
	struct fs_context *fs = context_make(&root, &root, 022);
	if (!fs)
		return err_ptr(-ENOMEM);
	path_get(&root);
	path_get(&root);
	return fs;
}

struct fs_context *fs_context_copy(struct fs_context *from)
{
	spin_lock(&from->lock);
	struct path cwd = from->cwd, root = from->root;
	path_get(&cwd);
	path_get(&root);
	spin_unlock(&from->lock);
	struct fs_context *fs = context_make(&cwd, &root, load_relaxed(&from->umask));
	if (fs)
		return fs;
	path_put(&cwd);
	path_put(&root);
	return err_ptr(-ENOMEM);
}

void fs_context_get(struct fs_context *fs)
{
	refcount_get(&fs->refs);
}

void fs_context_put(struct fs_context *fs)
{
	if (!fs || !refcount_put(&fs->refs))
		return;
	path_put(&fs->cwd);
	path_put(&fs->root);
	kfree(fs);
}

struct fs_context *fs_context_current(void)
{
	return task_current()->fs;
}

static struct path context_read(struct fs_context *fs, const struct path *which)
{
	GUARD(spin)
	(&fs->lock);
	path_get(which);
	return *which;
}

struct path fs_context_root(void)
{
	struct fs_context *fs = fs_context_current();
	return context_read(fs, &fs->root);
}

struct path fs_context_cwd(void)
{
	struct fs_context *fs = fs_context_current();
	return context_read(fs, &fs->cwd);
}

static void context_write(struct fs_context *fs, struct path *which, const struct path *to)
{
	path_get(to);
	spin_lock(&fs->lock);
	struct path old = *which;
	*which = *to;
	spin_unlock(&fs->lock);
	path_put(&old);
}

void fs_context_set_cwd(struct fs_context *fs, const struct path *to)
{
	context_write(fs, &fs->cwd, to);
}

void fs_context_set_root(struct fs_context *fs, const struct path *to)
{
	context_write(fs, &fs->root, to);
}

static bool path_same(const struct path *a, const struct path *b)
{
	return a->mount == b->mount && a->dentry == b->dentry;
}

void fs_context_replace(struct fs_context *fs, const struct path *from, const struct path *to)
{
	if (path_same(&fs->root, from))
		fs_context_set_root(fs, to);
	if (path_same(&fs->cwd, from))
		fs_context_set_cwd(fs, to);
}
