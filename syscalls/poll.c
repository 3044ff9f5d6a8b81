/*
 * poll(2), ppoll, select(2), pselect6: arguments, time-outs, signal masks.
 *
 * The Linux-specific part: ppoll, select and pselect6 write the time that was left back to the user; poll
 * restarts through restart_syscall(2) with its original deadline, the others restart only when no
 * handler ran, and then find the time that is left where they left it.
 */
#include "abi/poll.h"
#include "arch/clock.h"
#include "arch/uaccess.h"
#include "kernel/lib/checked.h"
#include "kernel/lib/string.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/fdtable.h"
#include "kernel/proc/poll.h"
#include "kernel/proc/task.h"
#include "syscalls/syscall.h"

enum { POLLFDS_ON_STACK = 32, POLLFDS_CONTIGUOUS = 16384, SELECT_WORDS_ON_STACK = 4 };
enum { NS_PER_US = 1000, NS_PER_MS = 1000000, US_PER_SECOND = 1000000 };
#define NS_PER_SECOND 1000000000ull

/* timespec(3) and timeval(3) have the same shape. */
struct user_time {
	s64 seconds, fraction;
};
struct deadline {
	u64 ns;      /* 0: do not wait, PARK_FOREVER: no end */
	s64 seconds; /* the same, exact beyond what ns can hold */
	s64 nanoseconds;
};

static u64 deadline_in_ms(s32 ms)
{
	if (ms < 0)
		return PARK_FOREVER;
	return ms ? clock_mono_ns() + (u64)ms * NS_PER_MS : 0;
}

/* => 0, or -EINVAL for what is no time. */
static int deadline_after(struct user_time t, u32 ns_per_unit, struct deadline *out)
{
	u64 units = NS_PER_SECOND / ns_per_unit;
	if (t.seconds < 0 || (u64)t.fraction >= units)
		return -EINVAL;
	if (t.seconds == 0 && t.fraction == 0) {
		*out = (struct deadline){0};
		return 0;
	}
	u64 now = clock_mono_ns();
	u64 fraction = (u64)t.fraction * ns_per_unit + now % NS_PER_SECOND;
	s64 whole = (s64)(now / NS_PER_SECOND + fraction / NS_PER_SECOND);
	out->nanoseconds = (s64)(fraction % NS_PER_SECOND);
	if (add_overflows(t.seconds, whole, &out->seconds)) {
		out->seconds = INT64_MAX;
		out->nanoseconds = 0;
	}
	s64 ns;
	bool never = mul_overflows(out->seconds, (s64)NS_PER_SECOND, &ns) ||
	             add_overflows(ns, out->nanoseconds, &ns);
	out->ns = never ? PARK_FOREVER : (u64)ns;
	return 0;
}

/* => what is left until d, not below zero. */
static struct user_time deadline_left(const struct deadline *d, u32 ns_per_unit)
{
	u64 now = clock_mono_ns();
	s64 seconds = d->seconds - (s64)(now / NS_PER_SECOND);
	s64 ns = d->nanoseconds - (s64)(now % NS_PER_SECOND);
	if (ns < 0) {
		seconds--;
		ns += (s64)NS_PER_SECOND;
	}
	if (seconds < 0)
		return (struct user_time){0};
	return (struct user_time){seconds, ns / ns_per_unit};
}

/* Ends ppoll, select and pselect6: mask and remaining time. `timeout` null: there was none. */
static long poll_finish(long result, uptr_t timeout, const struct deadline *d, u32 ns_per_unit)
{
	if (result != -ERESTARTNOHAND)
		signal_mask_restore();
	if (uptr_null(timeout) || d->ns == 0)
		return result;
	struct user_time left = deadline_left(d, ns_per_unit);
	/* A timeout in read-only memory is no error, but then a restart would wait too long. */
	if (copy_to_user(timeout, &left, sizeof left) && result == -ERESTARTNOHAND)
		return -EINTR;
	return result;
}

