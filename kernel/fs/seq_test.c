#include "kernel/fs/seq.h"
#include "kernel/fs/super.h"
#include "kernel/lib/string.h"
#include "kernel/lib/test.h"
#include "kernel/mm/slab.h"

TEST(seq_grows_without_losing_text)
{
	enum { LINES = 500, LINE = 10 };
	struct seq s = {};
	for (int i = 0; i < LINES; i++)
		seq_printf(&s, "%09d\n", i);
	CHECK_EQ(s.length, LINES * LINE);
	CHECK(!s.failed);
	CHECK(!memcmp(s.text + 123 * LINE, "000000123\n", LINE));
	CHECK(!memcmp(s.text + 499 * LINE, "000000499\n", LINE));
	seq_free(&s);
}

TEST(seq_escapes_what_mount_tables_cannot_hold)
{
	struct seq s = {};
	seq_escape(&s, "a b\tc\\d#e", "#");
	seq_putc(&s, 0);
	CHECK(!strcmp(s.text, "a\\040b\\011c\\134d\\043e"));
	seq_free(&s);
}

TEST(seq_remembers_failure)
{
	struct seq s = {};
	if (!DEBUG_BUILD)
		return; /* no faults are injected */
	(void)alloc_fail_nth(1);
	seq_puts(&s, "lost");
	CHECK(alloc_fail_nth(0));
	seq_puts(&s, "after");
	CHECK(s.failed);
	CHECK_EQ(s.length, 0);
	seq_free(&s);
}

TEST(mount_options_parse)
{
	char text[] = "size=10m,,ro,mode=1777";
	char *data = text, *name, *value;
	u64 n;
	CHECK(mount_option_next(&data, &name, &value));
	CHECK(!strcmp(name, "size"));
	CHECK_EQ(mount_option_size(value, 0, &n), 0);
	CHECK_EQ(n, 10 << 20);
	CHECK(mount_option_next(&data, &name, &value));
	CHECK(!strcmp(name, "ro") && !value);
	CHECK(mount_option_next(&data, &name, &value));
	CHECK_EQ(mount_option_u64(value, 8, &n), 0);
	CHECK_EQ(n, 01777);
	CHECK(!mount_option_next(&data, &name, &value));
	CHECK_EQ(mount_option_size("50%", 1000, &n), 0);
	CHECK_EQ(n, 500);
	CHECK_EQ(mount_option_size("0x10", 0, &n), 0);
	CHECK_EQ(n, 16);
	CHECK_EQ(mount_option_size("99999999999999999999", 0, &n), -EINVAL);
	CHECK_EQ(mount_option_size("16e", 0, &n), -EINVAL);
	CHECK_EQ(mount_option_size("1q", 0, &n), -EINVAL);
	CHECK_EQ(mount_option_size("", 0, &n), -EINVAL);
	CHECK_EQ(mount_option_u64("8", 8, &n), -EINVAL);
	CHECK_EQ(mount_option_u64(NULL, 8, &n), -EINVAL);
}
