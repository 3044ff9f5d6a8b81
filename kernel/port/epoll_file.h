/* epoll instances as open files, and who may be watched. */
#pragma once
#include "kernel/lib/result.h"

struct epoll;
struct epoll_source;
struct file;

struct file *epoll_file_new(void);      /* => a file with one reference, or err_ptr */
struct epoll *epoll_of(struct file *f); /* NULL: another kind of file */
/* What instances know of f; made when there is none yet. NULL: no memory. */
MUST_CHECK struct epoll_source *epoll_file_source(struct file *f);
void epoll_files_init(void);
