#include "kernel/fs/anon.h"
#include "kernel/fs/dentry.h"
#include "kernel/fs/mount.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/mm/page.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/cred.h"

static void anon_statfs(struct super *s, struct abi_statfs *st)
{
	st->namelen = NAME_MAX;
	st->bsize = st->frsize = PAGE_SIZE;
}

static const struct super_ops anon_super_ops = {.statfs = anon_statfs};
static struct fs_type anon_type = {.name = "anon_inodefs", .flags = FS_NO_USER_MOUNT};
static struct fs_type pipe_type = {.name = "pipefs", .flags = FS_NO_USER_MOUNT};
static const struct inode_ops anon_inode_ops;
static struct fs_type socket_type = {.name = "sockfs", .flags = FS_NO_USER_MOUNT};
static struct super *anon_super, *pipe_super, *socket_super;
static struct inode *anon_inode; /* all nameless files but pipes share it, as on Linux */

/* One dentry for each kind of nameless file; made at first use, kept for ever. */
struct anon_kind {
	struct anon_kind *next;
	const char *name;
	struct dentry *dentry;
};
static struct anon_kind *anon_kinds; /* [anon_lock] prepend only, read without lock */
static struct spinlock anon_lock = SPINLOCK_INIT(LEAF);

void anon_init(void)
{
	anon_super = super_new(&anon_type, &anon_super_ops, ANON_INODE_FS_MAGIC);
	pipe_super = super_new(&pipe_type, &anon_super_ops, PIPEFS_MAGIC);
	socket_super = super_new(&socket_type, &anon_super_ops, SOCKFS_MAGIC);
	ASSERT(anon_super && pipe_super && socket_super);
	anon_inode = inode_new(anon_super, 0600, &anon_inode_ops, 0);
	ASSERT(anon_inode);
}

static struct dentry *kind_find(const char *name)
{
	for (struct anon_kind *k = load_acquire(&anon_kinds); k; k = k->next)
		if (k->name == name || !strcmp(k->name, name))
			return k->dentry;
	return NULL;
}

static struct dentry *kind_make(const char *name)
{
	char text[64];
	struct anon_kind *k = kmalloc(sizeof(*k));
	if (!k)
		return NULL;
	struct qname q =
		qname_make(text, (u32)scnprintf(text, sizeof(text), "anon_inode:[%s]", name));
	k->name = kstrdup(name);
	k->dentry = k->name ? dentry_new(NULL, &q, anon_inode) : NULL;
	if (!k->dentry) {
		kfree(k->name);
		kfree(k);
		return NULL;
	}
	spin_lock(&anon_lock);
	struct dentry *d = kind_find(name);
	if (!d) {
		k->next = anon_kinds;
		store_release(&anon_kinds, k);
	}
	spin_unlock(&anon_lock);
	if (!d)
		return k->dentry;
	dentry_put(k->dentry);
	kfree(k->name);
	kfree(k);
	return d;
}

struct file *file_new_anon(const char *name, const struct file_ops *ops, u32 flags, void *private)
{
	struct path p = {NULL, kind_find(name)};
	if (unlikely(!p.dentry) && !(p.dentry = kind_make(name)))
		return err_ptr(-ENOMEM);
	return file_new(&p, ops, flags, private);
}

void anon_shutdown(void)
{
	struct anon_kind *k = TAKE(anon_kinds), *next;
	for (; k; k = next) {
		next = k->next;
		dentry_put(k->dentry);
		kfree(k->name);
		kfree(k);
	}
}

/* A nameless inode of its own. The name is empty: path_name() says pipe:[ino], which few ever ask for. */
static int nameless_path(struct super *super, u32 mode, void *fifo, struct path *out)
{
	static const struct qname empty = {.text = ""};
	struct inode *i = inode_new(super, mode, &anon_inode_ops, 0);
	if (!i)
		return -ENOMEM;
	const struct cred *c = cred_current();
	i->uid = c->fsuid;
	i->gid = c->fsgid;
	struct dentry *d = dentry_new(NULL, &empty, i);
	if (d)
		i->fifo = fifo;
	inode_put(i);
	if (!d)
		return -ENOMEM;
	*out = (struct path){NULL, d};
	return 0;
}

int anon_pipe_path(void *fifo, struct path *out)
{
	return nameless_path(pipe_super, S_IFIFO | 0600, fifo, out);
}

int anon_socket_path(struct path *out)
{
	return nameless_path(socket_super, S_IFSOCK | 0777, NULL, out);
}
