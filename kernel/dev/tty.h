/*
 * Terminals (termios(3), ioctl_tty(2)): a line discipline (ldisc.h) between a driver (the serial port)
 * and the processes that read and write.
 *
 * Objects and lifetimes: a struct tty lives for ever (serial) and is shared by all opens. An open file
 * remembers the hang-up count it was opened under: after a hang-up, old files read end of file and
 * write EIO while new ones work. process->tty is the controlling terminal, tty->session the session
 * that it controls: both directions change together.
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
 *
 * What can fail: EIO (hung up, orphaned background group), EAGAIN, ERESTARTSYS, ENOTTY, EINVAL, EPERM.
 */
#pragma once
#include "kernel/lib/compiler.h"

struct process;
struct tty;

void tty_init(
	void); /* boot: /dev/tty, /dev/console, /dev/ttyS0; receives from the serial port from now on */

/* kernel/proc copies process->tty at fork and clears it in setsid(2), both under task_list_lock; a leader's
 * exit comes here through proc_hooks.session_exit. No process refers to a tty after its hang-up. */

/* /proc/PID/stat: device number as user space sees it and foreground group; 0 and -1 without a terminal.
 * task_list_lock held. */
void tty_describe(struct process *p, u32 *out_number, s32 *out_pgrp);
