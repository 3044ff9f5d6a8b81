/*
 * Formatted output: the C99 conversions d i u o x X c s p %, flags - 0 + space #, width, precision,
 * `*`, lengths hh h l ll z t j. No floating point.
 */
#pragma once
#include <stdarg.h>
#include "kernel/lib/compiler.h"

/* => length that the whole text would have; terminates when size > 0. */
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap) PRINTF_LIKE(3, 0);
int snprintf(char *buf, size_t size, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Like snprintf, but => the characters written, so that calls can be chained. */
int scnprintf(char *buf, size_t size, const char *fmt, ...) PRINTF_LIKE(3, 4);
