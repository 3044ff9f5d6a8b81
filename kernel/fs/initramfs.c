#include "arch/boot.h"
#include "kernel/dev/device.h"
#include "kernel/fs/attr.h"
#include "kernel/fs/context.h"
#include "kernel/fs/cpio.h"
#include "kernel/fs/names.h"
#include "kernel/fs/open.h"
#include "kernel/lib/hash.h"
#include "kernel/lib/inflate.h"
#include "kernel/lib/log.h"
#include "kernel/lib/string.h"
#include "kernel/mm/object.h"
#include "kernel/mm/slab.h"

/*
 * The initial file system: every entry of the loader's cpio archives, plain or in gzip, is made in the
 * root, which is a tmpfs. Process 1 does it, as root, before it becomes /init. What cannot be made is reported and
 * skipped; where the archive itself is broken, what came before stays.
 */
enum { LINKS_BITS = 8 };

struct link_seen { /* a file with several names, by its identity in the archive */
	struct link_seen *next;
	u32 ino, major, minor;
	char *name;
};
struct unpack {
	struct cpio archive;
	struct link_seen *links[1 << LINKS_BITS];
	u32 entries, failed;
	char name[PATH_MAX + 1], scratch[PATH_MAX]; /* too large for the stack */
};

static void links_forget(struct unpack *u)
{
	for (u32 i = 0; i < ARRAY_SIZE(u->links); i++) {
		struct link_seen *l = TAKE(u->links[i]), *next;
		for (; l; l = next) {
			next = l->next;
			kfree(l->name);
			kfree(l);
		}
	}
}

static struct link_seen **link_slot(struct unpack *u, const struct cpio_entry *e)
{
	struct link_seen **slot = &u->links[hash_bits(
		(u64)e->ino << 32 ^ (u64)e->major << 16 ^ e->minor, LINKS_BITS)];
	while (*slot &&
	       ((*slot)->ino != e->ino || (*slot)->major != e->major || (*slot)->minor != e->minor))
		slot = &(*slot)->next;
	return slot;
}

/* Directories on the way that the archive left out. */
static void parents_make(char *path)
{
	for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = 0;
		int err = vfs_mkdir(AT_FDCWD, path, 0755);
		*p = '/';
		if (err && err != -EEXIST)
			return;
	}
}

static void attributes_set(struct inode *i, const struct cpio_entry *e)
{
	GUARD(mutex)
	(&i->lock);
	i->mode = (i->mode & S_IFMT) | (e->mode & S_IALLUGO);
	i->uid = e->uid;
	i->gid = e->gid;
	i->atime = i->mtime = (struct vtime){.sec = e->mtime};
}

static int named_attributes_set(const char *name, const struct cpio_entry *e)
{
	struct path found;
	TRY(path_lookup(name, 0, &found));
	AUTO_PATH p = found;
	attributes_set(p.dentry->inode, e);
	return 0;
}

static int data_put(const char *name, const struct cpio_entry *e)
{
	AUTO_PUT(file) f = TRY_PTR(vfs_open(name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600));
	struct vm_object *o = f->inode->object;
	if (!o)
		return -EINVAL;
	TRY(vm_object_resize(o, e->size));
	TRY(vm_object_write(o, 0, e->data, e->size));
	attributes_set(f->inode, e);
	return 0;
}

static int link_remember(struct link_seen **slot, const char *name, const struct cpio_entry *e)
{
	struct link_seen *l = kmalloc(sizeof(*l));
	if (!l || !(l->name = kstrdup(name))) {
		kfree(l);
		return -ENOMEM;
	}
	l->next = NULL;
	l->ino = e->ino;
	l->major = e->major;
	l->minor = e->minor;
	*slot = l;
	return 0;
}

/* Of several names of a file, any one carries the data. => 0 done, 1 to be made in the usual way, or -errno. */
static int link_entry(struct unpack *u, const char *name, const struct cpio_entry *e)
{
	struct link_seen **slot = link_slot(u, e);
	if (!*slot) {
		TRY(link_remember(slot, name, e));
		return 1;
	}
	TRY(vfs_link(AT_FDCWD, (*slot)->name, AT_FDCWD, name, 0));
	return e->size ? data_put(name, e) : 0;
}

