#include "kernel/fs/anon.h"
#include "kernel/fs/context.h"
#include "kernel/fs/internal.h"
#include "kernel/fs/mount.h"
#include "kernel/fs/tmpfs.h"
#include "kernel/proc/hooks.h"

static struct fs_type rootfs_type = {.name = "rootfs", .flags = FS_NO_USER_MOUNT | FS_XATTR};

void vfs_init(void)
{
	char options[] = "mode=755";
	struct super *root;
	dentry_init();
	inode_init();
	anon_init();
	tmpfs_init();
	int err = tmpfs_super_new(&rootfs_type, options, &root);
	ASSERT(!err);
	mount_root(root);
}

static void vfs_shutdown(void)
{
	mount_shutdown();
	anon_shutdown();
}

static const struct proc_hooks vfs_hooks = {.name = "vfs", .shutdown = vfs_shutdown};
PROC_HOOKS(vfs_hooks);
