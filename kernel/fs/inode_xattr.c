#include "kernel/fs/attr.h"
#include "kernel/fs/internal.h"
#include "kernel/lib/string.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/cred.h"

/* Extended attributes as Linux's tmpfs keeps them: trusted.* and security.*, a list on the inode. */
struct xattr {
	struct xattr *next;
	char *name; /* in the same allocation, behind the value */
	u32 size;
	u8 value[];
};
enum xattr_space { XATTR_TRUSTED, XATTR_SECURITY };

void xattrs_free(struct xattr *x)
{
	while (x) {
		struct xattr *next = x->next;
		kvfree(x);
		x = next;
	}
}

static int name_space(const struct inode *i, const char *name, enum xattr_space *out)
{
	static const struct {
		const char *prefix;
		u32 length;
		enum xattr_space space;
	} spaces[] = {{"trusted.", 8, XATTR_TRUSTED}, {"security.", 9, XATTR_SECURITY}};
	for (u32 n = 0; i->super->type->flags & FS_XATTR && n < ARRAY_SIZE(spaces); n++) {
		if (strncmp(name, spaces[n].prefix, spaces[n].length))
			continue;
		*out = spaces[n].space;
		return name[spaces[n].length] ? 0 : -EINVAL;
	}
	return -EOPNOTSUPP;
}

static struct xattr **xattr_find(struct inode *i, const char *name)
{
	struct xattr **link = &i->xattrs;
	while (*link && strcmp((*link)->name, name))
		link = &(*link)->next;
	return link;
}

static struct xattr *xattr_new(const char *name, const void *value, size_t size)
{
	size_t length = strlen(name) + 1;
	struct xattr *x = kvzalloc(sizeof(*x) + size + length);
	if (!x)
		return NULL;
	x->size = (u32)size;
	memcpy(x->value, value, size);
	x->name = (char *)x->value + size;
	memcpy(x->name, name, length);
	return x;
}

/* Who may, by the name alone, before any file system is asked: xattr(7). */
static int xattr_permission(struct inode *i, const char *name, u32 mask)
{
	bool write = mask & MAY_WRITE;
	if (!strncmp(name, "security.", 9) || !strncmp(name, "system.", 7))
		return 0;
	if (!strncmp(name, "trusted.", 8))
		return capable(CAP_SYS_ADMIN) ? 0 : write ? -EPERM : -ENODATA;
	if (!strncmp(name, "user.", 5)) {
		if (!S_ISREG(i->mode) && !S_ISDIR(i->mode))
			return write ? -EPERM : -ENODATA;
		if (write && S_ISDIR(i->mode) && i->mode & S_ISVTX && !inode_owner_or_capable(i))
			return -EPERM;
	}
	return inode_permission(i, mask);
}

static int xattr_may_write(struct inode *i, const char *name)
{
	enum xattr_space space;
	TRY(xattr_permission(i, name, MAY_WRITE));
	TRY(name_space(i, name, &space));
	return space == XATTR_SECURITY && !capable(CAP_SYS_ADMIN) ? -EPERM : 0;
}

int inode_xattr_set(struct inode *i, const char *name, const void *value, size_t size, u32 flags)
{
	TRY(xattr_may_write(i, name));
	struct xattr *x = xattr_new(name, value, size);
	if (!x)
		return -ENOMEM;
	mutex_lock(&i->lock);
	struct xattr **link = xattr_find(i, name), *old = *link;
	int err = 0;
	if (old && flags & XATTR_CREATE)
		err = -EEXIST;
	else if (!old && flags & XATTR_REPLACE)
		err = -ENODATA;
	if (!err) {
		x->next = old ? old->next : NULL;
		*link = x;
		x = old;
		i->ctime = vtime_now();
	}
	mutex_unlock(&i->lock);
	kvfree(x);
	return err;
}

ssize inode_xattr_get(struct inode *i, const char *name, void *value, size_t size)
{
	enum xattr_space space;
	TRY(xattr_permission(i, name, MAY_READ));
	TRY(name_space(i, name, &space));
	GUARD(mutex)
	(&i->lock);
	struct xattr *x = *xattr_find(i, name);
	if (!x)
		return -ENODATA;
	if (!size)
		return x->size;
	if (size < x->size)
		return -ERANGE;
	memcpy(value, x->value, x->size);
	return x->size;
}

ssize inode_xattr_list(struct inode *i, char *list, size_t size)
{
	bool trusted = capable(CAP_SYS_ADMIN);
	size_t used = 0;
	GUARD(mutex)
	(&i->lock);
	for (struct xattr *x = i->xattrs; x; x = x->next) {
		size_t n = strlen(x->name) + 1;
		if (!trusted && !strncmp(x->name, "trusted.", 8))
			continue;
		if (size && used + n > size)
			return -ERANGE;
		if (size)
			memcpy(list + used, x->name, n);
		used += n;
	}
	return (ssize)used;
}

int inode_xattr_remove(struct inode *i, const char *name)
{
	TRY(xattr_may_write(i, name));
	mutex_lock(&i->lock);
	struct xattr **link = xattr_find(i, name), *x = *link;
	if (x) {
		*link = x->next;
		i->ctime = vtime_now();
	}
	mutex_unlock(&i->lock);
	if (!x)
		return -ENODATA;
	kvfree(x);
	return 0;
}
