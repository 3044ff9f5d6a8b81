#include "abi/fcntl.h"
#include "kernel/fs/dentry.h"
#include "kernel/fs/inode.h"
#include "kernel/fs/open.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/file.h"
#include "kernel/proc/proc_internal.h"

static struct slab_cache *file_cache;
void (*file_watched_release)(struct file *f);

void file_init(void)
{
	file_cache = slab_cache_new("file", sizeof(struct file), 0);
}

s64 file_seek_no_end(struct file *f, s64 offset, int whence)
{
	if (whence == SEEK_CUR)
		offset += (s64)f->pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (offset < 0)
		return -EINVAL;
	f->pos = (u64)offset;
	return offset;
}

struct file *file_new(const struct path *path, const struct file_ops *ops, u32 flags, void *private)
{
	struct file *f = slab_alloc(file_cache);

	if (!f)
		return err_ptr(-ENOMEM);
	*f = (struct file){.flags = flags, .ops = ops, .private = private};
	refcount_init(&f->refs, 1);
	mutex_init(&f->pos_lock, FILE_POS);
	list_init(&f->locks_hint);
	f->cred = cred_get(cred_current());
	if (path && path->dentry) {
		path_get(path);
		f->path = *path;
		f->inode = path->dentry->inode;
		if (S_ISREG(f->inode->mode) || S_ISDIR(f->inode->mode))
			f->flags |= FILE_POSITIONED;
	}
	return f;
}

static void file_free(struct rcu_head *head)
{
	slab_free(file_cache, container_of(head, struct file, rcu));
}

/* Lookups without a lock may still hold the pointer and find the count 0: memory goes after a grace period. */
static NOINLINE void file_destroy(struct file *f)
{
	if (unlikely(f->watched))
		file_watched_release(f);
	if (f->ops && f->ops->release)
		f->ops->release(f);
	file_detach(f);
	path_put(&f->path);
	cred_put(f->cred);
	rcu_call(&f->rcu, file_free);
}

void file_put(struct file *f)
{
	if (refcount_put(&f->refs))
		file_destroy(f);
}
