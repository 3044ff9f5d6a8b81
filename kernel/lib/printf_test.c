#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/lib/test.h"

#define CHECK_FORMAT(want, ...)                                                                    \
	do {                                                                                       \
		char buf_[128];                                                                    \
		int n_ = snprintf(buf_, sizeof(buf_), __VA_ARGS__);                                \
		if (strcmp(buf_, want))                                                            \
			test_fail(__FILE__, __LINE__, "expected \"%s\", got \"%s\"", want, buf_);  \
		CHECK_EQ(n_, (int)strlen(want));                                                   \
	} while (0)

TEST(printf_integers)
{
	CHECK_FORMAT("0 -1 2147483647", "%d %i %d", 0, -1, 2147483647);
	CHECK_FORMAT("-2147483648", "%d", (int)-2147483648ll);
	CHECK_FORMAT("-9223372036854775808", "%lld", (long long)INT64_MIN);
	CHECK_FORMAT("18446744073709551615", "%lu", (unsigned long)UINT64_MAX);
	CHECK_FORMAT("deadbeef 0XBEEF 017", "%x %#X %#o", 0xdeadbeef, 0xbeef, 017);
	CHECK_FORMAT("ffff -1 255", "%hx %hhd %hhu", (short)-1, (char)-1, (char)-1);
	CHECK_FORMAT("7 8 9", "%zu %td %jd", (size_t)7, (ptrdiff_t)8, (intmax_t)9);
}

TEST(printf_flags_width_precision)
{
	CHECK_FORMAT("[   42][42   ][00042]", "[%5d][%-5d][%05d]", 42, 42, 42);
	CHECK_FORMAT("[ +42][ 42][-0042]", "[%+4d][% d][%05d]", 42, 42, -42);
	CHECK_FORMAT("[  007][]", "[%5.3d][%.0d]", 7, 0);
	CHECK_FORMAT("[0x00ff]", "[%#06x]", 255);
	CHECK_FORMAT("[   3][3   ]", "[%*d][%*d]", 4, 3, -4, 3);
}

TEST(printf_text)
{
	CHECK_FORMAT("[abc][  abc][abc  ][ab]", "[%s][%5s][%-5s][%.2s]", "abc", "abc", "abc",
	             "abc");
	CHECK_FORMAT("100% c", "%d%% %c", 100, 'c');
	CHECK_FORMAT("[xy]", "[%.*s]", 2, "xyz");
	CHECK_FORMAT("0x1000", "%p", (void *)0x1000);
}

TEST(printf_truncates_and_counts)
{
	char buf[4] = "zzz";

	CHECK_EQ(snprintf(buf, sizeof(buf), "%s", "abcdef"), 6);
	CHECK(!strcmp(buf, "abc"));
	CHECK_EQ(scnprintf(buf, sizeof(buf), "%s", "abcdef"), 3);
	CHECK_EQ(scnprintf(buf, sizeof(buf), "%s", "a"), 1);
	CHECK_EQ(snprintf(NULL, 0, "%d", 12345), 5);
	CHECK_EQ(scnprintf(buf, 0, "x"), 0);
}
