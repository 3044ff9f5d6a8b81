/*
 * The vDSO, vdso(7): a small shared object in every process that reads clocks without entering the kernel. Its image is
 * built from arch/x86_64/vdso; behind the code stands one page of data, the same for all, written under a
 * sequence count whenever the wall clock is set.
 */
#pragma once
#include "kernel/lib/result.h"

struct aspace;
/* Maps data page and image into `as` (execve). => 0 with the address for AT_SYSINFO_EHDR, or -ENOMEM. */
MUST_CHECK int vdso_map(struct aspace *as, u64 *out_base);
void vdso_init(void);         /* boot */
void vdso_update_clock(void); /* after realtime_set */
