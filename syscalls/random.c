#include "arch/uaccess.h"
#include "kernel/dev/random.h"
#include "kernel/mm/page.h"
#include "kernel/proc/uio.h"
#include "syscalls/syscall.h"

enum { GRND_NONBLOCK = 1, GRND_RANDOM = 2, GRND_INSECURE = 4 };
#define MAX_RW_COUNT ((size_t)INT32_MAX & ~(size_t)(PAGE_SIZE - 1))

/* getrandom(2). The pool is ready from boot on, so no flag changes what happens. */
SYSCALL3(getrandom, uptr_t, buf, size_t, length, u32, flags)
{
	if (flags & ~(u32)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	if ((flags & GRND_RANDOM) && (flags & GRND_INSECURE))
		return -EINVAL;
	length = MIN(length, MAX_RW_COUNT);
	if (!user_range_ok(buf, length))
		return -EFAULT;
	struct uio io = uio_user(buf, length);
	return random_to_uio(&io);
}
