/* Pipes and FIFOs as open files: the world's side of kernel/ipc/pipe. */
#include "kernel/port/pipe_file.h"
#include "abi/fcntl.h"
#include "kernel/fs/anon.h"
#include "kernel/fs/inode.h"
#include "kernel/fs/procfs.h"
#include "kernel/ipc/pipe/pipe.h"
#include "kernel/port/internal.h"
#include "kernel/proc/file.h"
#include "kernel/proc/poll.h"

enum { FIONREAD = 0x541b };

static struct pipe *pipe_of(const struct file *f)
{
	return f->inode->fifo;
}
/* For a FIFO's reader that did not wait for a writer: how many there had been. Anonymous: 0. */
static u32 seen_of(const struct file *f)
{
	return (u32)(uintptr_t)f->private;
}
static u32 ends_of(const struct file *f)
{
	return (file_readable(f) ? PIPE_READ : 0) | (file_writable(f) ? PIPE_WRITE : 0);
}
static u32 flags_of(const struct file *f)
{
	u32 flags = load_relaxed(&f->flags);
	return (flags & O_NONBLOCK ? PIPE_NONBLOCK : 0) | (flags & O_DIRECT ? PIPE_PACKET : 0);
}

/* struct port_io is struct uio by another name. */
static struct port_io *io_of(struct uio *io)
{
	return container_of(io, struct port_io, uio);
}

static ssize file_pipe_read(struct file *f, struct uio *io, u64 *pos)
{
	return pipe_read(pipe_of(f), io_of(io), flags_of(f));
}
static ssize file_pipe_write(struct file *f, struct uio *io, u64 *pos)
{
	return pipe_write(pipe_of(f), io_of(io), flags_of(f));
}

static u32 file_pipe_poll(struct file *f, struct poll_table *pt)
{
	struct pipe *p = pipe_of(f);
	if (file_readable(f))
		poll_wait(pt, f, &p->read_poll.waitq);
	if (file_writable(f))
		poll_wait(pt, f, &p->write_poll.waitq);
	return pipe_events(p, ends_of(f), seen_of(f));
}

static long file_pipe_ioctl(struct file *f, unsigned cmd, u64 arg)
{
	if (cmd != FIONREAD)
		return -ENOTTY;
	u32 bytes = (u32)pipe_bytes(pipe_of(f));
	return port_copy_out(UPTR(arg), &bytes, sizeof bytes);
}

static void file_pipe_release(struct file *f)
{
	(void)pipe_close(pipe_of(f), ends_of(f));
}

static const struct file_ops pipe_file_ops = {
	.read = file_pipe_read,
	.write = file_pipe_write,
	.poll = file_pipe_poll,
	.ioctl = file_pipe_ioctl,
	.release = file_pipe_release,
	.async = true,
};

struct pipe *pipe_file_pipe(const struct file *f)
{
	return f->ops == &pipe_file_ops ? pipe_of(f) : NULL;
}

int pipe_files_new(u32 flags, struct file *out[2])
{
	struct pipe *p = pipe_new();
	if (!p)
		return -ENFILE;
	AUTO_PATH path = {0};
	int err = anon_pipe_path(p, &path);
	if (err) {
		pipe_free(p);
		return err;
	}
	/* From here on the inode owns the pipe; each file, once made, owns its end. */
	pipe_open_both(p);
	struct file *reader =
		file_new(&path, &pipe_file_ops, O_RDONLY | (flags & O_NONBLOCK), NULL);
	if (is_err(reader))
		return ptr_err(reader);
	struct file *writer =
		file_new(&path, &pipe_file_ops, O_WRONLY | (flags & (O_NONBLOCK | O_DIRECT)), NULL);
	if (is_err(writer)) {
		file_put(reader);
		return ptr_err(writer);
	}
	out[0] = reader;
	out[1] = writer;
	return 0;
}

/* => the FIFO's pipe, made by its first open, or NULL. */
static struct pipe *fifo_pipe(struct inode *i)
{
	GUARD(mutex)
	(&i->lock);
	if (!i->fifo)
		i->fifo = pipe_new();
	return i->fifo;
}

static int fifo_open(struct inode *i, struct file *f)
{
	struct pipe *p = fifo_pipe(i);
	u32 seen;

	if (!p)
		return -ENOMEM;
	if (!ends_of(f))
		return -EINVAL;
	TRY(pipe_open_fifo(p, ends_of(f), flags_of(f), &seen));
	f->private = (void *)(uintptr_t)seen;
	f->ops = &pipe_file_ops;
	return 0;
}

static void fifo_evict(struct inode *i)
{
	pipe_free(i->fifo);
}

static int load_max_size(const struct sysctl *c, s64 *values)
{
	values[0] = load_relaxed(&pipe_max_size);
	return 0;
}
/* Rounded up to a power of two of pages, as Linux keeps it. */
static int store_max_size(const struct sysctl *c, const s64 *values, u32 given)
{
	u32 size = PORT_PAGE_SIZE;
	if (!given)
		return 0;
	while (size < values[0])
		size *= 2;
	store_relaxed(&pipe_max_size, size);
	return 0;
}

void pipe_files_init(void)
{
	static const struct fifo_hooks hooks = {.open = fifo_open, .evict = fifo_evict};
	static const struct sysctl max_size = {.path = "sys/fs/pipe-max-size",
	                                       .min = 1,
	                                       .max = 1u << 30,
	                                       .load = load_max_size,
	                                       .store = store_max_size};
	static const struct sysctl soft = {.path = "sys/fs/pipe-user-pages-soft",
	                                   .kind = SYSCTL_ULONG,
	                                   .data = &pipe_user_pages_soft};
	static const struct sysctl hard = {.path = "sys/fs/pipe-user-pages-hard",
	                                   .kind = SYSCTL_ULONG,
	                                   .data = &pipe_user_pages_hard};
	fifo_hooks = &hooks;
	sysctl_register(&max_size);
	sysctl_register(&soft);
	sysctl_register(&hard);
}

s64 pipe_file_capacity(struct file *f)
{
	return f->ops == &pipe_file_ops ? (s64)pipe_capacity(pipe_of(f)) : -EBADF;
}
s64 pipe_file_resize(struct file *f, u64 size)
{
	return f->ops == &pipe_file_ops ? pipe_resize(pipe_of(f), size) : -EBADF;
}
