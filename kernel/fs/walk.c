#include "kernel/fs/walk.h"
#include "kernel/fs/context.h"
#include "kernel/fs/internal.h"
#include "kernel/fs/mount.h"
#include "kernel/fs/super.h"
#include "kernel/lib/string.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/fdtable.h"

enum { WALK_LINKS_MAX = 40 };

struct walk {
	struct mount *mount; /* where the walk stands; RCU, no reference */
	struct dentry *dentry;
	struct mount *root_mount; /* "/" of this walk; RCU, until pinned */
	struct dentry *root;
	const char *at;         /* rest of the text */
	struct walk_last *last; /* WALK_PARENT: where the last component goes */
	u32 flags, links, depth;
	u32 names; /* names_seq when the walk began: what it found holds if that is still so at its end */
	bool found; /* the parent of the last component */
	/* References that the walk had to take: the path of a magic link, its root, the newest dynamic entry. */
	struct path pin, pin_root;
	char *joined;       /* rests of texts, saved from a sleep */
	char link_text[64]; /* of a dynamic link */
	const char *rest[WALK_LINKS_MAX];
};
/* Internal to walk.c: what was found died meanwhile; start again. */
enum { WALK_AGAIN = 4000 };

static void walk_drop(struct walk *w)
{
	path_put(&w->pin);
	path_put(&w->pin_root);
	kfree(w->joined);
}

/* One of the two paths of fs, borrowed: the walk is in a read section. */
static ALWAYS_INLINE struct path context_path(struct fs_context *fs, const struct path *which)
{
	bool shared = refcount_read(&fs->refs) > 1;
	if (shared)
		spin_lock(&fs->lock);
	struct path p = *which;
	if (shared)
		spin_unlock(&fs->lock);
	return p;
}

static void walk_root(struct walk *w)
{
	struct fs_context *fs = fs_context_current();
	struct path p = context_path(fs, &fs->root);
	w->root_mount = p.mount;
	w->root = p.dentry;
}

static void walk_cwd(struct walk *w)
{
	struct fs_context *fs = fs_context_current();
	struct path p = context_path(fs, &fs->cwd);
	w->mount = p.mount;
	w->dentry = p.dentry;
}

static int walk_fd(struct walk *w, int fd, bool must_be_dir)
{
	AUTO_FDREF r = fdref_get_path(fd);
	if (!r.file)
		return -EBADF;
	if (must_be_dir && !S_ISDIR(r.file->inode->mode))
		return -ENOTDIR;
	w->mount = r.file->path.mount;
	w->dentry = r.file->path.dentry;
	if (r.counted) { /* another thread may close it: the dentry has to outlive that */
		w->pin = r.file->path;
		path_get(&w->pin);
	}
	return 0;
}

static int walk_begin(struct walk *w, int dirfd, const char *name)
{
	walk_root(w);
	if (!*name && !(w->flags & WALK_EMPTY))
		return -ENOENT;
	if (*name == '/' && !(w->flags & (WALK_BENEATH | WALK_IN_ROOT))) {
		w->mount = w->root_mount;
		w->dentry = w->root;
	} else if (dirfd == AT_FDCWD) {
		walk_cwd(w);
	} else {
		TRY(walk_fd(w, dirfd, *name != 0));
	}
	if (w->flags & WALK_BENEATH && *name == '/')
		return -EXDEV;
	if (w->flags & (WALK_BENEATH | WALK_IN_ROOT)) {
		w->root_mount = w->mount;
		w->root = w->dentry;
	}
	return 0;
}

static NOINLINE int walk_cross_slow(struct walk *w)
{
	while (load_relaxed(&w->dentry->flags) & DENTRY_MOUNTED) {
		struct mount *m = mount_find(w->mount, w->dentry);
		if (!m)
			return 0;
		if (w->flags & WALK_NO_XDEV)
			return -EXDEV;
		w->mount = m;
		w->dentry = m->root;
	}
	return 0;
}

static ALWAYS_INLINE int walk_cross(struct walk *w)
{
	if (likely(!(load_relaxed(&w->dentry->flags) & DENTRY_MOUNTED)))
		return 0;
	return walk_cross_slow(w);
}

