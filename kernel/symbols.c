#include "kernel/lib/symbols.h"

/* Absent in the first link pass: address 0. Offsets are the low 32 bits of addresses, ascending. */
extern const u32 symbol_count __attribute__((weak)), symbol_addresses[] __attribute__((weak)),
	symbol_positions[] __attribute__((weak));
extern const char symbol_names[] __attribute__((weak));
extern const char text_start[], text_end[];

const char *symbol_find(u64 address, u64 *out_start)
{
	if (!&symbol_count || address < (u64)text_start || address >= (u64)text_end)
		return NULL;
	u32 low = 0, high = symbol_count;
	while (low < high) {
		u32 middle = (low + high) / 2;
		if (symbol_addresses[middle] <= (u32)address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	*out_start = (address & ~0xffffffffull) | symbol_addresses[low - 1];
	return symbol_names + symbol_positions[low - 1];
}
