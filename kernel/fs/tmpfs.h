/*
 * tmpfs(5): files in memory objects, names in dentries, limits in blocks and inodes.
 *
 * A regular file's data is a vm_object, so mapping it is mapping that object; holes stay holes. The
 * object charges its pages to the super (ENOSPC beyond size=), an inode or a further name charges one
 * inode (nr_inodes=). devtmpfs is a tmpfs filled at boot; memfds are unlinked files of one without limits.
 *
 * Writers hold inode->lock while data is copied from user space into pages; the size moves after the
 * copy, so a copy that faults never leaves a longer file than what was written. Readers hold nothing.
 */
#pragma once
#include "kernel/fs/inode.h"

struct tmpfs_super {
	u64 max_blocks, used_blocks; /* [a] pages; max 0: no limit */
	u64 max_inodes, used_inodes; /* [a] max 0: no limit */
	u32 mode, uid, gid;          /* [I] of the root directory, as the mount options said */
	bool mode_given, size_given, inodes_given;
	bool huge; /* [I] hugetlbfs: of huge pages */
};

extern struct fs_type tmpfs_type;
/* => 0 and a super with one active reference, options parsed from data (NULL: none), or -EINVAL, -ENOMEM. */
MUST_CHECK int tmpfs_super_new(const struct fs_type *t, char *data, struct super **out);
/* An inode of such a super for dentry_make(): mode with type; symlink: target for S_IFLNK. => inode or err_ptr. */
MUST_CHECK struct inode *tmpfs_inode_new(struct super *s, u32 mode, u32 rdev, const char *symlink);
/* The file behind memfd_create(2), "memfd:NAME"; how: MFD_ALLOW_SEALING, MFD_HUGETLB. => file or err_ptr. */
MUST_CHECK struct file *tmpfs_file_new(const char *name, u32 flags, u32 how);
/* fcntl(2) F_ADD_SEALS, F_GET_SEALS. => 0 / the seals, -EINVAL, -EPERM, -EBUSY. */
MUST_CHECK int tmpfs_add_seals(struct file *f, u32 seals);
MUST_CHECK int tmpfs_get_seals(struct file *f);
void tmpfs_init(void);
