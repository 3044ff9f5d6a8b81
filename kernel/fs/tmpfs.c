#include "kernel/fs/tmpfs.h"
#include "kernel/fs/internal.h"
#include "kernel/fs/mount.h"
#include "kernel/fs/name_common.h"
#include "kernel/fs/seq.h"
#include "kernel/fs/super.h"
#include "kernel/fs/tmpfs_internal.h"
#include "kernel/lib/string.h"
#include "kernel/mm/huge.h"
#include "kernel/mm/slab.h"

enum { TMPFS_NAME_MAX = NAME_MAX, TMPFS_SYMLINK_MAX = PATH_MAX };

/* Takes n of what is counted in *used unless that passes max (0: no limit). */
static bool quota_take(u64 *used, const u64 *max, u64 n)
{
	u64 limit = load_relaxed(max);
	u64 now = __atomic_add_fetch(used, n, __ATOMIC_RELAXED);
	if (likely(!limit || now <= limit))
		return true;
	__atomic_fetch_sub(used, n, __ATOMIC_RELAXED);
	return false;
}

static void quota_give(u64 *used, u64 n)
{
	__atomic_fetch_sub(used, n, __ATOMIC_RELAXED);
}

static int object_charge(struct vm_object *o, u64 pages)
{
	struct tmpfs_super *t = o->owner;
	return quota_take(&t->used_blocks, &t->max_blocks, pages) ? 0 : -ENOSPC;
}

static void object_uncharge(struct vm_object *o, u64 pages)
{
	struct tmpfs_super *t = o->owner;
	quota_give(&t->used_blocks, pages);
}

/* A mapping may outlive the last inode of an unmounted tmpfs: the quota lives as long as its objects. */
static struct super *super_of(struct tmpfs_super *t);

static void object_destroy(struct vm_object *o)
{
	super_put(super_of(o->owner));
}

const struct vm_object_ops tmpfs_object_ops = {
	.charge = object_charge, .uncharge = object_uncharge, .destroy = object_destroy};

struct tmpfs_super_pair { /* allocated together: the quota finds its super */
	struct tmpfs_super quota;
	struct super *super;
};

static struct super *super_of(struct tmpfs_super *t)
{
	return container_of(t, struct tmpfs_super_pair, quota)->super;
}

static const char *tmpfs_link_text(struct inode *i, char *buf)
{
	return i->private;
}

static void tmpfs_evict(struct inode *i)
{
	struct tmpfs_super *t = tmpfs_of(i->super);
	quota_give(&t->used_inodes, 1);
}

static void tmpfs_free(struct inode *i)
{
	if (S_ISLNK(i->mode))
		kfree(i->private);
}

/* The first name of an O_TMPFILE file is paid for by the inode itself. */
static int tmpfs_link(struct inode *dir, struct inode *inode)
{
	struct tmpfs_super *t = tmpfs_of(dir->super);
	if (load_relaxed(&inode->nlink) == 1)
		return 0;
	return quota_take(&t->used_inodes, &t->max_inodes, 1) ? 0 : -ENOSPC;
}

/* Every name beyond the first was charged by tmpfs_link; the last one's charge is the inode's own. */
static void tmpfs_unlink(struct inode *dir, struct inode *inode)
{
	if (!S_ISDIR(inode->mode) && load_relaxed(&inode->nlink) >= 1)
		quota_give(&tmpfs_of(dir->super)->used_inodes, 1);
}

static int tmpfs_make(struct inode *dir, const struct inode_make *m, struct inode **out)
{
	struct inode *i = tmpfs_inode_new(dir->super, m->mode, m->rdev, m->symlink);
	if (is_err(i))
		return ptr_err(i);
	i->uid = m->uid;
	i->gid = m->gid;
	*out = i;
	return 0;
}

static const struct inode_ops tmpfs_dir_ops = {
	.make = tmpfs_make, .link = tmpfs_link, .unlink = tmpfs_unlink, .evict = tmpfs_evict};
static const struct inode_ops tmpfs_reg_ops = {
	.resize = tmpfs_resize, .fallocate = tmpfs_fallocate, .evict = tmpfs_evict};
static const struct inode_ops hugetlbfs_reg_ops = {.resize = tmpfs_resize,
                                                   .fallocate = hugetlbfs_fallocate,
                                                   .getattr = hugetlbfs_getattr,
                                                   .evict = tmpfs_evict};
