/* ioctl(2): what every descriptor understands; the rest is the file's. And vhangup(2). */
#include "abi/fcntl.h"
#include "abi/stat.h"
#include "abi/termios.h"
#include "arch/uaccess.h"
#include "kernel/dev/tty.h"
#include "kernel/fs/inode.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/fdtable.h"
#include "syscalls/syscall.h"

/* FIONBIO, FIOASYNC. */
static long ioctl_set_flag(struct file *f, u32 flag, uptr_t arg)
{
	s32 on;
	TRY(copy_from_user(&on, arg, sizeof on));
	if (flag == O_ASYNC && !f->ops->async && !on != !(load_relaxed(&f->flags) & O_ASYNC))
		return -ENOTTY;
	if (on)
		__atomic_or_fetch(&f->flags, flag, __ATOMIC_RELAXED);
	else
		__atomic_and_fetch(&f->flags, ~flag, __ATOMIC_RELAXED);
	return 0;
}

/* FIONREAD of a regular file: bytes from the position to the end. */
static long ioctl_bytes_left(struct file *f, uptr_t arg)
{
	struct kstat st;
	inode_stat(f->inode, &st);
	s32 left = (s32)(st.size - load_relaxed(&f->pos));
	return copy_to_user(arg, &left, sizeof left);
}

static long ioctl_size(struct file *f, uptr_t arg)
{
	u32 type = f->inode->mode & S_IFMT;
	if (type != S_IFREG && type != S_IFDIR && type != S_IFLNK)
		return -ENOTTY;
	struct kstat st;
	inode_stat(f->inode, &st);
	return copy_to_user(arg, &st.size, sizeof st.size);
}

static long ioctl_block_size(struct file *f, uptr_t arg)
{
	struct kstat st;
	inode_stat(f->inode, &st);
	s32 size = (s32)st.blksize;
	return copy_to_user(arg, &size, sizeof size);
}

static bool is_regular(const struct file *f)
{
	return f->inode && (f->inode->mode & S_IFMT) == S_IFREG;
}

SYSCALL3(ioctl, int, fd, u32, cmd, u64, arg)
{
	AUTO_FDREF r = fdref_get(fd);
	struct file *f = r.file;
	if (!f)
		return -EBADF;
	switch (cmd) {
	case FIOCLEX: return fd_set_cloexec(fd, O_CLOEXEC);
	case FIONCLEX: return fd_set_cloexec(fd, 0);
	case FIONBIO: return ioctl_set_flag(f, O_NONBLOCK, UPTR(arg));
	case FIOASYNC: return ioctl_set_flag(f, O_ASYNC, UPTR(arg));
	case FIOQSIZE: return f->inode ? ioctl_size(f, UPTR(arg)) : -ENOTTY;
	case FIONREAD:
		if (is_regular(f))
			return ioctl_bytes_left(f, UPTR(arg));
		break;
	case FIGETBSZ:
		if (is_regular(f))
			return ioctl_block_size(f, UPTR(arg));
		break;
	default: break;
	}
	long result = f->ops->ioctl ? f->ops->ioctl(f, cmd, arg) : -ENOTTY;
	return result == -ENOIOCTLCMD ? -ENOTTY : result;
}

/* vhangup(2): the caller's terminal, as if its line had gone. */
SYSCALL0(vhangup)
{
	if (!capable(CAP_SYS_TTY_CONFIG))
		return -EPERM;
	AUTO_PUT(tty) t = tty_current_get();
	if (t)
		tty_hangup(t);
	return 0;
}
