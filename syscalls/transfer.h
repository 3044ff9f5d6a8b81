/*
 * One read or write of an open file: what all transfer calls have in common.
 *
 * The position of a regular file or directory is locked only while somebody else may use the same open
 * file; for anything else (pipe, terminal) it means nothing, and readers never hold up writers.
 */
#pragma once
#include "abi/errno.h"
#include "kernel/fs/inode.h"
#include "kernel/proc/fdtable.h"
#include "kernel/proc/uio.h"

/* Nameless files accept lseek(2), which does nothing, but have no positions to read at. */
static ALWAYS_INLINE bool file_has_positions(const struct file *f)
{
	return f->ops->seek && f->inode->mode & S_IFMT;
}
static ALWAYS_INLINE bool file_pos_lock(struct file *f)
{
	if (likely(!(f->flags & FILE_POSITIONED)) || likely(refcount_read(&f->refs) == 1) ||
	    !f->ops->seek)
		return false;
	mutex_lock(&f->pos_lock);
	return true;
}
static ALWAYS_INLINE void file_pos_unlock(struct file *f, bool locked)
{
	if (unlikely(locked))
		mutex_unlock(&f->pos_lock);
}

/* pos NULL: the file's own. */
static ALWAYS_INLINE ssize file_read_uio(struct file *f, struct uio *io, u64 *pos)
{
	if (unlikely(!file_readable(f)))
		return -EBADF;
	if (unlikely(!f->ops->read))
		return -EINVAL;
	if (pos)
		return f->ops->read(f, io, pos);
	bool locked = file_pos_lock(f);
	ssize n = f->ops->read(f, io, &f->pos);
	file_pos_unlock(f, locked);
	return n;
}
static ALWAYS_INLINE ssize file_write_uio(struct file *f, struct uio *io, u64 *pos)
{
	if (unlikely(!file_writable(f)))
		return -EBADF;
	if (unlikely(!f->ops->write))
		return -EINVAL;
	if (pos)
		return f->ops->write(f, io, pos);
	bool locked = file_pos_lock(f);
	ssize n = f->ops->write(f, io, &f->pos);
	file_pos_unlock(f, locked);
	return n;
}
