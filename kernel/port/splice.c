#include "kernel/port/splice.h"
#include "abi/fcntl.h"
#include "abi/poll.h"
#include "kernel/fs/inode.h"
#include "kernel/ipc/pipe/pipe.h"
#include "kernel/port/internal.h"
#include "kernel/port/pipe_file.h"
#include "kernel/proc/file.h"
#include "kernel/proc/signal.h"
#include "kernel/proc/uio.h"

static u32 pipe_flags(const struct file *f, u32 splice_flags)
{
	bool nonblock = load_relaxed(&f->flags) & O_NONBLOCK || splice_flags & SPLICE_F_NONBLOCK;
	return nonblock ? PIPE_NONBLOCK : 0;
}

/* --- A pipe and a file --- */

struct file_side {
	struct pipe_other other;
	struct file *f;
	u64 *pos;
	bool moved; /* something was, so that waiting for more would be wrong */
	bool nonblock;
};

/* Files without positions give what they have, and wait only for the first of it. => false: nothing there now.
 * Sockets decide that themselves when they are read. Others are read once, since somebody else may be faster to take what
 * poll sees. */
static bool has_input(const struct file_side *s)
{
	u32 mode = s->f->inode->mode;
	if (!(s->moved || s->nonblock) || S_ISREG(mode) || S_ISSOCK(mode) || !s->f->ops->poll)
		return true;
	return !s->moved && s->f->ops->poll(s->f, NULL) & (POLLIN | POLLHUP | POLLERR);
}

static ssize read_file(const struct pipe_other *o, void *bytes, size_t n)
{
	struct file_side *s = container_of(o, struct file_side, other);
	struct uio io = uio_kernel(bytes, n);
	if (!has_input(s))
		return -EAGAIN;
	io.nowait = s->moved || s->nonblock;
	s->moved = true;
	return s->f->ops->read(s->f, &io, s->pos);
}
static ssize write_file(const struct pipe_other *o, void *bytes, size_t n)
{
	struct file_side *s = container_of(o, struct file_side, other);
	struct uio io = uio_kernel(bytes, n);
	return s->f->ops->write(s->f, &io, s->pos);
}

static ssize read_nothing(const struct pipe_other *o, void *bytes, size_t n)
{
	return -EINVAL;
}

/* Nameless files (eventfd and the like) count, they hold no bytes to be moved. */
static bool holds_bytes(const struct file *f)
{
	u32 type = f->inode ? f->inode->mode & S_IFMT : 0;
	return type && type != S_IFDIR;
}
static bool gives_bytes(const struct file *f)
{
	return f->ops->read && !f->ops->no_splice_read && holds_bytes(f) && !pipe_file_pipe(f);
}
static bool takes_bytes(const struct file *f)
{
	return f->ops->write && holds_bytes(f);
}

/* The pipe is looked at, and waited for, before the file. */
ssize splice_into_pipe(struct file *in, u64 *in_pos, struct file *out, size_t len, u32 flags)
{
	struct file_side s = {
		.other.move = gives_bytes(in) ? read_file : read_nothing,
		.f = in,
		.pos = in_pos,
		.nonblock = flags & SPLICE_F_NONBLOCK,
	};
	return pipe_fill(pipe_file_pipe(out), len, pipe_flags(out, flags), &s.other);
}

ssize splice_files(struct file *in, u64 *in_pos, struct file *out, u64 *out_pos, size_t len,
                   u32 flags)
{
	struct pipe *from = pipe_file_pipe(in), *to = pipe_file_pipe(out);
	if (!from)
		return splice_into_pipe(in, in_pos, out, len, flags);
	u32 nonblock = pipe_flags(in, flags) | (to ? pipe_flags(out, flags) : 0);
	if (to)
		return from == to ? -EINVAL : pipe_splice(from, to, len, nonblock);
	struct file_side s = {.other.move = write_file, .f = out, .pos = out_pos};
	return takes_bytes(out) ? pipe_drain(from, len, nonblock, &s.other) : -EINVAL;
}

ssize splice_tee(struct file *in, struct file *out, size_t len, u32 flags)
{
	struct pipe *from = pipe_file_pipe(in), *to = pipe_file_pipe(out);
	if (!from || !to || from == to)
		return -EINVAL;
	return pipe_tee(from, to, len, pipe_flags(in, flags) | pipe_flags(out, flags));
}

bool file_is_pipe(const struct file *f)
{
	return pipe_file_pipe(f);
}

/* --- A pipe and memory --- */

struct memory_side {
	struct pipe_other other;
	struct uio *io;
};

static ssize read_memory(const struct pipe_other *o, void *bytes, size_t n)
{
	struct memory_side *s = container_of(o, struct memory_side, other);
	size_t got = uio_take(s->io, bytes, n);
	return got ? (ssize)got : -EFAULT;
}

static ssize write_memory(const struct pipe_other *o, void *bytes, size_t n)
{
	struct memory_side *s = container_of(o, struct memory_side, other);
	size_t put = uio_put(s->io, bytes, n);
	return put ? (ssize)put : -EFAULT;
}

/* Only the call's own flag counts, not the file's O_NONBLOCK. */
ssize splice_memory(struct file *f, struct uio *io, u32 flags)
{
	u32 nonblock = flags & SPLICE_F_NONBLOCK ? PIPE_NONBLOCK : 0;
	struct memory_side s = {.other.move = read_memory, .io = io};
	if (file_writable(f))
		return pipe_fill(pipe_file_pipe(f), io->left, nonblock, &s.other);
	/* Unlike read(2) this knows no packets. */
	s.other.move = write_memory;
	return pipe_drain(pipe_file_pipe(f), io->left, nonblock, &s.other);
}

/* --- Two files --- */

enum { COPY_PIECE = 65536 };

/* One piece. in_pos advances by what was written. => bytes, 0 at the end, or -errno. */
static ssize copy_piece(struct file *in, u64 *in_pos, struct file *out, u64 *out_pos, void *buf,
                        size_t n)
{
	struct uio io = uio_kernel(buf, n);
	u64 from = *in_pos;
	ssize got = in->ops->read(in, &io, &from);
	if (got <= 0)
		return got;
	if (unlikely(!takes_bytes(out)))
		return -EINVAL;
	io = uio_kernel(buf, (size_t)got);
	ssize put = out->ops->write(out, &io, out_pos ? out_pos : &out->pos);
	if (put > 0)
		*in_pos += (u64)put;
	return put;
}

ssize copy_between_files(struct file *in, u64 *in_pos, struct file *out, u64 *out_pos, size_t len)
{
	if (!gives_bytes(in))
		return -EINVAL;
	void *buf = kmalloc(MIN(len, (size_t)COPY_PIECE));
	if (!buf)
		return -ENOMEM;
	size_t done = 0;
	ssize n = 0;
	while (done < len && !(done && signal_pending())) {
		size_t want = MIN(len - done, (size_t)COPY_PIECE);
		n = copy_piece(in, in_pos, out, out_pos, buf, want);
		if (n <= 0)
			break;
		done += (size_t)n;
		if ((size_t)n < want && !S_ISREG(out->inode->mode))
			break;
		cond_resched();
	}
	kfree(buf);
	return done ? (ssize)done : n;
}
