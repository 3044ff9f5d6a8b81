/* futex(2). The robust list is registered in misc.c. */
#include "abi/futex.h"
#include "kernel/ipc/futex/futex.h"
#include "kernel/ipc/futex/pi.h"
#include "kernel/proc/task.h"
#include "syscalls/syscall.h"
#include "syscalls/timespec.h"

struct wait_call {
	uptr_t word;
	enum futex_scope scope;
	u32 expected, bitset;
	u64 deadline;
};

/* restart_syscall(2): waits on, until the deadline of the first call. */
static long wait_again(struct restart_block *r);

static long wait_until(const struct wait_call *c)
{
	int err = futex_wait(c->word, c->scope, c->expected, c->bitset, c->deadline);
	if (err != -EINTR)
		return err;
	if (c->deadline == PORT_FOREVER)
		return -ERESTARTSYS;
	task_current()->restart = (struct restart_block){
		.fn = wait_again,
		.arg = {c->word.addr, c->scope, c->expected, c->bitset, c->deadline},
	};
	return -ERESTART_RESTARTBLOCK;
}

static long wait_again(struct restart_block *r)
{
	const struct wait_call c = {UPTR(r->arg[0]), (enum futex_scope)r->arg[1], (u32)r->arg[2],
	                            (u32)r->arg[3], r->arg[4]};
	return wait_until(&c);
}

static NOINLINE long futex_wait_call(uptr_t word, u32 op, u32 expected, u32 bitset, uptr_t timeout)
{
	struct wait_call c = {
		.word = word,
		.scope = op & FUTEX_PRIVATE_FLAG ? FUTEX_PRIVATE : FUTEX_SHARED,
		.expected = expected,
		.bitset = bitset,
		.deadline = PORT_FOREVER,
	};
	if (!uptr_null(timeout)) {
		struct abi_timespec t;
		TRY(port_copy_in(&t, timeout, sizeof t));
		if (!timespec_valid(&t))
			return -EINVAL;
		/* FUTEX_WAIT's is relative, FUTEX_WAIT_BITSET's absolute. */
		c.deadline = (op & FUTEX_CMD_MASK) == FUTEX_WAIT
		                     ? deadline_in(timespec_ns(&t))
		                     : timespec_deadline(&t, op & FUTEX_CLOCK_REALTIME);
	}
	/* Judged after the time-out was read, as on Linux. */
	if ((op & FUTEX_CLOCK_REALTIME) && (op & FUTEX_CMD_MASK) != FUTEX_WAIT_BITSET)
		return -ENOSYS;
	return wait_until(&c);
}

static NOINLINE long futex_two_words(uptr_t word, u32 op, u32 value, u64 value2, uptr_t word2,
                                     u32 value3)
{
	enum futex_scope scope = op & FUTEX_PRIVATE_FLAG ? FUTEX_PRIVATE : FUTEX_SHARED;

	if ((op & FUTEX_CMD_MASK) == FUTEX_WAKE_OP) {
		const struct futex_pair p = {
			.word = word,
			.other = word2,
			.scope = scope,
			.wake = (s32)value,
			.wake_other = (s32)value2,
			.operation = value3,
		};
		return futex_wake_op(&p);
	}
	const struct futex_move m = {
		.from = word,
		.to = word2,
		.scope = scope,
		.wake = (s32)value,
		.move = (s32)value2,
		.expected = (op & FUTEX_CMD_MASK) == FUTEX_REQUEUE ? NULL : &value3,
	};
	return (op & FUTEX_CMD_MASK) == FUTEX_CMP_REQUEUE_PI ? futex_pi_requeue(&m)
	                                                     : futex_requeue(&m);
}

/* => 0 and the deadline, for ever without a time-out. Absolute. */
static int absolute_deadline(uptr_t timeout, bool realtime, u64 *out)
{
	struct abi_timespec t;

	*out = PORT_FOREVER;
	if (uptr_null(timeout))
		return 0;
	TRY(port_copy_in(&t, timeout, sizeof t));
	if (!timespec_valid(&t))
		return -EINVAL;
	*out = timespec_deadline(&t, realtime);
	return 0;
}

