/* futex(2), get_robust_list(2). */
#pragma once
#include "abi/types.h"

enum {
	FUTEX_WAIT = 0,
	FUTEX_WAKE = 1,
	FUTEX_FD = 2,
	FUTEX_REQUEUE = 3,
	FUTEX_CMP_REQUEUE = 4,
	FUTEX_WAKE_OP = 5,
	FUTEX_LOCK_PI = 6,
	FUTEX_UNLOCK_PI = 7,
	FUTEX_TRYLOCK_PI = 8,
	FUTEX_WAIT_BITSET = 9,
	FUTEX_WAKE_BITSET = 10,
	FUTEX_WAIT_REQUEUE_PI = 11,
	FUTEX_CMP_REQUEUE_PI = 12,
	FUTEX_LOCK_PI2 = 13,
	FUTEX_PRIVATE_FLAG = 128,
	FUTEX_CLOCK_REALTIME = 256,
	FUTEX_CMD_MASK = ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME),
};
#define FUTEX_BITSET_MATCH_ANY 0xffffffffu

/* futex_waitv(2) */
struct futex_waitv_abi {
	u64 val, uaddr;
	u32 flags, reserved;
};
_Static_assert(sizeof(struct futex_waitv_abi) == 24, "ABI");
enum { FUTEX_32 = 2 };

/* FUTEX_WAKE_OP: op 4 bits, cmp 4 bits, oparg 12 bits, cmparg 12 bits. */
enum {
	FUTEX_OP_SET,
	FUTEX_OP_ADD,
	FUTEX_OP_OR,
	FUTEX_OP_ANDN,
	FUTEX_OP_XOR,
	FUTEX_OP_ARG_SHIFT = 8
};
enum {
	FUTEX_OP_CMP_EQ,
	FUTEX_OP_CMP_NE,
	FUTEX_OP_CMP_LT,
	FUTEX_OP_CMP_LE,
	FUTEX_OP_CMP_GT,
	FUTEX_OP_CMP_GE,
};

#define FUTEX_WAITERS    0x80000000u
#define FUTEX_OWNER_DIED 0x40000000u
#define FUTEX_TID_MASK   0x3fffffffu

struct robust_list_head {
	u64 next;         /* struct robust_list *, bit 0: the lock is a PI one */
	s64 futex_offset; /* from list entry to futex word */
	u64 list_op_pending;
};
_Static_assert(sizeof(struct robust_list_head) == 24, "ABI");
enum { ROBUST_LIST_LIMIT = 2048 };
