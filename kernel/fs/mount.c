#include "kernel/fs/mount.h"
#include "kernel/fs/context.h"
#include "kernel/fs/internal.h"
#include "kernel/fs/mount_tree.h"
#include "kernel/lib/hash.h"
#include "kernel/lib/string.h"
#include "kernel/mm/slab.h"

enum { MOUNT_HASH_BITS = 8 };
static struct mount *mount_hash[1 << MOUNT_HASH_BITS]; /* [names] by parent and mountpoint */
struct mutex mount_mutex = MUTEX_INIT(mount_mutex, MOUNT);
struct list mounts = LIST_INIT(mounts);
struct mount *mount_initial;
static u32 mount_next_id = 1; /* [a] */

static struct mount **mount_bucket(const struct mount *parent, const struct dentry *at)
{
	return &mount_hash[hash_bits((u64)parent ^ (u64)at >> 3, MOUNT_HASH_BITS)];
}

struct mount *mount_new(struct super *s, struct dentry *root, u32 flags, const char *source)
{
	struct mount *m = kzalloc(sizeof(*m));
	if (!m || !(m->source = kstrdup(source))) {
		kfree(m);
		return NULL;
	}
	refcount_init(&m->refs, 1);
	super_activate(s);
	m->super = s;
	dentry_get(root);
	m->root = root;
	m->flags = flags & MOUNT_FLAGS;
	m->id = __atomic_fetch_add(&mount_next_id, 1, __ATOMIC_RELAXED);
	list_init(&m->link);
	return m;
}

static void mount_free_rcu(struct rcu_head *head)
{
	kfree(container_of(head, struct mount, rcu));
}

static void mount_free(struct mount *m)
{
	dentry_put(m->root);
	super_deactivate(m->super);
	kfree(m->source);
	rcu_call(&m->rcu, mount_free_rcu);
}

void mount_put(struct mount *m)
{
	if (!m)
		return;
	if (unlikely(load_relaxed(&m->expiring)))
		store_relaxed(&m->expiring, false); /* it was used */
	if (refcount_put(&m->refs))
		mount_free(m);
}

struct mount *mount_find(const struct mount *parent, const struct dentry *at)
{
	for (;;) {
		u32 seq = names_read_begin();
		struct mount *m = load_acquire(mount_bucket(parent, at));
		while (m && !(m->parent == parent && m->mountpoint == at))
			m = load_acquire(&m->hash_next);
		if (likely(!names_read_retry(seq)))
			return m;
	}
}

/* names_lock held, mount_mutex held. */
static void mount_hash_add(struct mount *m)
{
	struct mount **bucket = mount_bucket(m->parent, m->mountpoint);
	m->hash_next = *bucket;
	store_release(bucket, m);
	__atomic_fetch_or(&m->mountpoint->flags, DENTRY_MOUNTED, __ATOMIC_RELAXED);
}

void mount_attach(struct mount *m, struct mount *parent, struct dentry *at)
{
	ASSERT(!m->parent);
	mount_get(parent);
	dentry_get(at);
	names_write_begin();
	m->parent = parent;
	m->mountpoint = at;
	mount_hash_add(m);
	names_write_end();
	list_add_tail(&mounts, &m->link);
	mounts_changed();
}

static bool mounted_elsewhere(const struct dentry *at)
{
	struct mount *m;
	list_for_each (m, &mounts, link)
		if (m->mountpoint == at)
			return true;
	return false;
}

void mount_detach(struct mount *m)
{
	struct mount *parent = m->parent;
	struct dentry *at = m->mountpoint;
	list_del(&m->link);
	names_write_begin();
	struct mount **link = mount_bucket(parent, at);
	while (*link != m)
		link = &(*link)->hash_next;
	store_release(link, m->hash_next);
	m->parent = NULL;
	m->mountpoint = NULL;
	if (!mounted_elsewhere(at))
		__atomic_fetch_and(&at->flags, ~DENTRY_MOUNTED, __ATOMIC_RELAXED);
	names_write_end();
	mounts_changed();
	dentry_put(at);
	mount_put(parent);
}

void mount_root(struct super *s)
{
	mount_initial = mount_new(s, s->root, MS_RELATIME, "rootfs");
	ASSERT(mount_initial);
	super_deactivate(s);
	list_add_tail(&mounts, &mount_initial->link);
}

bool path_nosuid(const struct path *p)
{
	return p->mount && load_relaxed(&p->mount->flags) & MS_NOSUID;
}

bool path_noexec(const struct path *p)
{
	return p->dentry->inode->super->type->flags & FS_NO_EXEC ||
	       (p->mount && load_relaxed(&p->mount->flags) & MS_NOEXEC);
}

bool mount_below(const struct mount *m, const struct mount *ancestor)
{
	for (; m; m = m->parent)
		if (m == ancestor)
			return true;
	return false;
}

/* A mount and all mounts on it leave the tree; the tree's references end. mount_mutex held. */
static void mount_detach_tree(struct mount *top)
{
	struct list gone = LIST_INIT(gone);
	struct mount *m, *next;
	list_for_each_safe (m, next, &mounts, link) {
		if (m != top && mount_below(m, top)) {
			list_del(&m->link);
			list_add(&gone, &m->link); /* later mounts first: children before parents */
		}
	}
	list_for_each_safe (m, next, &gone, link) {
		mount_detach(m);
		mount_put(m);
	}
	mount_detach(top);
	mount_put(top);
}

static struct mount *mount_first_child(const struct mount *parent)
{
	struct mount *m;
	list_for_each (m, &mounts, link)
		if (m->parent == parent)
			return m;
	return NULL;
}

void mount_shutdown(void)
{
	struct mount *child;
	GUARD(mutex)
	(&mount_mutex);
	while ((child = mount_first_child(mount_initial)))
		mount_detach_tree(child);
	list_del(&mount_initial->link);
	mount_put(mount_initial);
}

/* MNT_EXPIRE: the first call only marks a mount that nobody uses. The path's references end without counting as a
 * use. => -EAGAIN when the mark is new. */
static int mount_expire(struct path *p)
{
	struct mount *m = p->mount;
	if (refcount_read(&m->refs) > 2)
		return -EBUSY;
	if (load_relaxed(&m->expiring))
		return 0;
	dentry_put(TAKE(p->dentry));
	p->mount = NULL;
	if (refcount_put(&m->refs))
		mount_free(m);
	else
		store_relaxed(&m->expiring, true);
	return -EAGAIN;
}

int mount_umount(struct path *at, u32 flags)
{
	AUTO_PATH p = *at;
	struct mount *m = p.mount;
	GUARD(mutex)
	(&mount_mutex);
	if (p.dentry != m->root || (!m->parent && m != mount_initial))
		return -EINVAL;
	if (!m->parent)
		return -EBUSY;
	if (flags & MNT_EXPIRE)
		TRY(mount_expire(&p));
	if (flags & MNT_DETACH) {
		mount_detach_tree(m);
		return 0;
	}
	/* The tree's reference and this path's: with no other, no walk can get one any more. */
	s32 alone = 2;
	if (!__atomic_compare_exchange_n(&m->refs.n, &alone, 0, false, __ATOMIC_ACQ_REL,
	                                 __ATOMIC_RELAXED))
		return -EBUSY;
	mount_detach(m);
	dentry_put(TAKE(p.dentry));
	mount_free(TAKE(p.mount));
	return 0;
}
