/*
 * Terminals (termios(3), ioctl_tty(2)): a line discipline (ldisc.h) between a driver (the serial port)
 * and the processes that read and write.
 *
 * Objects and lifetimes. A struct tty lives for ever (serial) or as long as its pair of ends
 * (pseudo-terminals), and is shared by all opens. An open file (struct tty_handle) remembers the
 * hang-up count it was opened under: after a hang-up, old files read end of file and write EIO while new
 * ones work. Files of /dev/console outlive hang-ups and know no background, as on Linux.
 * process->tty is the controlling terminal, tty->session the session that it controls: both
 * directions change together, so no process refers to a tty after its hang-up.
 *
 *	            open or TIOCSCTTY by a session leader
 *	   FREE ---------------------------------------------> CONTROLS session S
 *	    ^                                                        |
 *	    +-- leader exits or TIOCNOTTY: SIGHUP, SIGCONT to the foreground group; all of S forget it
 *
 * Locking:
 *	task_list_lock (TASKLIST)	process->tty; sessions and groups
 *	    tty->lock (TTY_STATE)	everything in struct tty, line discipline included
 *		console output		polled, short
 * Signals are sent after tty->lock is released. Readers (and writers) of one terminal take turns by
 * claiming a bit of tty->busy interruptibly: a stopped terminal never makes a process unkillable.
 * Wait-queue conditions read single words of struct tty without the lock; whoever changes one wakes.
 *
 * What can fail: EIO (hung up, orphaned background group), EAGAIN, ERESTARTSYS, ENOTTY, EINVAL, EPERM.
 */
#pragma once
#include "kernel/dev/ldisc.h"
#include "kernel/lib/guard.h"
#include "kernel/lib/result.h"
#include "kernel/sync/spinlock.h"
#include "kernel/sync/waitq.h"

struct file;
struct process;
struct tty;

struct tty_driver {
	/* tty->lock held. => bytes of ld.out taken; NULL: somebody fetches them (ldisc_sent, then tty_wake). */
	size_t (*send)(struct tty *t, const u8 *bytes, size_t n);
	/* No lock held: ld.out has grown. NULL allowed. */
	void (*written)(struct tty *t);
	/* No lock held: input was left in the device for lack of room, and there is room now. NULL allowed. */
	void (*receive_more)(struct tty *t);
	/* A file (or somebody who looks) begins and ends to use t; NULL: t lives for ever. get may be called under
	 * task_list_lock; => false when t is going away. */
	bool (*get)(struct tty *t);
	void (*put)(struct tty *t);
	/* A file of t was closed. NULL allowed. */
	void (*closed)(struct tty *t);
};

struct tty {
	struct spinlock lock;
	const struct tty_driver *driver; /* [I] */
	u32 number;                      /* [I] device_make() */
	u32 hangups;                     /* [l, a] */
	u32 busy;                        /* [l, a] TTY_READING ... */
	s32 session, pgrp;               /* [l] 0: none; session also under task_list_lock */
	bool exclusive;                  /* [l] TIOCEXCL */
	bool throttled;                  /* [l] input was left in the device */
	struct winsize_abi size;         /* [l] */
	struct waitq read_wait, write_wait, claim_wait;
	struct ldisc ld; /* [l] */
};
enum { TTY_READING = 1, TTY_WRITING = 2, TTY_RECEIVING = 4, TTY_RECEIVE_AGAIN = 8 };

enum tty_handle_kind { TTY_PLAIN, TTY_CONSOLE };
struct tty_handle { /* of an open file, in file->private */
	struct tty *tty;
	u32 hangups;
	enum tty_handle_kind kind;
};

void tty_init(
	void); /* boot: /dev/tty, /dev/console, /dev/ttyS0; receives from the serial port from now on */

void tty_setup(struct tty *t, const struct tty_driver *driver, u32 number);
/* Makes f a file of t, which takes a reference of its own; may make t the controlling terminal.
 * => 0, -ENOMEM, -EBUSY (TIOCEXCL), -EIO (going away). */
MUST_CHECK int tty_open(struct file *f, struct tty *t, enum tty_handle_kind kind);
/* Sends what the line discipline has for the device. tty->lock held. */
void tty_drain_locked(struct tty *t);
/* After a change outside reads and writes (echo, flow control, room in the device): no lock held. */
void tty_wake(struct tty *t);
/* Bytes from the device; thread context, no lock held; one caller at a time. */
void tty_receive(struct tty *t, const u8 *bytes, size_t n);
long tty_ioctl(struct file *f, unsigned cmd, u64 arg);
/* The same of a terminal itself, without the checks of a file: what the master of a pty may do, too. */
long tty_ioctl_of(struct tty *t, struct file *f, unsigned cmd, u64 arg);
/* Readers, writers and feeders of one terminal take turns. bit: TTY_READING ... => 0, -EAGAIN, -ERESTARTSYS. */
MUST_CHECK int tty_claim(struct tty *t, u32 bit, u32 file_flags);
void tty_unclaim(struct tty *t, u32 bit);
extern const struct file_ops tty_file_ops;

static inline bool tty_handle_hung_up(const struct tty_handle *h)
{
	return h->kind == TTY_PLAIN && h->hangups != load_relaxed(&h->tty->hangups);
}
/* Waits until everything written has been sent. => 0 or -ERESTARTSYS. */
MUST_CHECK int tty_wait_sent(struct tty *t);

/* --- tty_job.c: sessions, groups, job control --- */

/* May the current process touch its terminal? sig: SIGTTIN, SIGTTOU. => 0, -EIO, or -ERESTARTSYS. */
MUST_CHECK int tty_check_background(struct tty *t, int sig);
void tty_signal_foreground(struct tty *t, int sig);
/* open(2) without O_NOCTTY: takes the terminal if the caller leads a session without one. */
void tty_adopt_at_open(struct tty *t, const struct file *f);
MUST_CHECK int tty_set_controlling(struct tty *t, const struct file *f, u64 steal); /* TIOCSCTTY */
MUST_CHECK int tty_give_up(struct tty *t);                                          /* TIOCNOTTY */
/* Foreground group (TIOCGPGRP), session (TIOCGSID) of the caller's terminal, or -ENOTTY. */
s32 tty_get_foreground(struct tty *t);
s32 tty_get_session(struct tty *t);
MUST_CHECK int tty_set_foreground(struct tty *t, s32 pgid);
/* The line is gone: every file of before is dead, the session loses its terminal, SIGHUP. */
void tty_hangup(struct tty *t);
/* => the current process's controlling terminal or NULL; to compare with. _get: with a reference, for tty_put. */
struct tty *tty_current(void);
struct tty *tty_current_get(void);
static inline bool tty_get(struct tty *t)
{
	return !t->driver->get || t->driver->get(t);
}
static inline void tty_put(struct tty *t)
{
	if (t->driver->put)
		t->driver->put(t);
}
DEFINE_GUARD(tty, struct tty *, tty_put)

/* kernel/proc copies process->tty at fork and clears it in setsid(2), both under task_list_lock; a leader's
 * exit comes here through proc_hooks.session_exit. */

/* /proc/PID/stat: device number as user space sees it and foreground group; 0 and -1 without a terminal. */
void tty_describe(struct process *p, u32 *out_number, s32 *out_pgrp);
