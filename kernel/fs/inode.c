#include "kernel/fs/inode.h"
#include "kernel/fs/internal.h"
#include "kernel/fs/locks.h"
#include "kernel/fs/mount.h"
#include "kernel/fs/super.h"
#include "kernel/lib/string.h"
#include "kernel/mm/object.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/cred.h"
#include "kernel/sched/timer.h"

static struct slab_cache *inode_cache;
const struct fifo_hooks *fifo_hooks;

enum { RELATIME_SECONDS = 24 * 60 * 60 };

void inode_init(void)
{
	inode_cache = slab_cache_new("inode", sizeof(struct inode), CACHE_LINE);
}

struct vtime vtime_now(void)
{
	u64 ns = realtime_ns();
	return (struct vtime){(s64)(ns / NS_PER_SEC), (u32)(ns % NS_PER_SEC)};
}

struct inode *inode_new(struct super *s, u32 mode, const struct inode_ops *ops, u64 ino)
{
	struct inode *i = slab_alloc(inode_cache);
	if (!i)
		return NULL;
	memset(i, 0, sizeof(*i));
	if (S_ISDIR(mode) && !(i->dir = dir_new())) {
		slab_free(inode_cache, i);
		return NULL;
	}
	i->mode = mode;
	i->ops = ops;
	i->nlink = S_ISDIR(mode) ? 2 : 1;
	i->ino = ino ? ino : __atomic_fetch_add(&s->next_ino, 1, __ATOMIC_RELAXED);
	i->atime = i->mtime = i->ctime = i->btime = vtime_now();
	refcount_init(&i->refs, 1);
	mutex_init(&i->lock, INODE);
	super_get(s);
	i->super = s;
	return i;
}

static void inode_free_rcu(struct rcu_head *head)
{
	struct inode *i = container_of(head, struct inode, rcu);
	struct super *s = i->super;
	if (i->ops->free)
		i->ops->free(i);
	dir_free(i->dir);
	slab_free(inode_cache, i);
	super_put(s);
}

void inode_put(struct inode *i)
{
	if (!refcount_put(&i->refs))
		return;
	if (i->ops->evict)
		i->ops->evict(i);
	if (i->fifo)
		fifo_hooks->evict(i);
	if (i->object)
		vm_object_put(i->object);
	file_locks_free(i->locks);
	xattrs_free(i->xattrs);
	rcu_call(&i->rcu, inode_free_rcu);
}

void inode_touch_write(struct inode *i)
{
	i->mtime = i->ctime = vtime_now();
}

static bool vtime_before(const struct vtime *a, const struct vtime *b)
{
	return a->sec != b->sec ? a->sec < b->sec : a->nsec < b->nsec;
}

/* Reading marks the time of access unless the mount says otherwise: mount(8), relatime. */
void inode_touch_read(const struct mount *m, struct inode *i)
{
	u32 flags = m ? load_relaxed(&m->flags) : MS_NOATIME;
	if (flags & (MS_NOATIME | MS_RDONLY) || (S_ISDIR(i->mode) && flags & MS_NODIRATIME))
		return;
	if (!(flags & MS_STRICTATIME) && vtime_before(&i->mtime, &i->atime) &&
	    vtime_before(&i->ctime, &i->atime) &&
	    (s64)realtime_seconds() - i->atime.sec < RELATIME_SECONDS)
		return;
	if (!(load_relaxed(&i->super->flags) & MS_RDONLY))
		i->atime = vtime_now();
}

void file_touch_read(struct file *f)
{
	if (likely(!(f->flags & O_NOATIME)))
		inode_touch_read(f->path.mount, f->inode);
}

int inode_permission_generic(struct inode *i, u32 mask)
{
	const struct cred *c = cred_current();
	u32 mode = load_relaxed(&i->mode), bits = mode;
	if (c->fsuid == i->uid)
		bits >>= 6;
	else if ((bits & 7) != (bits >> 3 & 7) && cred_in_group(c, i->gid))
		bits >>= 3;
	if (likely(!(mask & ~bits & 7)))
		return 0;
	if (cred_capable(c, CAP_DAC_OVERRIDE) &&
	    (S_ISDIR(mode) || !(mask & MAY_EXEC) || mode & 0111))
		return 0;
	bool read_search = S_ISDIR(mode) ? !(mask & MAY_WRITE) : mask == MAY_READ;
	if (read_search && cred_capable(c, CAP_DAC_READ_SEARCH))
		return 0;
	return -EACCES;
}

int inode_permission(struct inode *i, u32 mask)
{
	return i->ops->permission ? i->ops->permission(i, mask) : inode_permission_generic(i, mask);
}

bool inode_owner_or_capable(const struct inode *i)
{
	const struct cred *c = cred_current();
	return c->fsuid == i->uid || cred_capable(c, CAP_FOWNER);
}

void inode_stat(struct inode *i, struct kstat *st)
{
	*st = (struct kstat){
		.ino = i->ino,
		.size = i->object ? load_relaxed(&i->object->size) : load_relaxed(&i->size),
		.blocks = i->object ? vm_object_resident(i->object) * (PAGE_SIZE / 512) : 0,
		.dev = i->super->dev,
		.rdev = i->rdev,
		.mode = i->mode,
		.nlink = load_relaxed(&i->nlink),
		.uid = i->uid,
		.gid = i->gid,
		.blksize = PAGE_SIZE,
		.atime = i->atime,
		.mtime = i->mtime,
		.ctime = i->ctime,
		.btime = i->btime,
	};
	if (i->ops->getattr)
		i->ops->getattr(i, st);
}

/* Which bits a write or a change of owner takes: setuid always, setgid where it means "run as group". */
u32 inode_suid_bits(const struct inode *i)
{
	u32 mode = i->mode, drop = mode & S_ISUID;
	if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		drop |= S_ISGID;
	return S_ISREG(mode) ? drop : 0;
}

void inode_drop_suid(struct inode *i)
{
	u32 drop;
	if (unlikely(i->mode & (S_ISUID | S_ISGID)) && (drop = inode_suid_bits(i)) &&
	    !capable(CAP_FSETID))
		store_relaxed(&i->mode, i->mode & ~drop);
}
