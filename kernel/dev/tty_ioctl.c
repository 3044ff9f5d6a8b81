/* ioctl_tty(2). */
#include "abi/fcntl.h"
#include "arch/uaccess.h"
#include "kernel/dev/device.h"
#include "kernel/dev/tty.h"
#include "kernel/lib/string.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/file.h"
#include "kernel/proc/signal.h"

static int put_int(uptr_t to, s32 value)
{
	return copy_to_user(to, &value, sizeof value);
}

/* --- termios --- */

enum { TERMIOS_OLD = 1, TERMIOS_2 = 2, TERMIOS_DRAIN = 4, TERMIOS_FLUSH = 8 };

static const u32 baud_rates[] = {0,       50,      75,      110,     134,     150,     200,
                                 300,     600,     1200,    1800,    2400,    4800,    9600,
                                 19200,   38400,   0,       57600,   115200,  230400,  460800,
                                 500000,  576000,  921600,  1000000, 1152000, 1500000, 2000000,
                                 2500000, 3000000, 3500000, 4000000};

/* The rate that CBAUD stands for; BOTHER (bare CBAUDEX) means what c_ospeed says. */
static u32 baud_rate(u32 cflag, u32 other)
{
	u32 code = (cflag & 017) + (cflag & CBAUDEX ? 16 : 0);
	return code == 16 ? other : baud_rates[code];
}

static void termios_get(struct tty *t, struct termios2_abi *out)
{
	GUARD(spin)(&t->lock);
	*out = t->ld.termios;
}

static void termios_from_old(struct termios2_abi *t, const struct termio_abi *old)
{
	t->c_iflag = (t->c_iflag & 0xffff0000) | old->c_iflag;
	t->c_oflag = (t->c_oflag & 0xffff0000) | old->c_oflag;
	t->c_cflag = (t->c_cflag & 0xffff0000) | old->c_cflag;
	t->c_lflag = (t->c_lflag & 0xffff0000) | old->c_lflag;
	t->c_line = old->c_line;
	memcpy(t->c_cc, old->c_cc, NCC_TERMIO);
}

static long termios_to_user(struct tty *t, uptr_t arg, u32 how)
{
	struct termios2_abi now;
	termios_get(t, &now);
	if (how & TERMIOS_OLD) {
		struct termio_abi old = {(u16)now.c_iflag, (u16)now.c_oflag, (u16)now.c_cflag,
		                         (u16)now.c_lflag, now.c_line,       {0}};
		memcpy(old.c_cc, now.c_cc, NCC_TERMIO);
		return copy_to_user(arg, &old, sizeof old);
	}
	return copy_to_user(arg, &now, how & TERMIOS_2 ? sizeof now : sizeof(struct termios_abi));
}

/* => 0 or -EFAULT; *to holds the present settings and gets what the user changes. */
static int termios_from_user(struct termios2_abi *to, uptr_t arg, u32 how)
{
	if (how & TERMIOS_OLD) {
		struct termio_abi old;
		TRY(copy_from_user(&old, arg, sizeof old));
		termios_from_old(to, &old);
	} else {
		TRY(copy_from_user(to, arg,
		                   how & TERMIOS_2 ? sizeof *to : sizeof(struct termios_abi)));
	}
	to->c_ospeed = baud_rate(to->c_cflag, to->c_ospeed);
	u32 input = to->c_cflag >> 16 & CBAUD;
	to->c_ispeed = input ? baud_rate(input, to->c_ispeed) : to->c_ospeed;
	return 0;
}

static long termios_set(struct tty *t, uptr_t arg, u32 how)
{
	struct termios2_abi wanted;
	TRY(tty_check_background(t, SIGTTOU));
	termios_get(t, &wanted);
	TRY(termios_from_user(&wanted, arg, how));
	if (how & TERMIOS_DRAIN)
		TRY(tty_wait_sent(t));
	spin_lock(&t->lock);
	if (how & TERMIOS_FLUSH)
		ldisc_flush_input(&t->ld);
	ldisc_set_termios(&t->ld, &wanted);
	tty_drain_locked(t);
	spin_unlock(&t->lock);
	/* A reader may have to see the new mode, a writer that ^S is lifted. */
	tty_wake(t);
	waitq_wake_all(&t->read_wait, 0);
	waitq_wake_all(&t->write_wait, 0);
	return 0;
}

/* --- window size --- */

static long winsize_get(struct tty *t, uptr_t arg)
{
	struct winsize_abi size;
	spin_lock(&t->lock);
	size = t->size;
	spin_unlock(&t->lock);
	return copy_to_user(arg, &size, sizeof size);
}

static long winsize_set(struct tty *t, uptr_t arg)
{
	struct winsize_abi size;
	TRY(copy_from_user(&size, arg, sizeof size));
	spin_lock(&t->lock);
	bool changed = memcmp(&t->size, &size, sizeof size);
	t->size = size;
	spin_unlock(&t->lock);
	if (changed)
		tty_signal_foreground(t, SIGWINCH);
	return 0;
}

/* --- queues and flow --- */

static long flow(struct tty *t, u64 action)
{
	TRY(tty_check_background(t, SIGTTOU));
	if (action > TCION)
		return -EINVAL;
	spin_lock(&t->lock);
	if (action == TCOOFF || action == TCOON)
		t->ld.stopped = t->ld.stopped_by_ioctl = action == TCOOFF;
	else
		ldisc_send_flow(&t->ld, action == TCIOFF ? VSTOP : VSTART);
	tty_drain_locked(t);
	spin_unlock(&t->lock);
	tty_wake(t);
	return 0;
}

