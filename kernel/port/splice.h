/*
 * Moving bytes between open files inside the kernel: splice(2), tee(2), vmsplice(2), sendfile(2), copy_file_range(2).
 *
 * Between two pipes pages change hands (kernel/ipc/pipe/splice.c); in all other cases bytes are copied once, into or out of
 * a pipe's pages, or through a buffer between two files. SPLICE_F_MOVE, _MORE and _GIFT are hints, and have no effect.
 *
 * A position is the caller's: it advances by what was moved, the file's own is not looked at. What can fail: see each
 * man page; after some bytes have moved, the count is the result and the error waits for the next call.
 */
#pragma once
#include "kernel/lib/result.h"

struct file;
struct uio;

/* flags: SPLICE_F_*; one of the two is a pipe; the caller has checked access modes. */
MUST_CHECK ssize splice_files(struct file *in, u64 *in_pos, struct file *out, u64 *out_pos,
                              size_t len, u32 flags);
/* => -EINVAL when one is no pipe, or both are the same. */
MUST_CHECK ssize splice_tee(struct file *in, struct file *out, size_t len, u32 flags);
/* io: the caller's memory. `pipe` is one. Into it, when it is open for writing; else out of it. */
MUST_CHECK ssize splice_memory(struct file *pipe, struct uio *io, u32 flags);
/* From a file with positions to another file. out_pos NULL: its own. */
MUST_CHECK ssize copy_between_files(struct file *in, u64 *in_pos, struct file *out, u64 *out_pos,
                                    size_t len);
bool file_is_pipe(const struct file *f);
