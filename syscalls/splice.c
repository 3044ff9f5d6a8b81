/* splice(2), tee(2), vmsplice(2), sendfile(2), copy_file_range(2). */
#include "abi/fcntl.h"
#include "arch/uaccess.h"
#include "kernel/mm/slab.h"
#include "kernel/port/splice.h"
#include "syscalls/syscall.h"
#include "syscalls/transfer.h"

/* => 0, or -EINVAL as Linux's rw_verify_area(). */
static int range_check(u64 pos, size_t len)
{
	return (ssize)len < 0 || (s64)pos < 0 || (s64)(pos + len) < 0 ? -EINVAL : 0;
}

/* --- splice, tee, vmsplice --- */

/* A position for the side that is no pipe: the caller's, or a copy of the file's own. */
struct side {
	struct file *f;
	uptr_t user;
	u64 pos;
};

static int side_begin(struct side *s)
{
	s->pos = load_relaxed(&s->f->pos);
	if (uptr_null(s->user))
		return 0;
	return file_is_pipe(s->f) ? -ESPIPE : copy_from_user(&s->pos, s->user, sizeof s->pos);
}
static int side_end(struct side *s)
{
	if (!uptr_null(s->user))
		return copy_to_user(s->user, &s->pos, sizeof s->pos);
	if (!file_is_pipe(s->f))
		store_relaxed(&s->f->pos, s->pos);
	return 0;
}

static int splice_check(const struct side *in, const struct side *out, size_t len)
{
	if (!file_readable(in->f) || !file_writable(out->f))
		return -EBADF;
	bool from = file_is_pipe(in->f), to = file_is_pipe(out->f);
	if (from && to)
		return 0;
	if (!from && !to)
		return -EINVAL;
	const struct side *other = from ? out : in;
	if (!uptr_null(other->user) && !file_has_positions(other->f))
		return -EINVAL;
	if (from && out->f->flags & O_APPEND)
		return -EINVAL;
	/* No more is read than a pipe has room for. */
	return range_check(other->pos, to ? MIN(len, (size_t)UIO_MAX) : len);
}

static ssize splice_sides(struct side *in, struct side *out, size_t len, u32 flags)
{
	if (!uptr_null(in->user) && file_is_pipe(in->f))
		return -ESPIPE;
	TRY(side_begin(out));
	TRY(side_begin(in));
	TRY(splice_check(in, out, len));
	ssize n =
		splice_files(in->f, &in->pos, out->f, &out->pos, MIN(len, (size_t)UIO_MAX), flags);
	if (n >= 0) {
		TRY(side_end(out));
		TRY(side_end(in));
	}
	return n;
}

SYSCALL6(splice, int, in_fd, uptr_t, in_pos, int, out_fd, uptr_t, out_pos, size_t, len, u32, flags)
{
	if (!len)
		return 0;
	if (flags & ~(u32)SPLICE_F_ALL)
		return -EINVAL;
	AUTO_FDREF in = fdref_get(in_fd);
	AUTO_FDREF out = fdref_get(out_fd);
	if (!in.file || !out.file)
		return -EBADF;
	struct side from = {.f = in.file, .user = in_pos}, to = {.f = out.file, .user = out_pos};
	return splice_sides(&from, &to, len, flags);
}

SYSCALL4(tee, int, in_fd, int, out_fd, size_t, len, u32, flags)
{
	if (flags & ~(u32)SPLICE_F_ALL)
		return -EINVAL;
	if (!len)
		return 0;
	AUTO_FDREF in = fdref_get(in_fd);
	AUTO_FDREF out = fdref_get(out_fd);
	if (!in.file || !out.file || !file_readable(in.file) || !file_writable(out.file))
		return -EBADF;
	return splice_tee(in.file, out.file, MIN(len, (size_t)UIO_MAX), flags);
}

static ssize vmsplice_pieces(struct file *f, struct iovec_user *iov, uptr_t vec, u64 count,
                             u32 flags)
{
	struct uio io;
	TRY(uio_import(&io, iov, vec, count));
	if (!io.left)
		return 0;
	return file_is_pipe(f) ? splice_memory(f, &io, flags) : -EBADF;
}

SYSCALL4(vmsplice, int, fd, uptr_t, vec, u64, count, u32, flags)
{
	if (flags & ~(u32)SPLICE_F_ALL)
		return -EINVAL;
	AUTO_FDREF r = fdref_get(fd);
	if (!r.file || !(file_readable(r.file) || file_writable(r.file)))
		return -EBADF;
	if (count > UIO_COUNT_MAX)
		return -EINVAL;
	struct iovec_user fast[8], *iov = fast;
	if (count > ARRAY_SIZE(fast) && !(iov = kmalloc(count * sizeof *iov)))
		return -ENOMEM;
	ssize n = vmsplice_pieces(r.file, iov, vec, count, flags);
	if (iov != fast)
		kfree(iov);
	return n;
}

