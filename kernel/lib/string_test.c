#include "kernel/lib/string.h"
#include "kernel/lib/test.h"

TEST(string_copies_every_small_size_and_offset)
{
	u8 from[64], to[80];

	for (u32 i = 0; i < sizeof(from); i++)
		from[i] = (u8)(i + 1);
	for (u32 n = 0; n <= 40; n++) {
		for (u32 at = 0; at < 9; at++) {
			memset(to, 0xee, sizeof(to));
			CHECK(memcpy(to + at, from + at, n) == to + at);
			CHECK(!memcmp(to + at, from + at, n));
			CHECK_EQ(to[at + n], 0xee);
			CHECK(at == 0 || to[at - 1] == 0xee);
		}
	}
}

TEST(string_memmove_overlaps)
{
	for (int shift = -9; shift <= 9; shift++) {
		u8 buf[64];
		bool same = true;

		for (u32 i = 0; i < sizeof(buf); i++)
			buf[i] = (u8)i;
		memmove(buf + 16 + shift, buf + 16, 30);
		for (u32 i = 0; i < 30; i++)
			same &= buf[16 + shift + i] == 16 + i;
		CHECK(same);
		CHECK_EQ(buf[6], 6);
		CHECK_EQ(buf[56], 56);
	}
}

TEST(string_compares_bytes_unsigned)
{
	CHECK(memcmp("aaaaaaaab", "aaaaaaaac", 9) < 0);
	CHECK(memcmp("\xff", "\x01", 1) > 0);
	CHECK(strcmp("\xff", "a") > 0);
	CHECK(strcmp("ab", "abc") < 0);
	CHECK_EQ(strncmp("abX", "abY", 2), 0);
	CHECK_EQ(strnlen("abc", 2), 2);
}

TEST(string_searches)
{
	const char *s = "one two one";

	CHECK(strchr(s, 'o') == s);
	CHECK(strrchr(s, 'o') == s + 8);
	CHECK(strchr(s, 0) == s + 11);
	CHECK(!strchr(s, 'x'));
	CHECK(memchr(s, 't', 11) == s + 4);
	CHECK(!memchr(s, 't', 4));
}
