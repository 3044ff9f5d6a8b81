#include "kernel/fs/attr.h"
#include "kernel/fs/mount.h"
#include "kernel/fs/open.h"
#include "kernel/fs/super.h"
#include "kernel/lib/checked.h"
#include "kernel/mm/object.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/rlimit.h"
#include "kernel/proc/signal.h"
#include "kernel/proc/task.h"

/* inode->lock held: the file system may refuse; then it is done. */
static int setattr_apply(struct inode *i, const struct setattr *a)
{
	if (i->ops->setattr)
		TRY(i->ops->setattr(i, a));
	if (a->valid & SETATTR_MODE)
		store_relaxed(&i->mode, (i->mode & S_IFMT) | (a->mode & S_IALLUGO));
	if (a->valid & SETATTR_UID)
		i->uid = a->uid;
	if (a->valid & SETATTR_GID)
		i->gid = a->gid;
	if (a->valid & SETATTR_ATIME)
		i->atime = a->atime;
	if (a->valid & SETATTR_MTIME)
		i->mtime = a->mtime;
	i->ctime = a->ctime;
	return 0;
}

int path_chmod(const struct path *p, u32 mode)
{
	struct inode *i = p->dentry->inode;
	TRY(mount_check_write(p->mount, i));
	GUARD(mutex)
	(&i->lock);
	if (!inode_owner_or_capable(i))
		return -EPERM;
	if (S_ISLNK(i->mode))
		return -EOPNOTSUPP;
	const struct cred *c = cred_current();
	if (!cred_in_group(c, i->gid) && !cred_capable(c, CAP_FSETID))
		mode &= ~S_ISGID;
	struct setattr a = {
		.valid = SETATTR_MODE | SETATTR_CTIME, .mode = mode, .ctime = vtime_now()};
	return setattr_apply(i, &a);
}

static int chown_allowed(const struct inode *i, u32 uid, u32 gid)
{
	const struct cred *c = cred_current();
	if (cred_capable(c, CAP_CHOWN))
		return 0;
	bool owner = c->fsuid == i->uid;
	if (uid != UINT32_MAX && !(owner && uid == i->uid))
		return -EPERM;
	if (gid != UINT32_MAX && !(owner && (gid == i->gid || cred_in_group(c, gid))))
		return -EPERM;
	return 0;
}

int path_chown(const struct path *p, u32 uid, u32 gid)
{
	struct inode *i = p->dentry->inode;
	TRY(mount_check_write(p->mount, i));
	GUARD(mutex)
	(&i->lock);
	TRY(chown_allowed(i, uid, gid));
	struct setattr a = {.valid = SETATTR_CTIME, .uid = uid, .gid = gid, .ctime = vtime_now()};
	if (uid != UINT32_MAX)
		a.valid |= SETATTR_UID;
	if (gid != UINT32_MAX)
		a.valid |= SETATTR_GID;
	/* A new owner must not inherit the old one's privileges, chown(2): not even root keeps the bits. */
	u32 drop = S_ISDIR(i->mode) ? 0 : inode_suid_bits(i);
	if (drop) {
		a.valid |= SETATTR_MODE;
		a.mode = i->mode & ~drop;
	}
	return setattr_apply(i, &a);
}

static void time_choose(struct setattr *a, u32 bit, struct vtime *field,
                        const struct abi_timespec *t)
{
	if (t && t->nsec == UTIME_OMIT)
		return;
	a->valid |= bit;
	*field = t && t->nsec != UTIME_NOW ? (struct vtime){t->sec, (u32)t->nsec} : a->ctime;
}

int path_utimes(const struct path *p, const struct abi_timespec times[2])
{
	struct inode *i = p->dentry->inode;
	TRY(mount_check_write(p->mount, i));
	GUARD(mutex)
	(&i->lock);
	bool now = !times || (times[0].nsec == UTIME_NOW && times[1].nsec == UTIME_NOW);
	if (!inode_owner_or_capable(i)) {
		if (!now)
			return -EPERM;
		TRY(inode_permission(i, MAY_WRITE));
	}
	struct setattr a = {.valid = SETATTR_CTIME, .ctime = vtime_now()};
	time_choose(&a, SETATTR_ATIME, &a.atime, times ? &times[0] : NULL);
	time_choose(&a, SETATTR_MTIME, &a.mtime, times ? &times[1] : NULL);
	return setattr_apply(i, &a);
}

