/*
 * Inodes, superblocks and file system types: what a file system gives to the VFS.
 *
 * Every file system here lives in memory, so names need no backing store: the tree of dentries is the
 * truth. Two kinds of directory share it:
 *
 *	in-memory  (tmpfs, devtmpfs, mqueue, fixed parts of proc) entries are dentries that the directory
 *	           pins. The VFS makes, renames and removes them itself; the file system only supplies
 *	           new inodes (inode_ops.make) and may refuse or account (link, unlink).
 *	dynamic    (/proc/PID ...) inode_ops.lookup makes an inode for a name on demand; its dentry lives
 *	           as long as somebody refers to it.
 * Both may be combined: entries found in memory win over lookup.
 *
 * Objects and lifetimes. An inode is reference counted: by each dentry that names it and by whoever
 * holds it directly. The last put calls inode_ops.evict and frees the memory after an RCU grace
 * period, since path walks read inodes without a reference. A super is active while mounted; then its
 * tree is dismantled, and its memory goes with the last inode.
 *
 * Locking. inode->lock (mutex, class INODE): size, times and attributes against writers; data is
 * copied from user space under it. Readers of single fields take nothing. dir->lock (spin, class DIR):
 * one directory's entries; see dentry.h. Callbacks say below what they may do; "walk" callbacks run
 * inside a path walk under RCU and must not sleep (allocation does not).
 */
#pragma once
#include "abi/stat.h"
#include "kernel/lib/guard.h"
#include "kernel/lib/rbtree.h"
#include "kernel/lib/refcount.h"
#include "kernel/proc/file.h"
#include "kernel/sched/rcu.h"
#include "kernel/sync/mutex.h"

struct dentry;
struct dir;
struct file_locks;
struct fs_type;
struct inode;
struct seq;
struct super;
struct vm_object;
struct xattr;

struct vtime { /* seconds and nanoseconds since 1970 */
	s64 sec;
	u32 nsec;
};

struct kstat { /* stat(2) and statx(2) before they take their ABI shape */
	u64 ino, size, blocks;
	u32 dev, rdev; /* device_make() */
	u32 mode, nlink, uid, gid, blksize;
	struct vtime atime, mtime, ctime, btime;
};

struct inode_make {          /* what the VFS asks a file system to make */
	u32 mode;            /* type and permission bits, umask applied */
	u32 uid, gid;        /* owner by the rules of the caller's fsuid and setgid directories */
	u32 rdev;            /* S_IFCHR, S_IFBLK: device_make() */
	const char *symlink; /* S_IFLNK: target, to be copied */
	const void *arg;     /* of name_create_with() */
	bool unnamed;        /* O_TMPFILE */
};

struct setattr {   /* validated by the VFS: permission, setuid bits and times are settled */
	u32 valid; /* SETATTR_* */
	u32 mode, uid, gid;
	struct vtime atime, mtime, ctime;
};
enum {
	SETATTR_MODE = 1,
	SETATTR_UID = 2,
	SETATTR_GID = 4,
	SETATTR_ATIME = 8,
	SETATTR_MTIME = 16,
	SETATTR_CTIME = 32
};

/* Every operation may be NULL. */
struct inode_ops {
	/* Walk. Dynamic directories: => 0 and a new inode with a reference, or -errno (-ENOENT). The name
	 * is not terminated. */
	int (*lookup)(struct inode *dir, const char *name, u32 len, struct inode **out);
	/* Walk. A dentry of a dynamic directory was found in memory: is it stale (its process is gone)?
	 * True: dropped, and lookup is asked again. */
	bool (*stale)(struct inode *inode);
	/* Walk. Symbolic links: => the target text, which lives as long as the inode and has NAME_PAD
	 * readable bytes behind its end (dentry.h), or which was written to buf (64 bytes) and holds no symbolic link before its last component; or err_ptr. */
	const char *(*link_text)(struct inode *inode, char *buf);
	/* Magic links (/proc/self/exe): => 0 and a referenced path, or -errno. May sleep. */
	int (*link_path)(struct inode *inode, struct path *out);
	/* readlink(2) of magic links: text into buf. => length or -errno. May sleep. */
	ssize (*readlink)(struct inode *inode, char *buf, size_t size);
	/* Walk. NULL: inode_permission_generic(). mask: MAY_*. */
	int (*permission)(struct inode *inode, u32 mask);
	/* Called after inode_stat() filled *st. */
	void (*getattr)(struct inode *inode, struct kstat *st);
	/* inode->lock held; NULL: allowed. Refuses (-EPERM) or takes note before the VFS stores. */
	int (*setattr)(struct inode *inode, const struct setattr *attr);
	/* Completes an open: f has file_ops of the inode; may set f->ops and f->private. May sleep. */
	int (*open)(struct inode *inode, struct file *f);
	/* In-memory directories. => 0 and an inode with one reference and nlink set; NULL: creation is
	 * refused (-EACCES for open, -EPERM for mkdir and the like). Must not sleep. */
	int (*make)(struct inode *dir, const struct inode_make *m, struct inode **out);
	/* A further name (link(2)) is about to appear / a name has gone; dir->lock held: quota only.
	 * link NULL: the directory knows neither link(2) nor rename(2) (-EPERM). */
	int (*link)(struct inode *dir, struct inode *inode);
	void (*unlink)(struct inode *dir, struct inode *inode);
	/* Regular files: truncate(2), fallocate(2); inode->lock held, checks of the VFS done. */
	int (*resize)(struct inode *inode, u64 size);
	int (*fallocate)(struct inode *inode, u32 mode, u64 start, u64 length);
	/* Last reference gone: free what hangs on it, but for link text and whatever else walks read. */
	void (*evict)(struct inode *inode);
	/* And that, a grace period later. */
	void (*free)(struct inode *inode);
};