/* Only revents is written: another thread may be changing the rest. One range check for all. */
static int revents_to_user(uptr_t user, const struct pollfd *fds, u32 n)
{
	if (unlikely(!user_range_ok(user, n * sizeof *fds)))
		return -EFAULT;
	u64 to = user.addr + offsetof(struct pollfd, revents);
	const struct pollfd *p = fds, *end = fds + n;
	user_open();
	for (const struct pollfd *fours = fds + (n & ~3u); p < fours; p += 4, to += 4 * sizeof *p) {
		USER_STORE_(s16, to, &p[0].revents, fault, "0");
		USER_STORE_(s16, to + sizeof *p, &p[1].revents, fault, "0");
		USER_STORE_(s16, to + 2 * sizeof *p, &p[2].revents, fault, "0");
		USER_STORE_(s16, to + 3 * sizeof *p, &p[3].revents, fault, "0");
	}
	for (; p < end; p++, to += sizeof *p)
		USER_STORE_(s16, to, &p->revents, fault, "0");
	user_close();
	return 0;
fault:
	return -EFAULT;
}

static inline long poll_copied(uptr_t user, struct pollfd *fds, u32 n, u64 deadline_ns)
{
	TRY(copy_from_user(fds, user, n * sizeof *fds));
	long result = poll_fds(fds, n, deadline_ns);
	TRY(revents_to_user(user, fds, n));
	return result;
}

static NOINLINE long poll_many(uptr_t user, u32 n, u64 deadline_ns)
{
	size_t bytes = n * sizeof(struct pollfd);
	struct pollfd *fds = bytes <= POLLFDS_CONTIGUOUS ? kmalloc(bytes) : kvzalloc(bytes);
	if (!fds)
		return -ENOMEM;
	long result = poll_copied(user, fds, n, deadline_ns);
	kvfree(fds);
	return result;
}

static NOINLINE long poll_few(uptr_t user, u32 n, u64 deadline_ns)
{
	struct pollfd fds[POLLFDS_ON_STACK];
	return poll_copied(user, fds, n, deadline_ns);
}

/* The commonest call by far: its copies are one instruction each. */
static ALWAYS_INLINE long poll_single(uptr_t user, u64 deadline_ns)
{
	struct pollfd p;
	TRY(copy_from_user(&p, user, sizeof p));
	long result = poll_fds(&p, 1, deadline_ns);
	TRY(copy_to_user(uptr_add(user, offsetof(struct pollfd, revents)), &p.revents,
	                 sizeof p.revents));
	return result;
}

static ALWAYS_INLINE long poll_user(uptr_t user, u32 n, u64 deadline_ns)
{
	if (unlikely(n > load_relaxed(&process_current()->rlimits.limit[RLIMIT_NOFILE].soft)))
		return -EINVAL;
	if (n == 1)
		return poll_single(user, deadline_ns);
	return n > POLLFDS_ON_STACK ? poll_many(user, n, deadline_ns)
	                            : poll_few(user, n, deadline_ns);
}

static long poll_restart(struct restart_block *r);
static long poll_or_restart(uptr_t user, u32 n, u64 deadline_ns)
{
	long result = poll_user(user, n, deadline_ns);
	if (unlikely(result == -ERESTARTNOHAND)) {
		struct restart_block *r = &task_current()->restart;
		r->fn = poll_restart;
		r->arg[0] = user.addr;
		r->arg[1] = n;
		r->arg[2] = deadline_ns;
		return -ERESTART_RESTARTBLOCK;
	}
	return result;
}

static long poll_restart(struct restart_block *r)
{
	return poll_or_restart(UPTR(r->arg[0]), (u32)r->arg[1], r->arg[2]);
}

SYSCALL3(poll, uptr_t, fds, u32, n, s32, timeout_ms)
{
	return poll_or_restart(fds, n, deadline_in_ms(timeout_ms));
}

