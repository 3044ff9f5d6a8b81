#include "kernel/fs/internal.h"
#include "kernel/fs/mount.h"
#include "kernel/fs/name_common.h"
#include "kernel/fs/names.h"
#include "kernel/lib/string.h"
#include "kernel/mm/slab.h"

/*
 * rename(2) in two halves: everything that may fail (look up, check, allocate), then the change under
 * both directories' locks and names_lock, which makes every walk that meets it look again.
 */
struct rename {
	struct path from_dir, to_dir;
	struct walk_last from, to;
	u32 flags;
	struct dentry *moved, *target; /* references; target NULL: the new name is free */
	struct dentry_name *moved_name, *target_name; /* names to be */
};
enum { RENAME_AGAIN = 1 };

static bool is_directory(const struct dentry *d)
{
	return S_ISDIR(d->inode->mode);
}

/* rename_mutex held: no directory changes its parent. */
static bool is_ancestor(const struct dentry *a, const struct dentry *d)
{
	for (; d != a; d = d->parent)
		if (d == d->parent)
			return false;
	return true;
}

static int rename_lookup(struct rename *r)
{
	r->target = NULL;
	r->moved = walk_child(r->from_dir.dentry, &r->from.name);
	if (is_err(r->moved))
		return ptr_err(TAKE(r->moved));
	struct dentry *target = walk_child(r->to_dir.dentry, &r->to.name);
	if (is_err(target) && ptr_err(target) != -ENOENT)
		return ptr_err(target);
	r->target = is_err(target) ? NULL : target;
	if (!r->target && r->to_dir.mount->super->type->flags & FS_NO_NEW_NAMES)
		return -ENOENT;
	if (r->flags & RENAME_NOREPLACE && r->target)
		return -EEXIST;
	if (r->flags & RENAME_EXCHANGE) {
		if (!r->target)
			return -ENOENT;
		if (!is_directory(r->target) && r->to.slash)
			return -ENOTDIR;
	}
	if (!is_directory(r->moved) &&
	    (r->from.slash || (!(r->flags & RENAME_EXCHANGE) && r->to.slash)))
		return -ENOTDIR;
	if (is_ancestor(r->moved, r->to_dir.dentry))
		return -EINVAL;
	if (r->target && is_ancestor(r->target, r->from_dir.dentry))
		return r->flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	return 0;
}

static int rename_check(struct rename *r)
{
	bool exchange = r->flags & RENAME_EXCHANGE, moves = r->from_dir.dentry != r->to_dir.dentry;
	TRY(name_may_remove(&r->from_dir, r->moved, is_directory(r->moved)));
	if (r->target) {
		TRY(name_may_remove(&r->to_dir, r->target,
		                    is_directory(exchange ? r->target : r->moved)));
	} else {
		if (dir_dead(r->to_dir.dentry->inode->dir))
			return -ENOENT;
		TRY(inode_permission(r->to_dir.dentry->inode, MAY_WRITE | MAY_EXEC));
	}
	if (!r->from_dir.dentry->inode->ops->link || !r->to_dir.dentry->inode->ops->link)
		return -EPERM;
	/* ".." of a directory that moves is rewritten: that needs write permission on it. */
	if (moves && is_directory(r->moved))
		TRY(inode_permission(r->moved->inode, MAY_WRITE));
	if (moves && exchange && is_directory(r->target))
		TRY(inode_permission(r->target->inode, MAY_WRITE));
	return 0;
}

/* Both directories locked: are the names still what was checked? And what only now can be known. */
static int rename_settle(struct rename *r)
{
	struct dentry *to = r->to_dir.dentry;
	if (!name_still(r->moved, r->from_dir.dentry, &r->from.name))
		return RENAME_AGAIN;
	if (r->target ? !name_still(r->target, to, &r->to.name)
	              : dentry_find(to, &r->to.name) != NULL)
		return RENAME_AGAIN;
	if (r->moved->flags & DENTRY_MOUNTED || (r->target && r->target->flags & DENTRY_MOUNTED))
		return -EBUSY;
	if (!to->inode->dir->table)
		return -ENOMEM;
	if (r->from_dir.dentry != to) {
		TRY(dir_enter(to->inode->dir));
		if (r->flags & RENAME_EXCHANGE)
			TRY(dir_enter(r->from_dir.dentry->inode
			                      ->dir)); /* cannot be dead: it has an entry */
	}
	if (r->target && !(r->flags & RENAME_EXCHANGE) && is_directory(r->target)) {
		int err = dir_kill(r->target->inode->dir);
		if (err && r->from_dir.dentry != to)
			dir_leave(to->inode->dir);
		return err;
	}
	return 0;
}

