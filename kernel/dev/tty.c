#include "kernel/dev/tty.h"
#include "abi/fcntl.h"
#include "arch/clock.h"
#include "kernel/lib/string.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/file.h"
#include "kernel/proc/poll.h"
#include "kernel/proc/task.h"
#include "kernel/proc/uio.h"

enum { TTY_CHUNK = 256 }; /* bytes moved at a time between user memory and the line discipline */
#define NS_PER_DECISECOND 100000000ull

void tty_setup(struct tty *t, const struct tty_driver *driver, u32 number)
{
	spinlock_init(&t->lock, TTY_STATE);
	waitq_init(&t->read_wait);
	waitq_init(&t->write_wait);
	waitq_init(&t->claim_wait);
	ldisc_init(&t->ld);
	t->driver = driver;
	t->number = number;
}

int tty_open(struct file *f, struct tty *t, enum tty_handle_kind kind)
{
	if (load_relaxed(&t->exclusive) && !capable(CAP_SYS_ADMIN))
		return -EBUSY;
	struct tty_handle *h = kmalloc(sizeof *h);
	if (!h)
		return -ENOMEM;
	if (!tty_get(t)) {
		kfree(h);
		return -EIO;
	}
	*h = (struct tty_handle){.tty = t, .kind = kind, .hangups = load_relaxed(&t->hangups)};
	f->private = h;
	f->ops = &tty_file_ops;
	if (kind == TTY_PLAIN && !(f->flags & O_NOCTTY))
		tty_adopt_at_open(t, f);
	return 0;
}

static void tty_release(struct file *f)
{
	struct tty_handle *h = f->private;
	if (h->tty->driver->closed)
		h->tty->driver->closed(h->tty);
	tty_put(h->tty);
	kfree(h);
}

/* --- taking turns --- */

static bool tty_try_claim(struct tty *t, u32 bit)
{
	GUARD(spin)(&t->lock);
	if (t->busy & bit)
		return false;
	store_relaxed(&t->busy, t->busy | bit);
	return true;
}

int tty_claim(struct tty *t, u32 bit, u32 file_flags)
{
	if (tty_try_claim(t, bit))
		return 0;
	if (file_flags & O_NONBLOCK)
		return -EAGAIN;
	return WAITQ_WAIT(&t->claim_wait, PARK_INTERRUPTIBLE, PARK_FOREVER, tty_try_claim(t, bit));
}

void tty_unclaim(struct tty *t, u32 bit)
{
	spin_lock(&t->lock);
	store_relaxed(&t->busy, t->busy & ~bit);
	spin_unlock(&t->lock);
	if (waitq_active(&t->claim_wait))
		waitq_wake(&t->claim_wait, 0);
}

/* --- reading --- */

struct tty_read {
	struct tty_handle *h;
	struct uio *io;
	u32 file_flags;
	ssize done;
	size_t minimum;  /* VMIN; 0: a line */
	u64 between_ns;  /* VTIME between bytes, 0: none */
	u64 deadline_ns; /* of the wait to come */
};

static void tty_read_start(struct tty_read *r)
{
	const struct termios2_abi *t = &r->h->tty->ld.termios;
	r->deadline_ns = PARK_FOREVER;
	if (t->c_lflag & ICANON)
		return;
	u64 time = t->c_cc[VTIME] * NS_PER_DECISECOND;
	r->minimum = t->c_cc[VMIN];
	if (r->minimum) {
		r->between_ns = time;
	} else {
		r->minimum = 1;
		r->deadline_ns = time ? clock_mono_ns() + time : 0;
	}
}

