/*
 * Pseudo-terminals, pty(7): a terminal whose device is a program. The slave end is a struct tty like any
 * other; what it sends stays in its output buffer until the master reads it there, and what the
 * master writes is received as if typed.
 *
 * Lifetime: one reference by the master file, one by each slave file. The number and its node in devpts
 * are free again when the master is closed; that hangs the slave up.
 *
 * Locking: pty_table_lock (mutex, class TTY) for numbers and nodes; the slave's lock for the rest.
 */
#include "abi/fcntl.h"
#include "arch/uaccess.h"
#include "kernel/dev/device.h"
#include "kernel/dev/devices.h"
#include "kernel/dev/tty.h"
#include "kernel/fs/devpts.h"
#include "kernel/fs/inode.h"
#include "kernel/lib/bug.h"
#include "kernel/lib/idmap.h"
#include "kernel/lib/string.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/fdtable.h"
#include "kernel/proc/poll.h"
#include "kernel/proc/uio.h"

enum { PTS_MAJOR = 136, PTMX_MAJOR = 5, PTMX_MINOR = 2, PTY_MAX = 4096, PTY_CHUNK = 256 };

struct pty {
	struct tty slave;
	refcount_t refs;
	u32 index;                /* [I] N of /dev/pts/N */
	struct waitq master_wait; /* reads and writes of the master */
	bool locked;              /* [a] unlockpt(3) has not been called */
	bool slave_seen;          /* [slave.lock] was open once */
	u32 slave_files;          /* [slave.lock] */
	bool master_gone;         /* [a] */
	struct devpts_node *node; /* [table] */
};

static void *table_alloc(size_t size)
{
	return kzalloc(size);
}
static void table_free(void *p, size_t size)
{
	kfree(p);
}
static const struct idmap_ops table_ops = {.alloc = table_alloc, .defer_free = table_free};
static struct mutex pty_table_lock = MUTEX_INIT(pty_table_lock, TTY);
static struct idmap pty_table; /* [table] index -> struct pty with its master open */

static struct pty *pty_of(struct tty *t)
{
	return container_of(t, struct pty, slave);
}

/* --- the slave's driver --- */

static bool pty_get(struct tty *t)
{
	return refcount_get_not_zero(&pty_of(t)->refs);
}

static void pty_put(struct tty *t)
{
	struct pty *p = pty_of(t);
	if (refcount_put(&p->refs))
		kfree(p);
}

static void pty_wake_master(struct tty *t)
{
	if (waitq_active(&pty_of(t)->master_wait))
		waitq_wake(&pty_of(t)->master_wait, POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM);
}

static void pty_slave_closed(struct tty *t)
{
	struct pty *p = pty_of(t);
	spin_lock(&t->lock);
	bool last = --p->slave_files == 0;
	spin_unlock(&t->lock);
	if (last)
		waitq_wake_all(&p->master_wait, POLLIN | POLLHUP);
}

static const struct tty_driver pty_driver = {
	.written = pty_wake_master,
	.receive_more = pty_wake_master,
	.get = pty_get,
	.put = pty_put,
	.closed = pty_slave_closed,
};

/* => the pty of that number with a reference, or NULL. */
static struct pty *pty_lookup(u32 index)
{
	GUARD(mutex)(&pty_table_lock);
	struct pty *p = idmap_find(&pty_table, index);
	return p && pty_get(&p->slave) ? p : NULL;
}

static int slave_open(struct file *f, struct pty *p)
{
	if (load_relaxed(&p->locked) || load_relaxed(&p->master_gone))
		return -EIO;
	spin_lock(&p->slave.lock);
	p->slave_files++;
	spin_unlock(&p->slave.lock);
	int err = tty_open(f, &p->slave, TTY_PLAIN);
	spin_lock(&p->slave.lock);
	p->slave_files -= err != 0;
	p->slave_seen |= err == 0;
	spin_unlock(&p->slave.lock);
	return err;
}

