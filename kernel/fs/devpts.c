#include "kernel/fs/devpts.h"
#include "kernel/fs/dentry.h"
#include "kernel/fs/super.h"
#include "kernel/lib/bug.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/hooks.h"

enum { DEVPTS_SUPER_MAGIC = 0x1cd1, PTMX_INO = 2, FIRST_NODE_INO = 3 };

static struct super *the_super; /* [I] from boot to the end */
static struct inode *ptmx;      /* [I] */
static struct {                 /* [a] of nodes to come */
	u32 mode, uid, gid;
	bool uid_given, gid_given;
} node_options = {.mode = 0600};

/* Opening is the VFS's business: a character device. */
static const struct inode_ops devpts_inode_ops = {0};

static struct inode *devpts_inode(u32 mode, u64 ino)
{
	return inode_new(the_super, mode, &devpts_inode_ops, ino);
}

struct devpts_node *devpts_node_add(u32 index, u32 number)
{
	const struct cred *c = cred_current();
	char name[12];
	struct inode *i =
		devpts_inode(S_IFCHR | load_relaxed(&node_options.mode), FIRST_NODE_INO + index);
	if (!i)
		return err_ptr(-ENOMEM);
	i->rdev = number;
	i->uid = node_options.uid_given ? node_options.uid : c->fsuid;
	i->gid = node_options.gid_given ? node_options.gid : c->fsgid;
	scnprintf(name, sizeof name, "%u", index);
	struct dentry *d = dentry_make(the_super->root, name, i);
	if (!is_err(d))
		dentry_get(d);
	return (struct devpts_node *)d;
}

void devpts_node_remove(struct devpts_node *n)
{
	struct dentry *d = (struct dentry *)n;
	struct dir *dir = the_super->root->inode->dir;
	spin_lock(&dir->lock);
	dentry_del_locked(d);
	spin_unlock(&dir->lock);
	dentry_put(d); /* the directory's */
	dentry_put(d); /* ours */
}

int devpts_node_path(struct devpts_node *n, struct path *out)
{
	*out = (struct path){NULL, (struct dentry *)n};
	path_get(out);
	return 0;
}

/* --- mounting --- */

static int option_apply(const char *name, const char *value)
{
	u64 n;
	bool octal = !strcmp(name, "mode") || !strcmp(name, "ptmxmode");
	if (!strcmp(name, "newinstance"))
		return 0;
	if (!value)
		return -EINVAL;
	TRY(mount_option_u64(value, octal ? 8 : 10, &n));
	if (!strcmp(name, "mode")) {
		store_relaxed(&node_options.mode, (u32)n & 0777);
	} else if (!strcmp(name, "ptmxmode")) {
		store_relaxed(&ptmx->mode, S_IFCHR | ((u32)n & 0777));
	} else if (!strcmp(name, "uid")) {
		node_options.uid = (u32)n;
		node_options.uid_given = true;
	} else if (!strcmp(name, "gid")) {
		node_options.gid = (u32)n;
		node_options.gid_given = true;
	} else {
		return strcmp(name, "max") ? -EINVAL : 0;
	}
	return 0;
}

static struct super *devpts_mount(const struct fs_type *t, u32 flags, const char *source,
                                  char *data)
{
	char *name, *value;
	while (data && mount_option_next(&data, &name, &value)) {
		int err = option_apply(name, value);
		if (err)
			return err_ptr(err);
	}
	super_activate(the_super);
	return the_super;
}

static void devpts_statfs(struct super *s, struct abi_statfs *st)
{
	st->namelen = 255;
	st->bsize = st->frsize = 4096;
}

static const struct super_ops devpts_super_ops = {.statfs = devpts_statfs};
static struct fs_type devpts_type = {.name = "devpts", .mount = devpts_mount};

void devpts_init(u32 ptmx_number)
{
	the_super = super_new(&devpts_type, &devpts_super_ops, DEVPTS_SUPER_MAGIC);
	ASSERT(the_super);
	struct inode *root = devpts_inode(S_IFDIR | 0755, 0);
	ASSERT(root);
	root->file_ops = &dir_file_ops;
	int err = super_set_root(the_super, root);
	ASSERT(!err);
	ptmx = devpts_inode(S_IFCHR, PTMX_INO);
	ASSERT(ptmx);
	ptmx->rdev = ptmx_number;
	ASSERT(!is_err(dentry_make(the_super->root, "ptmx", ptmx)));
	fs_type_register(&devpts_type);
}

/* What terminals left of the directory goes with it. */
static void devpts_shutdown(void)
{
	super_deactivate(TAKE(the_super));
}

static const struct proc_hooks devpts_hooks = {.name = "devpts", .shutdown = devpts_shutdown};
PROC_HOOKS(devpts_hooks);
