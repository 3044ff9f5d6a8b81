/*
 * The end: what to do when an invariant is broken (kernel/lib/bug.h has panic() itself).
 *
 * The first processor to panic stops the others, prints the reason, processor, thread, held locks and a
 * backtrace, and then does what the command line says: panic=N as kernel-parameters.txt of Linux has it (0 or
 * absent: halt; negative: reset at once; positive: reset after N seconds). While self-tests run a panic ends
 * them with failure.
 */
#pragma once
#include "kernel/lib/compiler.h"

struct regs;
/* Panics about `regs`, an exception frame, from which the backtrace starts. */
NORETURN COLD void panic_at(const struct regs *regs, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The command line's panic=; and self-tests: a panic is a failed run. */
void panic_init(void);
void panic_ends_selftest(void);
