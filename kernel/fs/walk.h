/*
 * Path walks (path_resolution(7)): from a string to a dentry.
 *
 * A walk stands in an RCU section and takes no references on its way, only on what it finds. It
 * therefore never sleeps, with one exception: a magic link (/proc/self/exe) is asked for its path
 * outside; the walk first saves what is left of the texts it is in. When what it found has just lost
 * its last reference, it starts again.
 *
 * Symbolic links: the rest of the text after a link is stacked, unless it is empty (so a link at the
 * end does not nest); 40 links in all, then ELOOP.
 *
 * Fails: ENOENT, ENOTDIR, ELOOP, EACCES, ENAMETOOLONG, EBADF (dirfd), ENOMEM, EXDEV (RESOLVE_*).
 */
#pragma once
#include "kernel/fs/dentry.h"
#include "kernel/fs/path.h"

struct mount;

/* A path string from user space. */
struct pathname {
	char *text;
	char small[120];
	char pad[NAME_PAD]; /* small is read beyond its end */
};
/* => 0, -EFAULT, -ENAMETOOLONG, -ENOMEM, or -ENOENT when empty and not allowed to be. */
MUST_CHECK int pathname_get(struct pathname *p, uptr_t user);
MUST_CHECK int pathname_get_empty_ok(struct pathname *p, uptr_t user);
void pathname_put(struct pathname *p);
/* Declares one, to be filled by pathname_get(); dropped at the end of the scope. Not zeroed: it is large. */
#define PATHNAME(name)                                                                             \
	__attribute__((cleanup(pathname_put))) struct pathname name;                               \
	name.text = name.small

/* Flags beyond WALK_* of path.h */
enum {
	WALK_NO_MAGIC = 0x100, /* RESOLVE_* of openat2(2) */
	WALK_NO_XDEV = 0x200,
	WALK_BENEATH = 0x400,
	WALK_IN_ROOT = 0x800,
};

/* => 0 and a referenced path. dirfd: AT_FDCWD or a descriptor. */
MUST_CHECK int walk_at(int dirfd, const char *name, u32 flags, struct path *out);
static inline u32 walk_follow(bool follow)
{
	return follow ? WALK_FOLLOW : 0;
}

struct walk_last {
	struct qname name; /* into the text walked; not terminated */
	enum { LAST_NAME, LAST_DOT, LAST_DOTDOT, LAST_ROOT } kind;
	bool slash; /* slashes follow it */
};
/* => 0, the directory that holds the last component (referenced), and that component. */
MUST_CHECK int walk_parent(int dirfd, const char *name, u32 flags, struct path *out,
                           struct walk_last *last);
/* The same, relative names starting at `base`. */
MUST_CHECK int walk_parent_from(const struct path *base, const char *name, u32 flags,
                                struct path *out, struct walk_last *last);
/* => the entry with a reference, or err_ptr(-ENOENT) and the like. Mounts on it are not crossed. */
MUST_CHECK struct dentry *walk_child(struct dentry *dir, const struct qname *name);
/* Steps onto whatever is mounted there; references move along. */
void path_cross_mounts(struct path *p);