static const struct inode_ops tmpfs_link_ops = {
	.link_text = tmpfs_link_text, .evict = tmpfs_evict, .free = tmpfs_free};
static const struct inode_ops tmpfs_node_ops = {.evict = tmpfs_evict};

static int regular_fill(struct inode *i)
{
	struct super *s = i->super;
	bool huge = tmpfs_of(s)->huge;
	i->ops = huge ? &hugetlbfs_reg_ops : &tmpfs_reg_ops;
	i->file_ops = huge ? &hugetlbfs_file_ops : &tmpfs_file_ops;
	i->object = (huge ? huge_object_new : vm_object_new)(0, &tmpfs_object_ops, tmpfs_of(s));
	if (!i->object)
		return -ENOMEM;
	super_get(s); /* the object's */
	return 0;
}

static int inode_fill(struct inode *i, u32 rdev, const char *symlink)
{
	switch (i->mode & S_IFMT) {
	case S_IFREG: return regular_fill(i);
	case S_IFDIR:
		i->ops = &tmpfs_dir_ops;
		i->file_ops = &dir_file_ops;
		i->size = 2 * DIR_ENTRY_SIZE;
		return 0;
	case S_IFLNK:
		i->ops = &tmpfs_link_ops;
		i->size = strlen(symlink);
		i->private = kzalloc(i->size + 1 + NAME_PAD);
		if (!i->private)
			return -ENOMEM;
		memcpy(i->private, symlink, i->size);
		return 0;
	default: i->rdev = rdev; return 0;
	}
}

struct inode *tmpfs_inode_new(struct super *s, u32 mode, u32 rdev, const char *symlink)
{
	struct tmpfs_super *t = tmpfs_of(s);
	if (!quota_take(&t->used_inodes, &t->max_inodes, 1))
		return err_ptr(-ENOSPC);
	struct inode *i = inode_new(s, mode, &tmpfs_node_ops, 0);
	if (!i) {
		quota_give(&t->used_inodes, 1);
		return err_ptr(-ENOMEM);
	}
	int err = inode_fill(i, rdev, symlink);
	if (!err)
		return i;
	inode_put(i);
	return err_ptr(err);
}

static void tmpfs_statfs(struct super *s, struct abi_statfs *st)
{
	struct tmpfs_super *t = tmpfs_of(s);
	st->namelen = TMPFS_NAME_MAX;
	st->bsize = st->frsize = t->huge ? HUGE_PAGE_SIZE : PAGE_SIZE;
	u64 used = load_relaxed(&t->used_blocks), inodes = load_relaxed(&t->used_inodes);
	if (t->max_blocks) {
		st->blocks = t->max_blocks * PAGE_SIZE / st->bsize;
		u64 free = used < t->max_blocks ? t->max_blocks - used : 0;
		st->bfree = st->bavail = free * PAGE_SIZE / st->bsize;
	}
	if (t->max_inodes) {
		st->files = t->max_inodes;
		st->ffree = inodes < t->max_inodes ? t->max_inodes - inodes : 0;
	}
}

static u64 memory_pages(void)
{
	struct page_stats stats;
	page_stats(&stats);
	return stats.total;
}

static int option_apply(struct tmpfs_super *t, const char *name, const char *value)
{
	u64 n, pages = memory_pages();
	if (!strcmp(name, "size")) {
		TRY(mount_option_size(value, pages << PAGE_SHIFT, &n));
		t->max_blocks = n / PAGE_SIZE + (n % PAGE_SIZE != 0);
		t->size_given = true;
	} else if (!strcmp(name, "nr_blocks")) {
		TRY(mount_option_size(value, 0, &t->max_blocks));
		t->size_given = true;
	} else if (!strcmp(name, "nr_inodes")) {
		TRY(mount_option_size(value, 0, &t->max_inodes));
		t->inodes_given = true;
	} else if (!strcmp(name, "mode")) {
		TRY(mount_option_u64(value, 8, &n));
		t->mode = (u32)n & S_IALLUGO;
		t->mode_given = true;
	} else if (!strcmp(name, "uid") || !strcmp(name, "gid")) {
		TRY(mount_option_u64(value, 0, &n));
		if (n >= UINT32_MAX)
			return -EINVAL;
		*(name[0] == 'u' ? &t->uid : &t->gid) = (u32)n;
	} else if (t->huge && !strcmp(name, "pagesize")) {
		TRY(mount_option_size(value, 0, &n));
		return n == HUGE_PAGE_SIZE ? 0 : -EINVAL;
	} else if (strcmp(name, "huge") && strcmp(name, "mpol") && strcmp(name, "inode32") &&
	           strcmp(name, "inode64")) {
		return -EINVAL;
	}
	return 0;
}

