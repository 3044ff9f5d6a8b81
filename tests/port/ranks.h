/*
 * The lock ranks of kernel/lib/lock_class.h, checked for the test worlds: each thread of control keeps
 * the locks that it holds in a struct held_locks.
 */
#pragma once
#include "kernel/lib/bug.h"
#include "kernel/lib/lock_class.h"

struct held_locks {
	struct {
		const void *lock;
		enum lock_class class;
	} held[16];
	u32 count;
};

struct lock_class_facts {
	const char *name;
	int rank;
	bool spins;
};
static inline const struct lock_class_facts *lock_class_facts(enum lock_class class)
{
	static const struct lock_class_facts facts[] = {
#define S                                  false
#define P                                  true
#define LOCK_CLASS(name, rank, kind, what) {#name, rank, kind},
		LOCK_CLASSES(LOCK_CLASS)
#undef LOCK_CLASS
#undef S
#undef P
	};
	return &facts[class];
}

enum rank_rule { RANK_ABOVE_ALL, RANK_EQUAL_ALLOWED }; /* the second lock of a *_lock2 */

/* Before the lock is waited for. */
static inline void ranks_check(const struct held_locks *h, enum lock_class class,
                               enum rank_rule rule)
{
	const struct lock_class_facts *wanted = lock_class_facts(class);
	for (u32 i = 0; i < h->count; i++) {
		const struct lock_class_facts *have = lock_class_facts(h->held[i].class);
		if (have->rank > wanted->rank ||
		    (have->rank == wanted->rank && rule == RANK_ABOVE_ALL))
			panic("lock order: %s (rank %d) is taken while %s (rank %d) is held",
			      wanted->name, wanted->rank, have->name, have->rank);
	}
}

static inline void ranks_taken(struct held_locks *h, const void *lock, enum lock_class class)
{
	ASSERT(h->count < ARRAY_SIZE(h->held));
	h->held[h->count].lock = lock;
	h->held[h->count++].class = class;
}

static inline void ranks_released(struct held_locks *h, const void *lock)
{
	u32 i = 0;
	while (i < h->count && h->held[i].lock != lock)
		i++;
	if (i == h->count)
		panic("a lock is released that is not held");
	h->held[i] = h->held[--h->count];
}

/* Sleeping and allocating need that no spinning lock is held. */
static inline void ranks_check_no_spinlock(const struct held_locks *h, const char *what)
{
	for (u32 i = 0; i < h->count; i++)
		if (lock_class_facts(h->held[i].class)->spins)
			panic("%s while %s is held", what,
			      lock_class_facts(h->held[i].class)->name);
}
