#include "kernel/lib/inflate.h"
#include "kernel/lib/string.h"

enum {
	CODE_BITS_MAX = 15,
	LITERALS_MAX = 288,
	DISTANCES_MAX = 32,
	LENGTH_CODES = 19,
	FAST_BITS = 9,
	END_OF_BLOCK = 256,
	WINDOW = 32768
};

/* A canonical Huffman code: how many codes of each length, and the symbols in order of their codes. Short codes are
 * found in one step through `fast` (length << 12 | symbol, 0: longer). */
struct huffman {
	u16 count[CODE_BITS_MAX + 1];
	u16 symbol[LITERALS_MAX];
	u16 fast[1 << FAST_BITS];
};
struct inflate {
	const u8 *in;
	size_t size, at; /* bytes */
	u64 bits;        /* not yet used, lowest first */
	u32 bit_count;
	u8 *out; /* NULL: measuring */
	size_t room, made;
	struct huffman literals, distances;
};

static int bits_need(struct inflate *z, u32 n)
{
	while (z->bit_count < n) {
		if (z->at == z->size)
			return -EINVAL;
		z->bits |= (u64)z->in[z->at++] << z->bit_count;
		z->bit_count += 8;
	}
	return 0;
}
static u32 bits_drop(struct inflate *z, u32 n)
{
	u32 v = (u32)(z->bits & (BIT(n) - 1));
	z->bits >>= n;
	z->bit_count -= n;
	return v;
}
static int bits_get(struct inflate *z, u32 n, u32 *out)
{
	TRY(bits_need(z, n));
	*out = bits_drop(z, n);
	return 0;
}

static u32 reverse(u32 code, u32 n)
{
	u32 r = 0;
	for (u32 i = 0; i < n; i++)
		r |= (code >> i & 1) << (n - 1 - i);
	return r;
}

/* => 0, or -EINVAL: more codes than the lengths have room for, or (unless a single one) fewer. */
static int huffman_make(struct huffman *h, const u8 *lengths, u32 n)
{
	u16 offset[CODE_BITS_MAX + 2] = {0}, next[CODE_BITS_MAX + 1];
	s32 left = 1;
	memset(h->count, 0, sizeof h->count);
	memset(h->fast, 0, sizeof h->fast);
	for (u32 i = 0; i < n; i++)
		h->count[lengths[i]]++;
	u32 used = n - h->count[0], code = 0;
	h->count[0] = 0;
	for (u32 len = 1; len <= CODE_BITS_MAX; len++) {
		left = (left << 1) - h->count[len];
		if (left < 0)
			return -EINVAL;
		offset[len + 1] = offset[len] + h->count[len];
		code = (code + h->count[len - 1]) << 1;
		next[len] = (u16)code;
	}
	if (left > 0 && used > 1)
		return -EINVAL;
	for (u32 i = 0; i < n; i++) {
		u32 len = lengths[i];
		if (!len)
			continue;
		h->symbol[offset[len]++] = (u16)i;
		u32 r = reverse(next[len]++, len);
		for (; len <= FAST_BITS && r < 1 << FAST_BITS; r += 1u << len)
			h->fast[r] = (u16)(len << 12 | i);
	}
	return 0;
}

static int symbol_slow(struct inflate *z, const struct huffman *h)
{
	s32 code = 0, first = 0, index = 0;
	for (u32 len = 1; len <= CODE_BITS_MAX; len++) {
		u32 bit;
		TRY(bits_get(z, 1, &bit));
		code |= (s32)bit;
		if (code - first < h->count[len])
			return h->symbol[index + code - first];
		index += h->count[len];
		first = (first + h->count[len]) << 1;
		code <<= 1;
	}
	return -EINVAL;
}

/* => a symbol, or -EINVAL. */
static int symbol_get(struct inflate *z, const struct huffman *h)
{
	while (z->bit_count < FAST_BITS && z->at < z->size) {
		z->bits |= (u64)z->in[z->at++] << z->bit_count;
		z->bit_count += 8;
	}
	u16 fast = h->fast[z->bits & ((1 << FAST_BITS) - 1)];
	if (!fast || fast >> 12 > z->bit_count)
		return symbol_slow(z, h);
	bits_drop(z, fast >> 12);
	return fast & 0xfff;
}

