#include "abi/fcntl.h"
#include "arch/uaccess.h"
#include "kernel/fs/open.h"
#include "kernel/lib/printf.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/exec.h"
#include "syscalls/syscall.h"

static void name_drop(char **name)
{
	kfree(*name);
}
#define AUTO_NAME __attribute__((cleanup(name_drop))) char *

static int name_read(char *to, uptr_t from)
{
	ssize n = strncpy_from_user(to, from, PATH_MAX);

	return n < 0 ? n : 0;
}

/* What AT_EXECFN and scripts see of a descriptor, execveat(2): /dev/fd/N or /dev/fd/N/path. */
static void name_of_descriptor(char *to, size_t size, int fd, const char *path)
{
	if (fd == AT_FDCWD || path[0] == '/')
		snprintf(to, size, "%s", path);
	else
		snprintf(to, size, path[0] ? "/dev/fd/%d/%s" : "/dev/fd/%d", fd, path);
}

/* Order as Linux: the name is read before flags are judged. */
static int exec_at(int fd, uptr_t path, uptr_t argv, uptr_t envp, int flags)
{
	const struct exec_strings args = {.user = argv}, env = {.user = envp};
	u32 walk = flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW;
	AUTO_NAME name = kmalloc(PATH_MAX + 32);
	AUTO_NAME given = kmalloc(PATH_MAX);

	if (!name || !given)
		return -ENOMEM;
	TRY(name_read(given, path));
	if (!given[0] && !(flags & AT_EMPTY_PATH))
		return -ENOENT;
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH)
		walk |= WALK_EMPTY;
	struct file *f = TRY_PTR(vfs_open_exec_at(fd, given, walk));
	name_of_descriptor(name, PATH_MAX + 32, fd, given);
	return exec_file(f, name, &args, &env);
}

SYSCALL3(execve, uptr_t, path, uptr_t, argv, uptr_t, envp)
{
	return exec_at(AT_FDCWD, path, argv, envp, 0);
}

SYSCALL5(execveat, int, fd, uptr_t, path, uptr_t, argv, uptr_t, envp, int, flags)
{
	return exec_at(fd, path, argv, envp, flags);
}