/* One chunk from the line discipline to the user. => true when the read is complete. */
static bool tty_read_chunk(struct tty_read *r)
{
	struct tty *t = r->h->tty;
	u8 buf[TTY_CHUNK];
	size_t want = MIN(r->io->left, sizeof buf);
	bool end = false;
	spin_lock(&t->lock);
	if (!ldisc_readable(&t->ld)) { /* ^C has flushed it since the caller looked */
		spin_unlock(&t->lock);
		return false;
	}
	bool line = t->ld.termios.c_lflag & ICANON;
	size_t n =
		line ? ldisc_read_line(&t->ld, buf, want, &end) : ldisc_read_raw(&t->ld, buf, want);
	if (line && !end && n == r->io->left)
		ldisc_skip_eof(&t->ld);
	bool more = t->throttled;
	t->throttled = false;
	spin_unlock(&t->lock);
	if (more && t->driver->receive_more)
		t->driver->receive_more(t);
	size_t copied = uio_put(r->io, buf, n);
	memset(buf, 0, n); /* it may have been a password */
	compiler_barrier();
	r->done += copied;
	if (copied < n) {
		r->done = r->done ? r->done : -EFAULT;
		return true;
	}
	if (r->between_ns)
		r->deadline_ns = clock_mono_ns() + r->between_ns;
	return end || r->io->left == 0;
}

static bool tty_read_ready(const struct tty_handle *h)
{
	return ldisc_readable(&h->tty->ld) || tty_handle_hung_up(h);
}

/* => 0 when there may be something to read, else what ends the read. */
static int tty_read_wait(struct tty_read *r)
{
	if (r->deadline_ns == 0)
		return -ETIMEDOUT;
	if (r->file_flags & O_NONBLOCK)
		return -EAGAIN;
	return WAITQ_WAIT(&r->h->tty->read_wait, PARK_INTERRUPTIBLE, r->deadline_ns,
	                  tty_read_ready(r->h));
}

static ssize tty_read_claimed(struct tty_read *r)
{
	struct tty *t = r->h->tty;
	tty_read_start(r);
	for (;;) {
		while (ldisc_readable(&t->ld))
			if (tty_read_chunk(r))
				return r->done;
		if (tty_handle_hung_up(r->h) || (r->done && r->done >= (ssize)r->minimum))
			return r->done;
		int wait = tty_read_wait(r);
		if (wait)
			return r->done || wait == -ETIMEDOUT ? r->done : wait;
	}
}

static ssize tty_read(struct file *f, struct uio *io, u64 *pos)
{
	struct tty_handle *h = f->private;
	if (tty_handle_hung_up(h))
		return 0;
	if (h->kind == TTY_PLAIN)
		TRY(tty_check_background(h->tty, SIGTTIN));
	if (!io->left)
		return 0;
	TRY(tty_claim(h->tty, TTY_READING, f->flags));
	struct tty_read r = {.h = h, .io = io, .file_flags = f->flags};
	ssize result = tty_read_claimed(&r);
	tty_unclaim(h->tty, TTY_READING);
	return result;
}

/* --- writing --- */

void tty_drain_locked(struct tty *t)
{
	if (!t->ld.stopped && t->ld.out_length && t->driver->send)
		ldisc_sent(&t->ld, t->driver->send(t, t->ld.out, t->ld.out_length));
}

/* A stopped pseudo-terminal takes nothing, a stopped serial line as much as its buffer holds: as on Linux. */
static bool tty_takes_output(const struct tty *t)
{
	return t->driver->send || !load_relaxed(&t->ld.stopped);
}

static bool tty_write_ready(const struct tty_handle *h)
{
	const struct tty *t = h->tty;
	return (tty_takes_output(t) && load_relaxed(&t->ld.out_length) <= LDISC_SIZE / 2) ||
	       tty_handle_hung_up(h);
}

/* => bytes taken, at least 1 if n, or -errno. */
static ssize tty_write_chunk(struct tty_handle *h, const u8 *bytes, size_t n, u32 file_flags)
{
	struct tty *t = h->tty;
	for (;;) {
		if (tty_handle_hung_up(h))
			return -EIO;
		spin_lock(&t->lock);
		size_t taken = tty_takes_output(t) ? ldisc_write(&t->ld, bytes, n) : 0;
		tty_drain_locked(t);
		spin_unlock(&t->lock);
		if (taken && t->driver->written)
			t->driver->written(t);
		if (taken)
			return (ssize)taken;
		if (tty_takes_output(t) && load_relaxed(&t->ld.out_length) == 0)
			continue; /* the drain has just made room */
		if (file_flags & O_NONBLOCK)
			return -EAGAIN;
		TRY(WAITQ_WAIT(&t->write_wait, PARK_INTERRUPTIBLE, PARK_FOREVER,
		               tty_write_ready(h)));
	}
}

