/* read(2), write(2), pread(2), readv(2) and their kin; lseek(2), fsync(2), ftruncate(2), posix_fadvise(2). */
#include "abi/fcntl.h"
#include "arch/uaccess.h"
#include "kernel/fs/attr.h"
#include "kernel/mm/slab.h"
#include "syscalls/syscall.h"
#include "syscalls/transfer.h"

enum { IOV_FAST = 8 };

/* What nearly every read and write is: no other thread uses the descriptors, the file is no path, the access mode fits
 * (`denied`: the bits of it that must not be set), and the position, if it has one, is not shared. => the file, or NULL. */
static ALWAYS_INLINE struct file *file_simple(int fd, u32 denied, uptr_t buf, size_t count)
{
	struct file *f = fd_own(fd);
	if (unlikely(!f) || unlikely(!user_range_ok(buf, count)))
		return NULL;
	u32 flags = load_relaxed(&f->flags);
	if (flags & FILE_POSITIONED && refcount_read(&f->refs) != 1)
		return NULL;
	return likely(!(flags & (FILE_O_PATH | denied))) ? f : NULL;
}

static NOINLINE long read_any(int fd, uptr_t buf, size_t count)
{
	struct fdref r = fdref_get(fd);
	if (unlikely(!r.file))
		return -EBADF;
	ssize n = -EFAULT;
	if (likely(user_range_ok(buf, count)) || !file_readable(r.file)) {
		struct uio io = uio_user(buf, MIN(count, (size_t)UIO_MAX));
		n = file_read_uio(r.file, &io, NULL);
	}
	fdref_put(r);
	return n;
}

SYSCALL3(read, int, fd, uptr_t, buf, size_t, count)
{
	struct file *f = file_simple(fd, O_WRONLY, buf, count);
	if (unlikely(!f) || unlikely(!f->ops->read))
		return read_any(fd, buf, count);
	struct uio io = uio_user(buf, MIN(count, (size_t)UIO_MAX));
	return f->ops->read(f, &io, &f->pos);
}

static NOINLINE long write_any(int fd, uptr_t buf, size_t count)
{
	struct fdref r = fdref_get_path(fd); /* a file of O_PATH is not writable */
	if (unlikely(!r.file))
		return -EBADF;
	ssize n = -EFAULT;
	if (likely(user_range_ok(buf, count)) || !file_writable(r.file)) {
		struct uio io = uio_user(buf, MIN(count, (size_t)UIO_MAX));
		n = file_write_uio(r.file, &io, NULL);
	}
	fdref_put(r);
	return n;
}

SYSCALL3(write, int, fd, uptr_t, buf, size_t, count)
{
	struct file *f = file_simple(fd, 0, buf, count);
	if (unlikely(!f) || unlikely(!file_writable(f)) || unlikely(!f->ops->write))
		return write_any(fd, buf, count);
	struct uio io = uio_user(buf, MIN(count, (size_t)UIO_MAX));
	return f->ops->write(f, &io, &f->pos);
}

/* Linux's rw_verify_area(): the end can be said, too. */
static int range_check(uptr_t buf, size_t count, s64 pos)
{
	if (!user_range_ok(buf, count))
		return -EFAULT;
	return (s64)((u64)pos + count) < 0 ? -EINVAL : 0;
}

/* At a position of the caller's; may: whether the file is open for that. */
static ALWAYS_INLINE ssize transfer_at(int fd, uptr_t buf, size_t count, s64 pos,
                                       bool (*may)(const struct file *f),
                                       ssize (*transfer)(struct file *f, struct uio *io, u64 *pos))
{
	if (pos < 0)
		return -EINVAL;
	AUTO_FDREF r = fdref_get(fd);
	if (!r.file)
		return -EBADF;
	if (!file_has_positions(r.file))
		return -ESPIPE;
	if (may(r.file))
		TRY(range_check(buf, count, pos));
	struct uio io = uio_user(buf, MIN(count, (size_t)UIO_MAX));
	u64 at = (u64)pos;
	return transfer(r.file, &io, &at);
}

