/*
 * Restartable sequences, rseq(2): user space registers a word that tells it its processor, and a stretch of code
 * that must start over when the thread was preempted, moved or signalled inside it.
 *
 * The scheduler marks a thread that it moves with THREAD_WORK_TASK; the rest happens on the way to user space.
 * A registration that cannot be read or written any more gets SIGSEGV.
 */
#pragma once
#include "arch/regs.h"
#include "kernel/lib/result.h"
#include "kernel/lib/uptr.h"

MUST_CHECK int rseq_register(uptr_t area, u32 len, u32 signature);
MUST_CHECK int rseq_unregister(uptr_t area, u32 len, u32 signature);
void rseq_before_handler(struct regs *regs); /* a handler is about to interrupt *regs */
void rseq_before_return(struct regs *regs);  /* the thread may have been switched or moved */
