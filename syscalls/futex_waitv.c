/* futex_waitv(2). */
#include "abi/futex.h"
#include "kernel/ipc/futex/futex.h"
#include "syscalls/syscall.h"
#include "syscalls/timespec.h"

static int copy_want(uptr_t from, struct futex_want *out)
{
	struct futex_waitv_abi w;

	TRY(port_copy_in(&w, from, sizeof w));
	if (w.flags & ~(u32)(FUTEX_32 | FUTEX_PRIVATE_FLAG) || w.reserved || !(w.flags & FUTEX_32))
		return -EINVAL;
	*out = (struct futex_want){UPTR(w.uaddr),
	                           w.flags & FUTEX_PRIVATE_FLAG ? FUTEX_PRIVATE : FUTEX_SHARED,
	                           (u32)w.val};
	return 0;
}

/* An absolute time of the given clock. */
static int copy_deadline(uptr_t timeout, s32 clock, u64 *out)
{
	struct abi_timespec t;

	if (uptr_null(timeout))
		return 0;
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
		return -EINVAL;
	TRY(port_copy_in(&t, timeout, sizeof t));
	if (!timespec_valid(&t))
		return -EINVAL;
	*out = timespec_ns(&t);
	if (clock == CLOCK_REALTIME) {
		u64 now = port_real_ns();
		*out = *out <= now ? 0 : port_mono_ns() + (*out - now);
	}
	return 0;
}

SYSCALL5(futex_waitv, uptr_t, waiters, u32, count, u32, flags, uptr_t, timeout, s32, clock)
{
	u64 deadline = PORT_FOREVER;

	if (flags || !count || count > FUTEX_WAIT_ANY_MAX || uptr_null(waiters))
		return -EINVAL;
	TRY(copy_deadline(timeout, clock, &deadline));
	AUTO_PUT(port_mem) mem = port_alloc(count * sizeof(struct futex_want));
	struct futex_want *wants = mem;
	if (!wants)
		return -ENOMEM;
	for (u32 i = 0; i < count; i++)
		TRY(copy_want(uptr_add(waiters, i * sizeof(struct futex_waitv_abi)), &wants[i]));
	int result = futex_wait_any(wants, count, deadline);
	return result == -EINTR ? -ERESTARTSYS : result;
}
