/* pipe(2), pipe2(2). */
#include "abi/fcntl.h"
#include "arch/uaccess.h"
#include "kernel/port/pipe_file.h"
#include "kernel/proc/fdtable.h"
#include "syscalls/syscall.h"

/* Two descriptors, shown to user space before they are installed: failure leaves nothing behind. Takes the
 * references on success only. */
static long install_pair(struct file *files[2], u32 cloexec, uptr_t out_fds)
{
	int fds[2], err;

	fds[0] = fd_reserve(0, cloexec);
	if (fds[0] < 0)
		return fds[0];
	fds[1] = fd_reserve(0, cloexec);
	err = fds[1] < 0 ? fds[1] : copy_to_user(out_fds, fds, sizeof fds);
	if (err) {
		if (fds[1] >= 0)
			fd_cancel(fds[1]);
		fd_cancel(fds[0]);
		return err;
	}
	fd_install(fds[0], files[0]);
	fd_install(fds[1], files[1]);
	return 0;
}

static long make_pipe(uptr_t out_fds, u32 flags)
{
	struct file *files[2];
	enum { O_NOTIFICATION_PIPE = O_EXCL }; /* of the kernel's key rings, which are not here */
	if (flags & ~(u32)(O_CLOEXEC | O_NONBLOCK | O_DIRECT | O_NOTIFICATION_PIPE))
		return -EINVAL;
	if (flags & O_NOTIFICATION_PIPE)
		return -ENOPKG;
	TRY(pipe_files_new(flags, files));
	AUTO_PUT(file) reader = files[0];
	AUTO_PUT(file) writer = files[1];
	struct file *pair[2] = {reader, writer};
	long err = install_pair(pair, flags & O_CLOEXEC, out_fds);
	if (!err) {
		(void)TAKE(reader);
		(void)TAKE(writer);
	}
	return err;
}

SYSCALL1(pipe, uptr_t, out_fds)
{
	return make_pipe(out_fds, 0);
}
SYSCALL2(pipe2, uptr_t, out_fds, u32, flags)
{
	return make_pipe(out_fds, flags);
}
