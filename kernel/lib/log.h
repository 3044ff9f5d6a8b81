/*
 * The kernel log: every line to the serial console with a time stamp, unless `quiet` is on the
 * command line (warnings and worse still show). Safe from any context, interrupts and panic included.
 */
#pragma once
#include "kernel/lib/compiler.h"

void log_info(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_warn(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* Raw bytes to the console, not mixed into the middle of a log line: the tty's output. */
void console_write(const char *s, size_t n);
/* The last LOG_SIZE bytes of the log, as syslog(2) and /dev/kmsg show them: bytes [*pos, ...) of all that was ever
 * logged; *pos is moved forward to what is still kept. => bytes copied. */
enum { LOG_SIZE = 65536 };
size_t log_read(u64 *pos, char *buf, size_t n);
u64 log_end(void);
