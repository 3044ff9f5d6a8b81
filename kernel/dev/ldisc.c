#include "kernel/dev/ldisc.h"
#include "abi/signal.h"
#include "kernel/lib/string.h"

/* termios(3) calls this _POSIX_VDISABLE: a control character of this value never matches. */
enum { DISABLED = 0 };

static const struct termios2_abi termios_default = {
	.c_iflag = ICRNL | IXON,
	.c_oflag = OPOST | ONLCR,
	.c_cflag = B115200 | CS8 | CREAD | HUPCL | CLOCAL,
	.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
	.c_cc = {[VINTR] = 3,
                 [VQUIT] = 28,
                 [VERASE] = 127,
                 [VKILL] = 21,
                 [VEOF] = 4,
                 [VMIN] = 1,
                 [VSTART] = 17,
                 [VSTOP] = 19,
                 [VSUSP] = 26,
                 [VREPRINT] = 18,
                 [VDISCARD] = 15,
                 [VWERASE] = 23,
                 [VLNEXT] = 22},
	.c_ispeed = 115200,
	.c_ospeed = 115200,
};

static inline u8 *in_at(struct ldisc *ld, u64 position)
{
	return &ld->in[position % LDISC_SIZE];
}
static inline u64 *mark_word(struct ldisc *ld, u64 position)
{
	return &ld->marks[position % LDISC_SIZE / 64];
}
static inline bool marked(const struct ldisc *ld, u64 position)
{
	return ld->marks[position % LDISC_SIZE / 64] >> (position % 64) & 1;
}
static inline void mark(struct ldisc *ld, u64 position)
{
	*mark_word(ld, position) |= BIT(position % 64);
}
static inline void unmark(struct ldisc *ld, u64 position)
{
	*mark_word(ld, position) &= ~BIT(position % 64);
}
static inline bool has_local(const struct ldisc *ld, u32 flags)
{
	return (ld->termios.c_lflag & flags) == flags;
}
static inline bool has_input(const struct ldisc *ld, u32 flag)
{
	return ld->termios.c_iflag & flag;
}
static inline bool is_special(const struct ldisc *ld, u8 c, unsigned which)
{
	return c != DISABLED && c == ld->termios.c_cc[which];
}

void ldisc_init(struct ldisc *ld)
{
	memset(ld, 0, sizeof *ld);
	ld->termios = termios_default;
}

void ldisc_flush_input(struct ldisc *ld)
{
	ld->head = ld->canon_head = ld->tail = 0;
	memset(ld->marks, 0, sizeof ld->marks);
	ld->erasing = false;
}

/* One byte of the ring is for the newline that ends a line which is too long. */
size_t ldisc_room(const struct ldisc *ld)
{
	u64 used = ld->head - ld->tail;
	size_t room = used < LDISC_SIZE - 1 ? LDISC_SIZE - 1 - used : 0;
	if (room == 0 && has_local(ld, ICANON) && ld->canon_head == ld->tail)
		return 1;
	return has_input(ld, PARMRK) && room > 1 ? room / 2 : room;
}

/* --- editing the line --- */

static void finish_erasing(struct ldisc *ld)
{
	if (ld->erasing) {
		ldisc_echo_literal(ld, '/');
		ld->erasing = false;
	}
}

static void queue_byte(struct ldisc *ld, u8 c)
{
	/* A line that fills the ring: its last byte is overwritten, so that the newline gets in. */
	if (ld->head - ld->tail >= LDISC_SIZE)
		ld->head--;
	*in_at(ld, ld->head++) = c;
}

static void queue_input(struct ldisc *ld, u8 c)
{
	if (c == 0xff && has_input(ld, PARMRK)) /* termios(3): doubled, to differ from a mark */
		queue_byte(ld, c);
	queue_byte(ld, c);
}

static void end_line(struct ldisc *ld, u8 c)
{
	queue_byte(ld, c);
	mark(ld, ld->head - 1);
	ld->canon_head = ld->head;
}

static void echo_input(struct ldisc *ld, u8 c)
{
	if (!has_local(ld, ECHO))
		return;
	finish_erasing(ld);
	if (ld->canon_head == ld->head)
		ld->canon_column = ld->column;
	ldisc_echo(ld, c);
}

static void echo_rubout(struct ldisc *ld)
{
	ldisc_echo_literal(ld, '\b');
	ldisc_echo_literal(ld, ' ');
	ldisc_echo_literal(ld, '\b');
}

/* The tab before head was erased: goes back to where the cursor was, from what is left of the line. */
static void echo_erased_tab(struct ldisc *ld)
{
	u32 columns = 0;
	for (u64 at = ld->head; at != ld->canon_head;) {
		u8 c = *in_at(ld, --at);
		if (c == '\t') {
			ldisc_echo_erase_tab(ld, columns, true);
			return;
		}
		if (ldisc_is_control(c))
			columns += has_local(ld, ECHOCTL) ? 2 : 0;
		else if (!ldisc_is_continuation(ld, c))
			columns++;
	}
	ldisc_echo_erase_tab(ld, columns, false);
}

