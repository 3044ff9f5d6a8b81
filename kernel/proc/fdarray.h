/*
 * The slots of a descriptor table (fdtable.h), with a bit for each that is taken, and one for each that close-on-exec closes.
 *
 * Objects: an array belongs to its table, which replaces it by a larger one when it is full; who looks without the
 * table's lock may still read the old one until RCU frees it.
 * Locking: the caller's, FDTABLE. What can fail: fdarray_new() (NULL: no memory).
 */
#pragma once
#include "abi/fcntl.h"
#include "kernel/lib/compiler.h"
#include "kernel/sched/rcu.h"

struct file;
struct fdarray {
	u32 size;            /* slots, a multiple of 64 */
	struct file **files; /* [FDTABLE] written, RCU read */
	u64 *used, *cloexec; /* [FDTABLE] bit per slot */
	u64 *full;           /* [FDTABLE] bit per word of `used` that is all ones */
	struct rcu_head rcu;
};

/* size: a multiple of 64. */
MUST_CHECK struct fdarray *fdarray_new(u32 size);
void fdarray_free(struct fdarray *a);       /* nobody has seen it, or can see it any more */
void fdarray_free_later(struct fdarray *a); /* after a grace period */
/* All of `from` into the larger, empty `to`. */
void fdarray_copy(struct fdarray *to, const struct fdarray *from);
/* => lowest free slot >= from, or a->size. At most one word of `used` and size / 4096 words of `full` are read. */
u32 fdarray_find_free(const struct fdarray *a, u32 from);
u32 fdarray_end(const struct fdarray *a); /* => one past the highest used slot */

static inline void fdarray_mark(struct fdarray *a, u32 fd)
{
	a->used[fd / 64] |= BIT(fd % 64);
	if (a->used[fd / 64] == UINT64_MAX)
		a->full[fd / 4096] |= BIT(fd / 64 % 64);
}

static inline void fdarray_release(struct fdarray *a, u32 fd)
{
	a->used[fd / 64] &= ~BIT(fd % 64);
	a->cloexec[fd / 64] &= ~BIT(fd % 64);
	a->full[fd / 4096] &= ~BIT(fd / 64 % 64);
}

static inline void fdarray_set_cloexec(struct fdarray *a, u32 fd, u32 flags)
{
	if (flags & O_CLOEXEC)
		a->cloexec[fd / 64] |= BIT(fd % 64);
	else
		a->cloexec[fd / 64] &= ~BIT(fd % 64);
}
