/* The file system "mqueue": names of POSIX message queues. */
#include "abi/fcntl.h"
#include "kernel/fs/dentry.h"
#include "kernel/fs/mount.h"
#include "kernel/fs/name_common.h"
#include "kernel/fs/names.h"
#include "kernel/fs/open.h"
#include "kernel/ipc/ns.h"
#include "kernel/mm/page.h"
#include "kernel/port/internal.h"
#include "kernel/port/mq_file.h"
#include "kernel/port/mq_inode.h"
#include "kernel/port/ns_limit.h"
#include "kernel/proc/cred.h"

/* --- the directory --- */

static int queue_make(struct inode *dir, const struct inode_make *m, struct inode **out)
{
	if (!S_ISREG(m->mode))
		return -EPERM;
	if (m->unnamed)
		return -EOPNOTSUPP;
	struct mq_queue *q = TRY_PTR(mq_new(dir->super->private, m->arg));
	struct inode *i = inode_new(dir->super, m->mode, &mq_inode_ops, 0);
	if (!i) {
		mq_free(q);
		return -ENOMEM;
	}
	i->uid = m->uid;
	i->gid = m->gid;
	i->size = MQ_FILE_SIZE;
	i->file_ops = &mq_file_ops;
	i->private = q;
	*out = i;
	return 0;
}

static const struct inode_ops dir_ops = {.make = queue_make};

/* --- one file system for each namespace --- */

static void mqueue_statfs(struct super *s, struct abi_statfs *st)
{
	st->namelen = NAME_MAX;
	st->bsize = st->frsize = PAGE_SIZE;
}
static void mqueue_destroy(struct super *s)
{
	mq_space_put(s->private);
}
static const struct super_ops mqueue_super_ops = {.statfs = mqueue_statfs,
                                                  .destroy = mqueue_destroy};

static struct super *mqueue_mount(const struct fs_type *t, u32 ms_flags, const char *source,
                                  char *data);
static struct fs_type mqueue_type = {.name = "mqueue", .flags = FS_NO_EXEC, .mount = mqueue_mount};

static int super_fill(struct super *s, const struct mq_space *space)
{
	struct inode *root = inode_new(s, S_IFDIR | S_ISVTX | 0777, &dir_ops, 0);
	if (!root)
		return -ENOMEM;
	root->uid = space->uid;
	root->gid = space->gid;
	root->file_ops = &dir_file_ops;
	root->size = 2 * DIR_ENTRY_SIZE;
	return super_set_root(s, root);
}

static struct super *super_make(struct mq_space *space)
{
	struct super *s = super_new(&mqueue_type, &mqueue_super_ops, MQUEUE_MAGIC);
	if (!s)
		return NULL;
	mq_space_get(space);
	s->private = space;
	if (super_fill(s, space) == 0)
		return s;
	super_deactivate(s);
	return NULL;
}