static long flush(struct tty *t, u64 which)
{
	TRY(tty_check_background(t, SIGTTOU));
	if (which > TCIOFLUSH)
		return -EINVAL;
	spin_lock(&t->lock);
	if (which != TCOFLUSH)
		ldisc_flush_input(&t->ld);
	if (which != TCIFLUSH)
		ldisc_flush_output(&t->ld);
	bool more = which != TCOFLUSH && t->throttled;
	spin_unlock(&t->lock);
	if (more && t->driver->receive_more)
		t->driver->receive_more(t);
	tty_wake(t);
	return 0;
}

static long queued_input(struct tty *t, uptr_t arg)
{
	spin_lock(&t->lock);
	s32 n = (s32)ldisc_available(&t->ld);
	spin_unlock(&t->lock);
	return put_int(arg, n);
}

static long drain(struct tty *t)
{
	TRY(tty_check_background(t, SIGTTOU));
	return tty_wait_sent(t);
}

/* TIOCSTI: as if typed. */
static long inject(struct tty *t, uptr_t arg)
{
	u8 c;
	if (tty_current() != t && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	TRY(copy_from_user(&c, arg, 1));
	tty_receive(t, &c, 1);
	return 0;
}

/* --- job control --- */

static long foreground_get(struct tty *t, uptr_t arg)
{
	return put_int(arg, TRY(tty_get_foreground(t)));
}

static long session_get(struct tty *t, uptr_t arg)
{
	return put_int(arg, TRY(tty_get_session(t)));
}

static long foreground_set(struct tty *t, uptr_t arg)
{
	s32 pgid;
	int background = tty_check_background(t, SIGTTOU);
	if (background)
		return background == -EIO ? -ENOTTY : background;
	TRY(copy_from_user(&pgid, arg, sizeof pgid));
	return pgid < 0 ? -EINVAL : tty_set_foreground(t, pgid);
}

static long set_exclusive(struct tty *t, bool on)
{
	store_relaxed(&t->exclusive, on);
	return 0;
}

static long hangup(struct tty *t)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	tty_hangup(t);
	return 0;
}

/* TIOCSETD: the one discipline there is, N_TTY. */
static long set_discipline(uptr_t arg)
{
	s32 number;
	TRY(copy_from_user(&number, arg, sizeof number));
	return number == 0 ? 0 : -EINVAL;
}

static long ioctl_termios(struct tty *t, unsigned cmd, uptr_t arg)
{
	switch (cmd) {
	case TCGETS: return termios_to_user(t, arg, 0);
	case TCGETS2: return termios_to_user(t, arg, TERMIOS_2);
	case TCGETA: return termios_to_user(t, arg, TERMIOS_OLD);
	case TCSETS: return termios_set(t, arg, 0);
	case TCSETSW: return termios_set(t, arg, TERMIOS_DRAIN);
	case TCSETSF: return termios_set(t, arg, TERMIOS_DRAIN | TERMIOS_FLUSH);
	case TCSETS2: return termios_set(t, arg, TERMIOS_2);
	case TCSETSW2: return termios_set(t, arg, TERMIOS_2 | TERMIOS_DRAIN);
	case TCSETSF2: return termios_set(t, arg, TERMIOS_2 | TERMIOS_DRAIN | TERMIOS_FLUSH);
	case TCSETA: return termios_set(t, arg, TERMIOS_OLD);
	case TCSETAW: return termios_set(t, arg, TERMIOS_OLD | TERMIOS_DRAIN);
	case TCSETAF: return termios_set(t, arg, TERMIOS_OLD | TERMIOS_DRAIN | TERMIOS_FLUSH);
	default: return -ENOTTY;
	}
}

long tty_ioctl(struct file *f, unsigned cmd, u64 arg)
{
	struct tty_handle *h = f->private;
	if (tty_handle_hung_up(h))
		return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
	return tty_ioctl_of(h->tty, f, cmd, arg);
}

long tty_ioctl_of(struct tty *t, struct file *f, unsigned cmd, u64 arg)
{
	uptr_t user = UPTR(arg);
	switch (cmd) {
	case TIOCGWINSZ: return winsize_get(t, user);
	case TIOCSWINSZ: return winsize_set(t, user);
	case TIOCSCTTY: return tty_set_controlling(t, f, arg);
	case TIOCNOTTY: return tty_give_up(t);
	case TIOCGPGRP: return foreground_get(t, user);
	case TIOCSPGRP: return foreground_set(t, user);
	case TIOCGSID: return session_get(t, user);
	case TIOCOUTQ: return put_int(user, (s32)load_relaxed(&t->ld.out_length));
	case FIONREAD: return queued_input(t, user);
	case TIOCSTI: return inject(t, user);
	case TCXONC: return flow(t, arg);
	case TCFLSH: return flush(t, arg);
	case TCSBRK:
	case TCSBRKP:
	case TIOCSBRK:
	case TIOCCBRK: return drain(t); /* the line has no break condition to send */
	case TIOCEXCL: return set_exclusive(t, true);
	case TIOCNXCL: return set_exclusive(t, false);
	case TIOCGEXCL: return put_int(user, load_relaxed(&t->exclusive));
	case TIOCGDEV: return put_int(user, (s32)device_encode(t->number));
	case TIOCGETD: return put_int(user, 0);
	case TIOCSETD: return set_discipline(user);
	case TIOCVHANGUP: return hangup(t);
	case TIOCGSOFTCAR: return put_int(user, !!(t->ld.termios.c_cflag & CLOCAL));
	case TIOCMGET:
		return put_int(user, TIOCM_DTR | TIOCM_RTS | TIOCM_CTS | TIOCM_CAR | TIOCM_DSR);
	default: return ioctl_termios(t, cmd, user);
	}
}
