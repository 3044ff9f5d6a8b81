/* Pipes as open files. */
#pragma once
#include "kernel/lib/result.h"

struct file;
struct pipe;

struct pipe *pipe_file_pipe(const struct file *f); /* NULL: another kind of file */

/* pipe(2): => 0 and two files, the reading one first, or -errno. flags: O_NONBLOCK, O_DIRECT. */
MUST_CHECK int pipe_files_new(u32 flags, struct file *out[2]);
/* fcntl(2) F_GETPIPE_SZ, F_SETPIPE_SZ. => bytes, or -EBADF (not a pipe), -EINVAL, -EPERM, -EBUSY, -ENOMEM. */
MUST_CHECK s64 pipe_file_capacity(struct file *f);
MUST_CHECK s64 pipe_file_resize(struct file *f, u64 size);
