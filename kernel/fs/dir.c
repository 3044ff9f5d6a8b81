#include "kernel/fs/dentry.h"
#include "kernel/fs/internal.h"

bool dir_emit_dots(struct file *f, struct dir_emit *e)
{
	struct dentry *d = f->path.dentry;
	if (e->pos == 0 && !dir_emit(e, ".", 1, f->inode->ino, DT_DIR, 1))
		return false;
	if (e->pos == 1) {
		rcu_read_lock();
		u64 parent = load_acquire(&d->parent)->inode->ino;
		rcu_read_unlock();
		return dir_emit(e, "..", 2, parent, DT_DIR, 2);
	}
	return true;
}

/* dir->lock held: the entry with the lowest cookie >= pos. */
static struct rb_node *order_find(const struct dir *dir, u64 pos)
{
	struct rb_node *n = dir->order.node, *best = NULL;
	while (n) {
		if (rb_entry(n, struct dentry, order)->cookie >= pos) {
			best = n;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	return best;
}

static bool entry_emit(struct dir_emit *e, const struct dentry *d)
{
	const struct dentry_name *name = d->name;
	return dir_emit(e, name->text, name->length, d->inode->ino, mode_to_dt(d->inode->mode),
	                d->cookie + 1);
}

int dir_iterate_memory(struct file *f, struct dir_emit *e)
{
	struct dir *dir = f->inode->dir;
	if (dir_dead(dir))
		return -ENOENT;
	if (!dir_emit_dots(f, e) || e->pos >= DIR_DYNAMIC_POS)
		return 0;
	GUARD(spin)
	(&dir->lock);
	for (struct rb_node *r = order_find(dir, e->pos); r; r = rb_next(r))
		if (!entry_emit(e, rb_entry(r, struct dentry, order)))
			break;
	return 0;
}

static int dir_iterate(struct file *f, struct dir_emit *e)
{
	int err = dir_iterate_memory(f, e);
	file_touch_read(f);
	return err;
}

static ssize dir_read(struct file *f, struct uio *io, u64 *pos)
{
	return -EISDIR;
}

static int dir_fsync(struct file *f)
{
	return 0;
}

const struct file_ops dir_file_ops = {
	.read = dir_read, .seek = file_seek_no_end, .iterate = dir_iterate, .fsync = dir_fsync};
