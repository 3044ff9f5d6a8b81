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
	struct path cwd, root; /* [l] */
	u32 umask;             /* [a] */
};
MUST_CHECK struct fs_context *
fs_context_new(void); /* root of the initial mount, umask 022; err_ptr */
MUST_CHECK struct fs_context *fs_context_copy(struct fs_context *from); /* err_ptr */
void fs_context_get(struct fs_context *fs);
void fs_context_put(struct fs_context *fs);
struct fs_context *fs_context_current(void);
void vfs_init(void);        /* root tmpfs */
int initramfs_unpack(void); /* boot_info's cpio into the root; frees its memory. => 0 or -errno */