static NOINLINE int walk_up(struct walk *w)
{
	for (;;) {
		if (w->dentry == w->root && w->mount == w->root_mount)
			return w->flags & WALK_BENEATH ? -EXDEV : 0;
		if (w->dentry != w->mount->root)
			break;
		u32 seq;
		struct mount *parent;
		struct dentry *at;
		do {
			seq = names_read_begin();
			parent = load_acquire(&w->mount->parent);
			at = load_acquire(&w->mount->mountpoint);
		} while (names_read_retry(seq));
		if (!parent)
			return 0;
		if (w->flags & WALK_NO_XDEV)
			return -EXDEV;
		w->mount = parent;
		w->dentry = at;
	}
	w->dentry = load_acquire(&w->dentry->parent);
	return walk_cross(w);
}

/* A dynamic directory makes the entry. => it with a reference, or err_ptr. */
static struct dentry *lookup_dynamic(struct dentry *dir, const struct qname *q)
{
	struct inode *inode;
	int err = dir->inode->ops->lookup(dir->inode, q->text, q->length, &inode);
	if (err)
		return err_ptr(err);
	struct dentry *d = NULL;
	bool live = dentry_get_live(dir);
	if (live) {
		d = dentry_new(dir, q, inode);
		dentry_put(dir);
	}
	inode_put(inode);
	if (!d)
		return err_ptr(live ? -ENOMEM : -WALK_AGAIN);
	return dentry_add_dynamic(d);
}

/* Not in memory, or perhaps no longer true. => RCU, no reference; or err_ptr. */
static NOINLINE struct dentry *step_dynamic(struct walk *w, struct dentry *d, const struct qname *q)
{
	if (d) {
		if (!d->inode->ops->stale(d->inode))
			return d;
		dentry_drop(d);
	}
	if (!w->dentry->inode->ops->lookup)
		return err_ptr(-ENOENT);
	d = lookup_dynamic(w->dentry, q);
	if (is_err(d))
		return d;
	struct dentry *old = w->pin.dentry;
	w->pin.dentry = d;
	dentry_put(old); /* an ancestor, or where the walk no longer stands */
	return d;
}

static ALWAYS_INLINE int walk_step(struct walk *w, const struct qname *q)
{
	if (unlikely(q->length > NAME_MAX))
		return -ENAMETOOLONG;
	struct dentry *d = dentry_find_walk(w->dentry, q);
	if (unlikely(!d || d->inode->ops->stale)) {
		d = step_dynamic(w, d, q);
		if (is_err(d))
			return ptr_err(d);
	}
	w->dentry = d;
	return walk_cross(w);
}

/* The walk is about to sleep: texts of links on the way may be freed meanwhile. */
static int walk_save(struct walk *w)
{
	if (!w->pin_root.dentry) {
		w->pin_root = fs_context_root();
		w->root_mount = w->pin_root.mount;
		w->root = w->pin_root.dentry;
	}
	/* The end of a caller's text that walk_last will point into stays where it is. */
	u32 keep = w->flags & WALK_PARENT ? 1 : 0;
	if (w->depth <= keep)
		return 0;
	size_t room = 1;
	for (u32 i = keep; i < w->depth; i++)
		room += strlen(w->rest[i]) + 1;
	char *text = kmalloc(room + NAME_PAD), *p = text;
	if (!text)
		return -ENOMEM;
	for (*p = 0; w->depth > keep; *p++ = '/')
		p += strlcpy(p, w->rest[--w->depth], room - (size_t)(p - text));
	p[-1] = 0;
	kfree(w->joined);
	w->joined = text;
	w->at = text;
	return 0;
}

static int walk_magic(struct walk *w, struct inode *link)
{
	if (w->flags & (WALK_NO_MAGIC | WALK_BENEATH | WALK_IN_ROOT))
		return w->flags & WALK_NO_MAGIC ? -ELOOP : -EXDEV;
	struct path to;
	struct dentry *d = w->dentry;
	if (!dentry_get_live(d))
		return -WALK_AGAIN;
	int err = walk_save(w);
	if (!err)
		err = link->ops->link_path(link, &to);
	dentry_put(d);
	if (err)
		return err;
	path_put(&w->pin);
	w->pin = to;
	w->names = names_read_begin();
	w->mount = to.mount;
	w->dentry = to.dentry;
	return 0;
}

