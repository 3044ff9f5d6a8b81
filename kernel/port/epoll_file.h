/* epoll instances as open files, and who may be watched. */
#pragma once
#include "kernel/lib/result.h"
#include "kernel/proc/file.h"

struct epoll;

struct file *epoll_file_new(void); /* => a file with one reference, or err_ptr */
extern const struct file_ops epoll_file_ops;
static ALWAYS_INLINE struct epoll *epoll_of(const struct file *f) /* NULL: another kind of file */
{
	return likely(f->ops == &epoll_file_ops) ? f->private : NULL;
}
/* What instances know of f; made when there is none yet. NULL: no memory. */
MUST_CHECK struct epoll_source *epoll_file_source(struct file *f);
void epoll_files_init(void);
