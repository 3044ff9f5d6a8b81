#include "kernel/fs/internal.h"
#include "kernel/fs/mount.h"
#include "kernel/fs/name_common.h"
#include "kernel/fs/names.h"
#include "kernel/lib/string.h"
#include "kernel/proc/cred.h"

int name_may_remove(const struct path *at, struct dentry *victim, bool directory)
{
	struct inode *dir = at->dentry->inode, *inode = victim->inode;
	const struct cred *c = cred_current();
	TRY(inode_permission(dir, MAY_WRITE | MAY_EXEC));
	if (dir->mode & S_ISVTX && c->fsuid != inode->uid && c->fsuid != dir->uid &&
	    !cred_capable(c, CAP_FOWNER))
		return -EPERM;
	if (directory && !S_ISDIR(inode->mode))
		return -ENOTDIR;
	if (!directory && S_ISDIR(inode->mode))
		return -EISDIR;
	if (dir_dead(dir->dir))
		return -ENOENT;
	if (!dir->ops->make || !(victim->flags & DENTRY_PINNED || !(victim->flags & DENTRY_HASHED)))
		return -EPERM;
	return 0;
}

bool name_still(const struct dentry *d, const struct dentry *parent, const struct qname *q)
{
	return d->parent == parent && d->flags & DENTRY_PINNED && d->name->hash == q->hash &&
	       d->name->length == q->length && !memcmp(d->name->text, q->text, q->length);
}

void name_gone(struct inode *dir, struct inode *victim)
{
	if (S_ISDIR(victim->mode)) {
		__atomic_fetch_sub(&dir->nlink, 1, __ATOMIC_RELAXED);
		store_relaxed(&victim->nlink, 0);
	} else {
		__atomic_fetch_sub(&victim->nlink, 1, __ATOMIC_RELAXED);
	}
	victim->ctime = vtime_now();
	if (dir->ops->unlink)
		dir->ops->unlink(dir, victim);
}

enum remove_result { REMOVE_AGAIN = 1 };

/* => 0, -errno, or REMOVE_AGAIN when the name has moved away meanwhile. */
static int name_remove(const struct path *at, struct dentry *victim, const struct qname *q)
{
	struct inode *dir = at->dentry->inode, *inode = victim->inode;
	spin_lock(&dir->dir->lock);
	int err = 0;
	if (!name_still(victim, at->dentry, q))
		err = REMOVE_AGAIN;
	else if (victim->flags & DENTRY_MOUNTED)
		err = -EBUSY;
	else if (S_ISDIR(inode->mode))
		err = dir_kill(inode->dir);
	if (!err) {
		dentry_del_locked(victim);
		name_gone(dir, inode);
		dir_changed(dir, -1);
	}
	spin_unlock(&dir->dir->lock);
	if (!err)
		dentry_put(victim); /* the directory's pin */
	return err;
}

static int remove_last(const struct path *at, const struct walk_last *last, bool directory)
{
	for (;;) {
		TRY(mount_check_write(at->mount, at->dentry->inode));
		AUTO_PUT(dentry) victim = TRY_PTR(walk_child(at->dentry, &last->name));
		if (!directory && last->slash)
			return S_ISDIR(victim->inode->mode) ? -EISDIR : -ENOTDIR;
		TRY(name_may_remove(at, victim, directory));
		int err = name_remove(at, victim, &last->name);
		if (err != REMOVE_AGAIN)
			return err;
	}
}

int vfs_unlink(int dirfd, const char *name)
{
	struct path at;
	struct walk_last last;
	TRY(walk_parent(dirfd, name, 0, &at, &last));
	AUTO_PATH held = at;
	if (last.kind != LAST_NAME)
		return -EISDIR;
	return remove_last(&held, &last, false);
}

int vfs_rmdir(int dirfd, const char *name)
{
	struct path at;
	struct walk_last last;
	TRY(walk_parent(dirfd, name, 0, &at, &last));
	AUTO_PATH held = at;
	switch (last.kind) {
	case LAST_DOT: return -EINVAL;
	case LAST_DOTDOT: return -ENOTEMPTY;
	case LAST_ROOT: return -EBUSY;
	case LAST_NAME: break;
	}
	return remove_last(&held, &last, true);
}

int name_unlink(const struct path *dir, const struct qname *name)
{
	const struct walk_last last = {.name = *name};
	return remove_last(dir, &last, false);
}