/* What the terminal shows when the character c, `bytes` long and beginning at head, is erased. */
static void echo_erased(struct ldisc *ld, u8 c, u64 bytes, u8 by)
{
	if (!has_local(ld, ECHO))
		return;
	if (has_local(ld, ECHOPRT)) {
		if (!ld->erasing)
			ldisc_echo_literal(ld, '\\');
		ld->erasing = true;
		ldisc_echo(ld, c);
		for (u64 i = 1; i < bytes; i++)
			ldisc_echo_literal(ld, *in_at(ld, ld->head + i));
	} else if (is_special(ld, by, VERASE) && !has_local(ld, ECHOE)) {
		ldisc_echo(ld, by);
	} else if (c == '\t') {
		echo_erased_tab(ld);
	} else {
		bool control = ldisc_is_control(c);
		if (control && has_local(ld, ECHOCTL))
			echo_rubout(ld);
		if (!control || has_local(ld, ECHOCTL))
			echo_rubout(ld);
	}
}

/* => false when the kill character is handled without erasing step by step. */
static bool kill_by_steps(struct ldisc *ld)
{
	if (has_local(ld, ECHO | ECHOK | ECHOKE | ECHOE))
		return true;
	ld->head = ld->canon_head;
	if (has_local(ld, ECHO)) {
		finish_erasing(ld);
		ldisc_echo(ld, ld->termios.c_cc[VKILL]);
		if (has_local(ld, ECHOK))
			ldisc_echo_literal(ld, '\n');
	}
	return false;
}

static bool is_word_char(u8 c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       c == '_' || (c >= 0xc0 && c != 0xd7 && c != 0xf7);
}

/* ERASE, WERASE or KILL, which `by` is. */
static void erase(struct ldisc *ld, u8 by)
{
	if (ld->head == ld->canon_head)
		return;
	bool one = is_special(ld, by, VERASE);
	bool word = !one && is_special(ld, by, VWERASE);
	if (!one && !word && !kill_by_steps(ld))
		return;
	bool in_word = false;
	while (ld->head != ld->canon_head) {
		u64 at = ld->head;
		u8 c;
		do
			c = *in_at(ld, --at);
		while (ldisc_is_continuation(ld, c) && at != ld->canon_head);
		if (ldisc_is_continuation(ld, c))
			break; /* half a character, the rest is in the line before */
		if (word && is_word_char(c))
			in_word = true;
		else if (word && in_word)
			break;
		u64 bytes = ld->head - at;
		ld->head = at;
		echo_erased(ld, c, bytes, by);
		if (one)
			break;
	}
	if (ld->head == ld->canon_head && has_local(ld, ECHO))
		finish_erasing(ld);
}

static void reprint(struct ldisc *ld, u8 c)
{
	finish_erasing(ld);
	ldisc_echo(ld, c);
	ldisc_echo_literal(ld, '\n');
	for (u64 at = ld->canon_head; at != ld->head; at++)
		ldisc_echo(ld, *in_at(ld, at));
}

static void literal_next(struct ldisc *ld)
{
	ld->lnext = true;
	if (!has_local(ld, ECHO))
		return;
	finish_erasing(ld);
	if (has_local(ld, ECHOCTL)) {
		ldisc_echo_literal(ld, '^');
		ldisc_echo_literal(ld, '\b');
	}
}

/* ICANON. => true when c was an editing character or ended the line. */
static bool receive_canonical(struct ldisc *ld, u8 c)
{
	bool extended = has_local(ld, IEXTEN);
	if (is_special(ld, c, VERASE) || is_special(ld, c, VKILL) ||
	    (extended && is_special(ld, c, VWERASE))) {
		erase(ld, c);
		return true;
	}
	if (extended && is_special(ld, c, VLNEXT)) {
		literal_next(ld);
		return true;
	}
	if (extended && has_local(ld, ECHO) && is_special(ld, c, VREPRINT)) {
		reprint(ld, c);
		return true;
	}
	if (c == '\n') {
		if (has_local(ld, ECHO) || has_local(ld, ECHONL))
			ldisc_echo_literal(ld, '\n');
		end_line(ld, c);
		return true;
	}
	if (is_special(ld, c, VEOF)) {
		end_line(ld, DISABLED);
		return true;
	}
	if (is_special(ld, c, VEOL) || (extended && is_special(ld, c, VEOL2))) {
		echo_input(ld, c);
		end_line(ld, c);
		return true;
	}
	return false;
}

/* --- receiving --- */

static void restart_output(struct ldisc *ld)
{
	if (!ld->stopped_by_ioctl)
		ld->stopped = false;
}

static int signal_of(const struct ldisc *ld, u8 c)
{
	if (!has_local(ld, ISIG))
		return 0;
	if (is_special(ld, c, VINTR))
		return SIGINT;
	if (is_special(ld, c, VQUIT))
		return SIGQUIT;
	return is_special(ld, c, VSUSP) ? SIGTSTP : 0;
}

