#include "kernel/fs/devfs.h"
#include "kernel/dev/device.h"
#include "kernel/fs/dentry.h"
#include "kernel/fs/names.h"
#include "kernel/fs/tmpfs.h"
#include "kernel/lib/bug.h"
#include "kernel/proc/hooks.h"

static struct super *the_super; /* [I] once mounted for the first time, at boot */

static void plant(const char *name, u32 mode, u32 rdev, const char *symlink)
{
	struct inode *i = tmpfs_inode_new(the_super, mode, rdev, symlink);
	ASSERT(!is_err(i));
	struct dentry *d = dentry_make(the_super->root, name, i);
	ASSERT(!is_err(d));
}

static void devfs_fill(void)
{
	static const char *const links[][2] = {{"fd", "/proc/self/fd"},
	                                       {"stdin", "/proc/self/fd/0"},
	                                       {"stdout", "/proc/self/fd/1"},
	                                       {"stderr", "/proc/self/fd/2"}};
	for (const struct device *d = NULL; (d = device_next(d));)
		if (d->name)
			plant(d->name, S_IFCHR | d->mode, d->number, NULL);
	plant("shm", S_IFDIR | S_ISVTX | 0777, 0, NULL);
	plant("mqueue", S_IFDIR | S_ISVTX | 0777, 0, NULL);
	plant("pts", S_IFDIR | 0755, 0, NULL);
	for (u32 i = 0; i < ARRAY_SIZE(links); i++)
		plant(links[i][0], S_IFLNK | 0777, 0, links[i][1]);
}

static struct super *devfs_mount(const struct fs_type *t, u32 flags, const char *source, char *data)
{
	super_activate(the_super);
	return the_super;
}

static struct fs_type devfs_type = {.name = "devtmpfs", .flags = FS_XATTR, .mount = devfs_mount};

void devfs_init(void)
{
	char options[] = "mode=755";
	int err = tmpfs_super_new(&devfs_type, options, &the_super);
	ASSERT(!err);
	devfs_fill();
	fs_type_register(&devfs_type);
}

/* What users made in the instance that all mounts share goes with it. */
static void devfs_shutdown(void)
{
	super_deactivate(TAKE(the_super));
}

static const struct proc_hooks devfs_hooks = {.name = "devfs", .shutdown = devfs_shutdown};
PROC_HOOKS(devfs_hooks);

int devfs_default_nodes(void)
{
	TRY(vfs_mkdir(AT_FDCWD, "/dev", 0755));
	TRY(vfs_mknod(AT_FDCWD, "/dev/console", S_IFCHR | 0600, device_make(5, 1)));
	return vfs_mkdir(AT_FDCWD, "/root", 0700);
}
