/* Integer mixing for hash tables. */
#pragma once
#include "kernel/lib/compiler.h"

static inline u64 hash_u64(u64 x)
{
	return (x ^ x >> 32) * 0x9e3779b97f4a7c15ull;
}
/* The top `bits` bits, which are the well-mixed ones; bits > 0. */
static inline u32 hash_bits(u64 x, unsigned bits)
{
	return (u32)(hash_u64(x) >> (64 - bits));
}
/* FNV-1a over bytes. */
static inline u64 hash_bytes(const void *p, size_t n)
{
	u64 h = 0xcbf29ce484222325ull;
	for (const u8 *b = p; n; n--)
		h = (h ^ *b++) * 0x100000001b3ull;
	return h;
}
