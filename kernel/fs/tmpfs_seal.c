#include "kernel/fs/internal.h"
#include "kernel/fs/mount.h"
#include "kernel/fs/open.h"
#include "kernel/fs/tmpfs_internal.h"
#include "kernel/lib/string.h"
#include "kernel/mm/aspace.h"
#include "kernel/proc/cred.h"

/* Where memfds live: file systems without limits that no path leads to. */
static struct super *memfd_super, *memfd_huge_super;

void tmpfs_init(void)
{
	char options[] = "size=0,nr_inodes=0,mode=700";
	char huge_options[] = "mode=700";
	fs_type_register(&tmpfs_type);
	fs_type_register(&hugetlbfs_type);
	int err = tmpfs_super_new(&tmpfs_type, options, &memfd_super);
	ASSERT(!err);
	err = tmpfs_super_new(&hugetlbfs_type, huge_options, &memfd_huge_super);
	ASSERT(!err);
}

struct file *tmpfs_file_new(const char *name, u32 flags, u32 how)
{
	struct super *super = how & MFD_HUGETLB ? memfd_huge_super : memfd_super;
	bool sealable = how & MFD_ALLOW_SEALING;
	AUTO_PUT(inode) i = tmpfs_inode_new(super, S_IFREG | 0777, 0, NULL);
	if (is_err(i))
		return (struct file *)i;
	const struct cred *c = cred_current();
	i->uid = c->fsuid;
	i->gid = c->fsgid;
	i->nlink = 0;
	i->flags = INODE_MEMFD | (sealable ? INODE_SEALABLE : 0);
	i->seals = sealable ? 0 : F_SEAL_SEAL;
	struct qname q = qname_make(name, (u32)strlen(name));
	AUTO_PUT(dentry) d = dentry_new(super->root, &q, i);
	if (!d)
		return err_ptr(-ENOMEM);
	struct path p = {NULL, d};
	int err = inode_writer_get(i);
	ASSERT(!err);
	struct file *f = file_new(&p, i->file_ops, flags | FILE_F_WRITER, NULL);
	if (is_err(f))
		inode_writer_put(i);
	return f;
}

int tmpfs_add_seals(struct file *f, u32 seals)
{
	struct inode *i = f->inode;
	if (!file_writable(f))
		return -EPERM;
	if (!i || !i->object ||
	    seals & ~(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |
	              F_SEAL_FUTURE_WRITE))
		return -EINVAL;
	GUARD(mutex)
	(&i->lock);
	if (!(i->flags & INODE_MEMFD) || i->seals & F_SEAL_SEAL)
		return -EPERM;
	u32 before = i->seals;
	/* Set first, then look: a mapping made meanwhile either sees the seal or is seen. */
	__atomic_store_n(&i->seals, before | seals, __ATOMIC_SEQ_CST);
	if (seals & ~before & F_SEAL_WRITE && vm_object_mapped_writable(i->object)) {
		store_relaxed(&i->seals, before);
		return -EBUSY;
	}
	return 0;
}

int tmpfs_get_seals(struct file *f)
{
	struct inode *i = f->inode;
	if (!i || !i->object)
		return -EINVAL;
	return i->flags & INODE_MEMFD ? (int)load_relaxed(&i->seals) : F_SEAL_SEAL;
}
