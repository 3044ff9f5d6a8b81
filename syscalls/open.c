/* open(2) and its kin, memfd_create(2). */
#include "arch/uaccess.h"
#include "kernel/fs/open.h"
#include "kernel/fs/tmpfs.h"
#include "kernel/lib/string.h"
#include "kernel/mm/huge.h"
#include "kernel/proc/fdtable.h"
#include "syscalls/syscall.h"

/* The descriptor is reserved first, as Linux does: EMFILE comes before anything is created. */
static long open_install(int dirfd, const char *name, u32 flags, u32 mode, u32 walk)
{
	int fd = TRY(fd_reserve(0, flags & O_CLOEXEC));
	struct file *f = vfs_open_at(dirfd, name, flags, mode, walk);
	if (is_err(f)) {
		fd_cancel(fd);
		return ptr_err(f);
	}
	fd_install(fd, f);
	return fd;
}

static long open_user(int dirfd, uptr_t user, u32 flags, u32 mode)
{
	TRY(open_flags_check(&flags, &mode));
	PATHNAME(name);
	TRY(pathname_get(&name, user));
	return open_install(dirfd, name.text, flags, mode, 0);
}

SYSCALL3(open, uptr_t, name, u32, flags, u32, mode)
{
	return open_user(AT_FDCWD, name, flags, mode);
}

SYSCALL2(creat, uptr_t, name, u32, mode)
{
	return open_user(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

SYSCALL4(openat, int, dirfd, uptr_t, name, u32, flags, u32, mode)
{
	return open_user(dirfd, name, flags, mode);
}

static int resolve_to_walk(u64 resolve, u32 *out)
{
	if (resolve & ~(u64)(RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS |
	                     RESOLVE_BENEATH | RESOLVE_IN_ROOT | RESOLVE_CACHED))
		return -EINVAL;
	if ((resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) == (RESOLVE_BENEATH | RESOLVE_IN_ROOT))
		return -EINVAL;
	*out = (resolve & RESOLVE_NO_XDEV ? WALK_NO_XDEV : 0) |
	       (resolve & RESOLVE_NO_MAGICLINKS ? WALK_NO_MAGIC : 0) |
	       (resolve & RESOLVE_NO_SYMLINKS ? WALK_NO_SYMLINKS | WALK_NO_MAGIC : 0) |
	       (resolve & RESOLVE_BENEATH ? WALK_BENEATH : 0) |
	       (resolve & RESOLVE_IN_ROOT ? WALK_IN_ROOT : 0);
	return 0;
}

/* A structure that may be longer or shorter than ours: what we do not know has to be zero. */
static int open_how_get(struct abi_open_how *how, uptr_t user, size_t size)
{
	enum { HOW_SIZE_MAX = 4096 };
	if (size < sizeof(*how))
		return -EINVAL;
	if (size > HOW_SIZE_MAX)
		return -E2BIG;
	TRY(copy_from_user(how, user, sizeof(*how)));
	for (size_t at = sizeof(*how); at < size; at++) {
		u8 byte;
		TRY(copy_from_user(&byte, uptr_add(user, at), 1));
		if (byte)
			return -E2BIG;
	}
	return 0;
}

SYSCALL4(openat2, int, dirfd, uptr_t, user, uptr_t, how_user, size_t, size)
{
	struct abi_open_how how;
	u32 walk;
	TRY(open_how_get(&how, how_user, size));
	u32 flags = (u32)how.flags, mode = (u32)how.mode;
	TRY(open_flags_check(&flags, &mode));
	/* Unlike openat(2), nothing is ignored. */
	if (how.flags & ~(u64)(flags | O_LARGEFILE) || how.mode != mode)
		return -EINVAL;
	TRY(resolve_to_walk(how.resolve, &walk));
	if (how.resolve & RESOLVE_CACHED && flags & (O_TRUNC | O_CREAT | O_TMPFILE_BIT))
		return -EAGAIN;
	PATHNAME(name);
	TRY(pathname_get(&name, user));
	return open_install(dirfd, name.text, flags, mode, walk);
}

SYSCALL2(memfd_create, uptr_t, user, u32, flags)
{
	enum { MEMFD_NAME_MAX = 250 };
	char name[MEMFD_NAME_MAX + 8] = "memfd:";
	u32 known = MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB;
	if (flags & MFD_HUGETLB)
		known |= (u32)MFD_HUGE_MASK << MFD_HUGE_SHIFT;
	if (flags & ~known)
		return -EINVAL;
	ssize n = strncpy_from_user(name + 6, user, MEMFD_NAME_MAX);
	if (n < 0)
		return n == -ENAMETOOLONG ? -EINVAL : n;
	int fd = TRY(fd_reserve(0, flags & MFD_CLOEXEC ? O_CLOEXEC : 0));
	struct file *f = huge_size_known(flags) ? tmpfs_file_new(name, O_RDWR | O_LARGEFILE, flags)
	                                        : err_ptr(-ENODEV);
	if (is_err(f)) {
		fd_cancel(fd);
		return ptr_err(f);
	}
	fd_install(fd, f);
	return fd;
}

/* File handles name a file beyond its descriptor's life: a file system in memory has nothing to offer. */
SYSCALL5(name_to_handle_at, int, dirfd, uptr_t, user, uptr_t, handle, uptr_t, mount_id, u32, flags)
{
	if (flags & ~(u32)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	struct path found;
	PATHNAME(name);
	TRY(pathname_get_empty_ok(&name, user));
	TRY(walk_at(dirfd, name.text,
	            walk_follow(flags & AT_SYMLINK_FOLLOW) |
	                    (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0),
	            &found));
	path_put(&found);
	return -EOPNOTSUPP;
}
