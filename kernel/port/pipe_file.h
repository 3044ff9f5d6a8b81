/*
 * Pipes and FIFOs as open files: the world's side of kernel/ipc/pipe.
 *
 * Objects and lifetimes. The pipe belongs to an inode: an anonymous one of the internal file system of pipes, or the
 * FIFO's. Each file is an end, or both, opened and closed with it.
 *
 * Locking: system calls, no lock held. What can fail: see pipe(2), fcntl(2).
 */
#pragma once
#include "kernel/lib/result.h"

struct file;
struct pipe;

/* => the pipe behind f, borrowed from it; NULL: another kind of file. */
struct pipe *pipe_file_pipe(const struct file *f);

/* pipe(2). flags: O_NONBLOCK, O_DIRECT. => 0 and two files with one reference each, the reading one first; -ENFILE (no
 * memory for a pipe, or its user has too many), -ENOMEM. */
MUST_CHECK int pipe_files_new(u32 flags, struct file *out[2]);
/* fcntl(2) F_GETPIPE_SZ, F_SETPIPE_SZ. => bytes, or -EBADF (not a pipe), -EINVAL, -EPERM, -EBUSY, -ENOMEM. */
MUST_CHECK s64 pipe_file_capacity(struct file *f);
MUST_CHECK s64 pipe_file_resize(struct file *f, u64 size);
