/*
 * A transfer's memory side: pieces of user memory (or one of kernel memory), with a cursor.
 */
#pragma once
#include "arch/uaccess.h"
#include "kernel/lib/result.h"
#include "kernel/lib/uptr.h"

struct iovec_user {
	u64 base, len;
};
struct uio {
	u64 base; /* where the current piece goes on: a user address, or a kernel one when `kernel` */
	size_t span;                   /* bytes left of it, at most `left` */
	size_t left;                   /* bytes left in all */
	const struct iovec_user *next; /* the pieces after it */
	bool kernel;
	bool nowait; /* splice(2) from a socket: as if the file had O_NONBLOCK */
	bool append; /* pwritev2(2) RWF_APPEND: write at the end, whatever the file's flags say */
};
static ALWAYS_INLINE struct uio uio_user(uptr_t base, size_t len)
{
	return (struct uio){.base = base.addr, .span = len, .left = len};
}
static ALWAYS_INLINE struct uio uio_kernel(void *base, size_t len)
{
	return (struct uio){.base = (u64)base, .span = len, .left = len, .kernel = true};
}
static ALWAYS_INLINE void uio_advance(struct uio *io, size_t n)
{
	io->base += n;
	io->span -= n;
	io->left -= n;
}

/* The part of the current piece that a step of n bytes may use; steps over empty ones. left > 0. */
size_t uio_span(struct uio *io, size_t n);
size_t uio_put_pieces(struct uio *io, const void *from, size_t n);
size_t uio_take_pieces(struct uio *io, void *to, size_t n);
/* Copies up to n bytes from kernel memory into the uio (read(2) direction) / out of it (write(2) direction), advancing.
 * => bytes copied; short only when a user page faults. */
static ALWAYS_INLINE size_t uio_put(struct uio *io, const void *from, size_t n)
{
	if (unlikely(n > io->span || io->kernel))
		return uio_put_pieces(io, from, n);
	if (__builtin_constant_p(n) && n <= USER_INLINE_MAX) { /* a record: whole or not at all */
		if (copy_to_user(UPTR(io->base), from, n))
			return 0;
		uio_advance(io, n);
		return n;
	}
	size_t done = n - copy_to_user_partial(UPTR(io->base), from, n);
	uio_advance(io, done);
	return done;
}
static ALWAYS_INLINE size_t uio_take(struct uio *io, void *to, size_t n)
{
	if (unlikely(n > io->span || io->kernel))
		return uio_take_pieces(io, to, n);
	if (__builtin_constant_p(n) && n <= USER_INLINE_MAX) {
		if (copy_from_user(to, UPTR(io->base), n))
			return 0;
		uio_advance(io, n);
		return n;
	}
	size_t done = n - copy_from_user_partial(to, UPTR(io->base), n);
	uio_advance(io, done);
	return done;
}
size_t uio_put_zero(struct uio *io, size_t n);

enum { UIO_MAX = 0x7ffff000 }; /* bytes of one transfer */
enum { UIO_COUNT_MAX = 1024 }; /* pieces of one call, readv(2) */
/* Copies `count` <= UIO_COUNT_MAX iovecs in; the total is cut at UIO_MAX. => 0, -EFAULT, -EINVAL (a negative length). */
MUST_CHECK int uio_import(struct uio *io, struct iovec_user *iov, uptr_t user, u64 count);
