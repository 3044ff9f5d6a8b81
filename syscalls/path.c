/* Names made, removed and changed; where a process stands: mkdir(2), unlink(2), rename(2), chdir(2), getcwd(2) ... */
#include "arch/uaccess.h"
#include "kernel/dev/device.h"
#include "kernel/fs/attr.h"
#include "kernel/fs/context.h"
#include "kernel/fs/names.h"
#include "kernel/fs/super.h"
#include "kernel/lib/string.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/fdtable.h"
#include "syscalls/syscall.h"

static long mkdir_user(int dirfd, uptr_t user, u32 mode)
{
	PATHNAME(name);
	TRY(pathname_get(&name, user));
	return vfs_mkdir(dirfd, name.text, mode);
}

SYSCALL2(mkdir, uptr_t, name, u32, mode)
{
	return mkdir_user(AT_FDCWD, name, mode);
}

SYSCALL3(mkdirat, int, dirfd, uptr_t, name, u32, mode)
{
	return mkdir_user(dirfd, name, mode);
}

static long mknod_user(int dirfd, uptr_t user, u32 mode, u32 dev)
{
	PATHNAME(name);
	TRY(pathname_get(&name, user));
	return vfs_mknod(dirfd, name.text, mode, device_decode(dev));
}

SYSCALL3(mknod, uptr_t, name, u32, mode, u32, dev)
{
	return mknod_user(AT_FDCWD, name, mode, dev);
}

SYSCALL4(mknodat, int, dirfd, uptr_t, name, u32, mode, u32, dev)
{
	return mknod_user(dirfd, name, mode, dev);
}

static long symlink_user(uptr_t target, int dirfd, uptr_t user)
{
	PATHNAME(text);
	PATHNAME(name);
	TRY(pathname_get(&text, target));
	TRY(pathname_get(&name, user));
	return vfs_symlink(text.text, dirfd, name.text);
}

SYSCALL2(symlink, uptr_t, target, uptr_t, name)
{
	return symlink_user(target, AT_FDCWD, name);
}

SYSCALL3(symlinkat, uptr_t, target, int, dirfd, uptr_t, name)
{
	return symlink_user(target, dirfd, name);
}

