/* mount(2), umount2(2), pivot_root(2). */
#include "kernel/fs/mount.h"
#include "arch/uaccess.h"
#include "kernel/fs/walk.h"
#include "kernel/lib/string.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/cred.h"
#include "syscalls/syscall.h"

struct mount_text { /* the strings of mount(2), each of which may be NULL */
	char *type, *source, *data;
};

static void mount_text_drop(struct mount_text *t)
{
	kfree(t->type);
	kfree(t->source);
	kfree(t->data);
}

static int string_get(uptr_t user, char **out)
{
	if (uptr_null(user))
		return 0;
	char *text = kmalloc(PATH_MAX);
	if (!text)
		return -ENOMEM;
	ssize n = strncpy_from_user(text, user, PATH_MAX);
	if (n < 0) {
		kfree(text);
		return n == -ENAMETOOLONG ? -EINVAL : (int)n;
	}
	*out = text;
	return 0;
}

/* Options are a page of which as much is taken as can be read. */
static int data_get(uptr_t user, char **out)
{
	enum { DATA_SIZE = 4096 };
	if (uptr_null(user))
		return 0;
	char *data = kzalloc(DATA_SIZE);
	if (!data)
		return -ENOMEM;
	size_t n = MIN((u64)DATA_SIZE, USER_END > user.addr ? USER_END - user.addr : 0);
	size_t left = n ? copy_from_user_partial(data, user, n) : 0;
	if (!n || left == n) {
		kfree(data);
		return -EFAULT;
	}
	memset(data + n - left, 0, DATA_SIZE - n + left);
	data[DATA_SIZE - 1] = 0;
	*out = data;
	return 0;
}

/* Propagation between mount namespaces: with one namespace every kind behaves alike. */
static int mount_propagation(const struct path *at, u32 flags)
{
	u32 kind = flags & ~(u32)(MS_REC | MS_SILENT);
	if (kind != MS_SHARED && kind != MS_PRIVATE && kind != MS_SLAVE && kind != MS_UNBINDABLE)
		return -EINVAL;
	return at->mount && at->dentry == at->mount->root ? 0 : -EINVAL;
}

static int mount_from_path(const struct path *at, const char *source, u32 flags)
{
	struct path found;
	if (!source || !*source)
		return -EINVAL;
	TRY(walk_at(AT_FDCWD, source, WALK_FOLLOW, &found));
	AUTO_PATH from = found;
	return flags & MS_BIND ? mount_bind(at, &from, flags & MS_REC) : mount_move(at, &from);
}

static int mount_dispatch(const struct path *at, u32 flags, struct mount_text *t)
{
	if (!at->mount)
		return -EINVAL;
	if (flags & MS_REMOUNT)
		return mount_remount(at, flags, t->data);
	if (flags & MS_BIND)
		return mount_from_path(at, t->source, flags);
	if (flags & (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE))
		return mount_propagation(at, flags);
	if (flags & MS_MOVE)
		return mount_from_path(at, t->source, flags);
	return mount_new_fs(at, t->type, flags, t->source, t->data);
}

SYSCALL5(mount, uptr_t, source, uptr_t, target, uptr_t, type, u64, raw_flags, uptr_t, data)
{
	u32 flags = (u32)raw_flags;
	struct path found;
	__attribute__((cleanup(mount_text_drop))) struct mount_text t = {};
	PATHNAME(name);
	TRY(string_get(type, &t.type));
	TRY(string_get(source, &t.source));
	TRY(data_get(data, &t.data));
	TRY(pathname_get(&name, target));
	TRY(walk_at(AT_FDCWD, name.text, WALK_FOLLOW, &found));
	AUTO_PATH at = found;
	if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
		flags &= ~MS_MGC_MSK;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	return mount_dispatch(&at, flags, &t);
}

SYSCALL2(umount2, uptr_t, target, u32, flags)
{
	if (flags & ~(u32)(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW) ||
	    (flags & MNT_EXPIRE && flags & (MNT_FORCE | MNT_DETACH)))
		return -EINVAL;
	struct path at;
	PATHNAME(name);
	TRY(pathname_get(&name, target));
	TRY(walk_at(AT_FDCWD, name.text, walk_follow(!(flags & UMOUNT_NOFOLLOW)), &at));
	if (!at.mount || at.dentry != at.mount->root || !capable(CAP_SYS_ADMIN)) {
		int err = at.mount && at.dentry == at.mount->root ? -EPERM : -EINVAL;
		path_put(&at);
		return err;
	}
	return mount_umount(&at, flags);
}

SYSCALL2(pivot_root, uptr_t, new_root, uptr_t, put_old)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	struct path found_root, found_old;
	PATHNAME(root_name);
	PATHNAME(old_name);
	TRY(pathname_get(&root_name, new_root));
	TRY(walk_at(AT_FDCWD, root_name.text, WALK_FOLLOW | WALK_DIRECTORY, &found_root));
	AUTO_PATH root = found_root;
	TRY(pathname_get(&old_name, put_old));
	TRY(walk_at(AT_FDCWD, old_name.text, WALK_FOLLOW | WALK_DIRECTORY, &found_old));
	AUTO_PATH old = found_old;
	return mount_pivot(&root, &old);
}
