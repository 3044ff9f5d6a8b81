/*
 * POSIX message queues as files: the world's side of kernel/ipc/mq. A queue is an inode of a file system of the type
 * "mqueue", of which every IPC namespace has one; mq_open(2) finds names in it whether or not it is mounted, and
 * mounting it anywhere, any number of times, shows it (mq_overview(7)).
 *
 * The inode owns the struct mq_queue: the queue ends with the last name and the last open file. The file system
 * references its namespace's struct mq_space, the namespace its file system: mq_space_close() breaks the ring, and
 * what is mounted or open then lives on, without new queues.
 *
 * Times. Sending and receiving only note the time in the queue; whoever looks at the inode's times, or changes them,
 * takes it over first.
 *
 * Locking: system calls, no lock held; all may sleep, but mq_file_queue(). The times of the inode: inode->lock.
 * What can fail: see mq_open(3), mq_unlink(3).
 */
#pragma once
#include "kernel/fs/inode.h"
#include "kernel/ipc/mq/mq.h"

extern const struct file_ops mq_file_ops;
/* => the queue of an open file, borrowed from it; NULL: another kind of file. */
static ALWAYS_INLINE struct mq_queue *mq_file_queue(const struct file *f)
{
	return likely(f->ops == &mq_file_ops) ? f->inode->private : NULL;
}

/* mq_open(2) in the caller's namespace. attr: NULL, or what a queue is to be made with. => a file with one
 * reference, or err_ptr: -ENOENT, -EEXIST, -EACCES, -EINVAL, -ENAMETOOLONG, -ENOSPC (queues_max), -EMFILE
 * (RLIMIT_MSGQUEUE), -ENOMEM. */
struct file *mq_file_open(const char *name, u32 flags, u32 mode, const struct mq_attr *attr);
/* => 0, -ENOENT, -EACCES, -ENAMETOOLONG, -ENOMEM. */
MUST_CHECK int mq_file_unlink(const char *name);
/* mq_notify(2), mq_setattr(3): marks access and change of f, a queue. */
void mq_file_touch(struct file *f);
