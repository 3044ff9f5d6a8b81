/* Open message queues: what read(2), poll(2), lseek(2), close(2) and stat(2) do with them. */
#include "kernel/port/mq_file.h"
#include "abi/fcntl.h"
#include "kernel/port/mq_inode.h"
#include "kernel/proc/poll.h"
#include "kernel/proc/uio.h"

static struct mq_queue *queue_of(const struct file *f)
{
	return f->inode->private;
}

static struct vtime vtime_of(u64 ns)
{
	return (struct vtime){(s64)(ns / NS_PER_SEC), (u32)(ns % NS_PER_SEC)};
}

/* --- times --- */

/* inode->lock held. */
static void times_settle(struct inode *i)
{
	u64 changed = mq_changed_take(i->private);
	if (changed)
		i->atime = i->mtime = i->ctime = vtime_of(changed);
}

static void touch(struct inode *i)
{
	GUARD(mutex)(&i->lock);
	times_settle(i);
	i->atime = i->ctime = vtime_now();
}

void mq_file_touch(struct file *f)
{
	touch(f->inode);
}

static void queue_getattr(struct inode *i, struct kstat *st)
{
	u64 changed = mq_changed_peek(i->private);
	if (changed)
		st->atime = st->mtime = st->ctime = vtime_of(changed);
}

static int queue_setattr(struct inode *i, const struct setattr *attr)
{
	times_settle(i);
	return 0;
}

/* --- the inode --- */

/* As on Linux, truncation changes what stat(2) says and nothing else. */
static int queue_resize(struct inode *i, u64 size)
{
	times_settle(i);
	store_relaxed(&i->size, size);
	return 0;
}

static int queue_open(struct inode *i, struct file *f)
{
	return f->flags & O_DIRECT ? -EINVAL : 0;
}

static void queue_evict(struct inode *i)
{
	mq_free(i->private);
}

const struct inode_ops mq_inode_ops = {.getattr = queue_getattr,
                                       .setattr = queue_setattr,
                                       .resize = queue_resize,
                                       .open = queue_open,
                                       .evict = queue_evict};

/* --- the file --- */

static ssize mq_read(struct file *f, struct uio *io, u64 *pos)
{
	char line[MQ_LINE];
	u64 length = (u64)mq_line(queue_of(f), line);
	if (*pos >= length || !io->left)
		return 0;
	size_t copied = uio_put(io, line + *pos, MIN(io->left, length - *pos));
	if (!copied)
		return -EFAULT;
	*pos += copied;
	touch(f->inode);
	return (ssize)copied;
}

static s64 mq_seek(struct file *f, s64 offset, int whence)
{
	switch (whence) {
	case SEEK_SET: break;
	case SEEK_CUR: offset += (s64)f->pos; break;
	case SEEK_END: offset += (s64)load_relaxed(&f->inode->size); break;
	case SEEK_DATA:
	case SEEK_HOLE: /* its line of text is all data */
		if (offset >= (s64)load_relaxed(&f->inode->size))
			return -ENXIO;
		if (whence == SEEK_HOLE)
			offset = (s64)load_relaxed(&f->inode->size);
		break;
	default: return -EINVAL;
	}
	if (offset < 0)
		return -EINVAL;
	f->pos = (u64)offset;
	return offset;
}

static u32 mq_poll(struct file *f, struct poll_table *pt)
{
	struct mq_queue *q = queue_of(f);
	poll_wait(pt, f, &mq_pollq(q)->waitq);
	return mq_events(q);
}

static int mq_flush(struct file *f)
{
	mq_closed(queue_of(f));
	return 0;
}

const struct file_ops mq_file_ops = {
	.read = mq_read,
	.seek = mq_seek,
	.poll = mq_poll,
	.flush = mq_flush,
	.read_by_pieces = true,
	.no_splice_read = true,
};
