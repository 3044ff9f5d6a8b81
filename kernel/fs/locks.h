/*
 * Advisory locks on files: flock(2), and the record locks of fcntl(2) that a process (F_SETLK) or an
 * open file description (F_OFD_SETLK) owns.
 *
 * A lock belongs to an owner: a descriptor table, or an open file. Locks of one owner on one inode
 * never overlap: setting one splits, trims and merges those there. Requests that conflict wait in the
 * inode's queue in order of arrival; whoever takes a lock away wakes those who no longer conflict,
 * and they try again.
 *
 * Locking: one spinlock (class FILE_LOCKS) for all, since the search for deadlocks goes from inode to
 * inode: who waits for whom, at most LOCK_CHAIN_MAX steps as on Linux, and only for F_SETLKW.
 *
 * Fails: EAGAIN (would block), EDEADLK, ERESTARTSYS (signal), ENOMEM (before anything changed).
 */
#pragma once
#include "kernel/fs/inode.h"
#include "kernel/lib/list.h"

struct fdtable;

enum lock_kind { LOCK_KIND_FLOCK, LOCK_KIND_POSIX, LOCK_KIND_OFD };
struct file_lock {
	struct list link;     /* in file_locks.held, by start */
	struct list all_link; /* every lock there is, for /proc/locks */
	struct inode *inode;
	const void *owner;
	enum lock_kind kind;
	u32 type;       /* F_RDLCK, F_WRLCK */
	u64 start, end; /* inclusive */
	s32 pid;
};
#define LOCK_END_MAX ((u64)INT64_MAX)

/* request: kind, type (F_UNLCK releases), owner, range. */
MUST_CHECK int lock_set(struct inode *i, const struct file_lock *request, bool wait);
/* F_GETLK: => the first conflicting lock in *out, or type F_UNLCK. */
void lock_test(struct inode *i, const struct file_lock *request, struct file_lock *out);

void file_locks_release(struct file *f); /* flock and OFD locks of an open file */
void posix_locks_release(struct inode *i, struct fdtable *owner);
void file_locks_free(struct file_locks *l);          /* with the inode; NULL allowed */
void file_locks_show(struct seq *s, struct file *f); /* fdinfo */
void locks_show(struct seq *s);                      /* /proc/locks */