static void receive_signal(struct ldisc *ld, u8 c)
{
	if (!has_local(ld, NOFLSH)) {
		ldisc_flush_output(ld);
		ldisc_flush_input(ld);
	}
	if (has_input(ld, IXON))
		restart_output(ld);
	if (has_local(ld, ECHO))
		ldisc_echo(ld, c);
}

/* IXON. => true when c was ^S or ^Q. */
static bool receive_flow(struct ldisc *ld, u8 c)
{
	if (is_special(ld, c, VSTART)) {
		restart_output(ld);
		return true;
	}
	if (is_special(ld, c, VSTOP)) {
		ld->stopped = true;
		return true;
	}
	return false;
}

/* => the signal it raises, or 0. */
static int receive_byte(struct ldisc *ld, u8 c)
{
	if (has_input(ld, ISTRIP))
		c &= 0x7f;
	if (has_input(ld, IUCLC) && has_local(ld, IEXTEN) && c >= 'A' && c <= 'Z')
		c += 'a' - 'A';
	bool literal = ld->lnext;
	ld->lnext = false;
	if (!literal) {
		if (has_input(ld, IXON) && receive_flow(ld, c))
			return 0;
		int signal = signal_of(ld, c);
		if (signal) {
			receive_signal(ld, c);
			return signal;
		}
	}
	if (ld->stopped && has_input(ld, IXON) && has_input(ld, IXANY))
		restart_output(ld);
	if (!literal) {
		if (c == '\r' && has_input(ld, IGNCR))
			return 0;
		if (c == '\r' && has_input(ld, ICRNL))
			c = '\n';
		else if (c == '\n' && has_input(ld, INLCR))
			c = '\r';
		if (has_local(ld, ICANON) && receive_canonical(ld, c))
			return 0;
	}
	if (c == '\n' && !literal && has_local(ld, ECHO)) {
		finish_erasing(ld);
		ldisc_echo_literal(ld, c);
	} else {
		echo_input(ld, c);
	}
	queue_input(ld, c);
	return 0;
}

size_t ldisc_receive(struct ldisc *ld, const u8 *bytes, size_t n, int *signal)
{
	*signal = 0;
	size_t done = 0;
	while (done < n && !*signal)
		*signal = receive_byte(ld, bytes[done++]);
	return done;
}

/* --- reading --- */

bool ldisc_readable(const struct ldisc *ld)
{
	return has_local(ld, ICANON) ? ld->canon_head != ld->tail : ld->head != ld->tail;
}

size_t ldisc_available(const struct ldisc *ld)
{
	if (!has_local(ld, ICANON))
		return ld->head - ld->tail;
	size_t n = 0;
	for (u64 at = ld->tail; at != ld->canon_head; at++)
		n += !(marked(ld, at) && ld->in[at % LDISC_SIZE] == DISABLED);
	return n;
}

size_t ldisc_read_line(struct ldisc *ld, u8 *to, size_t n, bool *done)
{
	size_t taken = 0;
	*done = false;
	while (ld->tail != ld->canon_head && !*done) {
		u8 c = *in_at(ld, ld->tail);
		bool end = marked(ld, ld->tail);
		bool eof = end && c == DISABLED;
		if (taken == n)
			break;
		if (!eof)
			to[taken++] = c;
		if (end) {
			unmark(ld, ld->tail);
			*done = true;
		}
		ld->tail++;
	}
	if (ld->tail == ld->canon_head)
		*done = true;
	return taken;
}

void ldisc_skip_eof(struct ldisc *ld)
{
	if (ld->tail != ld->canon_head && marked(ld, ld->tail) && *in_at(ld, ld->tail) == DISABLED)
		unmark(ld, ld->tail++);
}

size_t ldisc_read_raw(struct ldisc *ld, u8 *to, size_t n)
{
	n = MIN(n, ld->head - ld->tail);
	for (size_t i = 0; i < n; i++)
		to[i] = *in_at(ld, ld->tail + i);
	ld->tail += n;
	ld->canon_head = ld->tail;
	return n;
}

void ldisc_set_termios(struct ldisc *ld, const struct termios2_abi *t)
{
	u32 changed = ld->termios.c_lflag ^ t->c_lflag;
	bool had_flow = has_input(ld, IXON);
	ld->termios = *t;
	if (changed & ICANON) {
		memset(ld->marks, 0, sizeof ld->marks);
		/* What was typed before a switch to ICANON reads as a line without newline. */
		bool push = has_local(ld, ICANON) && ld->head != ld->tail;
		if (push)
			mark(ld, ld->head - 1);
		ld->canon_head = push ? ld->head : ld->tail;
		ld->erasing = ld->lnext = false;
	}
	if (had_flow && !has_input(ld, IXON))
		restart_output(ld);
}
