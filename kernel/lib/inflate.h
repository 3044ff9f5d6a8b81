/*
 * Decompression of gzip members (RFC 1952) of deflate data (RFC 1951), from memory to memory.
 */
#pragma once
#include "kernel/lib/result.h"

/* Decodes the member at in. out NULL: only measures. *out_used: bytes of `in` that the member took, *out_size: bytes it
 * makes. => 0, -EINVAL (not gzip, broken, check sum), -ENOSPC (room is too small). */
MUST_CHECK int gunzip(const u8 *in, size_t size, u8 *out, size_t room, size_t *out_used,
                      size_t *out_size);
static inline bool is_gzip(const u8 *in, size_t size)
{
	return size > 18 && in[0] == 0x1f && in[1] == 0x8b;
}
