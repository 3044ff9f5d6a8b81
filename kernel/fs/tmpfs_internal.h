/* Between tmpfs.c, tmpfs_file.c and tmpfs_seal.c. */
#pragma once
#include "kernel/fs/tmpfs.h"
#include "kernel/mm/object.h"

struct vm_area_ops;
struct vm_map_request;

static inline struct tmpfs_super *tmpfs_of(const struct super *s)
{
	return s->private;
}
extern const struct file_ops tmpfs_file_ops;
extern const struct vm_object_ops tmpfs_object_ops;
MUST_CHECK int tmpfs_resize(struct inode *i, u64 size);
MUST_CHECK int tmpfs_fallocate(struct inode *i, u32 mode, u64 start, u64 length);
extern const struct vm_area_ops tmpfs_area_ops;
/* What the mount and the seals say of a mapping; takes rights away that it must never get. => 0 or -EPERM. */
MUST_CHECK int tmpfs_map_check(struct file *f, struct vm_map_request *req);
s64 tmpfs_seek(struct file *f, s64 offset, int whence);
int tmpfs_fsync(struct file *f);

extern const struct file_ops hugetlbfs_file_ops;
extern struct fs_type hugetlbfs_type;
MUST_CHECK int hugetlbfs_fallocate(struct inode *i, u32 mode, u64 start, u64 length);
void hugetlbfs_getattr(struct inode *i, struct kstat *st);
