/*
 * Robust futexes, get_robust_list(2): user space keeps a list of the locks a thread holds; when the thread
 * ends, each is marked FUTEX_OWNER_DIED and one waiter is woken. The list is user memory that anybody may
 * have scribbled on: it is read with care, and at most ROBUST_LIST_LIMIT entries of it.
 */
#include "kernel/ipc/futex/futex.h"

enum entry_kind { ENTRY_ON_LIST, ENTRY_PENDING };

/* Reads a pointer whose bit 0 says "priority-inheriting". => 0 or -EFAULT. */
static int read_entry(uptr_t at, u64 *out_entry, bool *out_pi)
{
	u64 raw;
	TRY(port_copy_in(&raw, at, sizeof raw));
	*out_entry = raw & ~1ull;
	*out_pi = raw & 1;
	return 0;
}

static void wake_one(uptr_t word)
{
	int woken = futex_wake(word, FUTEX_SHARED, 1, FUTEX_BITSET_MATCH_ANY);
	(void)woken; /* nobody left to tell */
}

/* Sets FUTEX_OWNER_DIED if `tid` still owns the word. => 0; or negative: the list cannot be trusted. */
static int owner_died(uptr_t word, u32 tid, bool pi, enum entry_kind kind)
{
	u32 value, found;

	if (word.addr % sizeof(u32))
		return -EINVAL;
	TRY(port_copy_in(&value, word, sizeof value));
	for (;; value = found) {
		/* Released, but the thread died before it could wake: do that for it. */
		if (kind == ENTRY_PENDING && !pi && !value) {
			wake_one(word);
			return 0;
		}
		if ((value & FUTEX_TID_MASK) != tid)
			return 0;
		u32 died = (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
		if (port_user_cmpxchg_nofault(word, value, died, &found)) {
			TRY(port_user_fault_in(word, true));
			TRY(port_copy_in(&found, word, sizeof found));
			continue;
		}
		if (found == value)
			break;
	}
	if (!pi && (value & FUTEX_WAITERS))
		wake_one(word);
	return 0;
}

void futex_robust_exit(uptr_t head, u32 tid)
{
	struct robust_list_head h;
	u64 entry, next = 0, pending;
	bool pi, next_pi = false, pending_pi;

	if (port_copy_in(&h, head, sizeof h) || read_entry(head, &entry, &pi))
		return;
	pending = h.list_op_pending & ~1ull;
	pending_pi = h.list_op_pending & 1;
	for (u32 left = ROBUST_LIST_LIMIT; entry != head.addr && left > 0; left--) {
		/* The next one first: once woken, others may free this one. */
		int err = read_entry(UPTR(entry), &next, &next_pi);
		if (entry != pending &&
		    owner_died(UPTR(entry + (u64)h.futex_offset), tid, pi, ENTRY_ON_LIST))
			return;
		if (err)
			return;
		entry = next;
		pi = next_pi;
		port_yield();
	}
	if (pending)
		(void)!owner_died(UPTR(pending + (u64)h.futex_offset), tid, pending_pi,
		                  ENTRY_PENDING);
}
