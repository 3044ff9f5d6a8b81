#include "kernel/dev/device.h"
#include "kernel/fs/context.h"
#include "kernel/fs/internal.h"
#include "kernel/fs/mount.h"
#include "kernel/fs/name_common.h"
#include "kernel/fs/names.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/proc/cred.h"

void dir_changed(struct inode *dir, int entries)
{
	__atomic_fetch_add(&dir->size, (s64)entries * DIR_ENTRY_SIZE, __ATOMIC_RELAXED);
	inode_touch_write(dir);
}

/* Owner and mode of something new: a setgid directory passes its group on, inode(7). */
static struct inode_make make_for(const struct inode *dir, u32 mode)
{
	const struct cred *c = cred_current();
	struct inode_make m = {.mode = mode, .uid = c->fsuid, .gid = c->fsgid};
	if (!(dir->mode & S_ISGID))
		return m;
	m.gid = dir->gid;
	if (S_ISDIR(mode))
		m.mode |= S_ISGID;
	else if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && !cred_in_group(c, m.gid) &&
	         !cred_capable(c, CAP_FSETID))
		m.mode &= ~S_ISGID;
	return m;
}

/* what: the mode before the umask, and what is the caller's to say. */
static int inode_make_in(struct inode *dir, const struct inode_make *what, struct inode **out)
{
	u32 mode = what->mode;
	if (!S_ISLNK(mode))
		mode &= ~load_relaxed(&fs_context_current()->umask);
	struct inode_make m = make_for(dir, mode);
	m.rdev = what->rdev;
	m.symlink = what->symlink;
	m.arg = what->arg;
	m.unnamed = what->unnamed;
	return dir->ops->make(dir, &m, out);
}

/* Checks are done: makes the inode and its name. */
static int name_add(const struct path *at, const struct qname *q, const struct inode_make *what,
                    struct dentry **out)
{
	struct inode *dir = at->dentry->inode, *made;
	TRY(inode_make_in(dir, what, &made));
	AUTO_PUT(inode) inode = made;
	AUTO_PUT(dentry) d = dentry_new(at->dentry, q, inode);
	if (!d)
		return -ENOMEM;
	dir_reserve(dir->dir);
	spin_lock(&dir->dir->lock);
	int err = dentry_add_locked(d);
	if (!err) {
		if (S_ISDIR(what->mode))
			__atomic_fetch_add(&dir->nlink, 1, __ATOMIC_RELAXED);
		dir_changed(dir, 1);
	}
	spin_unlock(&dir->dir->lock);
	if (!err && out)
		*out = TAKE(d);
	return err;
}

int name_create_with(const struct path *at, const struct qname *q, u32 mode, const void *arg,
                     struct dentry **out)
{
	struct inode *dir = at->dentry->inode;
	if (dir->super->type->flags & FS_NO_NEW_NAMES)
		return -ENOENT;
	TRY(mount_check_write(at->mount, dir));
	if (dir_dead(dir->dir))
		return -ENOENT;
	TRY(inode_permission(dir, MAY_WRITE | MAY_EXEC));
	if (!dir->ops->make)
		return -EACCES;
	return name_add(at, q, &(struct inode_make){.mode = mode, .arg = arg}, out);
}

int name_create(const struct path *at, const struct qname *q, u32 mode, struct dentry **out)
{
	return name_create_with(at, q, mode, NULL, out);
}

int name_create_unlinked(const struct path *at, u32 mode, struct dentry **out)
{
	struct inode *dir = at->dentry->inode, *made;
	TRY(mount_check_write(at->mount, dir));
	TRY(inode_permission(dir, MAY_WRITE | MAY_EXEC));
	if (!dir->ops->make)
		return -EOPNOTSUPP;
	const struct inode_make what = {.mode = mode, .unnamed = true};
	TRY(inode_make_in(dir, &what, &made));
	made->nlink = 0;
	char text[24];
	struct qname q = qname_make(
		text, (u32)scnprintf(text, sizeof(text), "#%llu", (unsigned long long)made->ino));
	struct dentry *d = dentry_new(at->dentry, &q, made);
	inode_put(made);
	if (!d)
		return -ENOMEM;
	*out = d;
	return 0;
}

/* The start of every making call: the parent, and the certainty that the name is free. */
static int name_begin(int dirfd, const char *name, bool directory, struct path *parent,
                      struct walk_last *last)
{
	struct path at;
	TRY(walk_parent(dirfd, name, 0, &at, last));
	AUTO_PATH held = at;
	if (last->kind != LAST_NAME)
		return -EEXIST;
	struct dentry *there = walk_child(held.dentry, &last->name);
	if (!is_err(there)) {
		dentry_put(there);
		return -EEXIST;
	}
	if (ptr_err(there) != -ENOENT)
		return ptr_err(there);
	if ((last->slash && !directory) || held.dentry->inode->super->type->flags & FS_NO_NEW_NAMES)
		return -ENOENT;
	TRY(mount_check_write(held.mount, held.dentry->inode));
	if (dir_dead(held.dentry->inode->dir))
		return -ENOENT;
	TRY(inode_permission(held.dentry->inode, MAY_WRITE | MAY_EXEC));
	*parent = held;
	held = (struct path){};
	return 0;
}