/* LOCK_PI's time is always on the wall clock, LOCK_PI2's on the clock of the flag; both are absolute. */
static NOINLINE long futex_pi_call(uptr_t word, u32 op, uptr_t timeout)
{
	enum futex_scope scope = op & FUTEX_PRIVATE_FLAG ? FUTEX_PRIVATE : FUTEX_SHARED;
	u32 cmd = op & (u32)FUTEX_CMD_MASK;
	u64 deadline;

	if (cmd == FUTEX_UNLOCK_PI)
		return futex_pi_unlock(word, scope);
	if (cmd == FUTEX_TRYLOCK_PI)
		return futex_pi_trylock(word, scope);
	TRY(absolute_deadline(timeout, cmd == FUTEX_LOCK_PI || op & FUTEX_CLOCK_REALTIME,
	                      &deadline));
	if (cmd == FUTEX_LOCK_PI && op & FUTEX_CLOCK_REALTIME)
		return -ENOSYS;
	int err = futex_pi_lock(word, scope, deadline);
	return err == -EINTR ? -ERESTARTNOINTR : err;
}

static NOINLINE long futex_wait_requeue_call(uptr_t word, u32 op, u32 expected, uptr_t timeout,
                                             uptr_t word2)
{
	const struct futex_move m = {
		.from = word,
		.to = word2,
		.scope = op & FUTEX_PRIVATE_FLAG ? FUTEX_PRIVATE : FUTEX_SHARED,
		.expected = &expected,
	};
	u64 deadline;

	TRY(absolute_deadline(timeout, op & FUTEX_CLOCK_REALTIME, &deadline));
	int err = futex_pi_wait_requeue(&m, deadline);
	return err == -EINTR ? -ERESTARTNOINTR : err;
}

SYSCALL6(futex, uptr_t, word, u32, op, u32, value, uptr_t, timeout, uptr_t, word2, u32, value3)
{
	enum futex_scope scope = op & FUTEX_PRIVATE_FLAG ? FUTEX_PRIVATE : FUTEX_SHARED;
	u32 cmd = op & (u32)FUTEX_CMD_MASK;

	if (likely(op == (FUTEX_WAKE | FUTEX_PRIVATE_FLAG)))
		return futex_wake(word, FUTEX_PRIVATE, (s32)value, FUTEX_BITSET_MATCH_ANY);
	if (op == FUTEX_WAKE)
		return futex_wake(word, FUTEX_SHARED, (s32)value, FUTEX_BITSET_MATCH_ANY);
	if (cmd == FUTEX_WAIT && uptr_null(timeout) && !(op & FUTEX_CLOCK_REALTIME)) {
		int err = futex_wait(word, scope, value, FUTEX_BITSET_MATCH_ANY, PORT_FOREVER);
		return err == -EINTR ? -ERESTARTSYS : err;
	}
	if (cmd == FUTEX_WAIT || cmd == FUTEX_WAIT_BITSET)
		return futex_wait_call(word, op, value,
		                       cmd == FUTEX_WAIT ? FUTEX_BITSET_MATCH_ANY : value3,
		                       timeout);
	if (cmd == FUTEX_LOCK_PI || cmd == FUTEX_LOCK_PI2)
		return futex_pi_call(word, op, timeout);
	if (cmd == FUTEX_WAIT_REQUEUE_PI)
		return futex_wait_requeue_call(word, op, value, timeout, word2);
	if (unlikely(op & FUTEX_CLOCK_REALTIME))
		return -ENOSYS;
	switch (cmd) {
	case FUTEX_WAKE: return futex_wake(word, scope, (s32)value, FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAKE_BITSET: return futex_wake(word, scope, (s32)value, value3);
	case FUTEX_UNLOCK_PI:
	case FUTEX_TRYLOCK_PI: return futex_pi_call(word, op, timeout);
	case FUTEX_REQUEUE:
	case FUTEX_CMP_REQUEUE:
	case FUTEX_CMP_REQUEUE_PI:
	case FUTEX_WAKE_OP: return futex_two_words(word, op, value, timeout.addr, word2, value3);
	}
	return -ENOSYS;
}
