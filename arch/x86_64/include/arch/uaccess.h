/*
 * Access to user memory. Every instruction that may fault on a user address stands in the fault
 * table; the fault handler resumes at its fixup. Addresses at or above USER_END fail without access.
 *
 * The plain functions may sleep (demand paging): never while a P lock is held, checked in debug
 * builds. The _nofault ones never sleep and fail with -EFAULT where the page is not present with the
 * needed right.
 */
#pragma once
#include "kernel/lib/result.h"
#include "kernel/lib/uptr.h"

#define USER_END 0x00007ffffffff000ull /* TASK_SIZE of Linux x86-64 */

static inline bool user_range_ok(uptr_t p, size_t n)
{
	return n <= USER_END && p.addr <= USER_END - n;
}

/* => 0 or -EFAULT; on failure dst may be partly written. Inline for small constant n. */
MUST_CHECK int copy_from_user(void *dst, uptr_t src, size_t n);
MUST_CHECK int copy_to_user(uptr_t dst, const void *src, size_t n);
MUST_CHECK int clear_user(uptr_t dst, size_t n);
/* => bytes NOT copied, as partial results of read(2) and write(2) need. */
MUST_CHECK size_t copy_from_user_partial(void *dst, uptr_t src, size_t n);
MUST_CHECK size_t copy_to_user_partial(uptr_t dst, const void *src, size_t n);
/* => length without the NUL, -EFAULT, or -ENAMETOOLONG when no NUL within size bytes. */
MUST_CHECK ssize strncpy_from_user(char *dst, uptr_t src, size_t size);

MUST_CHECK int copy_from_user_nofault(void *dst, uptr_t src, size_t n);
MUST_CHECK int copy_to_user_nofault(uptr_t dst, const void *src, size_t n);
MUST_CHECK int user_load_u32_nofault(uptr_t p, u32 *out);
/* => 0 and the old value in *out_old (exchanged when it equals expected), or -EFAULT. */
MUST_CHECK int user_cmpxchg_u32_nofault(uptr_t p, u32 expected, u32 desired, u32 *out_old);
