/* setxattr(2), getxattr(2), listxattr(2), removexattr(2) and their l- and f- forms. */
#include "arch/uaccess.h"
#include "kernel/fs/attr.h"
#include "kernel/fs/mount.h"
#include "kernel/fs/walk.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/fdtable.h"
#include "syscalls/syscall.h"

enum { XATTR_NAME_MAX = 255, XATTR_SIZE_MAX = 65536, XATTR_LIST_MAX = 65536 };

static int name_get(char name[XATTR_NAME_MAX + 1], uptr_t user)
{
	ssize n = strncpy_from_user(name, user, XATTR_NAME_MAX + 1);
	if (n == -ENAMETOOLONG || n == 0)
		return -ERANGE;
	return n < 0 ? (int)n : 0;
}

static long set_on(const struct path *p, uptr_t user_name, uptr_t user_value, size_t size,
                   u32 flags)
{
	char name[XATTR_NAME_MAX + 1];
	TRY(mount_check_write(p->mount, p->dentry->inode));
	if (flags & ~(u32)(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	TRY(name_get(name, user_name));
	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	void *value = kvzalloc(size ? size : 1);
	if (!value)
		return -ENOMEM;
	long err = copy_from_user(value, user_value, size);
	if (!err)
		err = inode_xattr_set(p->dentry->inode, name, value, size, flags);
	kvfree(value);
	return err;
}

static long get_on(const struct path *p, uptr_t user_name, uptr_t user_value, size_t size)
{
	char name[XATTR_NAME_MAX + 1];
	TRY(name_get(name, user_name));
	size = MIN(size, (size_t)XATTR_SIZE_MAX);
	void *value = kvzalloc(size ? size : 1);
	if (!value)
		return -ENOMEM;
	ssize n = inode_xattr_get(p->dentry->inode, name, value, size);
	if (n > 0 && size && copy_to_user(user_value, value, (size_t)n))
		n = -EFAULT;
	kvfree(value);
	return n;
}

static long list_on(const struct path *p, uptr_t user_list, size_t size)
{
	size = MIN(size, (size_t)XATTR_LIST_MAX);
	char *list = kvzalloc(size ? size : 1);
	if (!list)
		return -ENOMEM;
	ssize n = inode_xattr_list(p->dentry->inode, list, size);
	if (n > 0 && size && copy_to_user(user_list, list, (size_t)n))
		n = -EFAULT;
	kvfree(list);
	return n;
}

static long remove_on(const struct path *p, uptr_t user_name)
{
	char name[XATTR_NAME_MAX + 1];
	TRY(mount_check_write(p->mount, p->dentry->inode));
	TRY(name_get(name, user_name));
	return inode_xattr_remove(p->dentry->inode, name);
}

static int path_get_user(uptr_t user, u32 walk, struct path *out)
{
	PATHNAME(name);
	TRY(pathname_get(&name, user));
	return walk_at(AT_FDCWD, name.text, walk, out);
}

#define ON_PATH(user, walk, call)                                                                  \
	struct path found;                                                                         \
	TRY(path_get_user(user, walk, &found));                                                    \
	AUTO_PATH p = found;                                                                       \
	return call
#define ON_FILE(fd, call)                                                                          \
	AUTO_FDREF r = fdref_get(fd);                                                              \
	if (!r.file)                                                                               \
		return -EBADF;                                                                     \
	struct path p = r.file->path;                                                              \
	return call

SYSCALL5(setxattr, uptr_t, path, uptr_t, name, uptr_t, value, size_t, size, u32, flags)
{
	ON_PATH(path, WALK_FOLLOW, set_on(&p, name, value, size, flags));
}
SYSCALL5(lsetxattr, uptr_t, path, uptr_t, name, uptr_t, value, size_t, size, u32, flags)
{
	ON_PATH(path, 0, set_on(&p, name, value, size, flags));
}
SYSCALL5(fsetxattr, int, fd, uptr_t, name, uptr_t, value, size_t, size, u32, flags)
{
	ON_FILE(fd, set_on(&p, name, value, size, flags));
}
SYSCALL4(getxattr, uptr_t, path, uptr_t, name, uptr_t, value, size_t, size)
{
	ON_PATH(path, WALK_FOLLOW, get_on(&p, name, value, size));
}
SYSCALL4(lgetxattr, uptr_t, path, uptr_t, name, uptr_t, value, size_t, size)
{
	ON_PATH(path, 0, get_on(&p, name, value, size));
}
SYSCALL4(fgetxattr, int, fd, uptr_t, name, uptr_t, value, size_t, size)
{
	ON_FILE(fd, get_on(&p, name, value, size));
}
SYSCALL3(listxattr, uptr_t, path, uptr_t, list, size_t, size)
{
	ON_PATH(path, WALK_FOLLOW, list_on(&p, list, size));
}
SYSCALL3(llistxattr, uptr_t, path, uptr_t, list, size_t, size)
{
	ON_PATH(path, 0, list_on(&p, list, size));
}
SYSCALL3(flistxattr, int, fd, uptr_t, list, size_t, size)
{
	ON_FILE(fd, list_on(&p, list, size));
}
SYSCALL2(removexattr, uptr_t, path, uptr_t, name)
{
	ON_PATH(path, WALK_FOLLOW, remove_on(&p, name));
}
SYSCALL2(lremovexattr, uptr_t, path, uptr_t, name)
{
	ON_PATH(path, 0, remove_on(&p, name));
}
SYSCALL2(fremovexattr, int, fd, uptr_t, name)
{
	ON_FILE(fd, remove_on(&p, name));
}
