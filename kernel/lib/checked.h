/* Checked arithmetic: true on overflow, like the builtins. For every size that user space chose. */
#pragma once
#include "kernel/lib/compiler.h"

#define add_overflows(a, b, out) __builtin_add_overflow(a, b, out)
#define sub_overflows(a, b, out) __builtin_sub_overflow(a, b, out)
#define mul_overflows(a, b, out) __builtin_mul_overflow(a, b, out)
