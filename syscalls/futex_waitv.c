/* futex_waitv(2). */
#include "abi/futex.h"
#include "kernel/ipc/futex/futex.h"
#include "kernel/proc/task.h"
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

/*
 * Records of a call. Few find room on the stack. The first call of a thread that has more takes memory for the most that
 * can be asked for, before anything is queued: only this one may fail for the lack of it (as any may on Linux). It stays with
 * the thread, as does the stack that the records are too many for, so no later call allocates.
 */
enum { FEW = 24 }; /* 2.6 KiB */
struct waitv_room {
	struct futex_want wants[FUTEX_WAIT_ANY_MAX];
	struct futex_waiter waiters[FUTEX_WAIT_ANY_MAX];
};
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

static NOINLINE int wait_for_many(uptr_t waiters, u32 count, u64 deadline)
{
	struct task *me = task_current();
	struct waitv_room *room = me->waitv_room;

	if (!room)
		room = me->waitv_room = port_alloc(sizeof *room);
	if (!room)
		return -ENOMEM;
	const struct crowd c = {room->wants, room->waiters, count};
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