/* The walk stands on a link found in `dir`. Afterwards w->at is what to walk next. */
static NOINLINE int walk_link(struct walk *w, struct mount *dir_mount, struct dentry *dir)
{
	struct inode *link = w->dentry->inode;
	if (w->links++ >= WALK_LINKS_MAX || w->flags & WALK_NO_SYMLINKS ||
	    (w->mount && load_relaxed(&w->mount->flags) & MS_NOSYMFOLLOW))
		return -ELOOP;
	inode_touch_read(w->mount, link);
	while (*w->at == '/')
		w->at++;
	if (*w->at)
		w->rest[w->depth++] = w->at;
	w->at = "";
	if (!link->ops->link_text)
		return link->ops->link_path ? walk_magic(w, link) : -EINVAL;
	const char *text = link->ops->link_text(link, w->link_text);
	if (is_err(text))
		return ptr_err(text);
	w->at = text;
	w->mount = dir_mount;
	w->dentry = dir;
	if (*text == '/') {
		if (w->flags & WALK_BENEATH)
			return -EXDEV;
		w->mount = w->root_mount;
		w->dentry = w->root;
	}
	return 0;
}

static ALWAYS_INLINE int may_search(struct inode *dir)
{
	if (unlikely(!S_ISDIR(dir->mode)))
		return -ENOTDIR;
	if (likely((dir->mode & 0111) == 0111 && !dir->ops->permission))
		return 0;
	return inode_permission(dir, MAY_EXEC);
}

/* => where the component that begins at s ends, and its hash. Reads up to NAME_PAD bytes beyond. */
static ALWAYS_INLINE const char *name_scan(const char *s, u32 *out_hash)
{
	const u64 ones = 0x0101010101010101, tops = 0x8080808080808080, slashes = ones * '/';
	u64 h = 0;
	for (;; s += sizeof(u64)) {
		u64 w = name_word(s), x = w ^ slashes;
		/* The top bit of each byte that is 0 or '/'; right at least for the first such byte. */
		u64 stop = ((w - ones) & ~w & tops) | ((x - ones) & ~x & tops);
		if (likely(stop)) {
			u32 n = (u32)__builtin_ctzll(stop) / 8;
			if (n)
				h = name_hash_step(h, w & name_word_mask(n));
			*out_hash = name_hash_end(h);
			return s + n;
		}
		h = name_hash_step(h, w);
	}
}

/* Cuts the next component off the text. => false at the end of all texts. */
static ALWAYS_INLINE bool walk_next(struct walk *w, struct qname *q, bool *slash, bool *last)
{
	const char *s = w->at;
	for (;;) {
		while (*s == '/')
			s++;
		if (*s)
			break;
		if (!w->depth)
			return false;
		s = w->rest[--w->depth];
	}
	q->text = s;
	s = name_scan(s, &q->hash);
	q->length = (u32)(s - q->text);
	*slash = *s == '/';
	while (*s == '/')
		s++;
	w->at = s;
	*last = !*s && !w->depth;
	return true;
}

static ALWAYS_INLINE int name_kind(const struct qname *q)
{
	if (q->text[0] != '.' || q->length > 2)
		return LAST_NAME;
	if (q->length == 1)
		return LAST_DOT;
	return q->text[1] == '.' ? LAST_DOTDOT : LAST_NAME;
}

static ALWAYS_INLINE int walk_component(struct walk *w, const struct qname *q, bool slash,
                                        bool last)
{
	int kind = name_kind(q);
	if (last && w->flags & WALK_PARENT) {
		*w->last = (struct walk_last){*q, kind, slash};
		w->found = true;
		return 0;
	}
	if (kind == LAST_DOT)
		return 0;
	if (kind == LAST_DOTDOT)
		return walk_up(w);
	struct mount *dir_mount = w->mount;
	struct dentry *dir = w->dentry;
	TRY(walk_step(w, q));
	if (last && slash)
		w->flags |= WALK_DIRECTORY | WALK_FOLLOW;
	if (unlikely(S_ISLNK(w->dentry->inode->mode)) && (!last || w->flags & WALK_FOLLOW))
		return walk_link(w, dir_mount, dir);
	return 0;
}

