/* Feeds bytes to a line discipline and compares echo and reads. What is expected was seen on Linux. */
#include "kernel/dev/ldisc.h"
#include "abi/signal.h"
#include "kernel/lib/string.h"
#include "kernel/lib/test.h"

static struct ldisc ld;

static void start(void)
{
	ldisc_init(&ld);
}
static void change(u32 set, u32 clear)
{
	struct termios2_abi t = ld.termios;
	t.c_lflag = (t.c_lflag | set) & ~clear;
	ldisc_set_termios(&ld, &t);
}
/* => signals raised, as a bit mask. */
static u64 type(const char *text)
{
	u64 raised = 0;
	size_t n = strlen(text);
	for (const u8 *p = (const u8 *)text; n;) {
		int signal;
		size_t took = ldisc_receive(&ld, p, n, &signal);
		p += took;
		n -= took;
		raised |= signal ? BIT(signal) : 0;
	}
	return raised;
}
static bool echoed(const char *want)
{
	bool same = ld.out_length == strlen(want) && !memcmp(ld.out, want, ld.out_length);
	if (!same)
		test_fail(__FILE__, __LINE__, "echo: expected \"%s\", got \"%.*s\"", want,
		          (int)ld.out_length, (char *)ld.out);
	ldisc_sent(&ld, ld.out_length);
	return same;
}
static bool reads(const char *want)
{
	u8 buf[LDISC_SIZE];
	bool done;
	size_t n = ldisc_read_line(&ld, buf, sizeof buf, &done);
	bool same = n == strlen(want) && !memcmp(buf, want, n);
	if (!same)
		test_fail(__FILE__, __LINE__, "read: expected \"%s\", got \"%.*s\"", want, (int)n,
		          (char *)buf);
	return same && done;
}

TEST(ldisc_delivers_whole_lines_only)
{
	start();
	type("ab");
	CHECK(!ldisc_readable(&ld));
	type("c\rsecond\r");
	CHECK(echoed("abc\r\nsecond\r\n"));
	CHECK_EQ(ldisc_available(&ld), 11);
	CHECK(reads("abc\n"));
	CHECK(reads("second\n"));
	CHECK(!ldisc_readable(&ld));
}

TEST(ldisc_erase_rubs_out_one_character)
{
	start();
	type("abc\x7f\x7fX\n");
	CHECK(echoed("abc\b \b\b \bX\r\n"));
	CHECK(reads("aX\n"));
	type("\x7f");
	CHECK(echoed("")); /* nothing to erase: the line before is out of reach */
}

TEST(ldisc_erase_takes_both_columns_of_a_control_character)
{
	start();
	type("a\x01\x7f\n");
	CHECK(echoed("a^A\b \b\b \b\r\n"));
	CHECK(reads("a\n"));
}

TEST(ldisc_erase_of_a_tab_goes_back_to_the_column_before_it)
{
	start();
	type("ab\t\x7f"
	     "c\n");
	CHECK(echoed("ab\t\b\b\b\b\b\bc\r\n"));
	CHECK(reads("abc\n"));
	/* A prompt counts: the line begins at its end. */
	ldisc_write(&ld, (const u8 *)"$ ", 2);
	type("\t\x7f\n");
	CHECK(echoed("$ \t\b\b\b\b\b\b\r\n"));
}

TEST(ldisc_word_erase_and_kill)
{
	start();
	type("one two  \x17\n");
	CHECK(echoed("one two  \b \b\b \b\b \b\b \b\b \b\r\n"));
	CHECK(reads("one \n"));
	type("abc\x15x\n");
	CHECK(echoed("abc\b \b\b \b\b \bx\r\n"));
	CHECK(reads("x\n"));
	change(0, ECHOKE);
	type("abc\x15x\n");
	CHECK(echoed("abc^U\r\nx\r\n"));
	CHECK(reads("x\n"));
}

TEST(ldisc_utf8_characters_are_erased_whole)
{
	start();
	struct termios2_abi t = ld.termios;
	t.c_iflag |= IUTF8;
	ldisc_set_termios(&ld, &t);
	type("a\xc3\xa4\xe2\x82\xac\x7f\x7f\n");
	CHECK(echoed("a\xc3\xa4\xe2\x82\xac\b \b\b \b\r\n"));
	CHECK(reads("a\n"));
}

TEST(ldisc_echoprt_shows_what_is_erased)
{
	start();
	change(ECHOPRT, 0);
	type("abc\x7f\x7fx\n");
	CHECK(echoed("abc\\cb/x\r\n"));
	CHECK(reads("ax\n"));
}

TEST(ldisc_literal_next_takes_the_meaning_away)
{
	start();
	CHECK_EQ(type("a\x16\x03"
	              "b\x16\x7f\n"),
	         0);
	CHECK(echoed("a^\b^Cb^\b^?\r\n"));
	CHECK(reads("a\x03"
	            "b\x7f\n"));
}

TEST(ldisc_reprint_shows_the_line_again)
{
	start();
	type("ab\x12"
	     "c\n");
	CHECK(echoed("ab^R\r\nabc\r\n"));
	CHECK(reads("abc\n"));
}

TEST(ldisc_end_of_file_pushes_or_reads_as_nothing)
{
	start();
	type("abc\x04");
	CHECK(echoed("abc"));
	CHECK(reads("abc"));
	type("\x04");
	CHECK(ldisc_readable(&ld));
	CHECK_EQ(ldisc_available(&ld), 0);
	CHECK(reads(""));
	CHECK(!ldisc_readable(&ld));
	/* A buffer that the text fills exactly takes the end of file with it. */
	type("hello\x04next\n");
	u8 buf[5];
	bool done;
	CHECK_EQ(ldisc_read_line(&ld, buf, 5, &done), 5);
	CHECK(!done);
	ldisc_skip_eof(&ld);
	CHECK(reads("next\n"));
}

