/*
 * ChaCha20 (RFC 8439) and BLAKE2s (RFC 7693) for the random pool: pure functions over the caller's
 * memory, without tables of secrets or branches on them.
 */
#pragma once
#include "kernel/lib/compiler.h"

enum { CHACHA_KEY_WORDS = 8, CHACHA_BLOCK = 64 };
/* One block of key stream for (key, counter), nonce zero. */
void chacha_block(const u32 key[CHACHA_KEY_WORDS], u64 counter, u8 out[CHACHA_BLOCK]);

enum { BLAKE2S_BLOCK = 64, BLAKE2S_HASH = 32 };
struct blake2s {
	u32 h[8];
	u64 length; /* bytes compressed so far */
	u32 fill;   /* bytes in buf */
	u8 buf[BLAKE2S_BLOCK];
};
void blake2s_init(struct blake2s *b);
void blake2s_update(struct blake2s *b, const void *data, size_t n);
void blake2s_final(struct blake2s *b, u8 out[BLAKE2S_HASH]);
