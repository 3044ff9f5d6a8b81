#include "kernel/dev/chacha.h"
#include "kernel/lib/string.h"

static inline u32 rotl(u32 x, unsigned n)
{
	return x << n | x >> (32 - n);
}
static inline u32 rotr(u32 x, unsigned n)
{
	return x >> n | x << (32 - n);
}

static inline void chacha_quarter(u32 *x, unsigned a, unsigned b, unsigned c, unsigned d)
{
	x[a] += x[b], x[d] = rotl(x[d] ^ x[a], 16);
	x[c] += x[d], x[b] = rotl(x[b] ^ x[c], 12);
	x[a] += x[b], x[d] = rotl(x[d] ^ x[a], 8);
	x[c] += x[d], x[b] = rotl(x[b] ^ x[c], 7);
}

void chacha_block(const u32 key[CHACHA_KEY_WORDS], u64 counter, u8 out[CHACHA_BLOCK])
{
	u32 in[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
	memcpy(in + 4, key, CHACHA_KEY_WORDS * sizeof(u32));
	in[12] = (u32)counter;
	in[13] = (u32)(counter >> 32);
	u32 x[16];
	memcpy(x, in, sizeof x);
	for (int round = 0; round < 10; round++) {
		chacha_quarter(x, 0, 4, 8, 12);
		chacha_quarter(x, 1, 5, 9, 13);
		chacha_quarter(x, 2, 6, 10, 14);
		chacha_quarter(x, 3, 7, 11, 15);
		chacha_quarter(x, 0, 5, 10, 15);
		chacha_quarter(x, 1, 6, 11, 12);
		chacha_quarter(x, 2, 7, 8, 13);
		chacha_quarter(x, 3, 4, 9, 14);
	}
	for (int i = 0; i < 16; i++)
		x[i] += in[i];
	memcpy(out, x, CHACHA_BLOCK);
}

static const u32 blake2s_iv[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
static const u8 blake2s_sigma[10][16] = {
	{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
	{14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
	{11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
	{7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
	{9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
	{2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
	{12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
	{13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
	{6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
	{10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

static inline void blake2s_quarter(u32 *v, unsigned a, unsigned b, unsigned c, unsigned d, u32 x,
                                   u32 y)
{
	v[a] += v[b] + x, v[d] = rotr(v[d] ^ v[a], 16);
	v[c] += v[d], v[b] = rotr(v[b] ^ v[c], 12);
	v[a] += v[b] + y, v[d] = rotr(v[d] ^ v[a], 8);
	v[c] += v[d], v[b] = rotr(v[b] ^ v[c], 7);
}

static void blake2s_compress(struct blake2s *b, const u8 *block, bool last)
{
	u32 m[16], v[16];
	memcpy(m, block, sizeof m);
	memcpy(v, b->h, sizeof b->h);
	memcpy(v + 8, blake2s_iv, sizeof blake2s_iv);
	v[12] ^= (u32)b->length;
	v[13] ^= (u32)(b->length >> 32);
	if (last)
		v[14] = ~v[14];
	for (int round = 0; round < 10; round++) {
		const u8 *s = blake2s_sigma[round];
		blake2s_quarter(v, 0, 4, 8, 12, m[s[0]], m[s[1]]);
		blake2s_quarter(v, 1, 5, 9, 13, m[s[2]], m[s[3]]);
		blake2s_quarter(v, 2, 6, 10, 14, m[s[4]], m[s[5]]);
		blake2s_quarter(v, 3, 7, 11, 15, m[s[6]], m[s[7]]);
		blake2s_quarter(v, 0, 5, 10, 15, m[s[8]], m[s[9]]);
		blake2s_quarter(v, 1, 6, 11, 12, m[s[10]], m[s[11]]);
		blake2s_quarter(v, 2, 7, 8, 13, m[s[12]], m[s[13]]);
		blake2s_quarter(v, 3, 4, 9, 14, m[s[14]], m[s[15]]);
	}
	for (int i = 0; i < 8; i++)
		b->h[i] ^= v[i] ^ v[i + 8];
}

void blake2s_init(struct blake2s *b)
{
	*b = (struct blake2s){0};
	memcpy(b->h, blake2s_iv, sizeof b->h);
	b->h[0] ^= 0x01010000 ^ BLAKE2S_HASH; /* parameter block: no key, fanout and depth 1 */
}

void blake2s_update(struct blake2s *b, const void *data, size_t n)
{
	for (const u8 *p = data; n;) {
		/* The last block is compressed by blake2s_final alone: so a full buffer waits for more. */
		if (b->fill == BLAKE2S_BLOCK) {
			b->length += BLAKE2S_BLOCK;
			blake2s_compress(b, b->buf, false);
			b->fill = 0;
		}
		size_t part = MIN(n, (size_t)(BLAKE2S_BLOCK - b->fill));
		memcpy(b->buf + b->fill, p, part);
		b->fill += part;
		p += part;
		n -= part;
	}
}

void blake2s_final(struct blake2s *b, u8 out[BLAKE2S_HASH])
{
	b->length += b->fill;
	memset(b->buf + b->fill, 0, BLAKE2S_BLOCK - b->fill);
	blake2s_compress(b, b->buf, true);
	memcpy(out, b->h, BLAKE2S_HASH);
}
