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
	*out = timespec_deadline(&t, clock == CLOCK_REALTIME);
	return 0;
}

struct crowd {
	struct futex_want *wants;
	struct futex_waiter *waiters;
	u32 count;
};

static int wait_for_crowd(const struct crowd *c, uptr_t waiters, u64 deadline)
{
	for (u32 i = 0; i < c->count; i++)
		TRY(copy_want(uptr_add(waiters, i * sizeof(struct futex_waitv_abi)), &c->wants[i]));
	int result = futex_wait_any(c->wants, c->waiters, c->count, deadline);
	return result == -EINTR ? -ERESTARTSYS : result;
}

enum { FEW = 24 }; /* records that the stack has room for: 2.6 KiB */

/* More come from an allocation made before anything is queued: as on Linux, this call may fail for lack of memory. */
static NOINLINE int wait_for_many(uptr_t waiters, u32 count, u64 deadline)
{
	AUTO_PUT(port_mem)
	mem = port_alloc(count * (sizeof(struct futex_want) + sizeof(struct futex_waiter)));
	struct futex_waiter *records = mem;
	if (!mem)
		return -ENOMEM;
	const struct crowd c = {(void *)(records + count), records, count};
	return wait_for_crowd(&c, waiters, deadline);
}

static NOINLINE int wait_for_few(uptr_t waiters, u32 count, u64 deadline)
{
	struct futex_want wants[FEW];
	struct futex_waiter records[FEW];
	const struct crowd c = {wants, records, count};
	return wait_for_crowd(&c, waiters, deadline);
}

SYSCALL5(futex_waitv, uptr_t, waiters, u32, count, u32, flags, uptr_t, timeout, s32, clock)
{
	u64 deadline = PORT_FOREVER;

	if (flags || !count || count > FUTEX_WAIT_ANY_MAX || uptr_null(waiters))
		return -EINVAL;
	TRY(copy_deadline(timeout, clock, &deadline));
	return count <= FEW ? wait_for_few(waiters, count, deadline)
	                    : wait_for_many(waiters, count, deadline);
}
