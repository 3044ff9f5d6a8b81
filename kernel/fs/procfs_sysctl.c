/* Numbers under /proc/sys, with the semantics of Linux's proc_dointvec_minmax and proc_doulongvec_minmax. */
#include "kernel/fs/procfs_internal.h"
#include "kernel/lib/bug.h"
#include "kernel/lib/checked.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/mm/page.h"
#include "kernel/proc/poll.h"
#include "kernel/proc/uio.h"

static u32 sysctl_count(const struct sysctl *c)
{
	return c->count ? c->count : 1;
}

/* owner: what the open file has pinned, when c has one. */
static int sysctl_load(const struct sysctl *c, void *owner, s64 *values)
{
	if (c->owner)
		return c->load_of(owner, values);
	if (!c->data)
		return c->load(c, values);
	for (u32 i = 0; i < sysctl_count(c); i++)
		values[i] = c->kind == SYSCTL_INT ? load_relaxed((s32 *)c->data + i)
		                                  : load_relaxed((s64 *)c->data + i);
	return 0;
}

static int sysctl_store(const struct sysctl *c, void *owner, const s64 *values, u32 given)
{
	if (c->owner)
		return c->store_of ? c->store_of(owner, values, given) : -EPERM;
	if (!c->data)
		return c->store ? c->store(c, values, given) : -EPERM;
	for (u32 i = 0; i < given; i++)
		if (c->kind == SYSCTL_INT)
			store_relaxed((s32 *)c->data + i, (s32)values[i]);
		else
			store_relaxed((s64 *)c->data + i, values[i]);
	return 0;
}

static bool sysctl_in_range(const struct sysctl *c, s64 value)
{
	if (c->min == 0 && c->max == 0)
		return true;
	if (c->kind == SYSCTL_ULONG)
		return (u64)value >= (u64)c->min && (u64)value <= (u64)c->max;
	return value >= c->min && value <= c->max;
}

static ssize sysctl_read(struct file *f, struct uio *io, u64 *pos)
{
	const struct sysctl *c = f->inode->private;
	s64 values[SYSCTL_COUNT_MAX];
	char text[SYSCTL_COUNT_MAX * 22];
	if (*pos != 0)
		return 0;
	TRY(sysctl_load(c, f->private, values));
	int n = 0;
	for (u32 i = 0; i < sysctl_count(c); i++)
		n += scnprintf(text + n, sizeof text - n,
		               c->kind == SYSCTL_INT ? "%s%lld" : "%s%llu", i ? "\t" : "",
		               (long long)values[i]);
	text[n++] = '\n';
	size_t want = MIN((size_t)n, io->left), copied = uio_put(io, text, want);
	*pos += copied;
	return copied < want ? -EFAULT : (ssize)copied;
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static int digit_of(char c, u32 base)
{
	int d = c >= '0' && c <= '9'   ? c - '0'
	        : c >= 'a' && c <= 'f' ? c - 'a' + 10
	        : c >= 'A' && c <= 'F' ? c - 'A' + 10
	                               : 99;
	return d < (int)base ? d : -1;
}

/* One number with C's prefixes. => 1, 0 at the end of the text, -EINVAL. */
static int sysctl_parse_one(const char **text, enum sysctl_kind kind, s64 *out)
{
	const char *p = *text;
	while (is_blank(*p))
		p++;
	if (!*p) {
		*text = p;
		return 0;
	}
	bool negative = *p == '-';
	if (negative)
		p++;
	u32 base = 10;
	if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X') && digit_of(p[2], 16) >= 0) {
		base = 16;
		p += 2;
	} else if (p[0] == '0') {
		base = 8;
	}
	if (digit_of(*p, base) < 0)
		return -EINVAL;
	u64 value = 0;
	for (int d; (d = digit_of(*p, base)) >= 0; p++)
		if (mul_overflows(value, (u64)base, &value) || add_overflows(value, (u64)d, &value))
			return -EINVAL;
	if (*p && !is_blank(*p))
		return -EINVAL;
	*text = p;
	if (kind == SYSCTL_INT) {
		if (value > (negative ? (u64)INT32_MAX + 1 : (u64)INT32_MAX))
			return -EINVAL;
		*out = negative ? -(s64)value : (s64)value;
	} else {
		*out = (s64)value;
		return negative ? -EINVAL : 1;
	}
	return 1;
}

/* => 0 or -EINVAL; numbers before a bad one count, as on Linux. */
static int sysctl_parse(const struct sysctl *c, const char *text, s64 *values, u32 *given)
{
	for (*given = 0; *given < sysctl_count(c); ++*given) {
		s64 value;
		int got = sysctl_parse_one(&text, c->kind, &value);
		if (got < 0)
			return got;
		if (got == 0)
			return *given ? 0 : -EINVAL;
		if (sysctl_in_range(c, value))
			values[*given] = value;
		else if (c->kind == SYSCTL_INT)
			return -EINVAL;
	}
	return 0;
}

static ssize sysctl_write(struct file *f, struct uio *io, u64 *pos)
{
	const struct sysctl *c = f->inode->private;
	s64 values[SYSCTL_COUNT_MAX];
	char text[512];
	size_t n = io->left;
	u32 given;
	if (*pos != 0 || n == 0) { /* sysctl_writes_strict: only the first write of a file counts */
		*pos += n;
		return (ssize)n;
	}
	if (n >= sizeof text)
		return -EINVAL;
	if (uio_take(io, text, n) < n)
		return -EFAULT;
	text[n] = 0;
	TRY(sysctl_load(c, f->private, values));
	int err = sysctl_parse(c, text, values, &given);
	if (given)
		TRY(sysctl_store(c, f->private, values, given));
	TRY(err);
	*pos += n;
	return (ssize)n;
}

static void sysctl_release(struct file *f)
{
	const struct sysctl *c = f->inode->private;
	if (c->owner)
		c->owner->put(f->private);
}

static const struct file_ops sysctl_file_ops = {.read = sysctl_read,
                                                .write = sysctl_write,
                                                .seek = file_seek_no_end,
                                                .release = sysctl_release,
                                                .poll = poll_always_ready};

static int sysctl_open(struct inode *i, struct file *f)
{
	const struct sysctl *c = i->private;
	if (c->owner)
		f->private = c->owner->get();
	return 0;
}
static const struct inode_ops sysctl_inode_ops = {.open = sysctl_open};

void sysctl_register(const struct sysctl *c)
{
	ASSERT(sysctl_count(c) <= SYSCTL_COUNT_MAX);
	struct inode *i =
		inode_new(proc_super(), S_IFREG | (c->mode ? c->mode : 0644), &sysctl_inode_ops, 0);
	ASSERT(i);
	i->private = (void *)c;
	i->file_ops = &sysctl_file_ops;
	proc_plant(c->path, i);
}