SYSCALL4(pread64, int, fd, uptr_t, buf, size_t, count, s64, pos)
{
	return transfer_at(fd, buf, count, pos, file_readable, file_read_uio);
}

SYSCALL4(pwrite64, int, fd, uptr_t, buf, size_t, count, s64, pos)
{
	return transfer_at(fd, buf, count, pos, file_writable, file_write_uio);
}

/* Linux's loop for files that know no vectors: each piece is a call of its own. */
static ssize transfer_pieces(struct file *f, struct uio *io, u64 *pos, bool write)
{
	ssize done = 0, n = 0;
	while (io->left && n >= 0) {
		size_t span = uio_span(io, io->left);
		struct uio piece = uio_user(UPTR(io->base), span);
		n = write ? file_write_uio(f, &piece, pos) : file_read_uio(f, &piece, pos);
		if (n > 0)
			done += n;
		if (n != (ssize)span)
			break;
		uio_advance(io, span);
	}
	return done ? done : n;
}

/* RWF_NOWAIT needs files that can tell beforehand whether they would block: none here, so EOPNOTSUPP as Linux says
 * for those. The sync flags ask for what memory always is. */
static int rwf_check(u32 flags)
{
	return flags & ~(u32)(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_APPEND) ? -EOPNOTSUPP : 0;
}

struct vector_call {
	int fd;
	bool write;
	uptr_t vec;
	u64 count;
	s64 pos; /* -1: the file's own position */
	u32 flags;
};

/* A read or write may stop short at the border of two iovecs only where Linux's would: each transfer runs over
 * the whole vector. */
static ssize transfer_uio(struct file *f, struct uio *io, const struct vector_call *c)
{
	u64 at = (u64)c->pos;
	u64 *where = c->pos == -1 ? NULL : &at;
	if (!(c->write ? file_writable(f) : file_readable(f)))
		return -EBADF;
	if (!io->left)
		return 0;
	TRY(rwf_check(c->flags));
	io->append = c->write && c->flags & RWF_APPEND;
	if (unlikely(c->write ? f->ops->write_by_pieces : f->ops->read_by_pieces))
		return transfer_pieces(f, io, where, c->write);
	return c->write ? file_write_uio(f, io, where) : file_read_uio(f, io, where);
}

/* The order of checks is Linux's: the vector comes before the access mode. */
static ssize transfer_vector(const struct vector_call *c)
{
	AUTO_FDREF r = fdref_get(c->fd);
	if (!r.file)
		return -EBADF;
	if (c->pos != -1 && !file_has_positions(r.file))
		return -ESPIPE;
	if (c->count > UIO_COUNT_MAX)
		return -EINVAL;
	struct iovec_user fast[IOV_FAST], *iov = fast;
	if (c->count > IOV_FAST && !(iov = kmalloc(c->count * sizeof(*iov))))
		return -ENOMEM;
	struct uio io;
	ssize n = uio_import(&io, iov, c->vec, c->count) ?: transfer_uio(r.file, &io, c);
	if (iov != fast)
		kfree(iov);
	return n;
}

SYSCALL3(readv, int, fd, uptr_t, vec, u64, count)
{
	const struct vector_call c = {fd, false, vec, count, -1, 0};
	return transfer_vector(&c);
}

SYSCALL3(writev, int, fd, uptr_t, vec, u64, count)
{
	const struct vector_call c = {fd, true, vec, count, -1, 0};
	return transfer_vector(&c);
}

SYSCALL4(preadv, int, fd, uptr_t, vec, u64, count, s64, pos)
{
	const struct vector_call c = {fd, false, vec, count, pos, 0};
	return pos < 0 ? -EINVAL : transfer_vector(&c);
}

SYSCALL4(pwritev, int, fd, uptr_t, vec, u64, count, s64, pos)
{
	const struct vector_call c = {fd, true, vec, count, pos, 0};
	return pos < 0 ? -EINVAL : transfer_vector(&c);
}

