/* stat(2) and its kin, statx(2), statfs(2). */
#include "arch/uaccess.h"
#include "kernel/dev/device.h"
#include "kernel/fs/mount.h"
#include "kernel/fs/walk.h"
#include "kernel/proc/fdtable.h"
#include "syscalls/syscall.h"

static struct abi_timespec timespec_of(struct vtime t)
{
	return (struct abi_timespec){t.sec, t.nsec};
}

static int stat_copy(struct inode *i, uptr_t out)
{
	struct kstat k;
	inode_stat(i, &k);
	struct abi_stat st = {
		.dev = device_encode(k.dev),
		.ino = k.ino,
		.nlink = k.nlink,
		.mode = k.mode,
		.uid = k.uid,
		.gid = k.gid,
		.rdev = device_encode(k.rdev),
		.size = (s64)k.size,
		.blksize = k.blksize,
		.blocks = (s64)k.blocks,
		.atime = timespec_of(k.atime),
		.mtime = timespec_of(k.mtime),
		.ctime = timespec_of(k.ctime),
	};
	return copy_to_user(out, &st, sizeof(st));
}

/* at_flags: AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW. */
static int stat_walk(int dirfd, uptr_t user, u32 at_flags, struct path *out)
{
	PATHNAME(name);
	TRY(pathname_get_empty_ok(&name, user));
	return walk_at(dirfd, name.text,
	               walk_follow(!(at_flags & AT_SYMLINK_NOFOLLOW)) |
	                       (at_flags & AT_EMPTY_PATH ? WALK_EMPTY : 0),
	               out);
}

static long stat_user(int dirfd, uptr_t user, uptr_t out, u32 at_flags)
{
	struct path found;
	TRY(stat_walk(dirfd, user, at_flags, &found));
	AUTO_PATH p = found;
	return stat_copy(p.dentry->inode, out);
}

static long stat_fd(int fd, uptr_t out)
{
	AUTO_FDREF r = fdref_get_path(fd);
	return r.file ? stat_copy(r.file->inode, out) : -EBADF;
}

SYSCALL2(stat, uptr_t, name, uptr_t, out)
{
	return stat_user(AT_FDCWD, name, out, 0);
}

SYSCALL2(lstat, uptr_t, name, uptr_t, out)
{
	return stat_user(AT_FDCWD, name, out, AT_SYMLINK_NOFOLLOW);
}

SYSCALL2(fstat, int, fd, uptr_t, out)
{
	return stat_fd(fd, out);
}

SYSCALL4(newfstatat, int, dirfd, uptr_t, name, uptr_t, out, u32, flags)
{
	if (flags &
	    ~(u32)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	/* What glibc's fstat() does: no path, only the descriptor. */
	u8 first;
	if (flags & AT_EMPTY_PATH && dirfd >= 0) {
		TRY(copy_from_user(&first, name, 1));
		if (!first)
			return stat_fd(dirfd, out);
	}
	return stat_user(dirfd, name, out, flags);
}

static struct abi_statx_time statx_time(struct vtime t)
{
	return (struct abi_statx_time){.sec = t.sec, .nsec = t.nsec};
}

static int statx_copy(const struct path *p, uptr_t out)
{
	struct kstat k;
	inode_stat(p->dentry->inode, &k);
	struct abi_statx st = {
		.mask = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID,
		.blksize = k.blksize,
		.attributes_mask = STATX_ATTR_MOUNT_ROOT,
		.nlink = k.nlink,
		.uid = k.uid,
		.gid = k.gid,
		.mode = (u16)k.mode,
		.ino = k.ino,
		.size = k.size,
		.blocks = k.blocks,
		.atime = statx_time(k.atime),
		.btime = statx_time(k.btime),
		.ctime = statx_time(k.ctime),
		.mtime = statx_time(k.mtime),
		.rdev_major = device_major(k.rdev),
		.rdev_minor = device_minor(k.rdev),
		.dev_major = device_major(k.dev),
		.dev_minor = device_minor(k.dev),
	};
	if (p->mount) {
		st.mnt_id = p->mount->id;
		st.attributes = p->dentry == p->mount->root ? STATX_ATTR_MOUNT_ROOT : 0;
	}
	return copy_to_user(out, &st, sizeof(st));
}

SYSCALL5(statx, int, dirfd, uptr_t, name, u32, flags, u32, mask, uptr_t, out)
{
	if (mask & (u32)STATX_RESERVED)
		return -EINVAL;
	if ((flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return -EINVAL;
	if (flags &
	    ~(u32)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	struct path found;
	TRY(stat_walk(dirfd, name, flags, &found));
	AUTO_PATH p = found;
	return statx_copy(&p, out);
}

static int statfs_copy(const struct path *p, uptr_t out)
{
	struct super *s = p->dentry->inode->super;
	struct abi_statfs st = {.type = (s64)s->magic, .flags = ST_VALID};
	if (s->ops->statfs)
		s->ops->statfs(s, &st);
	st.fsid[0] = (s32)s->dev;
	u32 m = (p->mount ? load_relaxed(&p->mount->flags) : 0) | load_relaxed(&s->flags);
	st.flags |= (m & MS_RDONLY ? ST_RDONLY : 0) | (m & MS_NOSUID ? ST_NOSUID : 0) |
	            (m & MS_NODEV ? ST_NODEV : 0) | (m & MS_NOEXEC ? ST_NOEXEC : 0) |
	            (m & MS_NOATIME ? ST_NOATIME : 0) | (m & MS_NODIRATIME ? ST_NODIRATIME : 0) |
	            (m & MS_RELATIME ? ST_RELATIME : 0);
	return copy_to_user(out, &st, sizeof(st));
}

SYSCALL2(statfs, uptr_t, user, uptr_t, out)
{
	struct path found;
	PATHNAME(name);
	TRY(pathname_get(&name, user));
	TRY(walk_at(AT_FDCWD, name.text, WALK_FOLLOW, &found));
	AUTO_PATH p = found;
	return statfs_copy(&p, out);
}

SYSCALL2(fstatfs, int, fd, uptr_t, out)
{
	AUTO_FDREF r = fdref_get_path(fd);
	return r.file ? statfs_copy(&r.file->path, out) : -EBADF;
}

SYSCALL2(ustat, u32, dev, uptr_t, out)
{
	return -EINVAL; /* no file system of a block device is ever mounted */
}
