/*
 * Mounts: a tree of file systems over directories (mount_namespaces(7); there is one namespace).
 *
 * A mount shows a super from one of its dentries downwards; several mounts may show the same super
 * (bind, proc). References: one by the tree while attached, one by each path into it and by each mount
 * on top of it. So a mount is busy while its count is more than the tree's; umount2(2) swings it from
 * that to 0, after which no walk can enter. Memory goes after an RCU grace period.
 *
 * Locking: mount_mutex (class MOUNT) for all changes of the tree; what walks read (parent, mountpoint,
 * hash chains) changes inside names_write_begin/end, so walks need no lock. flags [a].
 */
#pragma once
#include "abi/mount.h"
#include "kernel/fs/dentry.h"

struct mount {
	refcount_t refs;
	u32 flags;                 /* [a] MS_* that belong to a mount: MOUNT_FLAGS */
	struct super *super;       /* [I] active reference */
	struct dentry *root;       /* [I] reference */
	struct mount *parent;      /* [names] reference; NULL: the root mount, or detached */
	struct dentry *mountpoint; /* [names] reference */
	struct mount *hash_next;   /* [names] RCU */
	s32 writers;      /* [a] files open for writing; remounting read-only waits for none */
	u32 id;           /* [I] mountinfo */
	bool expiring;    /* [a] MNT_EXPIRE asked once, and nobody came since */
	struct list link; /* [mount_mutex] all attached mounts, in order of attachment */
	char *source;     /* [I] */
	struct rcu_head rcu;
};
enum {
	MOUNT_FLAGS = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME |
	              MS_NOSYMFOLLOW | MS_RELATIME | MS_STRICTATIME
};

static inline void mount_get(struct mount *m)
{
	refcount_get(&m->refs);
}
void mount_put(struct mount *m);
DEFINE_GUARD(mount, struct mount *, mount_put)

/* Makes the initial root from a super (its active reference is taken over). Boot. */
void mount_root(struct super *s);
extern struct mount *mount_initial;

/* Debug builds, when no process is left: every mount goes, and with it what users made; the leak report is near. */
void mount_shutdown(void);

/* May files be changed through this path? => 0 or -EROFS. */
static inline int mount_check_write(const struct mount *m, const struct inode *i)
{
	return (m && load_relaxed(&m->flags) & MS_RDONLY) ||
	                       load_relaxed(&i->super->flags) & MS_RDONLY
	               ? -EROFS
	               : 0;
}
bool path_nosuid(const struct path *p); /* exec honours no setuid bits */
bool path_noexec(const struct path *p); /* exec and PROT_EXEC are refused */

/* The operations of mount(2), umount2(2), pivot_root(2); the caller has checked CAP_SYS_ADMIN. */
MUST_CHECK int mount_new_fs(const struct path *at, const char *type, u32 flags, const char *source,
                            char *data);
MUST_CHECK int mount_bind(const struct path *at, const struct path *from, bool recursive);
MUST_CHECK int mount_move(const struct path *at, const struct path *from);
MUST_CHECK int mount_remount(const struct path *at, u32 flags,
                             char *data);                /* with MS_BIND: the mount only */
MUST_CHECK int mount_umount(struct path *at, u32 flags); /* takes the path's references over */
MUST_CHECK int mount_pivot(const struct path *new_root, const struct path *put_old);

/* /proc/mounts and /proc/PID/mountinfo, as seen from the current root. */
void mounts_show(struct seq *s);
void mountinfo_show(struct seq *s);
struct poll_table;
/* proc(5): readable always; POLLERR and POLLPRI once for each time the tree has changed since the file was last asked. */
u32 mounts_poll(struct seq *s, struct poll_table *pt);
