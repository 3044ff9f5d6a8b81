#include "kernel/fs/seq.h"
#include "arch/uaccess.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/uio.h"

enum { SEQ_FIRST_SIZE = 1024, SEQ_STORE_MAX = 65536 };

struct seq_file { /* private of an open text file */
	struct mutex lock;
	struct seq seq; /* [l] */
	bool shown;     /* [l] seq holds the text, or a part: */
	u64 base;       /* [l] where in the text that begins */
	const struct seq_ops *ops;
	void *arg;
};

static bool seq_room(struct seq *s, size_t n)
{
	if (s->failed)
		return false;
	if (n < s->size - s->length && s->size)
		return true;
	size_t size = MAX(s->size * 2, (size_t)SEQ_FIRST_SIZE);
	while (size - s->length <= n)
		size *= 2;
	char *text = kvzalloc(size);
	if (!text) {
		s->failed = true;
		return false;
	}
	memcpy(text, s->text, s->length);
	kvfree(s->text);
	s->text = text;
	s->size = size;
	return true;
}

static void seq_vprintf(struct seq *s, const char *fmt, va_list ap)
{
	va_list again;
	if (!seq_room(s, 0))
		return;
	va_copy(again, ap);
	size_t room = s->size - s->length;
	size_t n = (size_t)vsnprintf(s->text + s->length, room, fmt, ap);
	if (n >= room && seq_room(s, n))
		vsnprintf(s->text + s->length, s->size - s->length, fmt, again);
	if (!s->failed)
		s->length += n;
	va_end(again);
}

void seq_printf(struct seq *s, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	seq_vprintf(s, fmt, ap);
	va_end(ap);
}

void seq_write(struct seq *s, const void *data, size_t n)
{
	if (!seq_room(s, n))
		return;
	memcpy(s->text + s->length, data, n);
	s->length += n;
}

void seq_putc(struct seq *s, char c)
{
	seq_write(s, &c, 1);
}

void seq_puts(struct seq *s, const char *text)
{
	seq_write(s, text, strlen(text));
}

void seq_escape(struct seq *s, const char *text, const char *also)
{
	for (; *text; text++) {
		if (strchr(" \t\n\\", *text) || strchr(also, *text))
			seq_printf(s, "\\%03o", (u8)*text);
		else
			seq_putc(s, *text);
	}
}

void seq_free(struct seq *s)
{
	kvfree(s->text);
	*s = (struct seq){.file = s->file, .arg = s->arg};
}

/* The text from its start, or the part behind the one that seq holds. */
static int seq_show(struct seq_file *sf, u64 base)
{
	sf->base = base;
	if (!base)
		sf->seq.cursor = 0;
	sf->seq.length = 0;
	sf->seq.failed = false;
	sf->shown = false;
	TRY(sf->ops->show(&sf->seq, sf->arg));
	if (sf->seq.failed)
		return -ENOMEM;
	sf->shown = true;
	return 0;
}

/* Makes seq hold what stands at pos, or, behind the end, the last part. */
static int seq_reach(struct seq_file *sf, u64 pos)
{
	if (pos == 0 || !sf->shown || pos < sf->base)
		TRY(seq_show(sf, 0));
	while (pos >= sf->base + sf->seq.length && sf->seq.cursor)
		TRY(seq_show(sf, sf->base + sf->seq.length));
	return 0;
}

static ssize seq_file_read(struct file *f, struct uio *io, u64 *pos)
{
	struct seq_file *sf = f->private;

	GUARD(mutex)(&sf->lock);
	TRY(seq_reach(sf, *pos));
	if (*pos >= sf->base + sf->seq.length)
		return 0;
	size_t at = (size_t)(*pos - sf->base);
	size_t want = MIN(io->left, sf->seq.length - at);
	size_t n = uio_put(io, sf->seq.text + at, want);
	if (!n && want)
		return -EFAULT;
	*pos += n;
	return (ssize)n;
}

static ssize seq_file_write(struct file *f, struct uio *io, u64 *pos)
{
	struct seq_file *sf = f->private;
	if (!sf->ops->store)
		return -EINVAL;
	size_t n = MIN(io->left, (size_t)SEQ_STORE_MAX);
	char *text = kmalloc(n + 1);
	if (!text)
		return -ENOMEM;
	ssize result = -EFAULT;
	if (uio_take(io, text, n) == n) {
		text[n] = 0;
		result = sf->ops->store(f, sf->arg, text, n, pos);
	}
	kfree(text);
	return result;
}

static void seq_file_release(struct file *f)
{
	struct seq_file *sf = f->private;
	if (sf->ops->release)
		sf->ops->release(sf->arg);
	kvfree(sf->seq.text);
	kfree(sf);
}

static const struct file_ops seq_file_ops = {.read = seq_file_read,
                                             .write = seq_file_write,
                                             .seek = file_seek_no_end,
                                             .release = seq_file_release};

static u32 seq_file_poll(struct file *f, struct poll_table *pt)
{
	struct seq_file *sf = f->private;
	return sf->ops->poll(&sf->seq, pt);
}
static const struct file_ops seq_polled_file_ops = {.read = seq_file_read,
                                                    .write = seq_file_write,
                                                    .seek = file_seek_no_end,
                                                    .poll = seq_file_poll,
                                                    .release = seq_file_release};

int seq_open(struct file *f, const struct seq_ops *ops, void *arg)
{
	struct seq_file *sf = kzalloc(sizeof(*sf));
	if (!sf)
		return -ENOMEM;
	mutex_init(&sf->lock, SEQ);
	sf->ops = ops;
	sf->arg = arg;
	sf->seq.file = f;
	sf->seq.arg = arg;
	f->private = sf;
	f->ops = ops->poll ? &seq_polled_file_ops : &seq_file_ops;
	if (ops->poll)
		(void)ops->poll(&sf->seq, NULL);
	return 0;
}
