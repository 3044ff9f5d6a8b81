/* The parts of the log that only boot, panic and the self-tests use; everyone else: kernel/lib/log.h. */
#pragma once
#include "kernel/lib/compiler.h"

void log_set_quiet(void);
/* From here on nobody waits for the console's lock, whoever holds it. */
void log_enter_panic(void);
/* A line without time stamp, in spite of `quiet`, not kept. */
void log_bare(const char *fmt, ...) PRINTF_LIKE(1, 2);