static void links_moved(struct inode *from, struct inode *to, const struct dentry *d)
{
	if (!is_directory(d) || from == to)
		return;
	__atomic_fetch_sub(&from->nlink, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&to->nlink, 1, __ATOMIC_RELAXED);
}

static void exchange_commit(struct rename *r)
{
	struct dentry *from = r->from_dir.dentry, *to = r->to_dir.dentry;
	names_write_begin();
	r->moved_name = dentry_place_locked(r->moved, to, r->moved_name);
	r->target_name = dentry_place_locked(r->target, from, r->target_name);
	names_write_end();
	links_moved(from->inode, to->inode, r->moved);
	links_moved(to->inode, from->inode, r->target);
	dir_changed(from->inode, 0);
	dir_changed(to->inode, 0);
	r->target->inode->ctime = vtime_now();
}

static void replace_commit(struct rename *r)
{
	struct inode *from = r->from_dir.dentry->inode, *to = r->to_dir.dentry->inode;
	names_write_begin();
	if (r->target)
		dentry_del_locked(r->target);
	r->moved_name = dentry_place_locked(r->moved, r->to_dir.dentry, r->moved_name);
	names_write_end();
	if (r->target)
		name_gone(to, r->target->inode);
	links_moved(from, to, r->moved);
	dir_changed(from, -1);
	dir_changed(to, r->target ? 0 : 1);
}

static int rename_commit(struct rename *r)
{
	struct dentry *from = r->from_dir.dentry, *to = r->to_dir.dentry;
	bool exchange = r->flags & RENAME_EXCHANGE;
	dir_reserve(to->inode->dir);
	spin_lock2(&from->inode->dir->lock, &to->inode->dir->lock);
	int err = rename_settle(r);
	if (!err) {
		dentry_get(to);
		if (exchange) {
			dentry_get(from);
			exchange_commit(r);
		} else {
			replace_commit(r);
		}
		r->moved->inode->ctime = vtime_now();
	}
	spin_unlock2(&from->inode->dir->lock, &to->inode->dir->lock);
	if (err)
		return err;
	dentry_name_free(r->moved, TAKE(r->moved_name));
	dentry_put(from); /* moved's reference of its old parent */
	if (exchange) {
		dentry_name_free(r->target, TAKE(r->target_name));
		dentry_put(to);
	} else if (r->target) {
		dentry_put(r->target); /* the directory's pin */
	}
	return 0;
}

static int rename_try(struct rename *r)
{
	TRY(rename_lookup(r));
	if (r->target && r->target->inode == r->moved->inode)
		return 0;
	TRY(rename_check(r));
	r->moved_name = dentry_name_new(&r->to.name);
	r->target_name = r->flags & RENAME_EXCHANGE ? dentry_name_new(&r->from.name) : NULL;
	if (!r->moved_name || (r->flags & RENAME_EXCHANGE && !r->target_name))
		return -ENOMEM;
	return rename_commit(r);
}

static void rename_clean(struct rename *r)
{
	dentry_put(TAKE(r->moved));
	dentry_put(TAKE(r->target));
	kfree(TAKE(r->moved_name));
	kfree(TAKE(r->target_name));
}

static int rename_between(struct rename *r)
{
	if (r->from_dir.mount != r->to_dir.mount)
		return -EXDEV;
	if (r->from.kind != LAST_NAME)
		return -EBUSY;
	if (r->to.kind != LAST_NAME)
		return r->flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	TRY(mount_check_write(r->from_dir.mount, r->from_dir.dentry->inode));
	bool moves = r->from_dir.dentry != r->to_dir.dentry;
	if (moves)
		mutex_lock(&rename_mutex);
	int err;
	do {
		err = rename_try(r);
		rename_clean(r);
	} while (err == RENAME_AGAIN);
	if (moves)
		mutex_unlock(&rename_mutex);
	return err;
}

int vfs_rename(int old_dirfd, const char *old_name, int dirfd, const char *name, u32 flags)
{
	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE) ||
	    (flags & RENAME_NOREPLACE && flags & RENAME_EXCHANGE))
		return -EINVAL;
	struct rename r = {.flags = flags};
	TRY(walk_parent(old_dirfd, old_name, 0, &r.from_dir, &r.from));
	AUTO_PATH from = r.from_dir;
	TRY(walk_parent(dirfd, name, 0, &r.to_dir, &r.to));
	AUTO_PATH to = r.to_dir;
	return rename_between(&r);
}
