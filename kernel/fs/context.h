/*
 * A process's view of the file system: working directory, root, umask. Shared by CLONE_FS.
 */
#pragma once
#include "kernel/fs/path.h"
#include "kernel/lib/refcount.h"
#include "kernel/sync/spinlock.h"

struct fs_context {
	refcount_t refs;
	struct spinlock lock;  /* class FS */
	struct path cwd, root; /* [l] references */
	u32 umask;             /* [a] */
};
MUST_CHECK struct fs_context *
fs_context_new(void); /* root of the initial mount, umask 022; err_ptr */
MUST_CHECK struct fs_context *fs_context_copy(struct fs_context *from); /* err_ptr */
void fs_context_get(struct fs_context *fs);
void fs_context_put(struct fs_context *fs);
struct fs_context *fs_context_current(void);
/* The current thread's, with references. */
struct path fs_context_root(void);
struct path fs_context_cwd(void);
/* chdir(2), chroot(2): take references of *to. */
void fs_context_set_cwd(struct fs_context *fs, const struct path *to);
void fs_context_set_root(struct fs_context *fs, const struct path *to);
/* Where cwd or root is `from`, it becomes `to` (pivot_root). */
void fs_context_replace(struct fs_context *fs, const struct path *from, const struct path *to);

void vfs_init(void);        /* caches, tmpfs, the root mount */
int initramfs_unpack(void); /* boot_info's cpio into the root; frees its memory. => 0 or -errno */
