/*
 * Character devices by number. A device node in any file system (devtmpfs, or mknod(2) in a tmpfs)
 * holds only a number; opening it finds the driver here. Block devices do not exist: opening one is
 * ENXIO, as Linux answers for a number nobody registered.
 *
 * Registered once at boot, before the first process; never removed. Lookups need no lock.
 */
#pragma once
#include "kernel/lib/list.h"
#include "kernel/lib/result.h"

struct file;
struct file_ops;

/* Device numbers as the kernel keeps them; stat(2) and mknod(2) use the split encoding of makedev(3). */
static inline u32 device_make(u32 major, u32 minor)
{
	return major << 20 | minor;
}
static inline u32 device_major(u32 dev)
{
	return dev >> 20;
}
static inline u32 device_minor(u32 dev)
{
	return dev & 0xfffff;
}
static inline u64 device_encode(u32 dev) /* as user space sees it */
{
	u32 major = device_major(dev), minor = device_minor(dev);
	return (minor & 0xff) | (u64)major << 8 | (u64)(minor & ~0xffu) << 12;
}
static inline u32 device_decode(u64 user)
{
	return device_make(user >> 8 & 0xfff, (user & 0xff) | (user >> 12 & 0xfff00));
}

struct device {
	const char *name; /* below /dev, "null"; NULL: no node in devtmpfs */
	u32 number;       /* device_make() */
	u32 count;        /* minors from there on that are the driver's; 0: 1 */
	u32 mode;         /* permission bits of the node in devtmpfs */
	const struct file_ops *ops;
	/* Finishes an open: may replace f->ops, set f->private. NULL: nothing to do. => 0 or -errno. */
	int (*open)(struct file *f);
	struct list link;
};

void device_register(struct device *d);
/* Called by the VFS for a file whose inode is a character device of this number: installs the
 * driver's ops in f and runs its open. => 0, -ENXIO, or the driver's error (then release is not called). */
MUST_CHECK int device_open(struct file *f, u32 number);
/* => the next device after `d` in order of registration (NULL: the first), or NULL. For devtmpfs and /proc/devices. */
const struct device *device_next(const struct device *d);
void devices_init(void); /* boot: mem devices, random, the tty driver */
