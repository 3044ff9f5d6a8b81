#include "kernel/fs/path.h"
#include "arch/uaccess.h"
#include "kernel/fs/context.h"
#include "kernel/fs/dentry.h"
#include "kernel/fs/mount.h"
#include "kernel/fs/walk.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/mm/slab.h"

void path_get(const struct path *p)
{
	if (p->mount)
		mount_get(p->mount);
	if (p->dentry)
		dentry_get(p->dentry);
}

void path_put(const struct path *p)
{
	struct path was = *p; /* p may lie in what the last reference frees */
	dentry_put(was.dentry);
	mount_put(was.mount);
}

int pathname_get_empty_ok(struct pathname *p, uptr_t user)
{
	p->text = p->small;
	ssize n = strncpy_from_user(p->small, user, sizeof(p->small));
	if (likely(n >= 0))
		return 0;
	if (n != -ENAMETOOLONG)
		return (int)n;
	char *text = kmalloc(PATH_MAX + NAME_PAD);
	if (!text)
		return -ENOMEM;
	p->text = text;
	n = strncpy_from_user(text, user, PATH_MAX);
	return n < 0 ? (int)n : 0;
}

int pathname_get(struct pathname *p, uptr_t user)
{
	TRY(pathname_get_empty_ok(p, user));
	return *p->text ? 0 : -ENOENT;
}

void pathname_put(struct pathname *p)
{
	if (p->text != p->small)
		kfree(p->text);
}

struct text_end { /* a text that grows towards its beginning */
	char *buf, *start;
	bool full;
};

static void prepend(struct text_end *t, const char *s, size_t n)
{
	if ((size_t)(t->start - t->buf) < n) {
		t->full = true;
		return;
	}
	t->start -= n;
	memcpy(t->start, s, n);
}

static void prepend_name(struct text_end *t, const struct dentry *d)
{
	const struct dentry_name *name = rcu_dereference(d->name);
	prepend(t, name->text, name->length);
	prepend(t, "/", 1);
}

/* => whether root was reached. RCU; what moves meanwhile is noticed by the caller. */
static bool prepend_path(struct text_end *t, const struct path *p, const struct path *root)
{
	const struct mount *m = p->mount;
	const struct dentry *d = p->dentry;
	while (!(m == root->mount && d == root->dentry)) {
		if (m ? d == m->root : d == d->parent) {
			if (!m || !m->parent)
				return false;
			d = m->mountpoint;
			m = m->parent;
			if (!d || !m)
				return false;
			continue;
		}
		prepend_name(t, d);
		d = load_acquire(&d->parent);
	}
	return true;
}

static bool dentry_deleted(const struct path *p)
{
	return p->dentry->parent != p->dentry && !(p->dentry->flags & DENTRY_HASHED) &&
	       !(p->mount && p->dentry == p->mount->root);
}

/* Things of no directory carry their whole description as a name: pipe:[7], anon_inode:[eventfd]. */
static bool is_nameless(const struct path *p)
{
	return !p->mount && p->dentry->parent == p->dentry;
}

static void prepend_nameless(struct text_end *t, const struct dentry *d)
{
	char text[32];
	if (d->name->length)
		prepend(t, d->name->text, d->name->length);
	else
		prepend(t, text,
		        (size_t)scnprintf(text, sizeof(text), "%s:[%llu]",
		                          S_ISSOCK(d->inode->mode) ? "socket" : "pipe",
		                          (unsigned long long)d->inode->ino));
}

/* What is to be written, and from where. */
struct name_wanted {
	struct path path;
	const struct path *root; /* NULL: the root of the dentry's file system */
	bool reachable;          /* out */
};

static void prepend_wanted(struct text_end *t, struct name_wanted *w)
{
	const struct path *p = &w->path;
	w->reachable = true;
	if (!w->root) {
		for (const struct dentry *d = p->dentry; d != d->parent;
		     d = load_acquire(&d->parent))
			prepend_name(t, d);
		return;
	}
	if (is_nameless(p)) {
		prepend_nameless(t, p->dentry);
		return;
	}
	if (dentry_deleted(p))
		prepend(t, " (deleted)", 10);
	char *empty = t->start;
	w->reachable = prepend_path(t, p, w->root);
	if (t->start == empty)
		prepend(t, "/", 1);
}

/* Until no rename has come between. => the text, at the end of buf, or err_ptr. */
static char *name_write(struct name_wanted *w, char *buf, size_t size)
{
	struct text_end t;
	u32 seq;
	rcu_read_lock();
	do {
		seq = names_read_begin();
		t = (struct text_end){buf, buf + size, false};
		prepend(&t, "", 1);
		prepend_wanted(&t, w);
	} while (names_read_retry(seq));
	rcu_read_unlock();
	return t.full ? err_ptr(-ENAMETOOLONG) : t.start;
}

char *path_name_from(const struct path *p, const struct path *root, char *buf, size_t size,
                     bool *out_reachable)
{
	struct name_wanted w = {.path = *p, .root = root};
	char *text = name_write(&w, buf, size);
	*out_reachable = w.reachable;
	return text;
}

char *path_name(const struct path *p, char *buf, size_t size)
{
	bool reachable;
	AUTO_PATH root = fs_context_root();
	return path_name_from(p, &root, buf, size, &reachable);
}

char *path_name_in_super(struct dentry *d, char *buf, size_t size)
{
	struct name_wanted w = {.path.dentry = d};
	return name_write(&w, buf, size);
}