/* => the caller's, borrowed: good while it stays in its namespace; or NULL: no memory. */
static NOINLINE struct super *super_first_use(struct mq_space *space)
{
	struct super *s = super_make(space);
	struct port_mq_names *there = NULL;
	if (!s || __atomic_compare_exchange_n(&space->names, &there, (struct port_mq_names *)s,
	                                      false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return s;
	super_deactivate(s);
	return (struct super *)there;
}
static struct super *super_current(void)
{
	struct mq_space *space = port_ipc_ns()->mq;
	struct super *s = (struct super *)load_acquire(&space->names);
	return likely(s) ? s : super_first_use(space);
}

void port_mq_names_drop(struct port_mq_names *names)
{
	super_deactivate((struct super *)names);
}

static struct super *mqueue_mount(const struct fs_type *t, u32 ms_flags, const char *source,
                                  char *data)
{
	if (data && *data)
		return err_ptr(-EINVAL); /* there are no options */
	struct super *s = super_current();
	if (!s)
		return err_ptr(-ENOMEM);
	super_activate(s);
	return s;
}

/* --- names without a path --- */

/* What lookup_one_len() of Linux refuses, then what the directory does. => 0 and the name, or -EACCES. */
static int name_check(const char *text, struct inode *dir, struct qname *out)
{
	u32 length = 0;
	for (; text[length]; length++)
		if (text[length] == '/')
			return -EACCES;
	if (text[0] == '.' && (length == 1 || (length == 2 && text[1] == '.')))
		return -EACCES;
	*out = qname_make(text, length);
	return inode_permission(dir, MAY_EXEC);
}

static int open_allowed(struct dentry *d, u32 flags)
{
	static const u8 masks[] = {MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE};
	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	if ((flags & O_ACCMODE) >= ARRAY_SIZE(masks))
		return -EINVAL;
	return inode_permission(d->inode, masks[flags & O_ACCMODE]);
}

/* => the queue's entry with a reference, made if need be, or err_ptr. */
static struct dentry *entry_open(struct dentry *root, const struct qname *q, u32 flags, u32 mode,
                                 const struct mq_attr *attr)
{
	const struct path at = {NULL, root};
	for (;;) {
		AUTO_PUT(dentry) d = walk_child(root, q);
		int err = is_err(d) ? ptr_err(d) : open_allowed(d, flags);
		if (!err)
			return TAKE(d);
		if (!is_err(d) || err != -ENOENT || !(flags & O_CREAT))
			return err_ptr(err);
		struct dentry *made;
		err = name_create_with(&at, q, S_IFREG | (mode & S_IALLUGO), attr, &made);
		if (err != -EEXIST)
			return err ? err_ptr(err) : made;
	}
}

struct file *mq_file_open(const char *name, u32 flags, u32 mode, const struct mq_attr *attr)
{
	enum { ONCE = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC };
	struct super *s = super_current();
	if (!s)
		return err_ptr(-ENOMEM);
	struct qname q;
	int err = name_check(name, s->root->inode, &q);
	if (err)
		return err_ptr(err);
	AUTO_PUT(dentry) d = entry_open(s->root, &q, flags, mode, attr);
	if (is_err(d))
		return (struct file *)d;
	const struct path p = {NULL, d};
	if (flags & O_PATH) /* a name, whatever else is asked for */
		return path_open(&p, flags & ~(u32)FILE_F_INTERNAL);
	if (flags & O_DIRECT)
		return err_ptr(-EINVAL);
	return file_new(&p, &mq_file_ops, flags & ~(u32)(ONCE | FILE_F_INTERNAL), NULL);
}

int mq_file_unlink(const char *name)
{
	struct super *s = super_current();
	if (!s)
		return -ENOMEM;
	TRY(mount_check_write(NULL, s->root->inode));
	struct qname q;
	TRY(name_check(name, s->root->inode, &q));
	const struct path at = {NULL, s->root};
	return name_unlink(&at, &q);
}

/* --- limits --- */

NS_LIMIT(queues_max, mq->queues_max, s32)
NS_LIMIT(msg_max, mq->msg_max, s32)
NS_LIMIT(msgsize_max, mq->msgsize_max, s32)
NS_LIMIT(msg_default, mq->msg_default, s32)
NS_LIMIT(msgsize_default, mq->msgsize_default, s32)

#define MQ_SYSCTL(name, least, most)                                                               \
	{                                                                                          \
		.path = "sys/fs/mqueue/" #name, .min = (least), .max = (most), NS_SYSCTL(name)     \
	}

void mqueue_init(void)
{
	static const struct sysctl limits[] = {
		MQ_SYSCTL(queues_max, 0, 0), /* any */
		MQ_SYSCTL(msg_max, MQ_MSG_MAX_LEAST, MQ_MSG_MAX_MOST),
		MQ_SYSCTL(msgsize_max, MQ_MSGSIZE_MAX_LEAST, MQ_MSGSIZE_MAX_MOST),
		MQ_SYSCTL(msg_default, MQ_MSG_MAX_LEAST, MQ_MSG_MAX_MOST),
		MQ_SYSCTL(msgsize_default, MQ_MSGSIZE_MAX_LEAST, MQ_MSGSIZE_MAX_MOST),
	};
	fs_type_register(&mqueue_type);
	for (u32 i = 0; i < ARRAY_SIZE(limits); i++)
		sysctl_register(&limits[i]);
}
