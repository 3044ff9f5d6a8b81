#include "kernel/fs/open.h"
#include "kernel/dev/device.h"
#include "kernel/fs/attr.h"
#include "kernel/fs/internal.h"
#include "kernel/fs/locks.h"
#include "kernel/fs/mount.h"
#include "kernel/fs/names.h"
#include "kernel/fs/seq.h"
#include "kernel/lib/string.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/fdtable.h"

enum {
	OPEN_VALID = O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK |
	             O_SYNC | O_ASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW |
	             O_NOATIME | O_CLOEXEC | O_PATH | O_TMPFILE_BIT,
	OPEN_ONCE = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC,
	OPEN_LINKS_MAX = 40
};

static const struct file_ops name_only_ops; /* O_PATH, and files whose open failed */

int open_flags_check(u32 *flags, u32 *mode)
{
	u32 f = *flags & OPEN_VALID;
	if (f & O_PATH)
		f &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	if (f & O_TMPFILE_BIT) {
		if ((f & (O_TMPFILE | O_CREAT)) != O_TMPFILE || !((f + 1) & 2))
			return -EINVAL;
	} else if ((f & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY)) {
		return -EINVAL;
	}
	*mode = f & (O_CREAT | O_TMPFILE_BIT) ? *mode & S_IALLUGO : 0;
	*flags = f & O_PATH ? f : f | O_LARGEFILE;
	return 0;
}

int inode_writer_get(struct inode *i)
{
	s32 n = load_relaxed(&i->writers);
	do {
		if (n < 0)
			return -ETXTBSY;
	} while (!__atomic_compare_exchange_n(&i->writers, &n, n + 1, true, __ATOMIC_ACQ_REL,
	                                      __ATOMIC_RELAXED));
	return 0;
}

void inode_writer_put(struct inode *i)
{
	__atomic_fetch_sub(&i->writers, 1, __ATOMIC_RELEASE);
}

static int inode_deny_write(struct inode *i)
{
	s32 n = load_relaxed(&i->writers);
	do {
		if (n > 0)
			return -ETXTBSY;
	} while (!__atomic_compare_exchange_n(&i->writers, &n, n - 1, true, __ATOMIC_ACQ_REL,
	                                      __ATOMIC_RELAXED));
	return 0;
}

void file_detach(struct file *f)
{
	if (!f->inode)
		return;
	if (unlikely(load_relaxed(&f->inode->locks) != NULL))
		file_locks_release(f);
	if (f->flags & FILE_F_WRITER) {
		inode_writer_put(f->inode);
		if (f->path.mount)
			__atomic_fetch_sub(&f->path.mount->writers, 1, __ATOMIC_RELAXED);
	}
	if (f->flags & FILE_F_DENY_WRITE)
		__atomic_fetch_add(&f->inode->writers, 1, __ATOMIC_RELEASE);
}

void file_close_locks(struct file *f, struct fdtable *owner)
{
	/* A mere name holds no lock, and gives none up: open(2), O_PATH. */
	if (unlikely(f->inode && load_relaxed(&f->inode->locks) && !(f->flags & FILE_O_PATH)))
		posix_locks_release(f->inode, owner);
}

/* may_open of Linux: what the kind of file and the permissions allow. */
static int open_permission(const struct path *p, u32 flags, u32 mask)
{
	struct inode *i = p->dentry->inode;
	switch (i->mode & S_IFMT) {
	case S_IFLNK: return -ELOOP;
	case S_IFDIR:
		if (mask & MAY_WRITE)
			return -EISDIR;
		break;
	case S_IFBLK:
	case S_IFCHR:
		if (p->mount && load_relaxed(&p->mount->flags) & MS_NODEV)
			return -EACCES;
		break;
	}
	bool data = S_ISREG(i->mode) || S_ISDIR(i->mode);
	if (data && mask & MAY_WRITE)
		TRY(mount_check_write(NULL, i));
	if (mask)
		TRY(inode_permission(i, mask));
	if (flags & O_NOATIME && !inode_owner_or_capable(i))
		return -EPERM;
	return 0;
}

static u32 open_mask(u32 flags)
{
	static const u8 masks[4] = {MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE,
	                            MAY_READ | MAY_WRITE};
	return masks[flags & O_ACCMODE] | (flags & O_TRUNC ? MAY_WRITE : 0);
}

static int open_count_writer(struct file *f)
{
	struct inode *i = f->inode;
	if (!file_writable(f) || !(S_ISREG(i->mode) || S_ISDIR(i->mode)))
		return 0;
	TRY(inode_writer_get(i));
	if (mount_check_write(f->path.mount, i)) {
		inode_writer_put(i);
		return -EROFS;
	}
	if (f->path.mount)
		__atomic_fetch_add(&f->path.mount->writers, 1, __ATOMIC_RELAXED);
	f->flags |= FILE_F_WRITER;
	return 0;
}

