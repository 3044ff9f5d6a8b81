/*
 * Text files made on demand (proc(5)): a growing buffer that show functions print into, and file
 * operations that serve it.
 *
 * The text is shown whole at the first read and served from there, so that offsets stay consistent
 * however small the reads are; a read at offset 0 shows it afresh. What may be very long is shown in parts, as far
 * as somebody reads: a show that leaves `cursor` nonzero is called again to go on from there. Only the last part is kept:
 * a reader that seeks back before it gets the text afresh from the start. A read ends where a part ends. One buffer belongs to one open
 * file; its mutex (class SEQ, outside all others) makes concurrent reads of it take turns. show and
 * store may sleep and allocate. A buffer without memory remembers that, and the read fails with ENOMEM.
 */
#pragma once
#include <stdarg.h>
#include "kernel/proc/file.h"

struct seq {
	char *text;
	size_t length, size;
	u64 cursor; /* show's own: where the next part begins; 0 at first, and when no part is left */
	bool failed;       /* out of memory: text is incomplete */
	struct file *file; /* whose file this is, or NULL */
	void *arg;         /* of seq_open */
	u32 event;         /* [a] of seq_ops.poll */
};
void seq_printf(struct seq *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
void seq_putc(struct seq *s, char c);
void seq_puts(struct seq *s, const char *text);
void seq_write(struct seq *s, const void *data, size_t n); /* any bytes */
/* Escapes blank, tab, newline, backslash and what is in `also` as \ooo (mount tables). */
void seq_escape(struct seq *s, const char *text, const char *also);
void seq_free(struct seq *s); /* of a seq used alone, which starts zeroed */

struct seq_ops {
	/* Prints the whole text, or a part. => 0 or -errno, which the read returns. */
	int (*show)(struct seq *s, void *arg);
	/* write(2): one call's bytes (at most 64 KiB), terminated; pos: where, for the op to advance.
	 * => bytes taken or -errno. NULL: -EINVAL. */
	ssize (*store)(struct file *f, void *arg, char *text, size_t length, u64 *pos);
	/* POLL* of the file; asked once when it is opened, without a table. NULL: it cannot be polled. */
	u32 (*poll)(struct seq *s, struct poll_table *pt);
	void (*release)(void *arg); /* of seq_open's arg, with the last reference of the file */
};
/* For inode_ops.open and the like: makes f a text file. => 0 or -ENOMEM (arg is not released then). */
MUST_CHECK int seq_open(struct file *f, const struct seq_ops *ops, void *arg);
