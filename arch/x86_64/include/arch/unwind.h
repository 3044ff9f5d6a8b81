/*
 * Walking a kernel stack by the unwind tables that the compiler leaves in .eh_frame: no frame pointers are kept.
 * Bounded in every direction: damaged stacks end the walk, they do not fault it.
 */
#pragma once
#include "kernel/lib/compiler.h"

struct regs;
struct unwind {
	u64 pc, sp;
	u64 saved[16]; /* registers by DWARF number, where a frame's rules need them */
	const struct regs *
		trap; /* set by unwind_step() when the frame entered was an exception or system call */
};

/* The caller's frame, or where *regs was interrupted. */
void unwind_start(struct unwind *u);
void unwind_start_at(struct unwind *u, const struct regs *regs);
/* => true: u->pc is the return address in the calling frame; false: the outermost frame was reached. */
bool unwind_step(struct unwind *u);
