#include "kernel/fs/context.h"
#include "kernel/fs/internal.h"
#include "kernel/fs/mount_tree.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/task.h"

/* mount_mutex held: what is on top of `at` by now. The references stay those of `at`. */
static struct path mount_top(const struct path *at)
{
	struct path p = *at;
	for (struct mount *m; (m = mount_find(p.mount, p.dentry));)
		p = (struct path){m, m->root};
	return p;
}

/* Still in the tree: what hangs on a mount that was taken away could never be reached, nor taken away. */
static bool mount_attached(const struct mount *m)
{
	return m->parent || m == mount_initial;
}

/* Attaches m there unless the place is unfit; the caller keeps its reference on failure. */
static int mount_graft(struct mount *m, const struct path *at)
{
	struct path top = mount_top(at);
	if (!mount_attached(top.mount))
		return -EINVAL;
	if (S_ISDIR(top.dentry->inode->mode) != S_ISDIR(m->root->inode->mode))
		return -ENOTDIR;
	if (!(m->super->type->flags & FS_STACKS) && top.mount->super == m->super &&
	    top.mount->root == top.dentry && top.dentry == m->root)
		return -EBUSY;
	/* Unlinking looks at DENTRY_MOUNTED under the directory's lock: it or we come first. */
	bool is_root = top.dentry == top.mount->root;
	struct spinlock *lock = &top.dentry->parent->inode->dir->lock;
	if (!is_root)
		spin_lock(lock);
	int err = is_root || top.dentry->flags & DENTRY_HASHED ? 0 : -ENOENT;
	if (!err) {
		mount_get(m);
		mount_attach(m, top.mount, top.dentry);
	}
	if (!is_root)
		spin_unlock(lock);
	return err;
}

static u32 mount_flags_of(u32 ms_flags)
{
	u32 flags = ms_flags & MOUNT_FLAGS & ~(MS_RELATIME | MS_STRICTATIME);
	if (ms_flags & MS_STRICTATIME)
		flags = (flags & ~MS_NOATIME) | MS_STRICTATIME;
	else if (!(flags & MS_NOATIME))
		flags |= MS_RELATIME;
	return flags;
}

int mount_new_fs(const struct path *at, const char *type, u32 flags, const char *source, char *data)
{
	if (!type)
		return -EINVAL;
	const struct fs_type *t = fs_type_find(type);
	if (!t || t->flags & FS_NO_USER_MOUNT)
		return -ENODEV;
	AUTO_PUT(super_active) s = TRY_PTR(t->mount(t, flags, source, data));
	if (flags & MS_RDONLY && refcount_read(&s->active) == 1)
		__atomic_fetch_or(&s->flags, MS_RDONLY, __ATOMIC_RELAXED);
	AUTO_PUT(mount)
	m = mount_new(s, s->root, mount_flags_of(flags), source && *source ? source : "none");
	if (!m)
		return -ENOMEM;
	GUARD(mutex)
	(&mount_mutex);
	return mount_graft(m, at);
}

static struct mount *mount_clone(const struct mount *m, struct dentry *root)
{
	return mount_new(m->super, root, m->flags, m->source);
}

static bool dentry_below(const struct dentry *d, const struct dentry *ancestor)
{
	for (; d != ancestor; d = d->parent)
		if (d == d->parent)
			return false;
	return true;
}

struct clone_pair {
	const struct mount *from;
	struct mount *to;
};

/* Copies the mounts on `from` below `root` onto `copy`, which is not attached yet: parents come first in the list. */
static int mount_clone_children(const struct path *from, struct mount *copy)
{
	u32 count = 1, used = 0;
	struct mount *m;
	list_for_each (m, &mounts, link)
		count++;
	struct clone_pair *pairs = kvzalloc(count * sizeof(*pairs));
	if (!pairs)
		return -ENOMEM;
	pairs[used++] = (struct clone_pair){from->mount, copy};
	struct list *last = mounts.prev;
	int err = 0;
	for (struct list *l = mounts.next; !err && last != &mounts; l = l->next) {
		m = list_entry(l, struct mount, link);
		u32 i = 0;
		while (i < used && pairs[i].from != m->parent)
			i++;
		if (i < used && (i || dentry_below(m->mountpoint, from->dentry))) {
			struct mount *c = mount_clone(m, m->root);
			if (c) {
				mount_attach(c, pairs[i].to, m->mountpoint);
				pairs[used++] = (struct clone_pair){m, c};
			} else {
				err = -ENOMEM;
			}
		}
		if (l == last)
			break;
	}
	for (u32 i = used; err && --i > 0;) {
		mount_detach(pairs[i].to);
		mount_put(pairs[i].to);
	}
	kvfree(pairs);
	return err;
}

