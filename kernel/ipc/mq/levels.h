/*
 * Where in a list that is ordered by priority each priority begins.
 *
 * Three levels of bitmaps say which of the 32768 priorities are there; the next one below a given priority is found by
 * looking at one word on each level, however many messages there are. A hash finds the first message of a priority; it
 * has as many buckets as messages fit the queue, so that its memory stays below what RLIMIT_MSGQUEUE has charged.
 *
 *	top:  1 word	bit i: mid[i] has bits
 *	mid:  8 words	bit j of mid[i]: low[64 i + j] has bits
 *	low:  512 words	bit k of low[n]: priority 64 n + k is there
 *
 * A queue needs none of this while all its messages have one priority, as most do. Memory is taken before the lock, when a
 * second priority first shows, and kept: nothing here fails.
 * Locking: the owner's.
 */
#pragma once
#include "abi/mqueue.h"
#include "kernel/ipc/port.h"

struct mq_message;
enum { LEVEL_WORDS = MQ_PRIO_MAX / 64 };
struct levels {
	u64 top;
	u64 mid[LEVEL_WORDS / 64];
	u64 low[LEVEL_WORDS];
	u32 bits; /* [I] buckets: 1 << bits */
	struct mq_message *bucket[];
};

/* => levels for a queue of up to `messages`, empty; or NULL. Ends with port_free(). */
MUST_CHECK struct levels *levels_new(u64 messages);
/* => the first message of the priority, or NULL. */
struct mq_message *levels_first(const struct levels *l, u32 priority);
/* => the highest priority below this one; there is one. */
u32 levels_below(const struct levels *l, u32 priority);
/* m becomes the first of its priority, which has none yet. */
void levels_add(struct levels *l, struct mq_message *m);
/* m takes the place of `first`, of the same priority. */
void levels_replace(struct levels *l, struct mq_message *first, struct mq_message *m);
/* m, the first of its priority, was the last one too. */
void levels_del(struct levels *l, struct mq_message *m);
