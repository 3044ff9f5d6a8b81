/*
 * Names: a dentry is a name in a directory, a path is a dentry seen through a mount.
 * Both reference counted. The walk is in walk.c; what it finds is held by references, never by locks.
 */
#pragma once
#include "abi/fcntl.h"
#include "kernel/lib/guard.h"
#include "kernel/lib/result.h"

struct dentry;
struct mount;
struct inode;
struct path {
	struct mount *mount;
	struct dentry *dentry;
};
void path_get(const struct path *p);
void path_put(const struct path *p); /* empty path allowed */
static inline void path_auto_drop(struct path *p)
{
	path_put(p);
}
#define AUTO_PATH __attribute__((cleanup(path_auto_drop), unused)) struct path

enum {
	WALK_FOLLOW = 1,
	WALK_DIRECTORY = 2,
	WALK_PARENT = 4,
	WALK_EMPTY = 8,
	WALK_NO_SYMLINKS = 16
};
/* Kernel string, relative to cwd. => 0 and a referenced path in *out, or -ENOENT -ENOTDIR -ELOOP -EACCES -ENAMETOOLONG. */
MUST_CHECK int path_lookup(const char *name, u32 walk_flags, struct path *out);
/* Opens for the kernel (exec). => file with reference or err_ptr. mode: FILE_READ ... ; checks execute permission with MAY_EXEC. */
struct file;
MUST_CHECK struct file *vfs_open_exec(const char *name);
MUST_CHECK struct file *vfs_open(const char *name, u32 o_flags, u32 mode);
/* pread into kernel memory. => bytes or -errno. */
ssize vfs_read_kernel(struct file *f, void *buf, size_t n, u64 pos);
/* Absolute name as seen from the current root, into buf's end. => start of the string or err_ptr. "(deleted)" appended as Linux. */
char *path_name(const struct path *p, char *buf, size_t size);
/* The same towards `root`; *out_reachable: false when it lies outside, the name is then that in its own tree. */
char *path_name_from(const struct path *p, const struct path *root, char *buf, size_t size,
                     bool *out_reachable);
char *path_name_in_super(struct dentry *d, char *buf, size_t size);