int mount_bind(const struct path *at, const struct path *from, bool recursive)
{
	GUARD(mutex)
	(&mount_mutex);
	struct path source = mount_top(from);
	if (!mount_attached(source.mount))
		return -EINVAL;
	AUTO_PUT(mount) m = mount_clone(source.mount, source.dentry);
	if (!m)
		return -ENOMEM;
	if (recursive)
		TRY(mount_clone_children(&source, m));
	int err = mount_graft(m, at);
	if (!err || !recursive)
		return err;
	struct mount *child, *next;
	list_for_each_safe (child, next, &mounts, link) {
		if (child->parent && mount_below(child, m)) {
			mount_detach(child);
			mount_put(child);
		}
	}
	return err;
}

int mount_move(const struct path *at, const struct path *from)
{
	GUARD(mutex)
	(&mount_mutex);
	struct mount *m = from->mount;
	if (from->dentry != m->root || !m->parent)
		return -EINVAL;
	struct path top = mount_top(at);
	if (!mount_attached(top.mount) ||
	    S_ISDIR(top.dentry->inode->mode) != S_ISDIR(m->root->inode->mode))
		return -EINVAL;
	if (mount_below(top.mount, m))
		return -ELOOP;
	mount_detach(m);
	mount_attach(m, top.mount, top.dentry);
	return 0;
}

int mount_remount(const struct path *at, u32 flags, char *data)
{
	GUARD(mutex)
	(&mount_mutex);
	struct mount *m = at->mount;
	if (at->dentry != m->root)
		return -EINVAL;
	if (flags & MS_RDONLY && load_relaxed(&m->writers) > 0)
		return -EBUSY;
	struct super *s = m->super;
	if (!(flags & MS_BIND)) {
		if (s->ops->remount)
			TRY(s->ops->remount(s, data));
		store_relaxed(&s->flags, (s->flags & ~MS_RDONLY) | (flags & MS_RDONLY));
	}
	u32 new_flags = mount_flags_of(flags);
	if (!(flags & (MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME)))
		new_flags =
			(new_flags & ~(MS_RELATIME | MS_STRICTATIME)) |
			(m->flags & (MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME));
	store_relaxed(&m->flags, new_flags);
	mounts_changed();
	return 0;
}

static bool path_below(const struct path *p, const struct path *ancestor)
{
	const struct mount *m = p->mount;
	const struct dentry *d = p->dentry;
	while (m != ancestor->mount) {
		if (!m->parent)
			return false;
		d = m->mountpoint;
		m = m->parent;
	}
	return dentry_below(d, ancestor->dentry);
}

/* Every process that stood at the old root stands at the new one, pivot_root(2). */
static void contexts_move_root(const struct path *from, const struct path *to)
{
	struct process *p;
	for (s32 pid = 1; (p = process_next(&pid)); pid++) {
		struct task *t;
		for (s32 tid = 1; (t = process_next_task(p, &tid)); tid++) {
			struct fs_context *fs = task_fs_get(t);
			if (fs) {
				fs_context_replace(fs, from, to);
				fs_context_put(fs);
			}
			task_put(t);
		}
		process_put(p);
	}
}

static int pivot_check(const struct path *root, const struct path *new_root,
                       const struct path *put_old)
{
	if (new_root->mount == root->mount || put_old->mount == root->mount)
		return -EBUSY;
	if (root->dentry != root->mount->root || !root->mount->parent ||
	    new_root->dentry != new_root->mount->root || !new_root->mount->parent)
		return -EINVAL;
	if (!path_below(put_old, new_root) || !path_below(new_root, root))
		return -EINVAL;
	return 0;
}

int mount_pivot(const struct path *new_root, const struct path *put_old)
{
	AUTO_PATH root = fs_context_root();
	mutex_lock(&mount_mutex);
	int err = pivot_check(&root, new_root, put_old);
	if (!err) {
		struct mount *above = root.mount->parent;
		struct dentry *at = root.mount->mountpoint;
		mount_get(above);
		dentry_get(at);
		mount_detach(new_root->mount);
		mount_detach(root.mount);
		mount_attach(root.mount, put_old->mount, put_old->dentry);
		mount_attach(new_root->mount, above, at);
		dentry_put(at);
		mount_put(above);
	}
	mutex_unlock(&mount_mutex);
	if (!err)
		contexts_move_root(&root, new_root);
	return err;
}