static int slave_device_open(struct file *f)
{
	struct pty *p = pty_lookup(device_minor(f->inode->rdev));
	if (!p)
		return -EIO;
	int err = slave_open(f, p);
	pty_put(&p->slave);
	return err;
}

/* --- the master --- */

/* Slave output that the master may have now. Lock held, or to look. */
static size_t master_available(const struct pty *p)
{
	return p->slave.ld.stopped ? 0 : load_relaxed(&p->slave.ld.out_length);
}
static bool slave_closed(const struct pty *p)
{
	return load_relaxed(&p->slave_seen) && !load_relaxed(&p->slave_files);
}

static size_t master_fetch(struct pty *p, u8 *buf, size_t n)
{
	GUARD(spin)(&p->slave.lock);
	n = MIN(n, master_available(p));
	memcpy(buf, p->slave.ld.out, n);
	ldisc_sent(&p->slave.ld, n);
	return n;
}

static ssize master_read(struct file *f, struct uio *io, u64 *pos)
{
	struct pty *p = f->private;
	u8 buf[PTY_CHUNK];
	ssize done = 0;
	while (io->left) {
		size_t n = master_fetch(p, buf, MIN(io->left, sizeof buf));
		if (n) {
			tty_wake(&p->slave);
			size_t copied = uio_put(io, buf, n);
			done += copied;
			if (copied < n)
				return done ? done : -EFAULT;
			continue;
		}
		if (done)
			break;
		if (slave_closed(p))
			return -EIO;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		TRY(WAITQ_WAIT(&p->master_wait, PARK_INTERRUPTIBLE, PARK_FOREVER,
		               master_available(p) || slave_closed(p)));
	}
	return done;
}

/* Bytes that the slave's line discipline can take; notes when there is no room. */
static size_t master_room(struct pty *p)
{
	struct tty *t = &p->slave;
	GUARD(spin)(&t->lock);
	size_t room = ldisc_room(&t->ld);
	t->throttled = room == 0;
	return room;
}

static ssize master_write_claimed(struct pty *p, struct file *f, struct uio *io)
{
	u8 buf[PTY_CHUNK];
	ssize done = 0;
	while (io->left) {
		size_t room = master_room(p);
		if (!room) {
			if (done)
				break;
			if (f->flags & O_NONBLOCK)
				return -EAGAIN;
			TRY(WAITQ_WAIT(&p->master_wait, PARK_INTERRUPTIBLE, PARK_FOREVER,
			               master_room(p)));
			continue;
		}
		size_t want = MIN(MIN(io->left, sizeof buf), room), n = uio_take(io, buf, want);
		tty_receive(&p->slave, buf, n);
		done += n;
		if (n < want)
			return done ? done : -EFAULT;
	}
	return done;
}

static ssize master_write(struct file *f, struct uio *io, u64 *pos)
{
	struct pty *p = f->private;
	TRY(tty_claim(&p->slave, TTY_RECEIVING, f->flags));
	ssize result = master_write_claimed(p, f, io);
	tty_unclaim(&p->slave, TTY_RECEIVING);
	return result;
}

static u32 master_poll(struct file *f, struct poll_table *pt)
{
	struct pty *p = f->private;
	poll_wait(pt, f, &p->master_wait);
	u32 events = master_available(p) ? POLLIN | POLLRDNORM : 0;
	if (master_room(p))
		events |= POLLOUT | POLLWRNORM;
	if (slave_closed(p))
		events |= POLLIN | POLLHUP;
	return events;
}

/* TIOCGPTPEER: opens the slave without a path to it. */
static long master_open_peer(struct pty *p, u32 flags)
{
	enum { ALLOWED = O_RDWR | O_WRONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK };
	struct path path;
	TRY(devpts_node_path(p->node, &path));
	struct file *f = file_new(&path, &tty_file_ops, flags & ALLOWED & ~(u32)O_CLOEXEC, NULL);
	path_put(&path);
	if (is_err(f))
		return ptr_err(f);
	int err = slave_open(f, p);
	if (err) {
		static const struct file_ops no_ops = {0};
		f->ops = &no_ops;
		file_put(f);
		return err;
	}
	return fd_open(f, flags & O_CLOEXEC);
}

