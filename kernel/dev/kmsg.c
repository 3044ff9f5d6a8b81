/*
 * /dev/kmsg: reads give one record of the kernel log each, "priority,sequence,microseconds,-;text";
 * writes add a line to it. A reader that has seen everything waits only if it may: there is no event for
 * new records, so at the end a read says end of file where Linux would block.
 */
#include "abi/fcntl.h"
#include "kernel/dev/device.h"
#include "kernel/dev/devices.h"
#include "kernel/lib/log.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/file.h"
#include "kernel/proc/uio.h"

enum { KMSG_LINE_MAX = 960 };

static ssize kmsg_write(struct file *f, struct uio *io, u64 *pos)
{
	char line[KMSG_LINE_MAX + 1];
	size_t n = io->left;
	if (n > KMSG_LINE_MAX)
		return -EINVAL;
	if (uio_take(io, line, n) < n)
		return -EFAULT;
	line[n] = 0;
	char *text = line;
	if (*text == '<' && strchr(text, '>')) /* "<6>": priority and facility */
		text = strchr(text, '>') + 1;
	for (char *end = text + strlen(text); end > text && end[-1] == '\n';)
		*--end = 0;
	log_info("%s", text);
	return (ssize)n;
}

struct kmsg_reader {
	struct mutex lock; /* class FILE_POS */
	u64 pos;           /* [lock] in the log */
};

/* "[    1.234567] text": => the text, and the stamp in microseconds. */
static const char *kmsg_parse(const char *line, u64 *out_us)
{
	u64 parts[2] = {0, 0};
	const char *p = line;
	*out_us = 0;
	if (*p++ != '[')
		return line;
	while (*p == ' ')
		p++;
	for (int i = 0; i < 2; i++, p++)
		while (*p >= '0' && *p <= '9')
			parts[i] = parts[i] * 10 + (u64)(*p++ - '0');
	if (p[-1] != ']')
		return line;
	*out_us = parts[0] * 1000000 + parts[1];
	return *p == ' ' ? p + 1 : p;
}

/* The next record into `record`. => its length, -EAGAIN at the end of the log, -EPIPE when the log has
 * overtaken the reader, as Linux says. */
static ssize kmsg_next(struct kmsg_reader *r, char *record, size_t size)
{
	char line[KMSG_LINE_MAX + 1];
	u64 after = r->pos, us;
	size_t n = log_read(&after, line, KMSG_LINE_MAX);
	u64 at = after - n;
	if (at != r->pos) {
		r->pos = at;
		return -EPIPE;
	}
	if (!n)
		return -EAGAIN;
	char *end = memchr(line, '\n', n);
	size_t used = end ? (size_t)(end - line) + 1 : n;
	line[end ? used - 1 : n] = 0;
	const char *text = kmsg_parse(line, &us);
	r->pos = at + used;
	return scnprintf(record, size, "6,%llu,%llu,-;%s\n", (unsigned long long)at,
	                 (unsigned long long)us, text);
}

static ssize kmsg_read(struct file *f, struct uio *io, u64 *pos)
{
	struct kmsg_reader *r = f->private;
	char record[KMSG_LINE_MAX + 64];
	GUARD(mutex)(&r->lock);
	u64 before = r->pos;
	ssize n = kmsg_next(r, record, sizeof record);
	if (n == -EAGAIN && !(f->flags & O_NONBLOCK))
		return 0;
	if (n < 0)
		return n;
	if (io->left < (size_t)n) {
		r->pos = before;
		return -EINVAL;
	}
	return uio_put(io, record, (size_t)n) == (size_t)n ? n : -EFAULT;
}

static s64 kmsg_seek(struct file *f, s64 offset, int whence)
{
	struct kmsg_reader *r = f->private;
	if (offset)
		return -ESPIPE;
	enum { SEEK_CLEARED = SEEK_DATA };
	if (whence != SEEK_SET && whence != SEEK_END && whence != SEEK_CLEARED)
		return -EINVAL;
	GUARD(mutex)(&r->lock);
	r->pos = whence == SEEK_END ? log_end() : 0;
	if (whence != SEEK_END) {
		char c; /* moves pos forward to what is still kept */
		(void)log_read(&r->pos, &c, 0);
	}
	return 0;
}

static void kmsg_release(struct file *f)
{
	kfree(f->private);
}

static int kmsg_open(struct file *f)
{
	struct kmsg_reader *r = kzalloc(sizeof *r);
	if (!r)
		return -ENOMEM;
	mutex_init(&r->lock, FILE_POS);
	char c;
	(void)log_read(&r->pos, &c, 0);
	f->private = r;
	return 0;
}

static const struct file_ops kmsg_ops = {
	.read = kmsg_read, .write = kmsg_write, .seek = kmsg_seek, .release = kmsg_release};
static struct device kmsg_device = {
	.name = "kmsg", .mode = 0644, .ops = &kmsg_ops, .open = kmsg_open};

void kmsg_init(void)
{
	kmsg_device.number = device_make(1, 11);
	device_register(&kmsg_device);
}