static int symlink_entry(struct unpack *u, const char *name, const struct cpio_entry *e)
{
	if (e->size >= sizeof(u->scratch))
		return -ENAMETOOLONG;
	memcpy(u->scratch, e->data, e->size);
	u->scratch[e->size] = 0;
	return vfs_symlink(u->scratch, AT_FDCWD, name);
}

static int entry_make(struct unpack *u, const char *name, const struct cpio_entry *e)
{
	bool directory = S_ISDIR(e->mode);
	if (!directory) {
		int gone = vfs_unlink(AT_FDCWD, name);
		if (gone && gone != -ENOENT && gone != -ENOTDIR)
			return gone;
		if (e->nlink > 1) {
			int done = TRY(link_entry(u, name, e));
			if (!done)
				return 0;
		}
	}
	if (S_ISREG(e->mode))
		return data_put(name, e);
	int err;
	if (directory)
		err = vfs_mkdir(AT_FDCWD, name, e->mode);
	else if (S_ISLNK(e->mode))
		err = symlink_entry(u, name, e);
	else
		err = vfs_mknod(AT_FDCWD, name, e->mode, device_make(e->rdev_major, e->rdev_minor));
	if (err && !(directory && err == -EEXIST))
		return err;
	return named_attributes_set(name, e);
}

static int entry_unpack(struct unpack *u, const struct cpio_entry *e)
{
	const char *relative = e->name;
	while (*relative == '/')
		relative++;
	u->name[0] = '/';
	if (strlcpy(u->name + 1, relative, PATH_MAX) >= PATH_MAX)
		return -ENAMETOOLONG;
	int err = entry_make(u, u->name, e);
	if (err == -ENOENT) {
		parents_make(u->name);
		err = entry_make(u, u->name, e);
	}
	return err;
}

static int archives_unpack(struct unpack *u);

/* A compressed archive stands where the cursor is: unpacks it and steps over it. */
static int gzip_unpack(struct unpack *u)
{
	struct cpio outer = u->archive;
	const u8 *in = outer.start + outer.at;
	size_t left = outer.size - outer.at, used, size;
	TRY(gunzip(in, left, NULL, 0, &used, &size));
	u8 *text = kvzalloc(size ? size : 1);
	if (!text)
		return -ENOMEM;
	int err = gunzip(in, left, text, size, &used, &size);
	u->archive = (struct cpio){.start = text, .size = size};
	if (!err)
		err = archives_unpack(u);
	u->archive = outer;
	u->archive.at += used;
	kvfree(text);
	return err;
}

static bool at_gzip(struct unpack *u)
{
	struct cpio *c = &u->archive;
	while (c->at < c->size && !c->start[c->at])
		c->at++;
	return is_gzip(c->start + c->at, c->size - c->at);
}

/* Archives one after another, plain or compressed. */
static int archives_unpack(struct unpack *u)
{
	struct cpio_entry e;
	for (;;) {
		if (unlikely(at_gzip(u))) {
			TRY(gzip_unpack(u));
			continue;
		}
		int what = cpio_next(&u->archive, &e);
		switch (what) {
		case CPIO_END: return 0;
		case CPIO_TRAILER: links_forget(u); continue;
		case CPIO_ENTRY: break;
		default:
			log_warn("initramfs: no cpio (newc) entry at byte %zu of %zu",
			         u->archive.at, u->archive.size);
			return what;
		}
		int err = entry_unpack(u, &e);
		u->entries++;
		if (err) {
			u->failed++;
			log_warn("initramfs: %s: error %d", e.name, err);
			if (err == -ENOSPC || err == -ENOMEM)
				return err;
		}
	}
}

int initramfs_unpack(void)
{
	if (!boot_info.initrd_size)
		return 0;
	struct unpack *u = kvzalloc(sizeof(*u));
	if (!u)
		return -ENOMEM;
	u32 umask = __atomic_exchange_n(&fs_context_current()->umask, 0, __ATOMIC_RELAXED);
	u->archive = (struct cpio){.start = phys_to_virt(boot_info.initrd_start),
	                           .size = boot_info.initrd_size};
	int err = archives_unpack(u);
	links_forget(u);
	store_relaxed(&fs_context_current()->umask, umask);
	log_info("initramfs: %u entries from %llu KiB", u->entries - u->failed,
	         (unsigned long long)boot_info.initrd_size >> 10);
	kvfree(u);
	page_add_range(boot_info.initrd_start, boot_info.initrd_start + boot_info.initrd_size);
	boot_info.initrd_size = 0;
	return err;
}
