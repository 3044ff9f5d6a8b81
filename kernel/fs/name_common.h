/* Between name_make.c, name_remove.c and name_rename.c. */
#pragma once
#include "kernel/fs/dentry.h"
#include "kernel/fs/path.h"

enum {
	DIR_ENTRY_SIZE = 20
}; /* what an entry adds to st_size of its directory, as on Linux's tmpfs */

/* dir->lock held: its size and times after so many more entries. */
void dir_changed(struct inode *dir, int entries);
/* May this entry of the directory be removed by the caller? As a directory, or as anything else.
 * => 0, -EACCES, -EPERM (sticky, or a directory that removes nothing), -ENOTDIR, -EISDIR, -ENOENT. */
MUST_CHECK int name_may_remove(const struct path *dir, struct dentry *victim, bool directory);
/* dir->lock held: still an entry of that directory under that name. */
bool name_still(const struct dentry *d, const struct dentry *parent, const struct qname *q);
/* dir->lock held: victim has lost its name; settles link counts and times. */
void name_gone(struct inode *dir, struct inode *victim);
