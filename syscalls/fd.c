#include "abi/fcntl.h"
#include "kernel/proc/fdtable.h"
#include "syscalls/syscall.h"

/* An interrupted close has closed: it must not be started over, close(2). */
SYSCALL1(close, int, fd)
{
	int err = fd_close(fd);

	return err == -ERESTARTSYS || err == -ERESTARTNOINTR || err == -ERESTARTNOHAND ||
	                       err == -ERESTART_RESTARTBLOCK
	               ? -EINTR
	               : err;
}

SYSCALL1(dup, int, fd)
{
	AUTO_FDREF r = fdref_get_path(fd);

	if (!r.file)
		return -EBADF;
	int copy = TRY(fd_reserve(0, 0));
	file_get(r.file);
	fd_install(copy, r.file);
	return copy;
}

static long dup_to(int from, int to, u32 flags)
{
	AUTO_FDREF r = fdref_get_path(from);

	if (!r.file)
		return -EBADF;
	return fd_dup_to(r.file, to, flags);
}

SYSCALL2(dup2, int, from, int, to)
{
	if (from == to) {
		AUTO_FDREF r = fdref_get_path(from);
		return r.file ? to : -EBADF;
	}
	return dup_to(from, to, 0);
}

SYSCALL3(dup3, int, from, int, to, int, flags)
{
	if (flags & ~O_CLOEXEC || from == to)
		return -EINVAL;
	return dup_to(from, to, flags);
}

SYSCALL3(close_range, u32, first, u32, last, u32, flags)
{
	enum { CLOSE_RANGE_UNSHARE = 2, CLOSE_RANGE_CLOEXEC = 4 };

	if (flags & ~(u32)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) || first > last)
		return -EINVAL;
	if (flags & CLOSE_RANGE_UNSHARE)
		TRY(fdtable_unshare());
	if (flags & CLOSE_RANGE_CLOEXEC)
		fdtable_cloexec_range(fdtable_current(), first, last);
	else
		fdtable_close_range(fdtable_current(), first, last);
	return 0;
}
