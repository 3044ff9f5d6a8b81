/* Between tmpfs.c, tmpfs_file.c and tmpfs_seal.c. */
#pragma once
#include "kernel/fs/tmpfs.h"
#include "kernel/mm/object.h"

static inline struct tmpfs_super *tmpfs_of(const struct super *s)
{
	return s->private;
}
extern const struct file_ops tmpfs_file_ops;
extern const struct vm_object_ops tmpfs_object_ops;
MUST_CHECK int tmpfs_resize(struct inode *i, u64 size);
MUST_CHECK int tmpfs_fallocate(struct inode *i, u32 mode, u64 start, u64 length);
