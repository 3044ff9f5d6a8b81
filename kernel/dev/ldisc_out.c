#include "kernel/dev/ldisc.h"
#include "kernel/lib/string.h"

static inline size_t out_room(const struct ldisc *ld)
{
	return LDISC_SIZE - ld->out_length;
}
static inline void out_put(struct ldisc *ld, u8 c)
{
	ld->out[ld->out_length++] = c;
}

/* The longest that one byte becomes: a tab. */
enum { OUT_EXPANSION_MAX = 8 };

static void out_tab(struct ldisc *ld)
{
	u32 spaces = 8 - (ld->column & 7);
	ld->column += spaces;
	if ((ld->termios.c_oflag & TABDLY) != XTABS) {
		out_put(ld, '\t');
		return;
	}
	while (spaces--)
		out_put(ld, ' ');
}

static void out_newline(struct ldisc *ld)
{
	u32 oflag = ld->termios.c_oflag;
	if (oflag & (ONLCR | ONLRET))
		ld->column = 0;
	ld->canon_column = ld->column;
	if (oflag & ONLCR)
		out_put(ld, '\r');
	out_put(ld, '\n');
}

static void out_return(struct ldisc *ld)
{
	u32 oflag = ld->termios.c_oflag;
	if ((oflag & ONOCR) && ld->column == 0)
		return;
	if (!(oflag & OCRNL) || (oflag & ONLRET))
		ld->canon_column = ld->column = 0;
	out_put(ld, oflag & OCRNL ? '\n' : '\r');
}

/* OPOST: one byte, with room for its expansion. */
static void out_process(struct ldisc *ld, u8 c)
{
	switch (c) {
	case '\n': out_newline(ld); return;
	case '\r': out_return(ld); return;
	case '\t': out_tab(ld); return;
	case '\b':
		if (ld->column > 0)
			ld->column--;
		break;
	default:
		if (ldisc_is_control(c))
			break;
		if ((ld->termios.c_oflag & OLCUC) && c >= 'a' && c <= 'z')
			c -= 'a' - 'A';
		if (!ldisc_is_continuation(ld, c))
			ld->column++;
		break;
	}
	out_put(ld, c);
}

size_t ldisc_write(struct ldisc *ld, const u8 *bytes, size_t n)
{
	if (!(ld->termios.c_oflag & OPOST)) {
		n = MIN(n, out_room(ld));
		memcpy(ld->out + ld->out_length, bytes, n);
		ld->out_length += n;
		return n;
	}
	size_t done = 0;
	while (done < n && out_room(ld) >= OUT_EXPANSION_MAX)
		out_process(ld, bytes[done++]);
	return done;
}

void ldisc_sent(struct ldisc *ld, size_t n)
{
	ld->out_length -= n;
	memmove(ld->out, ld->out + n, ld->out_length);
}

void ldisc_flush_output(struct ldisc *ld)
{
	ld->out_length = 0;
}

void ldisc_echo_literal(struct ldisc *ld, u8 c)
{
	if (out_room(ld) < OUT_EXPANSION_MAX)
		return;
	if (ld->termios.c_oflag & OPOST)
		out_process(ld, c);
	else
		out_put(ld, c);
}

void ldisc_echo(struct ldisc *ld, u8 c)
{
	if (!(ld->termios.c_lflag & ECHOCTL) || !ldisc_is_control(c) || c == '\t') {
		ldisc_echo_literal(ld, c);
		return;
	}
	if (out_room(ld) < OUT_EXPANSION_MAX)
		return;
	out_put(ld, '^');
	out_put(ld, c ^ 0100);
	ld->column += 2;
}

void ldisc_echo_erase_tab(struct ldisc *ld, u32 columns, bool after_tab)
{
	/* Columns count from the tab before, which is at a multiple of 8, or from where the line began. */
	u32 back = 8 - ((columns + (after_tab ? 0 : ld->canon_column)) & 7);
	if (out_room(ld) < back)
		return;
	while (back--) {
		out_put(ld, '\b');
		if (ld->column > 0)
			ld->column--;
	}
}

void ldisc_send_flow(struct ldisc *ld, unsigned which)
{
	if (ld->termios.c_cc[which] && out_room(ld))
		out_put(ld, ld->termios.c_cc[which]);
}
