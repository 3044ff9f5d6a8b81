#include "kernel/fs/cpio.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/lib/test.h"

enum { HEADER = 110 };

/* Appends an entry to buf. => the new length. */
static size_t put_entry(char *buf, size_t at, size_t room, const char *name, const char *data)
{
	size_t name_size = strlen(name) + 1, data_size = strlen(data);
	at += (size_t)scnprintf(buf + at, room - at,
	                        "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", 7,
	                        0100644, 1, 2, 1, 1234, data_size, 3, 4, 5, 6, name_size, 0);
	memcpy(buf + at, name, name_size);
	at = ROUND_UP(at + name_size, 4);
	memcpy(buf + at, data, data_size);
	return ROUND_UP(at + data_size, 4);
}

TEST(cpio_reads_concatenated_archives)
{
	static char buf[1024];
	memset(buf, 0, sizeof(buf));
	size_t n = put_entry(buf, 0, sizeof(buf), "one", "first");
	n = put_entry(buf, n, sizeof(buf), "TRAILER!!!", "");
	n = put_entry(buf, n + 64, sizeof(buf), "two", "");
	struct cpio c = {.start = (u8 *)buf, .size = n};
	struct cpio_entry e;
	CHECK_EQ(cpio_next(&c, &e), CPIO_ENTRY);
	CHECK(!strcmp(e.name, "one"));
	CHECK_EQ(e.size, 5);
	CHECK(!memcmp(e.data, "first", 5));
	CHECK_EQ(e.mode, 0100644);
	CHECK_EQ(e.mtime, 1234);
	CHECK_EQ(e.rdev_minor, 6);
	CHECK_EQ(cpio_next(&c, &e), CPIO_TRAILER);
	CHECK_EQ(cpio_next(&c, &e), CPIO_ENTRY);
	CHECK(!strcmp(e.name, "two"));
	CHECK_EQ(cpio_next(&c, &e), CPIO_END);
}

TEST(cpio_refuses_every_truncation)
{
	static char buf[512];
	memset(buf, 0, sizeof(buf));
	size_t whole = put_entry(buf, 0, sizeof(buf), "name", "some data");
	struct cpio_entry e;
	/* From the last byte of the data on, only padding is missing. */
	size_t needed = HEADER + 5 + 1 + 9;
	for (size_t n = 1; n <= whole; n++) {
		struct cpio c = {.start = (u8 *)buf, .size = n};
		CHECK_EQ(cpio_next(&c, &e), n < needed ? -EINVAL : CPIO_ENTRY);
		CHECK(c.at <= n);
	}
}

TEST(cpio_refuses_wild_fields)
{
	static char buf[512];
	struct cpio_entry e;
	static const size_t name_size_at = 6 + 8 * 11, size_at = 6 + 8 * 6;
	static const struct {
		size_t at;
		const char *text;
	} wild[] = {{name_size_at, "00000000"}, {name_size_at, "ffffffff"},
	            {name_size_at, "0000000g"}, {size_at, "ffffffff"},
	            {size_at, "7fffffff"},      {0, "070707"}};
	for (u32 i = 0; i < ARRAY_SIZE(wild); i++) {
		memset(buf, 0, sizeof(buf));
		size_t n = put_entry(buf, 0, sizeof(buf), "name", "data");
		memcpy(buf + wild[i].at, wild[i].text, strlen(wild[i].text));
		struct cpio c = {.start = (u8 *)buf, .size = n};
		CHECK_EQ(cpio_next(&c, &e), -EINVAL);
	}
}
