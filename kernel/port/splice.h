/*
 * Moving bytes between open files inside the kernel: splice(2), tee(2), vmsplice(2), sendfile(2), copy_file_range(2).
 *
 * Between two pipes pages change hands (kernel/ipc/pipe/splice.c); in all other cases bytes are copied once, into or
 * out of a pipe's pages, or through a buffer between two files. SPLICE_F_MOVE, _MORE and _GIFT are hints, and have no
 * effect.
 *
 * A position is the caller's: it advances by what was moved, the file's own is not looked at. What can fail: see each
 * man page; after some bytes have moved, the count is the result and the error waits for the next call.
 *
 * Locking: system calls, no lock held; the files are referenced by the caller. No pipe is locked while a file waits.
 * Results, unless said otherwise: bytes, 0 at the end, or -errno: -EAGAIN, -EPIPE (with SIGPIPE), -ERESTARTSYS,
 * -ENOMEM, -EFAULT, or what reading or writing the file says.
 */
#pragma once
#include "kernel/lib/result.h"

struct file;
struct uio;

/* splice(2), and sendfile(2) into a pipe. flags: SPLICE_F_*; one of the two is a pipe; the caller has checked access
 * modes. => also -EINVAL: twice the same pipe, or a file that holds no bytes. */
MUST_CHECK ssize splice_files(struct file *in, u64 *in_pos, struct file *out, u64 *out_pos,
                              size_t len, u32 flags);
/* Into a pipe; -EINVAL from another one. */
MUST_CHECK ssize splice_into_pipe(struct file *in, u64 *in_pos, struct file *pipe, size_t len,
                                  u32 flags);
/* => also -EINVAL: one is no pipe, or both are the same. */
MUST_CHECK ssize splice_tee(struct file *in, struct file *out, size_t len, u32 flags);
/* vmsplice(2). io: the caller's memory, advanced. `pipe` is one: into it, when it is open for writing; else out of
 * it. */
MUST_CHECK ssize splice_memory(struct file *pipe, struct uio *io, u32 flags);
/* sendfile(2), copy_file_range(2): from a file with positions to another file. out_pos NULL: its own. => also -EINVAL: the
 * one gives no bytes, or there are some and the other takes none. */
MUST_CHECK ssize copy_between_files(struct file *in, u64 *in_pos, struct file *out, u64 *out_pos,
                                    size_t len);
bool file_is_pipe(const struct file *f); /* any context */