/* --- sendfile --- */

/* Checks in Linux's order. in: what was given, pos: where from. */
static int sendfile_check_in(const struct file *in, bool positioned, u64 pos, size_t len)
{
	if (!file_readable(in))
		return -EBADF;
	if (positioned && !file_has_positions(in))
		return -ESPIPE;
	return range_check(pos, len);
}

static ssize sendfile_files(struct file *out, struct file *in, u64 *pos, size_t len)
{
	if (!file_writable(out))
		return -EBADF;
	len = MIN(len, (size_t)UIO_MAX);
	if (file_is_pipe(out))
		return len ? splice_into_pipe(in, pos, out, len, 0) : 0;
	if (out->flags & O_APPEND || !S_ISREG(in->inode->mode))
		return -EINVAL;
	return len ? copy_between_files(in, pos, out, NULL, len) : 0;
}

static ssize sendfile(int out_fd, int in_fd, u64 *given, size_t len)
{
	AUTO_FDREF in = fdref_get(in_fd);
	if (!in.file)
		return -EBADF;
	u64 own = load_relaxed(&in.file->pos), *pos = given ? given : &own;
	TRY(sendfile_check_in(in.file, given, *pos, len));
	AUTO_FDREF out = fdref_get(out_fd);
	if (!out.file)
		return -EBADF;
	ssize n = sendfile_files(out.file, in.file, pos, len);
	if (n > 0 && !given)
		store_relaxed(&in.file->pos, own);
	return n;
}

SYSCALL4(sendfile, int, out_fd, int, in_fd, uptr_t, offset, size_t, len)
{
	u64 pos;
	if (uptr_null(offset))
		return sendfile(out_fd, in_fd, NULL, len);
	TRY(copy_from_user(&pos, offset, sizeof pos));
	ssize n = sendfile(out_fd, in_fd, &pos, len);
	TRY(copy_to_user(offset, &pos, sizeof pos));
	return n;
}

/* --- copy_file_range --- */

static int copy_check_files(const struct file *in, const struct file *out)
{
	if (S_ISDIR(in->inode->mode) || S_ISDIR(out->inode->mode))
		return -EISDIR;
	if (!S_ISREG(in->inode->mode) || !S_ISREG(out->inode->mode))
		return -EINVAL;
	if (!file_readable(in) || !file_writable(out) || out->flags & O_APPEND)
		return -EBADF;
	return in->inode->super != out->inode->super ? -EXDEV : 0;
}

/* *len is cut at the end of the file. */
static int copy_check_range(const struct side *in, const struct side *out, size_t *len)
{
	if (in->pos + *len < in->pos || out->pos + *len < out->pos)
		return -EOVERFLOW;
	struct kstat st;
	inode_stat(in->f->inode, &st);
	*len = in->pos < st.size ? MIN(*len, st.size - in->pos) : 0;
	if (in->f->inode == out->f->inode && in->pos < out->pos + *len && out->pos < in->pos + *len)
		return -EINVAL;
	TRY(range_check(in->pos, *len));
	TRY(range_check(out->pos, *len));
	return in->f->ops->read && out->f->ops->write ? 0 : -EINVAL;
}

static ssize copy_sides(struct side *in, struct side *out, size_t len, u32 flags)
{
	TRY(side_begin(in));
	TRY(side_begin(out));
	if (flags)
		return -EINVAL;
	TRY(copy_check_files(in->f, out->f));
	TRY(copy_check_range(in, out, &len));
	if (!len)
		return 0;
	ssize n = copy_between_files(in->f, &in->pos, out->f, &out->pos, MIN(len, (size_t)UIO_MAX));
	if (n <= 0)
		return n;
	TRY(side_end(in));
	TRY(side_end(out));
	return n;
}

SYSCALL6(copy_file_range, int, in_fd, uptr_t, in_pos, int, out_fd, uptr_t, out_pos, size_t, len,
         u32, flags)
{
	AUTO_FDREF in = fdref_get(in_fd);
	AUTO_FDREF out = fdref_get(out_fd);
	if (!in.file || !out.file)
		return -EBADF;
	struct side from = {.f = in.file, .user = in_pos}, to = {.f = out.file, .user = out_pos};
	return copy_sides(&from, &to, len, flags);
}
