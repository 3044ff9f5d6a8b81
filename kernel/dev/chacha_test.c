#include "kernel/dev/chacha.h"
#include "kernel/lib/string.h"
#include "kernel/lib/test.h"

/* Test vector 1 of RFC 8439, appendix A.1: key, nonce and counter zero. */
TEST(chacha_block_matches_rfc8439)
{
	static const u8 want[16] = {0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90,
	                            0x40, 0x5d, 0x6a, 0xe5, 0x53, 0x86, 0xbd, 0x28};
	static const u32 key[CHACHA_KEY_WORDS];
	u8 out[CHACHA_BLOCK];
	chacha_block(key, 0, out);
	CHECK(!memcmp(out, want, sizeof want));
}

/* RFC 7693, appendix B: BLAKE2s-256("abc"). */
TEST(blake2s_matches_rfc7693)
{
	static const u8 want[BLAKE2S_HASH] = {0x50, 0x8c, 0x5e, 0x8c, 0x32, 0x7c, 0x14, 0xe2,
	                                      0xe1, 0xa7, 0x2b, 0xa3, 0x4e, 0xeb, 0x45, 0x2f,
	                                      0x37, 0x45, 0x8b, 0x20, 0x9e, 0xd6, 0x3a, 0x29,
	                                      0x4d, 0x99, 0x9b, 0x4c, 0x86, 0x67, 0x59, 0x82};
	struct blake2s b;
	u8 out[BLAKE2S_HASH];
	blake2s_init(&b);
	blake2s_update(&b, "a", 1);
	blake2s_update(&b, "bc", 2);
	blake2s_final(&b, out);
	CHECK(!memcmp(out, want, sizeof want));
}

TEST(blake2s_does_not_depend_on_how_input_is_cut)
{
	u8 data[200], whole[BLAKE2S_HASH], cut[BLAKE2S_HASH];
	for (unsigned i = 0; i < sizeof data; i++)
		data[i] = (u8)(i * 7);
	for (unsigned at = 0; at <= sizeof data; at++) {
		struct blake2s b;
		blake2s_init(&b);
		blake2s_update(&b, data, sizeof data);
		blake2s_final(&b, whole);
		blake2s_init(&b);
		blake2s_update(&b, data, at);
		blake2s_update(&b, data + at, sizeof data - at);
		blake2s_final(&b, cut);
		CHECK(!memcmp(whole, cut, sizeof whole));
	}
}
