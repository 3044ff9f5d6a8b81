/*
 * epoll instances as open files, and which files may be watched: the world's side of kernel/ipc/event/epoll.h.
 *
 * Objects and lifetimes. An instance belongs to its file (file->private) and ends with it. What instances know of a
 * watched file, a struct epoll_source, is made by the first to watch it, hangs on file->watched and is released with
 * that file, whichever end comes first.
 *
 * Locking: system calls, no lock held; all may sleep, but epoll_of().
 * What can fail: making either, for want of memory.
 */
#pragma once
#include "kernel/lib/result.h"
#include "kernel/proc/file.h"

struct epoll;

/* epoll_create(2). => a file with one reference, or err_ptr(-ENOMEM). */
struct file *epoll_file_new(void);
extern const struct file_ops epoll_file_ops;
/* => the instance behind f, borrowed from it; NULL: another kind of file. */
static ALWAYS_INLINE struct epoll *epoll_of(const struct file *f)
{
	return likely(f->ops == &epoll_file_ops) ? f->private : NULL;
}
/* => what instances know of f, borrowed from it; made when there is none yet. NULL: no memory. */
MUST_CHECK struct epoll_source *epoll_file_source(struct file *f);
/* Boot: /proc/sys/fs/epoll, and what the end of a watched file does. */
void epoll_files_init(void);
