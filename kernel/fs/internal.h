/* What the files of the VFS share with one another and with nobody else. */
#pragma once
#include "kernel/fs/dentry.h"

/* dentry.c */
void dentry_init(void);
void dentry_drop(struct dentry *d); /* unhashes a dynamic entry; idempotent */
MUST_CHECK struct dentry_name *dentry_name_new(const struct qname *q);
void dentry_name_fill(struct dentry_name *name, const struct qname *q);
void dentry_name_free(struct dentry *d, struct dentry_name *name); /* after a grace period, unless inline */
/* dentry_add_locked without the search and without a new reference. => 0, -ENOENT, -ENOMEM */
MUST_CHECK int dentry_link_locked(struct dentry *d);
MUST_CHECK struct dir *dir_new(void);
void dir_free(struct dir *dir);

/* inode.c */
void inode_init(void);

/* inode_xattr.c */
void xattrs_free(struct xattr *first);

/* mount.c */
void mount_init(void);
/* Under RCU: what is mounted on d as seen in m, or NULL. */
struct mount *mount_find(const struct mount *m, const struct dentry *d);
