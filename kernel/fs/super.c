#include "kernel/fs/super.h"
#include "kernel/dev/device.h"
#include "kernel/fs/dentry.h"
#include "kernel/lib/checked.h"
#include "kernel/lib/string.h"
#include "kernel/mm/slab.h"
#include "kernel/sched/thread.h"

static const struct fs_type *fs_types; /* registered at boot, in order of registration */
static u32 super_next_minor = 2;       /* [a] 1: shared memory without a file, in /proc/PID/maps */

void fs_type_register(struct fs_type *t)
{
	const struct fs_type **end = &fs_types;
	while (*end)
		end = (const struct fs_type **)&(*end)->next;
	*end = t;
}

const struct fs_type *fs_type_first(void)
{
	return fs_types;
}

const struct fs_type *fs_type_find(const char *name)
{
	for (const struct fs_type *t = fs_types; t; t = t->next)
		if (!strcmp(t->name, name))
			return t;
	return NULL;
}

struct super *super_new(const struct fs_type *t, const struct super_ops *ops, u64 magic)
{
	struct super *s = kzalloc(sizeof(*s));
	if (!s)
		return NULL;
	refcount_init(&s->active, 1);
	refcount_init(&s->refs, 1);
	s->type = t;
	s->ops = ops;
	s->magic = magic;
	s->next_ino = 1;
	s->dev = device_make(0, __atomic_fetch_add(&super_next_minor, 1, __ATOMIC_RELAXED));
	return s;
}

int super_set_root(struct super *s, struct inode *root)
{
	struct qname q = qname_make("/", 1);
	s->root = dentry_new(NULL, &q, root);
	inode_put(root);
	return s->root ? 0 : -ENOMEM;
}

void super_put(struct super *s)
{
	if (!refcount_put(&s->refs))
		return;
	if (s->ops->destroy)
		s->ops->destroy(s);
	kfree(s);
}

static struct dentry *dir_pop(struct dir *dir)
{
	GUARD(spin)
	(&dir->lock);
	struct rb_node *n = rb_first(&dir->order);
	if (!n)
		return NULL;
	struct dentry *d = rb_entry(n, struct dentry, order);
	dentry_del_locked(d);
	return d;
}

/* Drops every pinned entry, depth first; a directory on the way is held by the pin taken from its parent. */
static void tree_dismantle(struct dentry *root)
{
	for (struct dentry *d = root;;) {
		struct dentry *child = d->inode->dir ? dir_pop(d->inode->dir) : NULL;
		if (child) {
			d = child;
			continue;
		}
		if (d == root)
			return;
		struct dentry *parent = d->parent;
		dentry_put(d);
		d = parent;
		cond_resched();
	}
}

void super_deactivate(struct super *s)
{
	if (!refcount_put(&s->active))
		return;
	if (s->root) {
		tree_dismantle(s->root);
		dentry_put(s->root);
	}
	super_put(s);
}

bool mount_option_next(char **data, char **name, char **value)
{
	char *p = *data;
	while (p && *p == ',')
		p++;
	if (!p || !*p)
		return false;
	*name = p;
	char *end = strchr(p, ',');
	if (end)
		*end++ = 0;
	*data = end;
	*value = strchr(p, '=');
	if (*value)
		*(*value)++ = 0;
	return true;
}

static int number_parse(const char **text, unsigned base, u64 *out)
{
	const char *p = *text;
	if (!base)
		base = p[0] != '0' ? 10 : (p[1] | 32) == 'x' ? 16 : 8;
	if (base == 16 && p[0] == '0' && (p[1] | 32) == 'x')
		p += 2;
	u64 v = 0;
	const char *start = p;
	for (;; p++) {
		unsigned digit = *p >= '0' && *p <= '9'                 ? *p - '0'
		                 : (*p | 32) >= 'a' && (*p | 32) <= 'f' ? (*p | 32) - 'a' + 10
		                                                        : 99;
		if (digit >= base)
			break;
		if (mul_overflows(v, (u64)base, &v) || add_overflows(v, (u64)digit, &v))
			return -EINVAL;
	}
	if (p == start)
		return -EINVAL;
	*text = p;
	*out = v;
	return 0;
}

int mount_option_u64(const char *text, unsigned base, u64 *out)
{
	if (!text)
		return -EINVAL;
	TRY(number_parse(&text, base, out));
	return *text ? -EINVAL : 0;
}

int mount_option_size(const char *text, u64 whole, u64 *out)
{
	static const char suffixes[] = "kmgtpe";
	u64 v;
	if (!text)
		return -EINVAL;
	TRY(number_parse(&text, 0, &v));
	if (*text == '%') {
		v = whole / 100 * v;
		text++;
	} else if (*text) {
		const char *s = strchr(suffixes, *text | 32);
		if (!s || mul_overflows(v, BIT(10 * (s - suffixes + 1)), &v))
			return -EINVAL;
		text++;
	}
	if (*text)
		return -EINVAL;
	*out = v;
	return 0;
}
