#include "kernel/proc/uio.h"
#include "kernel/lib/string.h"

size_t uio_span(struct uio *io, size_t n)
{
	while (!io->span) {
		io->base = io->next->base;
		io->span = MIN(io->next->len, io->left);
		io->next++;
	}
	return MIN(n, io->span);
}

size_t uio_put_pieces(struct uio *io, const void *from, size_t n)
{
	size_t done = 0;
	n = MIN(n, io->left);
	while (done < n) {
		size_t span = uio_span(io, n - done), missed = 0;
		if (io->kernel)
			memcpy((void *)io->base, (const char *)from + done, span);
		else
			missed = copy_to_user_partial(UPTR(io->base), (const char *)from + done,
			                              span);
		uio_advance(io, span - missed);
		done += span - missed;
		if (unlikely(missed))
			break;
	}
	return done;
}

size_t uio_take_pieces(struct uio *io, void *to, size_t n)
{
	size_t done = 0;
	n = MIN(n, io->left);
	while (done < n) {
		size_t span = uio_span(io, n - done), missed = 0;
		if (io->kernel)
			memcpy((char *)to + done, (const void *)io->base, span);
		else
			missed = copy_from_user_partial((char *)to + done, UPTR(io->base), span);
		uio_advance(io, span - missed);
		done += span - missed;
		if (unlikely(missed))
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
	*io = (struct uio){.next = iov};
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
