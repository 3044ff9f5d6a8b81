/* What the files of the VFS share with one another and with nobody else. */
#pragma once
#include "kernel/fs/dentry.h"

/* dentry.c */
void dentry_init(void);
void dentry_drop(struct dentry *d); /* unhashes a dynamic entry; idempotent */
MUST_CHECK struct dentry_name *dentry_name_new(const struct qname *q);
void dentry_name_fill(struct dentry_name *name, const struct qname *q);
void dentry_name_free(struct dentry *d,
                      struct dentry_name *name); /* after a grace period, unless inline */
/* One more entry is promised to the directory / the promise withdrawn. => 0 or -ENOENT (dead). */
MUST_CHECK int dir_enter(struct dir *dir);
void dir_leave(struct dir *dir);
/* rename: both directories and names_lock held, dir_enter done when they differ. Moves d; the references of the
 * parents are the caller's to settle. => the old name, to be freed. */
MUST_CHECK struct dentry_name *dentry_place_locked(struct dentry *d, struct dentry *parent,
                                                   struct dentry_name *name);
MUST_CHECK struct dir *dir_new(void);
void dir_free(struct dir *dir);

/* inode.c */
void inode_init(void);

/* inode_xattr.c */
void xattrs_free(struct xattr *first);

/* mount.c */
/* Under RCU: what is mounted on d as seen in m, or NULL. */
struct mount;
struct mount *mount_find(const struct mount *m, const struct dentry *d);
