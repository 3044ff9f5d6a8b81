/*
 * Open files (open file descriptions, open(2)): what descriptors refer to. One struct for every kind;
 * the kind is its ops. Reference counted; release runs with the last reference, in thread context.
 */
#pragma once
#include "kernel/fs/path.h"
#include "kernel/lib/refcount.h"
#include "kernel/lib/guard.h"
#include "kernel/lib/uptr.h"
#include "kernel/sched/rcu.h"
#include "kernel/sync/mutex.h"
#include "kernel/sync/waitq.h"

struct epoll_source; /* kernel/ipc/event */
struct file;
struct uio;        /* kernel/proc/uio.h */
struct poll_table; /* kernel/proc/poll.h */
struct vm_map_request;
struct dir_emit; /* kernel/fs/inode.h */
struct seq;      /* kernel/fs/seq.h */

struct file_ops {
	ssize (*read)(struct file *f, struct uio *io, u64 *pos);
	ssize (*write)(struct file *f, struct uio *io, u64 *pos);
	s64 (*seek)(struct file *f, s64 offset, int whence); /* NULL: -ESPIPE */
	/* => current POLL* events; registers with pt on the queues that signal a change (pt may be NULL). */
	u32 (*poll)(struct file *f, struct poll_table *pt); /* NULL: always readable and writable */
	long (*ioctl)(struct file *f, unsigned cmd, u64 arg); /* NULL: -ENOTTY */
	int (*map)(struct file *f,
	           struct vm_map_request *req);                /* fills object/ops; NULL: -ENODEV */
	int (*iterate)(struct file *f, struct dir_emit *emit); /* getdents; NULL: -ENOTDIR */
	int (*fsync)(struct file *f);                          /* NULL: -EINVAL */
	int (*flush)(struct file *f);                          /* every close(2) */
	void (*release)(struct file *f);
	void (*fdinfo)(struct file *f, struct seq *s);
	/* What Linux's file of this kind lacks: readv(2), writev(2) in one piece (each iovec is a call of its own), splice(2) out
	 * of it. */
	bool read_by_pieces, write_by_pieces, no_splice_read;
	bool async; /* O_ASYNC can be set after open(2) */
};

struct file {
	refcount_t refs;
	u32 flags; /* [a] O_* status flags and access mode */
	const struct file_ops *ops;
	struct path path; /* [I] reference; empty for pipes and the like only through anon inodes */
	struct inode *inode; /* [I] path.dentry's inode, borrowed from it */
	struct mutex pos_lock;
	u64 pos;                 /* [pos_lock] */
	void *private;           /* [I] of the ops */
	const struct cred *cred; /* [I] opener's, reference */
	struct list locks_hint;  /* fs room: flock and record locks */
	u32 readahead;
	s32 owner_pid;                /* [a] F_SETOWN: process, or negated group */
	s32 owner_signal;             /* [a] F_SETSIG */
	struct epoll_source *watched; /* [a] who watches it by epoll; NULL until the first does */
	struct rcu_head rcu;
};
/* kernel/port connects epoll: called before release, for a file whose `watched` is set. */
extern void (*file_watched_release)(struct file *f);
enum { FILE_O_PATH = 010000000 }; /* O_PATH in flags: a name only */
enum {
	FILE_POSITIONED = 1 << 29
}; /* regular file or directory: its position is locked while it is used */
enum { FILE_READ = 1, FILE_WRITE = 2 };
static inline bool file_readable(const struct file *f)
{
	return (f->flags + 1) & 1; /* access mode 3 is neither: ioctl only, open(2) */
}
static inline bool file_writable(const struct file *f)
{
	return (f->flags + 1) & 2;
}

/* `seek` of files whose end nobody knows: SEEK_SET and SEEK_CUR. => the new position, or -EINVAL. */
s64 file_seek_no_end(struct file *f, s64 offset, int whence);

/* => a file with one reference, or err_ptr. Takes over nothing; references path. */
MUST_CHECK struct file *file_new(const struct path *path, const struct file_ops *ops, u32 flags,
                                 void *private);
/* For descriptors without a name (pipe, eventfd ...): an inode of its own kind on the internal anon filesystem,
 * shown in /proc/PID/fd as "anon_inode:[name]" or "pipe:[ino]". */
MUST_CHECK struct file *file_new_anon(const char *name, const struct file_ops *ops, u32 flags,
                                      void *private);
static inline void file_get(struct file *f)
{
	refcount_get(&f->refs);
}
void file_put(struct file *f);
DEFINE_GUARD(file, struct file *, file_put)
