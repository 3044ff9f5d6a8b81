/*
 * Lazy floating point. The save area of a thread lies above its kernel stack (context.c), so that
 * first use cannot fail.
 *
 *	state of a thread	fpu_used  fpu_live  fpu_cpu
 *	never used		0	  0	    ~0
 *	in registers, newer	1	  1	    this processor	CR0.TS clear
 *	saved, maybe in regs	1	  0	    where they may be	CR0.TS set
 *
 * CR0.TS is clear exactly while the current thread is fpu_live. fpu_owner of a processor is the thread whose state
 * its registers hold; together with that thread's fpu_cpu it tells whether a load can be skipped.
 */
#pragma once
#include "arch/context.h"

extern u32 fpu_state_size; /* of the save area: multiple of 64 */

void fpu_init_cpu(void);              /* each processor; the first call sizes and probes */
void fpu_trap(struct regs *regs);     /* #NM: first use since switched in */
void fpu_save(struct arch_thread *a); /* current thread, live */
void fpu_drop(struct arch_thread *a); /* current thread: back to the initial state */
void fpu_copy(struct arch_thread *to, struct arch_thread *from); /* from: current thread */