static int open_complete(struct file *f)
{
	struct inode *i = f->inode;
	TRY(open_count_writer(f));
	switch (i->mode & S_IFMT) {
	case S_IFCHR: return device_open(f, i->rdev);
	case S_IFIFO: return fifo_hooks ? fifo_hooks->open(i, f) : -ENXIO;
	case S_IFBLK:
	case S_IFSOCK: return -ENXIO;
	}
	if (f->flags & O_DIRECT && !S_ISDIR(i->mode) && i->object)
		return -EINVAL;
	return i->ops->open ? i->ops->open(i, f) : 0;
}

static int open_truncate(struct inode *i)
{
	TRY(inode_writer_get(i));
	int err = inode_truncate(i, 0, true);
	inode_writer_put(i);
	return err;
}

/* A file without a path yet: what creates names first makes this, so that none is left where there is no memory. */
static struct file *open_prepare(u32 flags)
{
	return file_new(NULL, &name_only_ops, flags & ~(u32)FILE_F_INTERNAL, NULL);
}

/* The path is found and allowed; f is taken over. `truncate`: O_TRUNC on something that was there. */
static struct file *open_at_path(struct file *f, const struct path *p, bool truncate)
{
	struct inode *i = p->dentry->inode;
	path_get(p);
	f->path = *p;
	f->inode = i;
	f->ops = i->file_ops ? i->file_ops : &name_only_ops;
	int err = open_complete(f);
	if (err) {
		f->ops = &name_only_ops; /* nothing to release */
		file_put(f);
		return err_ptr(err);
	}
	f->flags &=
		~(u32)OPEN_ONCE; /* a driver's open has seen them (O_NOCTTY), F_GETFL does not */
	if (truncate && (err = open_truncate(i))) {
		file_put(f);
		return err_ptr(err);
	}
	return f;
}

static struct file *open_file(const struct path *p, u32 flags, bool truncate)
{
	struct file *f = open_prepare(flags);
	return is_err(f) ? f : open_at_path(f, p, truncate);
}

static struct file *open_existing(const struct path *p, u32 flags)
{
	u32 mask = open_mask(flags);
	struct inode *i = p->dentry->inode;
	if (flags & O_PATH)
		return file_new(p, &name_only_ops, flags & ~(u32)OPEN_ONCE, NULL);
	bool truncate = flags & O_TRUNC && S_ISREG(i->mode);
	if (truncate && mount_check_write(p->mount, i))
		return err_ptr(-EROFS);
	int err = open_permission(p, flags, mask);
	if (err)
		return err_ptr(err);
	return open_file(p, flags, truncate);
}

struct file *path_open(const struct path *p, u32 flags)
{
	return open_existing(p, flags);
}

static struct file *open_plain(int dirfd, const char *name, u32 flags, u32 walk)
{
	struct path found;
	if (!(flags & O_NOFOLLOW))
		walk |= WALK_FOLLOW;
	if (flags & O_DIRECTORY)
		walk |= WALK_DIRECTORY;
	int err = walk_at(dirfd, name, walk, &found);
	if (err)
		return err_ptr(err);
	AUTO_PATH p = found;
	return open_existing(&p, flags);
}

static struct file *open_tmpfile(int dirfd, const char *name, u32 flags, u32 mode, u32 walk)
{
	struct path found;
	struct dentry *made;
	int err = walk_at(dirfd, name, walk | WALK_DIRECTORY | walk_follow(!(flags & O_NOFOLLOW)),
	                  &found);
	if (err)
		return err_ptr(err);
	AUTO_PATH dir = found;
	err = name_create_unlinked(&dir, S_IFREG | mode, &made);
	if (err)
		return err_ptr(err);
	AUTO_PUT(dentry) d = made;
	if (!(flags & O_EXCL))
		__atomic_fetch_or(&d->inode->flags, INODE_LINKABLE, __ATOMIC_RELAXED);
	struct path p = {dir.mount, d};
	return open_file(&p, flags & ~O_TMPFILE, false);
}

/* The last component of an O_CREAT, in its directory. => file, err_ptr, or NULL: a symbolic link, to be followed. */
static struct file *create_last(const struct path *dir, const struct walk_last *last, u32 flags,
                                u32 mode, struct dentry **out_link)
{
	for (;;) {
		AUTO_PUT(dentry) d = walk_child(dir->dentry, &last->name);
		if (is_err(d) && ptr_err(d) != -ENOENT)
			return (struct file *)d;
		if (!is_err(d)) {
			if (flags & O_EXCL)
				return err_ptr(-EEXIST);
			if (S_ISLNK(d->inode->mode) && !(flags & O_NOFOLLOW)) {
				*out_link = TAKE(d);
				return NULL;
			}
			AUTO_PATH p = *dir;
			path_get(&p);
			dentry_put(p.dentry);
			p.dentry = TAKE(d);
			path_cross_mounts(&p);
			if (S_ISDIR(p.dentry->inode->mode))
				return err_ptr(-EISDIR);
			return open_existing(&p, flags);
		}
		AUTO_PUT(file) f = open_prepare(flags);
		if (is_err(f))
			return TAKE(f);
		struct dentry *made;
		int err = name_create(dir, &last->name, S_IFREG | mode, &made);
		if (err == -EEXIST)
			continue;
		if (err)
			return err_ptr(err);
		AUTO_PUT(dentry) held = made;
		struct path p = {dir->mount, held};
		return open_at_path(TAKE(f), &p, false);
	}
}

