#include "kernel/lib/inflate.h"
#include "kernel/lib/string.h"
#include "kernel/lib/test.h"

/* printf 'abcabcabcabcabcabc hello hello hello' | gzip -9n */
static const u8 sample[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x4b,
                            0x4c, 0x4a, 0x4e, 0x44, 0x45, 0x0a, 0x19, 0xa9, 0x39, 0x39, 0xf9,
                            0xc8, 0x24, 0x00, 0xae, 0xd8, 0x6c, 0x3b, 0x24, 0x00, 0x00, 0x00};
static const char text[] = "abcabcabcabcabcabc hello hello hello";

TEST(gunzip_decodes)
{
	u8 out[sizeof(text)];
	size_t used, size;
	CHECK_EQ(gunzip(sample, sizeof(sample), NULL, 0, &used, &size), 0);
	CHECK_EQ(size, sizeof(text) - 1);
	CHECK_EQ(used, sizeof(sample));
	CHECK_EQ(gunzip(sample, sizeof(sample), out, sizeof(out), &used, &size), 0);
	CHECK(!memcmp(out, text, size));
	CHECK_EQ(gunzip(sample, sizeof(sample), out, size - 1, &used, &size), -ENOSPC);
}

TEST(gunzip_refuses_every_truncation_and_flip)
{
	u8 out[sizeof(text)], broken[sizeof(sample)];
	size_t used, size;
	for (size_t n = 0; n < sizeof(sample); n++)
		CHECK_EQ(gunzip(sample, n, out, sizeof(out), &used, &size), -EINVAL);
	for (size_t bit = 8 * 10; bit < 8 * sizeof(sample); bit++) {
		memcpy(broken, sample, sizeof(sample));
		broken[bit / 8] ^= 1u << bit % 8;
		/* The bits that fill up the last byte mean nothing. */
		CHECK(gunzip(broken, sizeof(sample), out, sizeof(out), &used, &size) < 0 ||
		      !memcmp(out, text, sizeof(text) - 1));
	}
}
