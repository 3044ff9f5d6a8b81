/* The mount tree's own business, between mount.c, mount_change.c and mount_show.c. mount_mutex held unless said. */
#pragma once
#include "kernel/fs/mount.h"

extern struct mutex mount_mutex;
extern struct list mounts; /* attached ones, in order */
/* => a detached mount with one reference, with references of its own to super and root; or NULL. No lock. */
MUST_CHECK struct mount *mount_new(struct super *s, struct dentry *root, u32 flags,
                                   const char *source);
void mounts_changed(void); /* any P lock below WAITQ may be held */
/* Hangs a detached mount over `at` in parent; the caller's reference becomes the tree's. */
void mount_attach(struct mount *m, struct mount *parent, struct dentry *at);
void mount_detach(struct mount *m); /* the tree's reference becomes the caller's */
bool mount_below(const struct mount *m, const struct mount *ancestor); /* or equal */
