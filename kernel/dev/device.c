#include "kernel/dev/device.h"
#include "kernel/dev/devices.h"
#include "kernel/dev/tty.h"
#include "kernel/proc/file.h"

/* Written at boot by one thread, read without a lock ever after. */
static struct list devices = LIST_INIT(devices);

void device_register(struct device *d)
{
	list_add_tail(&devices, &d->link);
}

const struct device *device_next(const struct device *d)
{
	const struct list *next = d ? d->link.next : devices.next;
	return next == &devices ? NULL : list_entry(next, struct device, link);
}

static const struct device *device_find(u32 number)
{
	for (const struct device *d = NULL; (d = device_next(d));)
		if (number - d->number < MAX(d->count, 1u))
			return d;
	return NULL;
}

int device_open(struct file *f, u32 number)
{
	const struct device *d = device_find(number);
	if (!d)
		return -ENXIO;
	f->ops = d->ops;
	return d->open ? d->open(f) : 0;
}

void devices_init(void)
{
	mem_devices_init();
	kmsg_init();
	tty_init();
	pty_init();
}