SYSCALL6(preadv2, int, fd, uptr_t, vec, u64, count, s64, pos, u64, high, u32, flags)
{
	const struct vector_call c = {fd, false, vec, count, pos, flags};
	return pos < -1 ? -EINVAL : transfer_vector(&c);
}

SYSCALL6(pwritev2, int, fd, uptr_t, vec, u64, count, s64, pos, u64, high, u32, flags)
{
	const struct vector_call c = {fd, true, vec, count, pos, flags};
	return pos < -1 ? -EINVAL : transfer_vector(&c);
}

SYSCALL3(lseek, int, fd, s64, offset, u32, whence)
{
	AUTO_FDREF r = fdref_get(fd);
	if (!r.file)
		return -EBADF;
	if (whence > SEEK_HOLE)
		return -EINVAL;
	if (!r.file->ops->seek)
		return -ESPIPE;
	bool locked = file_pos_lock(r.file);
	s64 pos = r.file->ops->seek(r.file, offset, (int)whence);
	file_pos_unlock(r.file, locked);
	return pos;
}

static long file_sync(int fd)
{
	AUTO_FDREF r = fdref_get(fd);
	if (!r.file)
		return -EBADF;
	return r.file->ops->fsync ? r.file->ops->fsync(r.file) : -EINVAL;
}

SYSCALL1(fsync, int, fd)
{
	return file_sync(fd);
}

SYSCALL1(fdatasync, int, fd)
{
	return file_sync(fd);
}

/* Everything is in memory: there is nothing to write back. */
SYSCALL0(sync)
{
	return 0;
}

SYSCALL1(syncfs, int, fd)
{
	AUTO_FDREF r = fdref_get(fd);
	return r.file ? 0 : -EBADF;
}

SYSCALL4(sync_file_range, int, fd, s64, offset, s64, bytes, u32, flags)
{
	enum { SYNC_FILE_RANGE_ALL = 7 };
	AUTO_FDREF r = fdref_get(fd);
	if (!r.file)
		return -EBADF;
	s64 end;
	if (flags & ~SYNC_FILE_RANGE_ALL || offset < 0 || bytes < 0 ||
	    __builtin_add_overflow(offset, bytes, &end))
		return -EINVAL;
	u32 mode = r.file->inode->mode;
	return S_ISREG(mode) || S_ISBLK(mode) || S_ISDIR(mode) || S_ISLNK(mode) ? 0 : -ESPIPE;
}

SYSCALL4(fadvise64, int, fd, s64, offset, s64, length, int, advice)
{
	enum { POSIX_FADV_NOREUSE = 5 };
	AUTO_FDREF r = fdref_get(fd);
	if (!r.file)
		return -EBADF;
	if (S_ISFIFO(r.file->inode->mode))
		return -ESPIPE;
	return length < 0 || advice < 0 || advice > POSIX_FADV_NOREUSE ? -EINVAL : 0;
}

SYSCALL3(readahead, int, fd, s64, offset, size_t, count)
{
	AUTO_FDREF r = fdref_get(fd);
	if (!r.file || !file_readable(r.file))
		return -EBADF;
	return S_ISREG(r.file->inode->mode) ? 0 : -EINVAL;
}

SYSCALL2(ftruncate, int, fd, s64, length)
{
	if (length < 0)
		return -EINVAL;
	AUTO_FDREF r = fdref_get(fd);
	if (!r.file)
		return -EBADF;
	if (!S_ISREG(r.file->inode->mode) || !file_writable(r.file))
		return -EINVAL;
	return inode_truncate(r.file->inode, (u64)length, true);
}

SYSCALL4(fallocate, int, fd, u32, mode, s64, start, s64, length)
{
	AUTO_FDREF r = fdref_get(fd);
	return r.file ? file_fallocate(r.file, mode, start, length) : -EBADF;
}