/* A link at the end of an O_CREAT: a copy of its text, which outlives the link; or for a magic one, its path. */
static int link_read(const struct path *dir, struct dentry *link, char **out_text, struct path *out)
{
	char buf[64];
	const struct inode_ops *ops = link->inode->ops;
	if (dir->mount && load_relaxed(&dir->mount->flags) & MS_NOSYMFOLLOW)
		return -ELOOP;
	if (!ops->link_text)
		return ops->link_path ? ops->link_path(link->inode, out) : -EINVAL;
	const char *text = ops->link_text(link->inode, buf);
	if (is_err(text))
		return ptr_err(text);
	size_t size = strlen(text) + 1;
	*out_text = kmalloc(size + NAME_PAD);
	if (!*out_text)
		return -ENOMEM;
	memcpy(*out_text, text, size);
	return 0;
}

struct creation { /* an O_CREAT on its way along links */
	struct path dir;
	struct walk_last last;
	char *text; /* what last points into, when not the caller's name */
};

static void creation_drop(struct creation *c)
{
	path_put(&c->dir);
	kfree(c->text);
}

/* On to where the link leads. => 0; *out_file set when a magic link was the end of it. */
static int creation_follow(struct creation *c, struct dentry *link, u32 flags, u32 walk,
                           struct file **out_file)
{
	char *text = NULL;
	struct path to = {};
	if (walk & WALK_NO_SYMLINKS)
		return -ELOOP;
	TRY(link_read(&c->dir, link, &text, &to));
	if (!text) {
		AUTO_PATH p = to;
		*out_file = S_ISDIR(p.dentry->inode->mode) ? err_ptr(-EISDIR)
		                                           : open_existing(&p, flags);
		return 0;
	}
	struct path dir;
	int err = walk_parent_from(&c->dir, text, walk, &dir, &c->last);
	path_put(&c->dir);
	kfree(c->text);
	c->text = text;
	c->dir = err ? (struct path){} : dir;
	return err;
}

static struct file *open_create(int dirfd, const char *name, u32 flags, u32 mode, u32 walk)
{
	__attribute__((cleanup(creation_drop))) struct creation c = {};
	int err = walk_parent(dirfd, name, walk, &c.dir, &c.last);
	if (err)
		return err_ptr(err);
	for (u32 links = 0; links <= OPEN_LINKS_MAX; links++) {
		if (c.last.kind != LAST_NAME || c.last.slash)
			return err_ptr(-EISDIR);
		struct dentry *link = NULL;
		struct file *f = create_last(&c.dir, &c.last, flags, mode, &link);
		if (f)
			return f;
		AUTO_PUT(dentry) held = link;
		err = creation_follow(&c, held, flags, walk, &f);
		if (err || f)
			return err ? err_ptr(err) : f;
	}
	return err_ptr(-ELOOP);
}

struct file *vfs_open_at(int dirfd, const char *name, u32 flags, u32 mode, u32 walk)
{
	if (flags & O_TMPFILE_BIT)
		return open_tmpfile(dirfd, name, flags, mode, walk);
	if (flags & O_CREAT)
		return open_create(dirfd, name, flags, mode, walk);
	return open_plain(dirfd, name, flags, walk);
}

struct file *vfs_open(const char *name, u32 flags, u32 mode)
{
	int err = open_flags_check(&flags, &mode);
	return err ? err_ptr(err) : vfs_open_at(AT_FDCWD, name, flags, mode, 0);
}

struct file *vfs_open_exec_at(int dirfd, const char *name, u32 walk)
{
	struct path found;
	int err = walk_at(dirfd, name, walk, &found);
	if (err)
		return err_ptr(err);
	AUTO_PATH p = found;
	struct inode *i = p.dentry->inode;
	if (S_ISLNK(i->mode))
		return err_ptr(-ELOOP);
	if (!S_ISREG(i->mode) || path_noexec(&p))
		return err_ptr(-EACCES);
	err = inode_permission(i, MAY_EXEC);
	if (!err)
		err = inode_deny_write(i);
	if (err)
		return err_ptr(err);
	struct file *f = file_new(&p, i->file_ops ? i->file_ops : &name_only_ops,
	                          O_RDONLY | O_LARGEFILE | FILE_F_DENY_WRITE, NULL);
	if (is_err(f))
		__atomic_fetch_add(&i->writers, 1, __ATOMIC_RELEASE);
	else if (i->ops->open && (err = i->ops->open(i, f))) {
		f->ops = &name_only_ops;
		file_put(f);
		return err_ptr(err);
	}
	return f;
}

struct file *vfs_open_exec(const char *name)
{
	return vfs_open_exec_at(AT_FDCWD, name, WALK_FOLLOW);
}