static ssize tty_write_claimed(struct tty_handle *h, struct uio *io, u32 file_flags)
{
	ssize done = 0;
	while (io->left) {
		u8 buf[TTY_CHUNK];
		size_t want = MIN(io->left, sizeof buf), n = uio_take(io, buf, want);
		for (size_t at = 0; at < n;) {
			ssize taken = tty_write_chunk(h, buf + at, n - at, file_flags);
			if (taken < 0)
				return done ? done : taken;
			at += taken;
			done += taken;
		}
		if (n < want)
			return done ? done : -EFAULT;
		if (io->left && signal_pending())
			return done;
		cond_resched();
	}
	return done;
}

static ssize tty_write(struct file *f, struct uio *io, u64 *pos)
{
	struct tty_handle *h = f->private;
	if (tty_handle_hung_up(h))
		return -EIO;
	if (h->kind == TTY_PLAIN && (h->tty->ld.termios.c_lflag & TOSTOP))
		TRY(tty_check_background(h->tty, SIGTTOU));
	TRY(tty_claim(h->tty, TTY_WRITING, f->flags));
	ssize result = tty_write_claimed(h, io, f->flags);
	tty_unclaim(h->tty, TTY_WRITING);
	return result;
}

int tty_wait_sent(struct tty *t)
{
	return WAITQ_WAIT(&t->write_wait, PARK_INTERRUPTIBLE, PARK_FOREVER,
	                  load_relaxed(&t->ld.out_length) == 0);
}

/* --- events --- */

static u32 tty_poll(struct file *f, struct poll_table *pt)
{
	struct tty_handle *h = f->private;
	struct tty *t = h->tty;
	poll_wait(pt, f, &t->read_wait);
	poll_wait(pt, f, &t->write_wait);
	if (tty_handle_hung_up(h))
		return POLL_ALWAYS_READY | POLLERR | POLLHUP;
	GUARD(spin)(&t->lock);
	const struct termios2_abi *m = &t->ld.termios;
	bool readable = ldisc_readable(&t->ld);
	/* VMIN without VTIME: poll says what a read would, that is: wait for all of VMIN. */
	if (!(m->c_lflag & ICANON) && !m->c_cc[VTIME] && m->c_cc[VMIN])
		readable = ldisc_available(&t->ld) >= m->c_cc[VMIN];
	u32 events = readable ? POLLIN | POLLRDNORM : 0;
	if (tty_takes_output(t) && t->ld.out_length < LDISC_SIZE / 2)
		events |= POLLOUT | POLLWRNORM;
	return events;
}

void tty_wake(struct tty *t)
{
	if (t->driver->written && load_relaxed(&t->ld.out_length))
		t->driver->written(t);
	if (waitq_active(&t->read_wait) && ldisc_readable(&t->ld))
		waitq_wake(&t->read_wait, POLLIN | POLLRDNORM);
	if (waitq_active(&t->write_wait) && tty_takes_output(t) &&
	    load_relaxed(&t->ld.out_length) <= LDISC_SIZE / 2)
		waitq_wake(&t->write_wait, POLLOUT | POLLWRNORM);
}

void tty_receive(struct tty *t, const u8 *bytes, size_t n)
{
	while (n) {
		int signal;
		spin_lock(&t->lock);
		size_t took = ldisc_receive(&t->ld, bytes, n, &signal);
		tty_drain_locked(t);
		spin_unlock(&t->lock);
		if (signal)
			tty_signal_foreground(t, signal);
		bytes += took;
		n -= took;
	}
	tty_wake(t);
}

const struct file_ops tty_file_ops = {
	.read = tty_read,
	.write = tty_write,
	.poll = tty_poll,
	.ioctl = tty_ioctl,
	.release = tty_release,
	.async = true,
};
