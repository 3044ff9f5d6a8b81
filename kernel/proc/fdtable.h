/*
 * Descriptor tables. Shared by CLONE_FILES.
 *
 * Objects: struct fdtable is counted by the tasks that use it: the last one closes all. Its memory is kept by pins: one of
 * all tasks together, one of each reader in /proc, who keeps no file open. It points to a struct fdarray that is
 * replaced by a larger one when it is full, the old one freed by RCU. A descriptor is free, reserved
 * (bit in `used`, slot NULL: fd_reserve) or open.
 * Locking: FDTABLE for changes. Lookup takes no lock: the array by RCU, the file by its count, rechecked; a table
 * that only the current task uses hands out files without touching their count, since only their user could close them.
 * What can fail: growing (-ENOMEM), RLIMIT_NOFILE (-EMFILE).
 */
#pragma once
#include "kernel/proc/fdarray.h"
#include "kernel/proc/file.h"
#include "kernel/proc/task.h"

enum { FDARRAY_INLINE = 64 };
struct fdtable {
	refcount_t refs; /* tasks */
	refcount_t pins;
	struct spinlock lock;
	struct fdarray *array; /* [FDTABLE] written, RCU read */
	u32 first_free;        /* [FDTABLE] nothing below is free */
	struct fdarray small;  /* what array points to first */
	struct file *small_files[FDARRAY_INLINE];
	u64 small_used, small_cloexec, small_full;
};
MUST_CHECK struct fdtable *fdtable_new(void);                  /* NULL: no memory */
MUST_CHECK struct fdtable *fdtable_copy(struct fdtable *from); /* err_ptr */
void fdtable_get(struct fdtable *t);
void fdtable_put(struct fdtable *t); /* last: closes all */
/* Gives back a reference that no task has used: as the last, that of a copy, it closes nothing, close(2)'s way. */
void fdtable_discard(struct fdtable *t);
void fdtable_pin(struct fdtable *t);
void fdtable_unpin(struct fdtable *t);
DEFINE_GUARD(fdtable_pin, struct fdtable *, fdtable_unpin)
static inline struct fdtable *fdtable_current(void)
{
	return task_current()->files;
}

/* Lookup for the length of one system call: light reference, dropped with fdref_put. O_PATH files: only with fdref_get_path. */
struct fdref {
	struct file *file;
	bool counted;
};
struct fdref fdref_get_counted(struct fdtable *t, u32 fd);
static ALWAYS_INLINE struct fdref fdref_get_path(int fd) /* .file NULL: EBADF */
{
	struct fdtable *t = fdtable_current();
	if (unlikely(refcount_read(&t->refs) != 1))
		return fdref_get_counted(t, fd);
	const struct fdarray *a = t->array;
	return (struct fdref){.file = (u32)fd < a->size ? a->files[fd] : NULL};
}
static inline void fdref_put(struct fdref r)
{
	if (unlikely(r.counted))
		file_put(r.file);
}
static ALWAYS_INLINE struct fdref fdref_get(int fd) /* .file NULL: EBADF */
{
	struct fdref r = fdref_get_path(fd);
	if (r.file && unlikely(r.file->flags & FILE_O_PATH)) {
		fdref_put(r);
		return (struct fdref){.file = NULL};
	}
	return r;
}
/* The file of a descriptor that nobody else can close meanwhile, without more ado. NULL: ask fdref_get(). */
static ALWAYS_INLINE struct file *fd_own(int fd)
{
	struct fdtable *t = fdtable_current();
	const struct fdarray *a = t->array;
	return likely(refcount_read(&t->refs) == 1) && likely((u32)fd < a->size) ? a->files[fd]
	                                                                         : NULL;
}
static inline void fdref_auto_drop(struct fdref *r)
{
	fdref_put(*r);
}
#define AUTO_FDREF __attribute__((cleanup(fdref_auto_drop))) struct fdref
struct file *file_lookup(int fd); /* full reference or NULL */

/* Installing is two steps, so that failure never shows a half-made descriptor. */
MUST_CHECK int fd_reserve(u32 from,
                          u32 flags); /* lowest free >= from; O_CLOEXEC; => fd, -EMFILE, -ENOMEM */
void fd_install(int fd, struct file *f); /* takes the reference */
void fd_cancel(int fd);
/* reserve + install; takes the reference also on failure. => fd or -errno. */
MUST_CHECK int fd_open(struct file *f, u32 flags);
MUST_CHECK int fd_close(int fd);
MUST_CHECK int fd_dup_to(struct file *f, int fd, u32 flags); /* dup2/dup3 target */
void fdtable_close_on_exec(struct fdtable *t);
/* /proc/PID/fd: => file with reference at the lowest fd >= *fd, *fd updated, or NULL. */
struct file *fdtable_next(struct fdtable *t, int *fd);
/* => 0 or 1, -EBADF; 0 or -EBADF. */
MUST_CHECK int fd_get_cloexec(int fd);
MUST_CHECK int fd_set_cloexec(int fd, u32 flags); /* O_CLOEXEC or 0 */
/* close_range(2) on the current table: closes, or marks with O_CLOEXEC in flags. */
void fdtable_close_range(struct fdtable *t, u32 first, u32 last);
void fdtable_cloexec_range(struct fdtable *t, u32 first, u32 last);
/* For threads that are about to share no longer: a private copy of the current table takes its place. */
MUST_CHECK int fdtable_unshare(void);
u32 fdtable_size(const struct fdtable *t); /* slots: FDSize of /proc/PID/status */