static int put_byte(struct inflate *z, u8 c)
{
	if (z->out) {
		if (z->made == z->room)
			return -ENOSPC;
		z->out[z->made] = c;
	}
	z->made++;
	return 0;
}

static int copy_match(struct inflate *z, u32 length, u32 distance)
{
	if (distance > z->made || distance > WINDOW)
		return -EINVAL;
	if (z->out) {
		if (length > z->room - z->made)
			return -ENOSPC;
		/* Byte by byte: a match may overlap what it makes. */
		for (u8 *to = z->out + z->made, *end = to + length; to < end; to++)
			*to = to[-(ssize)distance];
	}
	z->made += length;
	return 0;
}

static int block_codes(struct inflate *z)
{
	static const u16 length_base[] = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
	                                  15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
	                                  67, 83, 99, 115, 131, 163, 195, 227, 258};
	static const u8 length_extra[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
	                                  2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
	static const u16 distance_base[] = {1,    2,    3,    4,     5,     7,    9,    13,
	                                    17,   25,   33,   49,    65,    97,   129,  193,
	                                    257,  385,  513,  769,   1025,  1537, 2049, 3073,
	                                    4097, 6145, 8193, 12289, 16385, 24577};
	for (;;) {
		u32 extra, length, distance;
		int s = TRY(symbol_get(z, &z->literals));
		if (s < END_OF_BLOCK) {
			TRY(put_byte(z, (u8)s));
			continue;
		}
		if (s == END_OF_BLOCK)
			return 0;
		s -= END_OF_BLOCK + 1;
		if (s >= (int)ARRAY_SIZE(length_base))
			return -EINVAL;
		TRY(bits_get(z, length_extra[s], &extra));
		length = length_base[s] + extra;
		s = TRY(symbol_get(z, &z->distances));
		if (s >= (int)ARRAY_SIZE(distance_base))
			return -EINVAL;
		TRY(bits_get(z, s < 2 ? 0 : (u32)s / 2 - 1, &extra));
		distance = distance_base[s] + extra;
		TRY(copy_match(z, length, distance));
	}
}

static int block_stored(struct inflate *z)
{
	u32 length, check;
	bits_drop(z, z->bit_count & 7);
	TRY(bits_get(z, 16, &length));
	TRY(bits_get(z, 16, &check));
	if (length != (~check & 0xffff))
		return -EINVAL;
	for (u32 c; length; length--) {
		TRY(bits_get(z, 8, &c));
		TRY(put_byte(z, (u8)c));
	}
	return 0;
}

static int block_fixed(struct inflate *z)
{
	u8 lengths[LITERALS_MAX];
	memset(lengths, 8, 144);
	memset(lengths + 144, 9, 112);
	memset(lengths + 256, 7, 24);
	memset(lengths + 280, 8, 8);
	TRY(huffman_make(&z->literals, lengths, LITERALS_MAX));
	memset(lengths, 5, DISTANCES_MAX);
	TRY(huffman_make(&z->distances, lengths, DISTANCES_MAX));
	return block_codes(z);
}

/* The code lengths, themselves in a Huffman code with repetitions. */
static int lengths_get(struct inflate *z, u8 *lengths, u32 n)
{
	for (u32 i = 0; i < n;) {
		int s = TRY(symbol_get(z, &z->literals));
		u32 repeat = 1, value = (u32)s;
		if (s == 16) {
			if (!i)
				return -EINVAL;
			value = lengths[i - 1];
			TRY(bits_get(z, 2, &repeat));
			repeat += 3;
		} else if (s > 16) {
			value = 0;
			TRY(bits_get(z, s == 17 ? 3 : 7, &repeat));
			repeat += s == 17 ? 3 : 11;
		}
		if (repeat > n - i)
			return -EINVAL;
		memset(lengths + i, (int)value, repeat);
		i += repeat;
	}
	return 0;
}

