/* The hash of sleepers: for the files of this folder. */
#pragma once
#include "kernel/ipc/futex/futex.h"
#include "kernel/ipc/wait.h"
#include "kernel/lib/hash.h"
#include "kernel/lib/list.h"

struct pi_word;

struct futex_bucket {
	struct port_lock lock;
	bool moved;                 /* [l] words leave, none may come: look in the newer table */
	u32 words;                  /* [l] of both lists */
	struct futex_waiter *first; /* [l] first sleeper of the first word */
	struct pi_word *owned;      /* [l] first word with an owner, pi_word.h */
} ALIGNED(16);                      /* 32 bytes: cheap to index */

struct futex_table {
	struct port_defer defer;
	u64 mask; /* [I] number of buckets - 1 */
	struct futex_bucket bucket[];
};
extern struct futex_table *futex_table; /* [a] */

static inline bool key_equal(const struct port_futex_key *a, const struct port_futex_key *b)
{
	return a->offset == b->offset && a->space == b->space;
}
static ALWAYS_INLINE struct futex_bucket *bucket_of(struct futex_table *t,
                                                    struct port_futex_key key)
{
	/* Words are aligned; spaces are small numbers: keep both from meeting in the same bits. */
	return &t->bucket[hash_u64(key.offset >> 2 ^ key.space << 40) >> 32 & t->mask];
}

/* => the key's bucket, locked and not moved. Read section. */
struct futex_bucket *futex_bucket_lock_slow(struct port_futex_key key);
static ALWAYS_INLINE struct futex_bucket *futex_bucket_lock(struct port_futex_key key)
{
	struct futex_bucket *b = bucket_of(load_acquire(&futex_table), key);
	port_lock(&b->lock);
	if (likely(!b->moved))
		return b;
	port_unlock(&b->lock);
	return futex_bucket_lock_slow(key);
}
/* Both keys' buckets, for port_unlock2(). They may be one. */
void futex_bucket_lock2(const struct port_futex_key *a, const struct port_futex_key *b,
                        struct futex_bucket **out_a, struct futex_bucket **out_b);

/* => where the first sleeper of `key` hangs; *slot is NULL when there is none. b locked. */
static inline struct futex_waiter **word_find(struct futex_bucket *b,
                                              const struct port_futex_key *key)
{
	struct futex_waiter **slot = &b->first;
	while (*slot && !key_equal(&(*slot)->key, key))
		slot = &(*slot)->next_word;
	return slot;
}
/* Behind the sleepers of its word that are not of lower priority. b locked. */
void futex_queue(struct futex_bucket *b, struct futex_waiter *w);
/* Off its word. w->bucket locked. */
void futex_dequeue(struct futex_waiter *w);
static ALWAYS_INLINE int futex_key_of(uptr_t word, enum futex_scope scope,
                                      struct port_futex_key *out)
{
	if (unlikely(word.addr % sizeof(u32)))
		return -EINVAL;
	return port_futex_key(word, scope == FUTEX_SHARED, out);
}
/* Queues w if the word is as expected. => 0, -EAGAIN, or -EFAULT: could not look without faulting. */
MUST_CHECK int futex_queue_if(struct futex_waiter *w, uptr_t word, u32 expected);
/* => the bucket that w is in, locked. Requeue and growth change it, under the lock of the one it is in. Read section. */
struct futex_bucket *futex_waiter_lock(struct futex_waiter *w);
/* A sleeper gives up, as ipc_wait() asks for it. => false: its wait is decided. */
bool futex_withdraw(struct ipc_waiter *wait);
/* Has b more words than is usual before the table is about full? b locked. */
enum { FUTEX_CROWDED = 6 };
static inline bool futex_bucket_crowded(const struct futex_bucket *b)
{
	return b->words >= FUTEX_CROWDED;
}
/* Doubles the table, up to a limit; without memory it stays as it is. Read section, no lock. */
void futex_table_grow(void);
