/*
 * Opening: from a path to an open file, and what hangs on an open file until its last reference.
 *
 * An open walks, creates if asked, checks in Linux's order (open(2)), then lets the inode's kind
 * complete the file: a device through device_open(), a FIFO through fifo_hooks, others through
 * inode_ops.open. A file that may write is counted in its inode (ETXTBSY against exec) and its mount
 * (remounting read-only) until file_detach().
 */
#pragma once
#include "kernel/fs/walk.h"
#include "kernel/proc/file.h"

struct fdtable;
struct seq;

enum { /* internal bits of file.flags: F_GETFL masks them away */
       FILE_F_WRITER = 1 << 30,
       FILE_F_DENY_WRITE = (int)0x80000000,
       FILE_F_INTERNAL = (int)0xe0000000 /* with FILE_POSITIONED */
};

/* flags: O_* as given by the user and checked by open_flags_check. => file with one reference, or err_ptr. */
MUST_CHECK struct file *vfs_open_at(int dirfd, const char *name, u32 flags, u32 mode,
                                    u32 walk_flags);
/* openat(2)'s rules for flags: unknown ones vanish, O_PATH drops what it ignores. => 0 or -EINVAL. */
MUST_CHECK int open_flags_check(u32 *flags, u32 *mode);
/* execveat(2): walk_flags: WALK_FOLLOW, WALK_EMPTY. Denies writing until the file is gone. */
MUST_CHECK struct file *vfs_open_exec_at(int dirfd, const char *name, u32 walk_flags);
/* Opens a path that the caller holds; permission is checked as in open(2). */
MUST_CHECK struct file *path_open(const struct path *p, u32 flags);

/* Every close of a descriptor: POSIX record locks of that table on that inode go, fcntl(2). */
void file_close_locks(struct file *f, struct fdtable *owner);
/* The last file_put, after ops->release: flock and OFD locks, writer counts. */
void file_detach(struct file *f);
/* F_SETFL. => 0, -EINVAL (O_DIRECT), -EPERM (O_NOATIME). */
MUST_CHECK int file_set_flags(struct file *f, u32 flags);
/* /proc/PID/fdinfo/N: pos, flags, mnt_id, ino, locks, then ops->fdinfo. */
void file_fdinfo(struct file *f, bool cloexec, struct seq *s);

/* Writers of an inode against those who execute it. => 0 or -ETXTBSY. */
MUST_CHECK int inode_writer_get(struct inode *i);
void inode_writer_put(struct inode *i);
