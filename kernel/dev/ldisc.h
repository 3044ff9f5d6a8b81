/*
 * The line discipline of a terminal (termios(3), N_TTY on Linux) as a pure state machine: bytes from
 * the keyboard go in, lines (or raw bytes) and echo come out, signals are a return value. It knows no
 * lock, no thread and no device.
 *
 * Input ring, positions counting up for ever:
 *
 *	   tail              canon_head          head
 *	    | complete lines     | line being edited |
 *	    +--------------------+-------------------+     at most LDISC_SIZE bytes
 *
 * A bit in `marks` says that a byte ends a line. An end-of-file character is kept in its place as a
 * marked zero byte: it ends a line and is never delivered; a line of nothing else reads as 0 bytes.
 * Without ICANON every byte can be read at once and canon_head stays at tail.
 *
 * Output buffer: what is to be sent, processed already; the owner drains it. Echo that finds it
 * full is dropped, as Linux drops the oldest; writers wait for room instead.
 *
 * Locking: the owner's. Nothing here can fail.
 */
#pragma once
#include "abi/termios.h"

enum { LDISC_SIZE = 4096 }; /* MAX_INPUT of termios(3) */

struct ldisc {
	struct termios2_abi termios;
	u64 head, canon_head, tail;
	u64 marks[LDISC_SIZE / 64];
	u32 column, canon_column; /* of the cursor; where the edited line began */
	u32 out_length;
	bool lnext;            /* ^V came: take the next character literally */
	bool erasing;          /* between \ and / of ECHOPRT */
	bool stopped;          /* ^S or TCOOFF: the owner drains no output */
	bool stopped_by_ioctl; /* TCOOFF: not for ^Q to lift */
	u8 in[LDISC_SIZE];
	u8 out[LDISC_SIZE];
};

void ldisc_init(struct ldisc *ld);

/* Bytes from the device. Stops after a byte that raises a signal, so that the owner can send it in its
 * place. => bytes consumed; *signal is SIGINT, SIGQUIT, SIGTSTP or 0. */
size_t ldisc_receive(struct ldisc *ld, const u8 *bytes, size_t n, int *signal);
/* => bytes that may be received now without losing any. A line that is too long loses its excess. */
size_t ldisc_room(const struct ldisc *ld);

/* => bytes that a read could return: 0 when it has to wait, although an end of file may be waiting. */
size_t ldisc_available(const struct ldisc *ld);
bool ldisc_readable(const struct ldisc *ld);
/* ICANON: up to n bytes of one line; => bytes, *done when the line (or the buffer) has ended.
 * Otherwise: what there is, at most n. */
size_t ldisc_read_line(struct ldisc *ld, u8 *to, size_t n, bool *done);
size_t ldisc_read_raw(struct ldisc *ld, u8 *to, size_t n);
/* After a read filled its buffer with a line's bytes: an end of file right behind belongs to that read. */
void ldisc_skip_eof(struct ldisc *ld);

/* Output processing of what a process writes. => bytes taken; fewer when `out` is full. */
size_t ldisc_write(struct ldisc *ld, const u8 *bytes, size_t n);
/* The owner has sent the first n bytes of out. */
void ldisc_sent(struct ldisc *ld, size_t n);

/* tcflow(3): asks the other side to stop or go on; which: VSTOP or VSTART. */
void ldisc_send_flow(struct ldisc *ld, unsigned which);
void ldisc_flush_input(struct ldisc *ld);
void ldisc_flush_output(struct ldisc *ld);
void ldisc_set_termios(struct ldisc *ld, const struct termios2_abi *t);

/* Between ldisc.c and ldisc_out.c. */
static inline bool ldisc_is_control(u8 c)
{
	return c < 32 || c == 127;
}
static inline bool ldisc_is_continuation(const struct ldisc *ld, u8 c)
{
	return (ld->termios.c_iflag & IUTF8) && (c & 0xc0) == 0x80;
}
void ldisc_echo(struct ldisc *ld, u8 c);         /* control characters as ^X with ECHOCTL */
void ldisc_echo_literal(struct ldisc *ld, u8 c); /* never as ^X */
void ldisc_echo_erase_tab(struct ldisc *ld, u32 columns, bool after_tab);