static int size_refused(void)
{
	signal_send_task(task_current(), SIGXFSZ, NULL);
	return -EFBIG;
}

ssize write_limit(u64 pos, size_t n)
{
	u64 limit = rlimit(RLIMIT_FSIZE);
	if (unlikely(limit != RLIM_INFINITY)) {
		if (pos >= limit)
			return size_refused();
		n = MIN(n, limit - pos);
	}
	if (unlikely(pos >= FILE_SIZE_MAX))
		return -EFBIG;
	return (ssize)MIN(n, FILE_SIZE_MAX - pos);
}

int inode_truncate(struct inode *i, u64 size, bool touch)
{
	if (!i->ops->resize)
		return S_ISREG(i->mode) ? 0 : -EINVAL;
	GUARD(mutex)
	(&i->lock);
	u64 old = i->object ? i->object->size : i->size;
	if (size > old && size > rlimit(RLIMIT_FSIZE))
		return size_refused();
	TRY(i->ops->resize(i, size));
	inode_drop_suid(i);
	if (touch || size != old)
		inode_touch_write(i);
	return 0;
}

int path_truncate(const struct path *p, u64 size)
{
	struct inode *i = p->dentry->inode;
	if (S_ISDIR(i->mode))
		return -EISDIR;
	if (!S_ISREG(i->mode))
		return -EINVAL;
	TRY(mount_check_write(p->mount, i));
	TRY(inode_permission(i, MAY_WRITE));
	TRY(inode_writer_get(i));
	int err = inode_truncate(i, size, false);
	inode_writer_put(i);
	return err;
}

static int fallocate_mode_check(u32 mode)
{
	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_COLLAPSE_RANGE |
	             FALLOC_FL_ZERO_RANGE | FALLOC_FL_INSERT_RANGE | FALLOC_FL_UNSHARE_RANGE))
		return -EOPNOTSUPP;
	if ((mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) ==
	    (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	if (mode & FALLOC_FL_PUNCH_HOLE && !(mode & FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	if (mode & FALLOC_FL_COLLAPSE_RANGE && mode & ~FALLOC_FL_COLLAPSE_RANGE)
		return -EINVAL;
	if (mode & FALLOC_FL_INSERT_RANGE && mode & ~FALLOC_FL_INSERT_RANGE)
		return -EINVAL;
	if (mode & FALLOC_FL_UNSHARE_RANGE &&
	    mode & ~(FALLOC_FL_UNSHARE_RANGE | FALLOC_FL_KEEP_SIZE))
		return -EINVAL;
	return 0;
}

int file_fallocate(struct file *f, u32 mode, s64 start, s64 length)
{
	struct inode *i = f->inode;
	s64 end;
	if (start < 0 || length <= 0)
		return -EINVAL;
	TRY(fallocate_mode_check(mode));
	if (!file_writable(f))
		return -EBADF;
	if (S_ISFIFO(i->mode))
		return -ESPIPE;
	if (S_ISDIR(i->mode))
		return -EISDIR;
	if (!S_ISREG(i->mode))
		return -ENODEV;
	if (add_overflows(start, length, &end))
		return -EFBIG;
	if (!i->ops->fallocate)
		return -EOPNOTSUPP;
	GUARD(mutex)
	(&i->lock);
	if (!(mode & FALLOC_FL_KEEP_SIZE) && (u64)end > i->object->size &&
	    (u64)end > rlimit(RLIMIT_FSIZE))
		return size_refused();
	TRY(i->ops->fallocate(i, mode, (u64)start, (u64)length));
	inode_drop_suid(i);
	inode_touch_write(i);
	return 0;
}
