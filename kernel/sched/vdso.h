/*
 * The vDSO, vdso(7): a small shared object in every process that reads clocks without entering the kernel. Its code is
 * arch/x86_64/vdso, linked into an ELF image that the kernel carries. Before the image stands one page of data,
 * the same for all processes and read-only to them: the scale of the cycle counter and the offset of the wall clock.
 *
 *	[vvar]	struct vdso_data	page 0 of one memory object
 *	[vdso]	ELF image		the pages after it
 *
 * Locking: `sequence` is odd while the page changes; readers try again. Writers: one at a time (realtime_set).
 */
#pragma once
#include "kernel/lib/result.h"

struct vdso_data {
	u32 sequence;
	u32 has_cpu_segment; /* `lsl` of VDSO_CPU_SEGMENT gives the processor's number */
	u64 base_cycles, mult;
	s64 wall_offset_ns;
	s32 minutes_west, dst_time;
};
/* A user segment whose limit is the number of the processor, as on Linux (__CPUNODE_SEG). */
enum { VDSO_CPU_SEGMENT = 0x7b };

struct aspace;
/* Maps data page and image into `as` (execve). => 0 with the address for AT_SYSINFO_EHDR, or -ENOMEM. */
MUST_CHECK int vdso_map(struct aspace *as, u64 *out_base);
void vdso_init(void);         /* boot, on any processor, after the memory manager */
void vdso_update_clock(void); /* the wall clock was set; harmless before vdso_init */
/* settimeofday(2)'s time zone, of no meaning to the kernel. */
void vdso_set_timezone(s32 minutes_west, s32 dst_time);
