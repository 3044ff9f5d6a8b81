/*
 * mremap(2) and brk(2): changes of an area's size and place. Pages move from page table to page table, or
 * stay; nothing is copied.
 */
#pragma once
#include "kernel/mm/aspace.h"

/* => the new address, or -EINVAL, -EFAULT (no such mapping), -ENOMEM, -EAGAIN (RLIMIT_MEMLOCK). */
MUST_CHECK s64 vm_remap(struct aspace *as, u64 old, u64 old_length, u64 new_length, u32 flags,
                        u64 new);
/* => the break after the attempt. */
u64 vm_brk(struct aspace *as, u64 brk);