static long master_lock(struct pty *p, uptr_t arg)
{
	s32 lock;
	TRY(copy_from_user(&lock, arg, sizeof lock));
	store_relaxed(&p->locked, lock != 0);
	return 0;
}

static long put_int(uptr_t arg, s32 value)
{
	return copy_to_user(arg, &value, sizeof value);
}

static long master_ioctl(struct file *f, unsigned cmd, u64 arg)
{
	struct pty *p = f->private;
	struct tty *t = &p->slave;
	switch (cmd) {
	case TIOCGPTN: return put_int(UPTR(arg), (s32)p->index);
	case TIOCSPTLCK: return master_lock(p, UPTR(arg));
	case TIOCGPTLCK: return put_int(UPTR(arg), load_relaxed(&p->locked));
	case TIOCGPTPEER: return master_open_peer(p, (u32)arg);
	case FIONREAD: return put_int(UPTR(arg), (s32)master_available(p));
	case TIOCGPGRP: return put_int(UPTR(arg), load_relaxed(&t->pgrp));
	case TIOCGSID:
		return load_relaxed(&t->session) ? put_int(UPTR(arg), load_relaxed(&t->session))
		                                 : -ENOTTY;
	case TIOCSCTTY:
	case TIOCNOTTY:
	case TIOCSTI: return -ENOTTY;
	default: return tty_ioctl_of(t, f, cmd, arg);
	}
}

static void pty_unlist(struct pty *p)
{
	GUARD(mutex)(&pty_table_lock);
	idmap_clear(&pty_table, p->index);
	if (!pty_table.count) { /* the last one leaves nothing behind */
		idmap_destroy(&pty_table);
		idmap_init(&pty_table, &table_ops);
	}
	devpts_node_remove(TAKE(p->node));
}

static void master_release(struct file *f)
{
	struct pty *p = f->private;
	store_relaxed(&p->master_gone, true);
	pty_unlist(p);
	tty_hangup(&p->slave);
	pty_put(&p->slave);
}

static const struct file_ops master_ops = {.read = master_read,
                                           .write = master_write,
                                           .poll = master_poll,
                                           .ioctl = master_ioctl,
                                           .release = master_release,
                                           .async = true};

/* Gives p a number and a node. => 0, -ENOSPC, -ENOMEM. */
static int pty_list(struct pty *p)
{
	GUARD(mutex)(&pty_table_lock);
	s64 index = TRY(idmap_find_free(&pty_table, 0, PTY_MAX - 1));
	TRY(idmap_reserve(&pty_table, (u32)index));
	p->index = (u32)index;
	p->slave.number = device_make(PTS_MAJOR, p->index);
	p->node = devpts_node_add(p->index, p->slave.number);
	if (is_err(p->node)) {
		idmap_clear(&pty_table, p->index);
		return ptr_err(p->node);
	}
	idmap_set(&pty_table, p->index, p);
	return 0;
}

static int master_open(struct file *f)
{
	struct pty *p = kzalloc(sizeof *p);
	if (!p)
		return -ENOMEM;
	tty_setup(&p->slave, &pty_driver, 0);
	waitq_init(&p->master_wait);
	refcount_init(&p->refs, 1);
	p->locked = true;
	int err = pty_list(p);
	if (err) {
		kfree(p);
		return err;
	}
	f->private = p;
	return 0;
}

static struct device ptmx_device = {
	.name = "ptmx", .mode = 0666, .ops = &master_ops, .open = master_open};
static struct device pts_device = {
	.count = PTY_MAX, .ops = &tty_file_ops, .open = slave_device_open};

void pty_init(void)
{
	idmap_init(&pty_table, &table_ops);
	ptmx_device.number = device_make(PTMX_MAJOR, PTMX_MINOR);
	pts_device.number = device_make(PTS_MAJOR, 0);
	device_register(&ptmx_device);
	device_register(&pts_device);
	devpts_init(ptmx_device.number);
}