struct inode {
	u32 mode;                        /* [lock] type [I] and permissions */
	u32 uid, gid;                    /* [lock] */
	u32 flags;                       /* [a] INODE_* */
	const struct inode_ops *ops;     /* [I] once visible */
	const struct file_ops *file_ops; /* [I] for open */
	struct super *super;             /* [I] reference */
	struct dir *dir;                 /* [I] entries, directories only */
	struct vm_object *object;        /* [I] data of a regular file, reference, or NULL */
	refcount_t refs;
	u32 nlink;                               /* [dir->lock of the parent, a] */
	u64 ino;                                 /* [I] */
	u32 rdev;                                /* [I] device_make() of kernel/dev/device.h */
	u64 size;                                /* [a] of what has no object */
	struct vtime atime, mtime, ctime, btime; /* [lock]; torn reads are harmless */
	s32 writers; /* [a] > 0: open for writing; < 0: being executed, -n times */
	u32 seals;   /* [lock] F_SEAL_* */
	struct mutex lock;
	struct file_locks *locks; /* [FILE_LOCKS] flock(2) and record locks, NULL until the first */
	struct xattr *xattrs;     /* [lock] */
	void *fifo;               /* [fifo_hooks] */
	void *private;            /* [file system] */
	u64 private_id;           /* [file system] pid, fd number ... */
	struct rcu_head rcu;
};
enum { INODE_LINKABLE = 1 /* O_TMPFILE without O_EXCL */, INODE_SEALABLE = 2, INODE_MEMFD = 4 };
enum { MAY_EXEC = 1, MAY_WRITE = 2, MAY_READ = 4 };

/* => an inode with one reference, nlink 1 (directories 2), times now, or NULL. ino 0: the next of the super. */
MUST_CHECK struct inode *inode_new(struct super *s, u32 mode, const struct inode_ops *ops, u64 ino);
static inline void inode_get(struct inode *i)
{
	refcount_get(&i->refs);
}
void inode_put(struct inode *i);
DEFINE_GUARD(inode, struct inode *, inode_put)

/* As Linux's current_time: what time stamps are set to. */
struct vtime vtime_now(void);
/* mtime and ctime (a write), both plus atime by mount flags (a read). */
void inode_touch_write(struct inode *i);
void file_touch_read(struct file *f);

/* => 0, -EACCES; consults ops->permission. Read-only file systems and mounts are the caller's (-EROFS). */
MUST_CHECK int inode_permission(struct inode *i, u32 mask);
MUST_CHECK int inode_permission_generic(struct inode *i, u32 mask);
bool inode_owner_or_capable(const struct inode *i); /* fsuid owns it, or CAP_FOWNER */
void inode_stat(struct inode *i, struct kstat *st);
/* A write by somebody without CAP_FSETID takes setuid and setgid bits away. Lock held. */
void inode_drop_suid(struct inode *i);

/* --- superblocks and types --- */

