/* Attributes of inodes changed: chmod(2), chown(2), utimensat(2), truncate(2), fallocate(2), xattr(7). */
#pragma once
#include "kernel/fs/inode.h"
#include "kernel/fs/path.h"
#include "kernel/mm/object.h"

MUST_CHECK int path_chmod(const struct path *p, u32 mode);
/* uid, gid: -1 leaves it. */
MUST_CHECK int path_chown(const struct path *p, u32 uid, u32 gid);
/* times NULL: both now, for which write permission is enough. nsec may be UTIME_NOW, UTIME_OMIT. */
enum { UTIME_NOW = 0x3fffffff, UTIME_OMIT = 0x3ffffffe };
MUST_CHECK int path_utimes(const struct path *p, const struct abi_timespec times[2]);
MUST_CHECK int path_truncate(const struct path *p, u64 size);
/* Permission is settled. touch: times change even when the size does not. => 0, -EFBIG, -EPERM (seals) ... */
MUST_CHECK int inode_truncate(struct inode *i, u64 size, bool touch);
MUST_CHECK int file_fallocate(struct file *f, u32 mode, s64 start, s64 length);
/* RLIMIT_FSIZE and the largest file: how much of n bytes at pos may be written. => bytes > 0 or -EFBIG,
 * with SIGXFSZ sent when the limit is the reason. */
MUST_CHECK ssize write_limit(u64 pos, size_t n);
#define FILE_SIZE_MAX VM_OBJECT_SIZE_MAX

/* Extended attributes; name without length limit checked by the caller. */
MUST_CHECK int inode_xattr_set(struct inode *i, const char *name, const void *value, size_t size,
                               u32 flags);
MUST_CHECK ssize inode_xattr_get(struct inode *i, const char *name, void *value, size_t size);
MUST_CHECK ssize inode_xattr_list(struct inode *i, char *list, size_t size);
MUST_CHECK int inode_xattr_remove(struct inode *i, const char *name);
