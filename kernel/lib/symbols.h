/*
 * Names for code addresses, for panics and reports (kernel/symbols.c). The tables are made by scripts/link from the first link pass.
 */
#pragma once
#include "kernel/lib/compiler.h"

/* => the name of the function that contains `address` and its start, or NULL. */
const char *symbol_find(u64 address, u64 *out_start);