static int name_make(int dirfd, const char *name, u32 mode, u32 rdev, const char *symlink)
{
	struct path at;
	struct walk_last last;
	TRY(name_begin(dirfd, name, S_ISDIR(mode), &at, &last));
	AUTO_PATH held = at;
	bool device = (S_ISCHR(mode) && rdev) || S_ISBLK(mode);
	if (device && !capable(CAP_MKNOD))
		return -EPERM;
	const struct inode_make what = {.mode = mode, .rdev = rdev, .symlink = symlink};
	return name_add(&held, &last.name, &what, NULL);
}

int vfs_make_socket(const char *name, u32 mode, struct path *out)
{
	struct path at;
	struct walk_last last;
	TRY(name_begin(AT_FDCWD, name, false, &at, &last));
	AUTO_PATH held = at;
	struct dentry *d;
	const struct inode_make what = {.mode = S_IFSOCK | (mode & S_IALLUGO)};
	TRY(name_add(&held, &last.name, &what, &d));
	*out = (struct path){TAKE(held.mount), d};
	return 0;
}

int vfs_mkdir(int dirfd, const char *name, u32 mode)
{
	return name_make(dirfd, name, S_IFDIR | (mode & (0777 | S_ISVTX)), 0, NULL);
}

int vfs_mknod(int dirfd, const char *name, u32 mode, u32 rdev)
{
	switch (mode & S_IFMT) {
	case 0: mode |= S_IFREG; break;
	case S_IFREG:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK: break;
	case S_IFDIR: return -EPERM;
	default: return -EINVAL;
	}
	bool device = S_ISCHR(mode) || S_ISBLK(mode);
	return name_make(dirfd, name, mode & (S_IFMT | S_IALLUGO), device ? rdev : 0, NULL);
}

int vfs_symlink(const char *target, int dirfd, const char *name)
{
	return name_make(dirfd, name, S_IFLNK | 0777, 0, target);
}

static int link_check(const struct path *from, const struct path *to)
{
	struct inode *inode = from->dentry->inode;
	if (from->mount != to->mount)
		return -EXDEV;
	if (!to->dentry->inode->ops->link)
		return -EPERM;
	return S_ISDIR(inode->mode) ? -EPERM : 0;
}

/* A name more, unless the last one has just gone: nlink 0 is final but for O_TMPFILE files. */
static int nlink_up(struct inode *i)
{
	u32 n = load_relaxed(&i->nlink);
	do {
		if (!n && !(load_relaxed(&i->flags) & INODE_LINKABLE))
			return -ENOENT;
		if (n == UINT32_MAX)
			return -EMLINK;
	} while (!__atomic_compare_exchange_n(&i->nlink, &n, n + 1, true, __ATOMIC_ACQ_REL,
	                                      __ATOMIC_RELAXED));
	return 0;
}

static int link_add(const struct path *to, const struct qname *q, struct inode *inode)
{
	struct inode *dir = to->dentry->inode;
	AUTO_PUT(dentry) d = dentry_new(to->dentry, q, inode);
	if (!d)
		return -ENOMEM;
	dir_reserve(dir->dir);
	GUARD(spin)
	(&dir->dir->lock);
	TRY(nlink_up(inode));
	int err = dir->ops->link(dir, inode), charged = !err;
	if (!err)
		err = dentry_add_locked(d);
	if (err) {
		__atomic_fetch_sub(&inode->nlink, 1, __ATOMIC_RELEASE);
		if (charged && dir->ops->unlink)
			dir->ops->unlink(dir, inode);
		return err;
	}
	__atomic_fetch_and(&inode->flags, ~INODE_LINKABLE, __ATOMIC_RELAXED);
	inode->ctime = vtime_now();
	dir_changed(dir, 1);
	return 0;
}

int vfs_link(int old_dirfd, const char *old_name, int dirfd, const char *name, u32 at_flags)
{
	if (at_flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	u32 walk = walk_follow(at_flags & AT_SYMLINK_FOLLOW);
	if (at_flags & AT_EMPTY_PATH && capable(CAP_DAC_READ_SEARCH))
		walk |= WALK_EMPTY;
	struct path from, to;
	struct walk_last last;
	TRY(walk_at(old_dirfd, old_name, walk, &from));
	AUTO_PATH held_from = from;
	TRY(name_begin(dirfd, name, false, &to, &last));
	AUTO_PATH held_to = to;
	TRY(link_check(&held_from, &held_to));
	return link_add(&held_to, &last.name, held_from.dentry->inode);
}
