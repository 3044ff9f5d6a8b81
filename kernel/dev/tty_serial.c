/* The terminals there are: ttyS0 and its aliases /dev/console and /dev/tty. */
#include "arch/console.h"
#include "kernel/dev/device.h"
#include "kernel/dev/tty.h"
#include "kernel/lib/log.h"
#include "kernel/proc/file.h"
#include "kernel/sched/softirq.h"

static struct tty serial_tty;

static size_t serial_send(struct tty *t, const u8 *bytes, size_t n)
{
	console_write((const char *)bytes, n);
	return n;
}

/* => bytes fetched from the port, no more than the line discipline has room for. */
static size_t serial_fetch(struct tty *t, u8 *buf, size_t size)
{
	GUARD(spin)(&t->lock);
	size_t room = ldisc_room(&t->ld);
	t->throttled = room == 0;
	return room ? serial_read_ring((char *)buf, MIN(room, size)) : 0;
}

/* Two processors must not feed at once, or bytes change places. Who finds the other at work leaves a
 * note (the bit again), and the one at work looks once more. */
static bool serial_receive_begin(struct tty *t)
{
	GUARD(spin)(&t->lock);
	bool mine = !(t->busy & TTY_RECEIVING);
	t->busy |= mine ? TTY_RECEIVING : TTY_RECEIVE_AGAIN;
	return mine;
}

/* => true when nobody asked to look again meanwhile. */
static bool serial_receive_end(struct tty *t)
{
	GUARD(spin)(&t->lock);
	bool again = t->busy & TTY_RECEIVE_AGAIN;
	t->busy &= again ? ~(u32)TTY_RECEIVE_AGAIN : ~(u32)TTY_RECEIVING;
	return !again;
}

static void serial_receive(struct tty *t)
{
	if (!serial_receive_begin(t))
		return;
	do {
		u8 buf[128];
		size_t n;
		while ((n = serial_fetch(t, buf, sizeof buf)))
			tty_receive(t, buf, n);
	} while (!serial_receive_end(t));
}

static void serial_softirq(void)
{
	serial_receive(&serial_tty);
}

static const struct tty_driver serial_driver = {
	.send = serial_send,
	.receive_more = serial_receive,
};

static int serial_open(struct file *f)
{
	return tty_open(f, &serial_tty, TTY_PLAIN);
}
static int console_open(struct file *f)
{
	return tty_open(f, &serial_tty, TTY_CONSOLE);
}
/* Never makes it the controlling terminal: it is that already. */
static int controlling_open(struct file *f)
{
	AUTO_PUT(tty) t = tty_current_get();
	return t ? tty_open(f, t, TTY_PLAIN) : -ENXIO;
}

static struct device serial_device = {
	.name = "ttyS0", .mode = 0660, .ops = &tty_file_ops, .open = serial_open};
static struct device console_device = {
	.name = "console", .mode = 0600, .ops = &tty_file_ops, .open = console_open};
static struct device controlling_device = {
	.name = "tty", .mode = 0666, .ops = &tty_file_ops, .open = controlling_open};

void tty_init(void)
{
	tty_setup(&serial_tty, &serial_driver, device_make(4, 64));
	serial_device.number = device_make(4, 64);
	console_device.number = device_make(5, 1);
	controlling_device.number = device_make(5, 0);
	device_register(&controlling_device);
	device_register(&console_device);
	device_register(&serial_device);
	softirq_serial = serial_softirq;
}
