/*
 * The kernel log: every line to the serial console with a time stamp, unless `quiet` is on the
 * command line (warnings and worse still show). Safe from any context, interrupts and panic included.
 */
#pragma once
#include "kernel/lib/compiler.h"

void log_info(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_warn(const char *fmt, ...) PRINTF_LIKE(1, 2);
