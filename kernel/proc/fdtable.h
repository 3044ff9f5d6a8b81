/*
 * Descriptor tables. Shared by CLONE_FILES. Lookup takes no lock (RCU); a table that only the current
 * thread uses hands out files without touching their reference count.
 */
#pragma once
#include "kernel/proc/file.h"

struct fdtable;
MUST_CHECK struct fdtable *fdtable_new(void);
MUST_CHECK struct fdtable *fdtable_copy(struct fdtable *from); /* err_ptr */
void fdtable_get(struct fdtable *t);
void fdtable_put(struct fdtable *t); /* last: closes all */
struct fdtable *fdtable_current(void);

/* Lookup for the length of one system call: light reference, dropped with fdref_put. O_PATH files: only with fdref_get_path. */
struct fdref {
	struct file *file;
	bool counted;
};
struct fdref fdref_get(int fd); /* .file NULL: EBADF */
struct fdref fdref_get_path(int fd);
static inline void fdref_put(struct fdref r)
{
	if (r.counted)
		file_put(r.file);
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
bool fd_get_cloexec(int fd);
int fd_set_cloexec(int fd, bool on);