static int block_dynamic(struct inflate *z)
{
	static const u8 order[LENGTH_CODES] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
	                                       11, 4,  12, 3, 13, 2, 14, 1, 15};
	u8 lengths[LITERALS_MAX + DISTANCES_MAX] = {0};
	u32 literals, distances, codes;
	TRY(bits_get(z, 5, &literals));
	TRY(bits_get(z, 5, &distances));
	TRY(bits_get(z, 4, &codes));
	literals += 257;
	distances += 1;
	if (literals > LITERALS_MAX - 2 || distances > DISTANCES_MAX - 2)
		return -EINVAL;
	for (u32 i = 0; i < codes + 4; i++) {
		u32 v;
		TRY(bits_get(z, 3, &v));
		lengths[order[i]] = (u8)v;
	}
	TRY(huffman_make(&z->literals, lengths, LENGTH_CODES));
	memset(lengths, 0, LENGTH_CODES);
	TRY(lengths_get(z, lengths, literals + distances));
	if (!lengths[END_OF_BLOCK])
		return -EINVAL;
	TRY(huffman_make(&z->distances, lengths + literals, distances));
	TRY(huffman_make(&z->literals, lengths, literals));
	return block_codes(z);
}

static int inflate_blocks(struct inflate *z)
{
	u32 last, type;
	do {
		TRY(bits_get(z, 1, &last));
		TRY(bits_get(z, 2, &type));
		switch (type) {
		case 0: TRY(block_stored(z)); break;
		case 1: TRY(block_fixed(z)); break;
		case 2: TRY(block_dynamic(z)); break;
		default: return -EINVAL;
		}
	} while (!last);
	z->at -= z->bit_count / 8; /* whole bytes read ahead */
	z->bits = z->bit_count = 0;
	return 0;
}

/* => bytes of the header, or -EINVAL. */
static ssize header_size(const u8 *in, size_t size)
{
	enum { FHCRC = 2, FEXTRA = 4, FNAME = 8, FCOMMENT = 16, HEADER = 10, DEFLATE = 8 };
	if (!is_gzip(in, size) || in[2] != DEFLATE)
		return -EINVAL;
	u8 flags = in[3];
	size_t at = HEADER;
	if (flags & FEXTRA)
		at += 2 + (in[at] | (size_t)in[at + 1] << 8);
	for (int text = FNAME; text <= FCOMMENT; text *= 2) {
		if (!(flags & text) || at >= size)
			continue;
		const u8 *end = memchr(in + at, 0, size - at);
		if (!end)
			return -EINVAL;
		at = (size_t)(end - in) + 1;
	}
	at += flags & FHCRC ? 2 : 0;
	return at < size ? (ssize)at : -EINVAL;
}

static u32 crc32(const u8 *p, size_t n)
{
	static u32 table[256]; /* the same whoever fills it */
	for (u32 i = 0; !table[255] && i < 256; i++) {
		u32 c = i;
		for (int k = 0; k < 8; k++)
			c = c & 1 ? 0xedb88320u ^ c >> 1 : c >> 1;
		table[i] = c;
	}
	u32 crc = ~0u;
	while (n--)
		crc = table[(crc ^ *p++) & 0xff] ^ crc >> 8;
	return ~crc;
}

static u32 load_u32(const u8 *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (u32)p[3] << 24;
}

int gunzip(const u8 *in, size_t size, u8 *out, size_t room, size_t *out_used, size_t *out_size)
{
	enum { TRAILER = 8 };
	static struct inflate z; /* large; boot only, one at a time */
	ssize header = TRY(header_size(in, size));
	z = (struct inflate){
		.in = in, .size = size, .at = (size_t)header, .out = out, .room = room};
	TRY(inflate_blocks(&z));
	if (size - z.at < TRAILER || load_u32(in + z.at + 4) != (u32)z.made ||
	    (out && load_u32(in + z.at) != crc32(out, z.made)))
		return -EINVAL;
	*out_used = z.at + TRAILER;
	*out_size = z.made;
	return 0;
}
