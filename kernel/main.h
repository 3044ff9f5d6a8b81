/* Where the architecture hands over, on processor 0, interrupts off, memory map known, clocks running. */
#pragma once
#include "kernel/lib/compiler.h"

NORETURN void kernel_main(void);
/* The self-test runner (selftest.c): runs the tests whose names match and ends QEMU. */
NORETURN void selftest_run(const char *pattern);
