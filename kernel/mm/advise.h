/*
 * madvise(2), mlock(2) and friends, mincore(2): advice about ranges of addresses. Arguments are checked
 * by the system call; these walk the areas. Write-locks or read-locks inside.
 *
 * Where part of a range is not mapped, the rest is done and -ENOMEM says so.
 */
#pragma once
#include "kernel/mm/aspace.h"

/* Drops the pages; private memory reads as zero again (MADV_DONTNEED, MADV_FREE). => 0, -ENOMEM,
 * -EINVAL: locked, or with only_anonymous an area that is not. */
MUST_CHECK int vm_discard(struct aspace *as, u64 start, u64 end, bool only_anonymous,
                          bool locked_too);
/* MADV_REMOVE. => 0, -EINVAL, -EACCES. */
MUST_CHECK int vm_punch(struct aspace *as, u64 start, u64 end);
/* MADV_DONTFORK and the like: changes VM_* flags. only_anonymous: -EINVAL for others. */
MUST_CHECK int vm_reflag(struct aspace *as, u64 start, u64 end, u32 set, u32 clear,
                         bool only_anonymous);
/* Is all of it mapped? => 0, -ENOMEM; -EINVAL where an area has a flag of `refuse`. */
MUST_CHECK int vm_check_mapped(struct aspace *as, u64 start, u64 end, u32 refuse);
/* MADV_POPULATE_READ, _WRITE. => 0, -ENOMEM, -EFAULT, -EINVAL: not allowed to. */
MUST_CHECK int vm_populate_as(struct aspace *as, u64 start, u64 end, bool write);

/* mlock2(2) (flags: VM_LOCKED, VM_LOCKONFAULT; 0: munlock). => 0, -ENOMEM, -EAGAIN, -EPERM. */
MUST_CHECK int vm_lock(struct aspace *as, u64 start, u64 end, u32 flags);
/* mlockall(2); 0 and 0: munlockall. */
MUST_CHECK int vm_lock_all(struct aspace *as, u32 current_flags, u32 future_flags,
                           bool change_current);
/* => 0, or -EPERM: this process may not lock at all. */
MUST_CHECK int vm_may_lock(void);

/* One byte for each of `pages` pages from addr. => 0, -ENOMEM: a hole. */
MUST_CHECK int vm_residency(struct aspace *as, u64 addr, u32 pages, u8 *out);
