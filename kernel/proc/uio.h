/*
 * A transfer's memory side: user iovecs or a kernel buffer, with a cursor.
 */
#pragma once
#include "kernel/lib/result.h"
#include "kernel/lib/uptr.h"

struct iovec_user {
	u64 base, len;
};
struct uio {
	const struct iovec_user *iov; /* user addresses, or kernel ones when `kernel` */
	u32 count;
	bool kernel;
	bool append; /* pwritev2(2) RWF_APPEND: write at the end, whatever the file's flags say */
	u64 offset;  /* into iov[0] */
	size_t left; /* bytes remaining in all */
};
static inline struct uio uio_user(struct iovec_user *one, uptr_t base, size_t len)
{
	*one = (struct iovec_user){base.addr, len};
	return (struct uio){.iov = one, .count = 1, .left = len};
}
static inline struct uio uio_kernel(struct iovec_user *one, void *base, size_t len)
{
	*one = (struct iovec_user){(u64)base, len};
	return (struct uio){.iov = one, .count = 1, .left = len, .kernel = true};
}
/* Copies up to n bytes from kernel memory into the uio (read(2) direction) / out of it (write(2) direction), advancing.
 * => bytes copied; short only when a user page faults. */
size_t uio_put(struct uio *io, const void *from, size_t n);
size_t uio_take(struct uio *io, void *to, size_t n);
size_t uio_put_zero(struct uio *io, size_t n);
enum {
	UIO_MAX = 0x7ffff000,
	UIO_COUNT_MAX = 1024
}; /* bytes of one transfer, iovecs of one call: readv(2) */
/* Copies `count` <= UIO_COUNT_MAX iovecs in; the total is cut at UIO_MAX. => 0, -EFAULT, -EINVAL (a negative length). */
MUST_CHECK int uio_import(struct uio *io, struct iovec_user *iov, uptr_t user, u64 count);