static int walk_all(struct walk *w, const char *name)
{
	struct qname q;
	bool slash, last;
	w->at = name;
	while (walk_next(w, &q, &slash, &last)) {
		TRY(may_search(w->dentry->inode));
		TRY(walk_component(w, &q, slash, last));
		if (w->found)
			return 0;
	}
	if (w->flags & WALK_PARENT)
		*w->last = (struct walk_last){.kind = LAST_ROOT};
	if (w->flags & WALK_DIRECTORY && !S_ISDIR(w->dentry->inode->mode))
		return -ENOTDIR;
	return 0;
}

/* From RCU to a reference. */
static int walk_take(struct walk *w, struct path *out)
{
	if (!dentry_get_live(w->dentry))
		return -WALK_AGAIN;
	if (w->mount && !refcount_get_not_zero(&w->mount->refs)) {
		dentry_put(w->dentry);
		return -WALK_AGAIN;
	}
	*out = (struct path){w->mount, w->dentry};
	return 0;
}

static int walk_run(int dirfd, const struct path *base, const char *name, u32 flags,
                    struct path *out, struct walk_last *last)
{
	int err;
	do {
		struct walk w;
		__builtin_memset(&w, 0, offsetof(struct walk, link_text));
		w.flags = flags;
		w.last = last;
		rcu_read_lock();
		w.names = names_read_begin();
		if (base && *name != '/') {
			walk_root(&w);
			w.mount = base->mount;
			w.dentry = base->dentry;
			err = 0;
		} else {
			err = walk_begin(&w, dirfd, name);
		}
		if (!err)
			err = walk_all(&w, name);
		if (unlikely(names_read_retry(w.names)))
			err = -WALK_AGAIN; /* a rename or a mount may have misled it */
		if (!err)
			err = walk_take(&w, out);
		rcu_read_unlock();
		if (unlikely(w.pin.dentry || w.pin_root.dentry || w.joined))
			walk_drop(&w);
	} while (unlikely(err == -WALK_AGAIN));
	return err;
}

int walk_at(int dirfd, const char *name, u32 flags, struct path *out)
{
	return walk_run(dirfd, NULL, name, flags, out, NULL);
}

int walk_parent(int dirfd, const char *name, u32 flags, struct path *out, struct walk_last *last)
{
	return walk_run(dirfd, NULL, name, flags | WALK_PARENT, out, last);
}

int walk_parent_from(const struct path *base, const char *name, u32 flags, struct path *out,
                     struct walk_last *last)
{
	return walk_run(AT_FDCWD, base, name, flags | WALK_PARENT, out, last);
}

int path_lookup(const char *name, u32 flags, struct path *out)
{
	return walk_at(AT_FDCWD, name, flags, out);
}

struct dentry *walk_child(struct dentry *dir, const struct qname *q)
{
	if (q->length > NAME_MAX)
		return err_ptr(-ENAMETOOLONG);
	for (;;) {
		struct dentry *d = dentry_find(dir, q);
		if (d && d->inode->ops->stale && d->inode->ops->stale(d->inode)) {
			dentry_drop(d);
			d = NULL;
		}
		if (!d)
			return dir->inode->ops->lookup ? lookup_dynamic(dir, q) : err_ptr(-ENOENT);
		if (dentry_get_live(d))
			return d;
	}
}

void path_cross_mounts(struct path *p)
{
	while (load_relaxed(&p->dentry->flags) & DENTRY_MOUNTED) {
		struct mount *m = mount_find(p->mount, p->dentry);
		if (!m || !refcount_get_not_zero(&m->refs))
			return;
		dentry_get(m->root);
		path_put(p);
		*p = (struct path){m, m->root};
	}
}
