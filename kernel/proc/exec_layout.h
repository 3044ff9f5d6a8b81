/* Where things go in an address space, and how far chance moves them (as Linux x86-64). */
#pragma once
#include "kernel/lib/compiler.h"

#define USER_TOP 0x00007ffffffff000ull
#define PIE_BASE (USER_TOP / 3 * 2 & ~0xfffull)
enum {
	PIE_RANDOM_BITS = 28,
	MMAP_RANDOM_BITS = 28,
	STACK_RANDOM_BITS = 22,
	BRK_RANDOM_BITS = 13, /* 32 MiB */
};
/* => a random multiple of the page size below 2^bits pages, or 0 where personality(2) forbids chance. */
u64 exec_random_pages(unsigned bits);
