#include "kernel/fs/inode.h"
#include "kernel/fs/locks.h"
#include "kernel/fs/mount.h"
#include "kernel/fs/open.h"
#include "kernel/fs/seq.h"
#include "kernel/mm/object.h"
#include "kernel/proc/uio.h"

enum { SETFL_MASK = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | O_ASYNC };

int file_set_flags(struct file *f, u32 flags)
{
	if ((flags ^ f->flags) & O_NOATIME & flags && f->inode && !inode_owner_or_capable(f->inode))
		return -EPERM;
	if (flags & O_DIRECT && !(f->inode && S_ISFIFO(f->inode->mode)))
		return -EINVAL;
	u32 mask = f->ops->async ? SETFL_MASK : SETFL_MASK & ~O_ASYNC;
	store_relaxed(&f->flags, (f->flags & ~mask) | (flags & mask));
	return 0;
}

void file_fdinfo(struct file *f, bool cloexec, struct seq *s)
{
	u32 flags = f->flags & ~(FILE_F_INTERNAL | O_CLOEXEC);
	seq_printf(s, "pos:\t%llu\nflags:\t0%o\nmnt_id:\t%u\nino:\t%llu\n",
	           (unsigned long long)f->pos, flags | (cloexec ? O_CLOEXEC : 0),
	           f->path.mount ? f->path.mount->id : 0,
	           (unsigned long long)(f->inode ? f->inode->ino : 0));
	if (f->inode)
		file_locks_show(s, f);
	if (f->ops->fdinfo)
		f->ops->fdinfo(f, s);
}

ssize vfs_read_kernel(struct file *f, void *buf, size_t n, u64 pos)
{
	struct uio io = uio_kernel(buf, n);
	if (!f->ops->read)
		return -EINVAL;
	size_t done = 0;
	while (done < n) {
		ssize got = f->ops->read(f, &io, &pos);
		if (got < 0)
			return done ? (ssize)done : got;
		if (!got)
			break;
		done += (size_t)got;
	}
	return (ssize)done;
}