TEST(ldisc_a_read_shorter_than_the_line_leaves_the_rest)
{
	start();
	type("hello\n");
	u8 buf[3];
	bool done;
	CHECK_EQ(ldisc_read_line(&ld, buf, 3, &done), 3);
	CHECK(!done && !memcmp(buf, "hel", 3));
	CHECK(reads("lo\n"));
}

TEST(ldisc_signals_flush_and_echo)
{
	start();
	CHECK_EQ(type("typed\x03"), BIT(SIGINT));
	CHECK(echoed("^C")); /* the flush took the unsent echo along */
	CHECK(!ldisc_readable(&ld));
	CHECK_EQ(type("\x1c\x1a"), BIT(SIGQUIT) | BIT(SIGTSTP));
	CHECK(echoed("^Z"));
	change(NOFLSH, 0);
	type("ab\x03"
	     "c\n");
	CHECK(echoed("ab^Cc\r\n"));
	CHECK(reads("abc\n"));
	change(0, ISIG);
	CHECK_EQ(type("\x03\n"), 0);
	CHECK(reads("\x03\n"));
}

TEST(ldisc_receive_stops_at_a_signal)
{
	start();
	int signal;
	CHECK_EQ(ldisc_receive(&ld,
	                       (const u8 *)"a\x03"
	                                   "b",
	                       3, &signal),
	         2);
	CHECK_EQ(signal, SIGINT);
}

TEST(ldisc_flow_control)
{
	start();
	type("\x13");
	CHECK(ld.stopped);
	type("x");
	CHECK(ld.stopped);
	type("\x11\n");
	CHECK(!ld.stopped);
	CHECK(reads("x\n"));
	ld.stopped = ld.stopped_by_ioctl = true;
	type("\x11");
	CHECK(ld.stopped);
	struct termios2_abi t = ld.termios;
	t.c_iflag &= ~(u32)IXON;
	ld.stopped_by_ioctl = false;
	ldisc_set_termios(&ld, &t);
	CHECK(!ld.stopped);
}

TEST(ldisc_input_translation)
{
	start();
	struct termios2_abi t = ld.termios;
	t.c_iflag = INLCR | IGNCR | ISTRIP;
	t.c_lflag &= ~(u32)(ICANON | ECHO);
	ldisc_set_termios(&ld, &t);
	type("a\r\n\xe1");
	u8 buf[8];
	CHECK_EQ(ldisc_read_raw(&ld, buf, sizeof buf), 3);
	CHECK(!memcmp(buf, "a\ra", 3));
}

TEST(ldisc_output_translation)
{
	start();
	CHECK_EQ(ldisc_write(&ld, (const u8 *)"a\nb\tc\r", 6), 6);
	CHECK(echoed("a\r\nb\tc\r"));
	struct termios2_abi t = ld.termios;
	t.c_oflag = OPOST | XTABS | OCRNL | OLCUC;
	ldisc_set_termios(&ld, &t);
	CHECK_EQ(ldisc_write(&ld, (const u8 *)"b\tc\r", 4), 4);
	CHECK(echoed("B       C\n"));
	t.c_oflag = 0;
	ldisc_set_termios(&ld, &t);
	ldisc_write(&ld, (const u8 *)"x\ny", 3);
	CHECK(echoed("x\ny"));
}

TEST(ldisc_write_stops_when_the_buffer_is_full)
{
	start();
	u8 text[LDISC_SIZE];
	memset(text, '\n', sizeof text);
	size_t took = ldisc_write(&ld, text, sizeof text);
	CHECK(took < sizeof text);
	CHECK_EQ(ld.out_length, 2 * took);
	ldisc_sent(&ld, 1000);
	CHECK(ldisc_write(&ld, text, 100) == 100);
}

TEST(ldisc_a_line_too_long_keeps_its_newline)
{
	start();
	for (int i = 0; i < 5000; i++)
		type("x");
	CHECK_EQ(ldisc_room(&ld), 1);
	type("\n");
	CHECK_EQ(ldisc_available(&ld), LDISC_SIZE);
	CHECK_EQ(ldisc_room(&ld), 0); /* the next line waits in the device until this one is read */
	u8 buf[LDISC_SIZE];
	bool done;
	CHECK_EQ(ldisc_read_line(&ld, buf, sizeof buf, &done), LDISC_SIZE);
	CHECK(done && buf[LDISC_SIZE - 1] == '\n' && buf[LDISC_SIZE - 2] == 'x');
	CHECK_EQ(ldisc_room(&ld), LDISC_SIZE - 1);
}

TEST(ldisc_switching_to_raw_and_back_keeps_what_was_typed)
{
	start();
	type("abc");
	change(0, ICANON);
	CHECK_EQ(ldisc_available(&ld), 3);
	u8 buf[2];
	CHECK_EQ(ldisc_read_raw(&ld, buf, 2), 2);
	change(ICANON, 0);
	CHECK(ldisc_readable(&ld));
	CHECK(reads("c"));
	type("d\n");
	CHECK(reads("d\n"));
}

TEST(ldisc_eol_characters_end_a_line_and_belong_to_it)
{
	start();
	struct termios2_abi t = ld.termios;
	t.c_cc[VEOL] = ';';
	t.c_cc[VEOL2] = ',';
	ldisc_set_termios(&ld, &t);
	type("a;b,c\n");
	CHECK(echoed("a;b,c\r\n"));
	CHECK(reads("a;"));
	CHECK(reads("b,"));
	CHECK(reads("c\n"));
}