static int options_parse(struct tmpfs_super *t, char *data)
{
	char *name, *value;
	while (mount_option_next(&data, &name, &value))
		TRY(option_apply(t, name, value));
	return 0;
}

static int tmpfs_remount(struct super *s, char *data)
{
	struct tmpfs_super *t = tmpfs_of(s), wish = *t;
	TRY(options_parse(&wish, data));
	u64 blocks = load_relaxed(&t->used_blocks), inodes = load_relaxed(&t->used_inodes);
	/* An unlimited one stays so, and no limit may fall below what is used. */
	if ((wish.max_blocks && (!t->max_blocks || wish.max_blocks < blocks)) ||
	    (wish.max_inodes && (!t->max_inodes || wish.max_inodes < inodes)))
		return -EINVAL;
	store_relaxed(&t->max_blocks, wish.max_blocks);
	store_relaxed(&t->max_inodes, wish.max_inodes);
	t->size_given = wish.size_given;
	t->inodes_given = wish.inodes_given;
	return 0;
}

static void tmpfs_show_options(struct super *s, struct seq *out)
{
	struct tmpfs_super *t = tmpfs_of(s);
	if (t->size_given)
		seq_printf(out, ",size=%lluk",
		           (unsigned long long)t->max_blocks << (PAGE_SHIFT - 10));
	if (t->inodes_given)
		seq_printf(out, ",nr_inodes=%llu", (unsigned long long)t->max_inodes);
	if (t->mode_given)
		seq_printf(out, ",mode=%03o", t->mode);
	if (t->uid)
		seq_printf(out, ",uid=%u", t->uid);
	if (t->gid)
		seq_printf(out, ",gid=%u", t->gid);
	/* inode numbers are as wide as they are shown */
	seq_puts(out, t->huge ? ",pagesize=2M" : ",inode64");
}

static void tmpfs_destroy(struct super *s)
{
	kfree(container_of(tmpfs_of(s), struct tmpfs_super_pair, quota));
}

static const struct super_ops tmpfs_super_ops = {.statfs = tmpfs_statfs,
                                                 .remount = tmpfs_remount,
                                                 .show_options = tmpfs_show_options,
                                                 .destroy = tmpfs_destroy};

static int super_fill(struct super *s, char *data)
{
	struct tmpfs_super *t = tmpfs_of(s);
	t->mode = t->huge ? 0755 : 01777;
	if (!t->huge)
		t->max_blocks = t->max_inodes = memory_pages() / 2;
	TRY(options_parse(t, data));
	struct inode *root = TRY_PTR(tmpfs_inode_new(s, S_IFDIR | t->mode, 0, NULL));
	root->uid = t->uid;
	root->gid = t->gid;
	return super_set_root(s, root);
}

int tmpfs_super_new(const struct fs_type *t, char *data, struct super **out)
{
	struct tmpfs_super_pair *pair = kzalloc(sizeof(*pair));
	bool huge = t == &hugetlbfs_type;
	struct super *s =
		pair ? super_new(t, &tmpfs_super_ops, huge ? HUGETLBFS_MAGIC : TMPFS_MAGIC) : NULL;
	if (!s) {
		kfree(pair);
		return -ENOMEM;
	}
	pair->super = s;
	pair->quota.huge = huge;
	s->private = &pair->quota;
	int err = super_fill(s, data);
	if (err)
		super_deactivate(s);
	else
		*out = s;
	return err;
}

static struct super *tmpfs_mount(const struct fs_type *t, u32 flags, const char *source, char *data)
{
	struct super *s;
	int err = tmpfs_super_new(t, data, &s);
	return err ? err_ptr(err) : s;
}

struct fs_type tmpfs_type = {.name = "tmpfs", .flags = FS_XATTR, .mount = tmpfs_mount};