struct super_ops {
	void (*statfs)(struct super *s, struct abi_statfs *st); /* type, namelen, sizes */
	int (*remount)(struct super *s, char *data);            /* options of mount -o remount */
	void (*show_options)(struct super *s, struct seq *out); /* ",size=1024k" */
	void (*destroy)(struct super *s);
};
struct super {
	refcount_t active; /* mounts; the last one dismantles the tree */
	refcount_t refs;   /* inodes, and one for active */
	const struct fs_type *type;
	const struct super_ops *ops;
	u32 dev;             /* [I] st_dev: device_make(0, n) */
	u64 magic;           /* [I] */
	u32 flags;           /* [a] MS_RDONLY */
	u64 next_ino;        /* [a] */
	struct dentry *root; /* [I] reference */
	void *private;
};
struct fs_type {
	const char *name;
	u32 flags;
	/* => a super with one active reference (possibly of one that exists already), or err_ptr. data: options as
	 * given to mount(2), may be NULL and may be modified. */
	struct super *(*mount)(const struct fs_type *t, u32 ms_flags, const char *source,
	                       char *data);
	const struct fs_type *next; /* [register] */
};
enum {
	FS_REQUIRES_DEVICE = 1,
	FS_NO_USER_MOUNT = 2,
	FS_NO_NEW_NAMES = 4, /* what is not found cannot be made, whoever asks: -ENOENT (proc) */
	FS_XATTR = 8,        /* keeps trusted.* and security.* attributes */
	FS_NO_EXEC = 32,     /* nothing in it is a program (mqueue) */
	FS_STACKS =
		16, /* may be mounted over itself, as if each mount were an instance of its own */
};

void fs_type_register(struct fs_type *t); /* boot; never unregistered */
const struct fs_type *fs_type_find(const char *name);
const struct fs_type *fs_type_first(void); /* /proc/filesystems: follow ->next */
/* => a super with one active reference and a fresh st_dev, no root yet; or NULL. */
MUST_CHECK struct super *super_new(const struct fs_type *t, const struct super_ops *ops, u64 magic);
/* Gives it a root directory; takes the inode's reference. => 0 or -ENOMEM. */
MUST_CHECK int super_set_root(struct super *s, struct inode *root);
static inline void super_get(struct super *s)
{
	refcount_get(&s->refs);
}
void super_put(struct super *s);
static inline void super_activate(struct super *s)
{
	refcount_get(&s->active);
}
void super_deactivate(struct super *s);
DEFINE_GUARD(super_active, struct super *, super_deactivate)

/* --- directories --- */

/* getdents(2): iterate() is called with emit->pos where to go on, and calls dir_emit for each entry,
 * with the position of the entry after it. => false: buffer full, stop without advancing. The actor
 * does not sleep: it may be called under a directory's lock. */
struct dir_emit {
	u64 pos;
	bool (*actor)(struct dir_emit *e, const char *name, u32 len, u64 ino, u32 type,
	              u64 next_pos);
};
enum {
	DT_UNKNOWN = 0,
	DT_FIFO = 1,
	DT_CHR = 2,
	DT_DIR = 4,
	DT_BLK = 6,
	DT_REG = 8,
	DT_LNK = 10,
	DT_SOCK = 12
};
static inline u32 mode_to_dt(u32 mode)
{
	return (mode & S_IFMT) >> 12;
}
static inline bool dir_emit(struct dir_emit *e, const char *name, u32 len, u64 ino, u32 type,
                            u64 next_pos)
{
	if (!e->actor(e, name, len, ino, type, next_pos))
		return false;
	e->pos = next_pos;
	return true;
}
/* "." at 0 and ".." at 1; => false when the buffer is full. Entries of a dynamic directory start at 2. */
bool dir_emit_dots(struct file *f, struct dir_emit *e);
/* In-memory directories: file_ops for open directories, whose iterate is dir_iterate_memory(). Its
 * positions are below DIR_DYNAMIC_POS, so that a dynamic directory may go on from there. */
extern const struct file_ops dir_file_ops;
int dir_iterate_memory(struct file *f, struct dir_emit *e);
#define DIR_DYNAMIC_POS (1ull << 40)

/* --- hooks of other rooms --- */

/* Named pipes: kernel/port connects kernel/ipc/pipe. open may block, sets f->ops and f->private. */
struct fifo_hooks {
	int (*open)(struct inode *i, struct file *f);
	void (*evict)(struct inode *i); /* frees inode->fifo */
};
extern const struct fifo_hooks *fifo_hooks; /* NULL: -ENXIO */

/* Device nodes: open(2) of S_IFCHR dispatches through device_open() of kernel/dev/device.h; inode->rdev is
 * a number in its form, device_make(). */
