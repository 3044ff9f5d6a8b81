#include "kernel/port/event_file.h"
#include "abi/event.h"
#include "abi/fcntl.h"
#include "arch/uaccess.h"
#include "kernel/fs/seq.h"
#include "kernel/ipc/event/eventfd.h"
#include "kernel/ipc/event/timerfd.h"
#include "kernel/mm/slab.h"
#include "kernel/port/internal.h"
#include "kernel/proc/file.h"
#include "kernel/proc/poll.h"
#include "kernel/sched/timer.h"

/* struct port_io is struct uio by another name. */
static struct port_io *io_of(struct uio *io)
{
	return container_of(io, struct port_io, uio);
}
static bool nonblock(const struct file *f)
{
	return load_relaxed(&f->flags) & O_NONBLOCK;
}

/* As Linux: seeking is allowed and does nothing. */
static s64 no_seek(struct file *f, s64 offset, int whence)
{
	return 0;
}

/* --- eventfd --- */

static ssize event_read(struct file *f, struct uio *io, u64 *pos)
{
	return eventfd_read(f->private, io_of(io), nonblock(f));
}
static ssize event_write(struct file *f, struct uio *io, u64 *pos)
{
	return eventfd_write(f->private, io_of(io), nonblock(f));
}
static NOINLINE u32 event_poll_register(struct file *f, struct poll_table *pt)
{
	struct eventfd *e = f->private;
	poll_wait(pt, f, &e->poll.waitq);
	return eventfd_events(e);
}
static u32 event_poll(struct file *f, struct poll_table *pt)
{
	return likely(!pt) ? eventfd_events(f->private) : event_poll_register(f, pt);
}
static void event_release(struct file *f)
{
	eventfd_free(f->private);
}
static void event_fdinfo(struct file *f, struct seq *s)
{
	struct eventfd *e = f->private;
	seq_printf(s, "eventfd-count: %16llx\n", (unsigned long long)load_relaxed(&e->counter));
}
static const struct file_ops event_ops = {.read = event_read,
                                          .write = event_write,
                                          .seek = no_seek,
                                          .poll = event_poll,
                                          .release = event_release,
                                          .fdinfo = event_fdinfo,
                                          .write_by_pieces = true};

struct file *eventfd_file_new(u32 counter, bool semaphore, u32 flags)
{
	struct eventfd *e = eventfd_new(counter, semaphore);
	if (!e)
		return err_ptr(-ENOMEM);
	struct file *f = file_new_anon("eventfd", &event_ops, O_RDWR | flags, e);
	if (is_err(f))
		eventfd_free(e);
	return f;
}

/* --- timerfd --- */

struct timerfd_file {
	struct timerfd *t;
	struct spinlock lock; /* class TIMERFDS: setting the alarm */
	struct timer
		alarm; /* armed while somebody polls and nothing is to be read: tells them when there is */
};

static void alarm_rearm(struct timerfd_file *tf)
{
	if (likely(!waitq_active(&tf->t->poll.waitq)))
		return;
	GUARD(spin)
	(&tf->lock);
	u64 at = timerfd_alarm(tf->t);
	if (at != PORT_FOREVER)
		timer_arm(&tf->alarm, at);
}
static void alarm_fired(struct timer *timer)
{
	struct timerfd_file *tf = container_of(timer, struct timerfd_file, alarm);
	if (timerfd_events(tf->t))
		port_poll_wake(&tf->t->poll, POLLIN);
	else
		alarm_rearm(tf); /* set anew, or the wall clock was put back */
}

static ssize timer_read(struct file *f, struct uio *io, u64 *pos)
{
	struct timerfd_file *tf = f->private;
	ssize n = timerfd_read(tf->t, io_of(io), nonblock(f));
	alarm_rearm(tf);
	return n;
}
static u32 timer_poll(struct file *f, struct poll_table *pt)
{
	struct timerfd_file *tf = f->private;
	poll_wait(pt, f, &tf->t->poll.waitq);
	u32 events = timerfd_events(tf->t);
	if (!events)
		alarm_rearm(
			tf); /* whoever was woken since the clock was set is to be woken at the new time */
	return events;
}
/* timerfd_create(2): the number of expirations is written, for whoever restores a process. */
static long timer_ioctl(struct file *f, unsigned cmd, u64 arg)
{
	struct timerfd_file *tf = f->private;
	u64 ticks;
	if (cmd != TFD_IOC_SET_TICKS)
		return -ENOTTY;
	TRY(copy_from_user(&ticks, UPTR(arg), sizeof ticks));
	return timerfd_set_ticks(tf->t, ticks);
}
static void timer_release(struct file *f)
{
	struct timerfd_file *tf = f->private;
	(void)timer_cancel_sync(&tf->alarm);
	timerfd_free(tf->t);
	kfree(tf);
}
static const struct file_ops timer_ops = {
	.read = timer_read,
	.seek = no_seek,
	.poll = timer_poll,
	.ioctl = timer_ioctl,
	.release = timer_release,
	.read_by_pieces = true,
};

struct file *timerfd_file_new(bool wall_clock, u32 flags)
{
	struct timerfd_file *tf = kzalloc(sizeof *tf);
	if (!tf || !(tf->t = timerfd_new(wall_clock))) {
		kfree(tf);
		return err_ptr(-ENOMEM);
	}
	spinlock_init(&tf->lock, TIMERFDS);
	timer_init(&tf->alarm, alarm_fired);
	struct file *f = file_new_anon("timerfd", &timer_ops, O_RDWR | flags, tf);
	if (is_err(f)) {
		timerfd_free(tf->t);
		kfree(tf);
	}
	return f;
}

struct timerfd *timerfd_of(struct file *f)
{
	return f->ops == &timer_ops ? ((struct timerfd_file *)f->private)->t : NULL;
}

void timerfd_file_changed(struct file *f)
{
	alarm_rearm(f->private);
}

/* Who polls looks again, and so sets the alarm anew. */
static void clock_changed(struct realtime_watch *w)
{
	timerfd_clock_set();
}

void event_files_init(void)
{
	static struct realtime_watch watch = {.changed = clock_changed};
	realtime_watch_add(&watch);
}