/* Reads an optional timeout. => 0, -EFAULT, -EINVAL. */
static int deadline_from_user(uptr_t timeout, u32 ns_per_unit, struct deadline *out)
{
	struct user_time t;
	*out = (struct deadline){.ns = PARK_FOREVER};
	if (uptr_null(timeout))
		return 0;
	TRY(copy_from_user(&t, timeout, sizeof t));
	return deadline_after(t, ns_per_unit, out);
}

SYSCALL5(ppoll, uptr_t, fds, u32, n, uptr_t, timeout, uptr_t, mask, size_t, mask_size)
{
	struct deadline d;
	TRY(deadline_from_user(timeout, 1, &d));
	TRY(signal_mask_push_user(mask, mask_size));
	return poll_finish(poll_user(fds, n, d.ns), timeout, &d, 1);
}

/* in, out and three result bitmaps of `words` words each in one block. */
static long select_copied(const uptr_t user[3], u64 *block, u32 n, u32 words, u64 deadline_ns)
{
	struct select_sets sets;
	size_t bytes = words * sizeof(u64);
	for (int k = 0; k < 3; k++) {
		u64 *in = block + (size_t)k * words;
		sets.in[k] = in;
		sets.out[k] = block + (size_t)(k + 3) * words;
		if (uptr_null(user[k]))
			memset(in, 0, bytes);
		else
			TRY(copy_from_user(in, user[k], bytes));
	}
	memset(sets.out[0], 0, 3 * bytes);
	long result = select_fds(&sets, n, deadline_ns);
	for (int k = 0; k < 3 && result >= 0; k++)
		if (!uptr_null(user[k]))
			TRY(copy_to_user(user[k], sets.out[k], bytes));
	return result;
}

static long select_user(s32 n, const uptr_t user[3], u64 deadline_ns)
{
	if (n < 0)
		return -EINVAL;
	/* Bits beyond the table cannot be open: Linux neither reads nor refuses them. */
	n = (s32)MIN((u32)n, fdtable_size(fdtable_current()));
	u32 words = ROUND_UP((u32)n, 64) / 64;
	if (words <= SELECT_WORDS_ON_STACK) {
		u64 block[6 * SELECT_WORDS_ON_STACK];
		return select_copied(user, block, (u32)n, words, deadline_ns);
	}
	u64 *block = kvzalloc((size_t)words * 6 * sizeof *block);
	if (!block)
		return -ENOMEM;
	long result = select_copied(user, block, (u32)n, words, deadline_ns);
	kvfree(block);
	return result;
}

SYSCALL5(select, s32, n, uptr_t, in, uptr_t, out, uptr_t, except, uptr_t, timeout)
{
	struct deadline d = {.ns = PARK_FOREVER};
	if (!uptr_null(timeout)) {
		struct user_time t;
		TRY(copy_from_user(&t, timeout, sizeof t));
		/* select(2), unlike the others, carries whole seconds over from the fraction. */
		if (add_overflows(t.seconds, t.fraction / US_PER_SECOND, &t.seconds))
			return -EINVAL;
		t.fraction %= US_PER_SECOND;
		TRY(deadline_after(t, NS_PER_US, &d));
	}
	long result = select_user(n, (uptr_t[3]){in, out, except}, d.ns);
	return poll_finish(result, timeout, &d, NS_PER_US);
}

SYSCALL6(pselect6, s32, n, uptr_t, in, uptr_t, out, uptr_t, except, uptr_t, timeout, uptr_t, mask)
{
	struct {
		uptr_t set;
		u64 size;
	} arg = {UPTR_NULL, 0};
	if (!uptr_null(mask))
		TRY(copy_from_user(&arg, mask, sizeof arg));
	struct deadline d;
	TRY(deadline_from_user(timeout, 1, &d));
	TRY(signal_mask_push_user(arg.set, arg.size));
	long result = select_user(n, (uptr_t[3]){in, out, except}, d.ns);
	return poll_finish(result, timeout, &d, 1);
}
