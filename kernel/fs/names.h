/*
 * Names made, removed and changed: mkdir(2), mknod(2), symlink(2), link(2), unlink(2), rmdir(2),
 * rename(2). Paths are kernel strings relative to a directory descriptor. Errors and the order of
 * checks are Linux's; each returns 0 or -errno.
 */
#pragma once
#include "kernel/fs/walk.h"

MUST_CHECK int vfs_mkdir(int dirfd, const char *name, u32 mode);
MUST_CHECK int vfs_mknod(int dirfd, const char *name, u32 mode, u32 rdev); /* rdev: device_make() */
/* bind(2) of a socket: mode is that of S_IFSOCK. => 0 and the new name, referenced; -EEXIST ... */
MUST_CHECK int vfs_make_socket(const char *name, u32 mode, struct path *out);
MUST_CHECK int vfs_symlink(const char *target, int dirfd, const char *name);
MUST_CHECK int vfs_link(int old_dirfd, const char *old_name, int dirfd, const char *name,
                        u32 at_flags);
MUST_CHECK int vfs_unlink(int dirfd, const char *name);
MUST_CHECK int vfs_rmdir(int dirfd, const char *name);
MUST_CHECK int vfs_rename(int old_dirfd, const char *old_name, int dirfd, const char *name,
                          u32 flags);

/* open(2) with O_CREAT, O_TMPFILE: in a directory that the caller holds. mode: with type, umask not applied.
 * => 0 and the new entry with a reference, or -EEXIST, -EACCES ... */
MUST_CHECK int name_create(const struct path *dir, const struct qname *name, u32 mode,
                           struct dentry **out);
/* The same; the file system's make() gets `arg`. */
MUST_CHECK int name_create_with(const struct path *dir, const struct qname *name, u32 mode,
                                const void *arg, struct dentry **out);
MUST_CHECK int name_create_unlinked(const struct path *dir, u32 mode, struct dentry **out);
/* unlink(2) of an entry of a directory that the caller holds. */
MUST_CHECK int name_unlink(const struct path *dir, const struct qname *name);
