/* access(2), chmod(2), chown(2), utimensat(2) and their kin. */
#include "arch/uaccess.h"
#include "kernel/fs/attr.h"
#include "kernel/fs/mount.h"
#include "kernel/fs/walk.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/fdtable.h"
#include "syscalls/syscall.h"

/* For access(2): the real ids decide, with the capabilities that they would have. => NULL: no memory. */
static const struct cred *cred_real(void)
{
	struct cred *c = cred_copy();
	if (!c)
		return NULL;
	c->fsuid = c->uid;
	c->fsgid = c->gid;
	if (!(c->securebits & SECBIT_NO_SETUID_FIXUP))
		c->cap_effective = c->uid ? 0 : c->cap_permitted;
	return c;
}

static bool cred_is_real(const struct cred *c)
{
	return c->fsuid == c->uid && c->fsgid == c->gid &&
	       (c->securebits & SECBIT_NO_SETUID_FIXUP ||
	        c->cap_effective == (c->uid ? 0 : c->cap_permitted));
}

static int access_check(int dirfd, const char *name, u32 mode, u32 walk)
{
	struct path found;
	TRY(walk_at(dirfd, name, walk, &found));
	AUTO_PATH p = found;
	struct inode *i = p.dentry->inode;
	if (mode & X_OK && S_ISREG(i->mode) && path_noexec(&p))
		return -EACCES;
	if (mode)
		TRY(inode_permission(i, mode));
	bool special =
		S_ISCHR(i->mode) || S_ISBLK(i->mode) || S_ISFIFO(i->mode) || S_ISSOCK(i->mode);
	return mode & W_OK && !special ? mount_check_write(p.mount, i) : 0;
}

