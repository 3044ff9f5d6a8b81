/* sendfile(2), copy_file_range(2): from file to file through a kernel buffer. */
#include "arch/uaccess.h"
#include "kernel/mm/slab.h"
#include "kernel/sched/thread.h"
#include "syscalls/syscall.h"
#include "syscalls/transfer.h"

enum { COPY_PIECE = 65536 };

/* One piece. in_pos advances by what was written. => bytes, 0 at the end, or -errno. */
static ssize copy_piece(struct file *in, u64 *in_pos, struct file *out, u64 *out_pos, void *buf,
                        size_t n)
{
	struct uio io = uio_kernel(buf, n);
	u64 from = *in_pos;
	ssize got = file_read_uio(in, &io, &from);
	if (got <= 0)
		return got;
	io = uio_kernel(buf, (size_t)got);
	ssize put = file_write_uio(out, &io, out_pos);
	if (put > 0)
		*in_pos += (u64)put;
	return put;
}

static ssize copy_all(struct file *in, u64 *in_pos, struct file *out, u64 *out_pos, size_t count)
{
	void *buf = kmalloc(MIN(count, (size_t)COPY_PIECE));
	if (!buf)
		return -ENOMEM;
	size_t done = 0;
	ssize n = 0;
	while (done < count) {
		size_t want = MIN(count - done, (size_t)COPY_PIECE);
		n = copy_piece(in, in_pos, out, out_pos, buf, want);
		if (n <= 0)
			break;
		done += (size_t)n;
		if ((size_t)n < want && S_ISFIFO(out->inode->mode))
			break;
		if (signal_pending())
			break;
		cond_resched();
	}
	kfree(buf);
	return done ? (ssize)done : n;
}

static int sendfile_check(const struct file *in, const struct file *out)
{
	if (!file_readable(in) || !file_writable(out))
		return -EBADF;
	if (!in->ops->read || !in->ops->seek || !S_ISREG(in->inode->mode) || !out->ops->write ||
	    out->flags & O_APPEND)
		return -EINVAL;
	return 0;
}

SYSCALL4(sendfile, int, out_fd, int, in_fd, uptr_t, offset, size_t, count)
{
	s64 start = 0;
	if (!uptr_null(offset))
		TRY(copy_from_user(&start, offset, sizeof(start)));
	AUTO_FDREF in = fdref_get(in_fd);
	AUTO_FDREF out = fdref_get(out_fd);
	if (!in.file || !out.file)
		return -EBADF;
	if (!uptr_null(offset) && !in.file->ops->seek)
		return -ESPIPE;
	TRY(sendfile_check(in.file, out.file));
	if (start < 0)
		return -EINVAL;
	count = MIN(count, (size_t)UIO_MAX);
	if (!count)
		return 0;
	u64 pos = uptr_null(offset) ? in.file->pos : (u64)start;
	ssize n = copy_all(in.file, &pos, out.file, NULL, count);
	if (uptr_null(offset)) {
		if (n > 0)
			in.file->pos = pos;
	} else if (n >= 0) {
		TRY(copy_to_user(offset, &pos, sizeof(pos)));
	}
	return n;
}

static int range_position(const struct file *f, uptr_t user, u64 *out)
{
	*out = f->pos;
	return uptr_null(user) ? 0 : copy_from_user(out, user, sizeof(*out));
}

static int range_advance(struct file *f, uptr_t user, u64 pos)
{
	if (!uptr_null(user))
		return copy_to_user(user, &pos, sizeof(pos));
	f->pos = pos;
	return 0;
}

static int copy_range_check(const struct file *in, const struct file *out, u64 from, u64 to,
                            size_t n)
{
	if (S_ISDIR(in->inode->mode) || S_ISDIR(out->inode->mode))
		return -EISDIR;
	if (!S_ISREG(in->inode->mode) || !S_ISREG(out->inode->mode))
		return -EINVAL;
	if (!file_readable(in) || !file_writable(out) || out->flags & O_APPEND)
		return -EBADF;
	if (in->inode->super != out->inode->super)
		return -EXDEV;
	if ((s64)from < 0 || (s64)to < 0)
		return -EINVAL;
	if (from + n < from || to + n < to)
		return -EOVERFLOW;
	if (in->inode == out->inode && from < to + n && to < from + n)
		return -EINVAL;
	return in->ops->read && out->ops->write ? 0 : -EINVAL;
}

SYSCALL6(copy_file_range, int, in_fd, uptr_t, in_off, int, out_fd, uptr_t, out_off, size_t, count,
         u32, flags)
{
	u64 from, to;
	AUTO_FDREF in = fdref_get(in_fd);
	AUTO_FDREF out = fdref_get(out_fd);
	if (!in.file || !out.file)
		return -EBADF;
	TRY(range_position(in.file, in_off, &from));
	TRY(range_position(out.file, out_off, &to));
	if (flags)
		return -EINVAL;
	TRY(copy_range_check(in.file, out.file, from, to, count));
	count = MIN(count, (size_t)UIO_MAX);
	if (!count)
		return 0;
	ssize n = copy_all(in.file, &from, out.file, &to, count);
	if (n <= 0)
		return n;
	TRY(range_advance(in.file, in_off, from));
	TRY(range_advance(out.file, out_off, to));
	return n;
}
