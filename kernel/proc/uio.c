#include "kernel/proc/uio.h"
#include "arch/uaccess.h"
#include "kernel/lib/string.h"

/* The part of the current iovec that a step of n bytes may use; skips empty ones. left > 0. */
static size_t uio_span(struct uio *io, size_t n)
{
	while (io->offset == io->iov->len) {
		io->iov++;
		io->count--;
		io->offset = 0;
	}
	return MIN(MIN(n, io->left), io->iov->len - io->offset);
}

static void uio_advance(struct uio *io, size_t n)
{
	io->offset += n;
	io->left -= n;
}

static size_t span_put(struct uio *io, const void *from, size_t n)
{
	u64 to = io->iov->base + io->offset;
	if (likely(!io->kernel))
		return n - copy_to_user_partial(UPTR(to), from, n);
	memcpy((void *)to, from, n);
	return n;
}

static size_t span_take(struct uio *io, void *to, size_t n)
{
	u64 from = io->iov->base + io->offset;
	if (likely(!io->kernel))
		return n - copy_from_user_partial(to, UPTR(from), n);
	memcpy(to, (const void *)from, n);
	return n;
}

size_t uio_put(struct uio *io, const void *from, size_t n)
{
	size_t done = 0;
	n = MIN(n, io->left);
	while (done < n) {
		size_t span = uio_span(io, n - done);
		size_t copied = span_put(io, (const char *)from + done, span);
		uio_advance(io, copied);
		done += copied;
		if (unlikely(copied < span))
			break;
	}
	return done;
}

size_t uio_take(struct uio *io, void *to, size_t n)
{
	size_t done = 0;
	n = MIN(n, io->left);
	while (done < n) {
		size_t span = uio_span(io, n - done);
		size_t copied = span_take(io, (char *)to + done, span);
		uio_advance(io, copied);
		done += copied;
		if (unlikely(copied < span))
			break;
	}
	return done;
}

size_t uio_put_zero(struct uio *io, size_t n)
{
	static const u8 zeroes[4096];
	size_t done = 0;
	while (done < n && io->left) {
		size_t want = MIN(MIN(n - done, io->left), sizeof(zeroes));
		size_t copied = uio_put(io, zeroes, want);
		done += copied;
		if (copied < want)
			break;
	}
	return done;
}

int uio_import(struct uio *io, struct iovec_user *iov, uptr_t user, u64 count)
{
	*io = (struct uio){.iov = iov, .count = (u32)count};
	TRY(copy_from_user(iov, user, count * sizeof(*iov)));
	for (u64 i = 0; i < count; i++) {
		if ((s64)iov[i].len < 0)
			return -EINVAL;
		if (!user_range_ok(UPTR(iov[i].base), iov[i].len))
			return -EFAULT;
		iov[i].len = MIN(iov[i].len, UIO_MAX - io->left);
		io->left += iov[i].len;
	}
	return 0;
}