static long access_user(int dirfd, uptr_t user, u32 mode, u32 flags)
{
	if (mode & ~(u32)(R_OK | W_OK | X_OK))
		return -EINVAL;
	if (flags & ~(u32)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	PATHNAME(name);
	TRY(pathname_get_empty_ok(&name, user));
	u32 walk = walk_follow(!(flags & AT_SYMLINK_NOFOLLOW)) |
	           (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0);
	if (flags & AT_EACCESS || cred_is_real(cred_current()))
		return access_check(dirfd, name.text, mode, walk);
	const struct cred *real = cred_real();
	if (!real)
		return -ENOMEM;
	struct task *t = task_current();
	const struct cred *own = t->cred;
	store_release(&t->cred, real);
	long err = access_check(dirfd, name.text, mode, walk);
	store_release(&t->cred, own);
	cred_put(real);
	return err;
}

SYSCALL2(access, uptr_t, name, u32, mode)
{
	return access_user(AT_FDCWD, name, mode, 0);
}

SYSCALL3(faccessat, int, dirfd, uptr_t, name, u32, mode)
{
	return access_user(dirfd, name, mode, 0);
}

SYSCALL4(faccessat2, int, dirfd, uptr_t, name, u32, mode, u32, flags)
{
	return access_user(dirfd, name, mode, flags);
}

static int attr_walk(int dirfd, uptr_t user, u32 walk, struct path *out)
{
	PATHNAME(name);
	TRY(pathname_get_empty_ok(&name, user));
	return walk_at(dirfd, name.text, walk, out);
}

static long chmod_user(int dirfd, uptr_t user, u32 mode)
{
	struct path found;
	TRY(attr_walk(dirfd, user, WALK_FOLLOW, &found));
	AUTO_PATH p = found;
	return path_chmod(&p, mode);
}

SYSCALL2(chmod, uptr_t, name, u32, mode)
{
	return chmod_user(AT_FDCWD, name, mode);
}

SYSCALL3(fchmodat, int, dirfd, uptr_t, name, u32, mode)
{
	return chmod_user(dirfd, name, mode);
}

SYSCALL2(fchmod, int, fd, u32, mode)
{
	AUTO_FDREF r = fdref_get(fd);
	return r.file ? path_chmod(&r.file->path, mode) : -EBADF;
}

static long chown_user(int dirfd, uptr_t user, u32 uid, u32 gid, u32 walk)
{
	struct path found;
	TRY(attr_walk(dirfd, user, walk, &found));
	AUTO_PATH p = found;
	return path_chown(&p, uid, gid);
}

SYSCALL3(chown, uptr_t, name, u32, uid, u32, gid)
{
	return chown_user(AT_FDCWD, name, uid, gid, WALK_FOLLOW);
}

SYSCALL3(lchown, uptr_t, name, u32, uid, u32, gid)
{
	return chown_user(AT_FDCWD, name, uid, gid, 0);
}

SYSCALL3(fchown, int, fd, u32, uid, u32, gid)
{
	AUTO_FDREF r = fdref_get(fd);
	return r.file ? path_chown(&r.file->path, uid, gid) : -EBADF;
}

SYSCALL5(fchownat, int, dirfd, uptr_t, name, u32, uid, u32, gid, u32, flags)
{
	if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return chown_user(dirfd, name, uid, gid,
	                  walk_follow(!(flags & AT_SYMLINK_NOFOLLOW)) |
	                          (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0));
}

static bool utime_valid(const struct abi_timespec *t)
{
	return t->nsec == UTIME_NOW || t->nsec == UTIME_OMIT || (u64)t->nsec < 1000000000;
}

/* times NULL: now. name 0 and a descriptor: the file itself. */
static long utimes_do(int dirfd, uptr_t user, const struct abi_timespec *times, u32 flags)
{
	if (times && (!utime_valid(&times[0]) || !utime_valid(&times[1])))
		return -EINVAL;
	if (uptr_null(user) && dirfd != AT_FDCWD) {
		if (flags)
			return -EINVAL;
		AUTO_FDREF r = fdref_get(dirfd);
		return r.file ? path_utimes(&r.file->path, times) : -EBADF;
	}
	if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	struct path found;
	TRY(attr_walk(dirfd, user,
	              walk_follow(!(flags & AT_SYMLINK_NOFOLLOW)) |
	                      (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0),
	              &found));
	AUTO_PATH p = found;
	return path_utimes(&p, times);
}

SYSCALL4(utimensat, int, dirfd, uptr_t, name, uptr_t, user_times, u32, flags)
{
	struct abi_timespec times[2];
	if (uptr_null(user_times))
		return utimes_do(dirfd, name, NULL, flags);
	TRY(copy_from_user(times, user_times, sizeof(times)));
	if (times[0].nsec == UTIME_OMIT && times[1].nsec == UTIME_OMIT)
		return 0;
	return utimes_do(dirfd, name, times, flags);
}

static long utimes_us(int dirfd, uptr_t name, uptr_t user_times)
{
	struct {
		s64 sec, usec;
	} tv[2];
	if (uptr_null(user_times))
		return utimes_do(dirfd, name, NULL, 0);
	TRY(copy_from_user(tv, user_times, sizeof(tv)));
	struct abi_timespec times[2];
	for (int i = 0; i < 2; i++) {
		if ((u64)tv[i].usec >= 1000000)
			return -EINVAL;
		times[i] = (struct abi_timespec){tv[i].sec, tv[i].usec * 1000};
	}
	return utimes_do(dirfd, name, times, 0);
}

SYSCALL3(futimesat, int, dirfd, uptr_t, name, uptr_t, times)
{
	return utimes_us(dirfd, name, times);
}

SYSCALL2(utimes, uptr_t, name, uptr_t, times)
{
	return utimes_us(AT_FDCWD, name, times);
}

SYSCALL2(utime, uptr_t, name, uptr_t, user_times)
{
	s64 seconds[2];
	if (uptr_null(user_times))
		return utimes_do(AT_FDCWD, name, NULL, 0);
	TRY(copy_from_user(seconds, user_times, sizeof(seconds)));
	struct abi_timespec times[2] = {{seconds[0], 0}, {seconds[1], 0}};
	return utimes_do(AT_FDCWD, name, times, 0);
}