static long link_user(int old_dirfd, uptr_t old, int dirfd, uptr_t user, u32 flags)
{
	if (flags & ~(u32)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	PATHNAME(from);
	PATHNAME(to);
	TRY(pathname_get_empty_ok(&from, old));
	TRY(pathname_get(&to, user));
	return vfs_link(old_dirfd, from.text, dirfd, to.text, flags);
}

SYSCALL2(link, uptr_t, old, uptr_t, name)
{
	return link_user(AT_FDCWD, old, AT_FDCWD, name, 0);
}

SYSCALL5(linkat, int, old_dirfd, uptr_t, old, int, dirfd, uptr_t, name, u32, flags)
{
	return link_user(old_dirfd, old, dirfd, name, flags);
}

static long unlink_user(int dirfd, uptr_t user, u32 flags)
{
	if (flags & ~(u32)AT_REMOVEDIR)
		return -EINVAL;
	PATHNAME(name);
	TRY(pathname_get(&name, user));
	return flags & AT_REMOVEDIR ? vfs_rmdir(dirfd, name.text) : vfs_unlink(dirfd, name.text);
}

SYSCALL1(unlink, uptr_t, name)
{
	return unlink_user(AT_FDCWD, name, 0);
}

SYSCALL1(rmdir, uptr_t, name)
{
	return unlink_user(AT_FDCWD, name, AT_REMOVEDIR);
}

SYSCALL3(unlinkat, int, dirfd, uptr_t, name, u32, flags)
{
	return unlink_user(dirfd, name, flags);
}

static long rename_user(int old_dirfd, uptr_t old, int dirfd, uptr_t user, u32 flags)
{
	PATHNAME(from);
	PATHNAME(to);
	TRY(pathname_get(&from, old));
	TRY(pathname_get(&to, user));
	return vfs_rename(old_dirfd, from.text, dirfd, to.text, flags);
}

SYSCALL2(rename, uptr_t, old, uptr_t, name)
{
	return rename_user(AT_FDCWD, old, AT_FDCWD, name, 0);
}

SYSCALL4(renameat, int, old_dirfd, uptr_t, old, int, dirfd, uptr_t, name)
{
	return rename_user(old_dirfd, old, dirfd, name, 0);
}

SYSCALL5(renameat2, int, old_dirfd, uptr_t, old, int, dirfd, uptr_t, name, u32, flags)
{
	return rename_user(old_dirfd, old, dirfd, name, flags);
}

/* Magic links know their text only by making it. => length or -errno. */
static ssize readlink_magic(struct inode *i, uptr_t out, size_t size)
{
	if (!i->ops->readlink)
		return -EINVAL;
	char *buf = kmalloc(PATH_MAX);
	if (!buf)
		return -ENOMEM;
	ssize n = i->ops->readlink(i, buf, MIN(size, (size_t)PATH_MAX));
	if (n > 0 && copy_to_user(out, buf, (size_t)n))
		n = -EFAULT;
	kfree(buf);
	return n;
}

static long readlink_user(int dirfd, uptr_t user, uptr_t out, int size)
{
	char own[64];
	if (size <= 0)
		return -EINVAL;
	struct path found;
	PATHNAME(name);
	TRY(pathname_get_empty_ok(&name, user));
	TRY(walk_at(dirfd, name.text, WALK_EMPTY, &found));
	AUTO_PATH p = found;
	struct inode *i = p.dentry->inode;
	if (!S_ISLNK(i->mode))
		return *name.text ? -EINVAL : -ENOENT;
	inode_touch_read(p.mount, i);
	if (!i->ops->link_text)
		return readlink_magic(i, out, (size_t)size);
	const char *text = TRY_PTR(i->ops->link_text(i, own));
	size_t n = MIN(strlen(text), (size_t)size);
	return copy_to_user(out, text, n) ? -EFAULT : (long)n;
}

SYSCALL3(readlink, uptr_t, name, uptr_t, buf, int, size)
{
	return readlink_user(AT_FDCWD, name, buf, size);
}

SYSCALL4(readlinkat, int, dirfd, uptr_t, name, uptr_t, buf, int, size)
{
	return readlink_user(dirfd, name, buf, size);
}

SYSCALL1(chdir, uptr_t, user)
{
	struct path found;
	PATHNAME(name);
	TRY(pathname_get(&name, user));
	TRY(walk_at(AT_FDCWD, name.text, WALK_FOLLOW | WALK_DIRECTORY, &found));
	AUTO_PATH p = found;
	TRY(inode_permission(p.dentry->inode, MAY_EXEC));
	fs_context_set_cwd(fs_context_current(), &p);
	return 0;
}

SYSCALL1(fchdir, int, fd)
{
	AUTO_FDREF r = fdref_get_path(fd);
	if (!r.file)
		return -EBADF;
	if (!S_ISDIR(r.file->inode->mode))
		return -ENOTDIR;
	TRY(inode_permission(r.file->inode, MAY_EXEC));
	fs_context_set_cwd(fs_context_current(), &r.file->path);
	return 0;
}

SYSCALL1(chroot, uptr_t, user)
{
	struct path found;
	PATHNAME(name);
	TRY(pathname_get(&name, user));
	TRY(walk_at(AT_FDCWD, name.text, WALK_FOLLOW | WALK_DIRECTORY, &found));
	AUTO_PATH p = found;
	TRY(inode_permission(p.dentry->inode, MAY_EXEC));
	if (!capable(CAP_SYS_CHROOT))
		return -EPERM;
	fs_context_set_root(fs_context_current(), &p);
	return 0;
}

static const char unreachable[] = "(unreachable)";

/* cwd's name in buf, with room for "(unreachable)" before it. => start, or err_ptr. */
static char *cwd_name(char *buf, size_t size)
{
	enum { PREFIX = sizeof(unreachable) - 1 };
	bool reachable;
	AUTO_PATH root = fs_context_root();
	AUTO_PATH cwd = fs_context_cwd();
	const struct inode *i = cwd.dentry->inode;
	if (i->dir && dir_dead(i->dir))
		return err_ptr(-ENOENT);
	char *name = path_name_from(&cwd, &root, buf + PREFIX, size - PREFIX, &reachable);
	if (!is_err(name) && !reachable) {
		name -= PREFIX;
		memcpy(name, unreachable, PREFIX);
	}
	return name;
}

SYSCALL2(getcwd, uptr_t, out, u64, size)
{
	char *buf = kmalloc(PATH_MAX);
	if (!buf)
		return -ENOMEM;
	long result = -ERANGE;
	char *name = cwd_name(buf, PATH_MAX);
	if (is_err(name)) {
		result = ptr_err(name);
	} else {
		size_t n = strlen(name) + 1;
		if (n <= size)
			result = copy_to_user(out, name, n) ? -EFAULT : (long)n;
	}
	kfree(buf);
	return result;
}

SYSCALL1(umask, u32, mask)
{
	return __atomic_exchange_n(&fs_context_current()->umask, mask & 0777, __ATOMIC_RELAXED);
}

SYSCALL2(truncate, uptr_t, user, s64, length)
{
	if (length < 0)
		return -EINVAL;
	struct path found;
	PATHNAME(name);
	TRY(pathname_get(&name, user));
	TRY(walk_at(AT_FDCWD, name.text, WALK_FOLLOW, &found));
	AUTO_PATH p = found;
	return path_truncate(&p, (u64)length);
}
