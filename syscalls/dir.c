/* getdents64(2), getdents(2): records gathered in a kernel buffer, copied out once. */
#include "arch/uaccess.h"
#include "kernel/lib/string.h"
#include "kernel/mm/slab.h"
#include "syscalls/syscall.h"
#include "syscalls/transfer.h"

/* A call may return less than fits: the next one goes on. The largest record has to fit. */
enum { DIR_BUFFER = 8192 };

struct dir_list {
	struct dir_emit emit;
	u8 *buf;
	size_t size, used;
	bool legacy;
};

static bool record_add(struct dir_emit *e, const char *name, u32 len, u64 ino, u32 type, u64 next)
{
	struct dir_list *l = container_of(e, struct dir_list, emit);
	size_t header = l->legacy ? sizeof(struct abi_dirent) : sizeof(struct abi_dirent64);
	/* The legacy form keeps the type in the last byte, behind the terminator. */
	size_t reclen = ROUND_UP(header + len + 1 + l->legacy, sizeof(u64));
	if (reclen > l->size - l->used)
		return false;
	u8 *at = l->buf + l->used;
	memset(at, 0, reclen);
	if (l->legacy) {
		struct abi_dirent d = {.ino = ino, .off = next, .reclen = (u16)reclen};
		memcpy(at, &d, sizeof(d));
		at[reclen - 1] = (u8)type;
	} else {
		struct abi_dirent64 d = {
			.ino = ino, .off = (s64)next, .reclen = (u16)reclen, .type = (u8)type};
		memcpy(at, &d, sizeof(d));
	}
	memcpy(at + header, name, len);
	l->used += reclen;
	return true;
}

static long dir_list(struct file *f, struct dir_list *l, uptr_t out)
{
	bool locked = file_pos_lock(f);
	l->emit = (struct dir_emit){.pos = f->pos, .actor = record_add};
	int err = f->ops->iterate(f, &l->emit);
	if (!err && l->used && copy_to_user(out, l->buf, l->used))
		err = -EFAULT;
	else if (!err)
		f->pos = l->emit.pos;
	file_pos_unlock(f, locked);
	return err ? err : (long)l->used;
}

/* An actor that only notes that there was something to emit: tells "end" from "buffer too small". */
static bool record_refuse(struct dir_emit *e, const char *name, u32 len, u64 ino, u32 type,
                          u64 next)
{
	container_of(e, struct dir_list, emit)->used = 1;
	return false;
}

static bool dir_at_end(struct file *f)
{
	struct dir_list l = {.emit = {.pos = f->pos, .actor = record_refuse}};
	return f->ops->iterate(f, &l.emit) || !l.used;
}

static long getdents_any(int fd, uptr_t out, u32 count, bool legacy)
{
	AUTO_FDREF r = fdref_get(fd);
	if (!r.file)
		return -EBADF;
	if (!r.file->ops->iterate)
		return -ENOTDIR;
	if (!user_range_ok(out, count))
		return -EFAULT;
	struct dir_list l = {.size = MIN(count, (u32)DIR_BUFFER), .legacy = legacy};
	l.buf = kmalloc(l.size ? l.size : 1);
	if (!l.buf)
		return -ENOMEM;
	long n = dir_list(r.file, &l, out);
	if (!n && l.size < sizeof(struct abi_dirent64) + NAME_MAX + 8 && !dir_at_end(r.file))
		n = -EINVAL;
	kfree(l.buf);
	return n;
}

SYSCALL3(getdents64, int, fd, uptr_t, out, u32, count)
{
	return getdents_any(fd, out, count, false);
}

SYSCALL3(getdents, int, fd, uptr_t, out, u32, count)
{
	return getdents_any(fd, out, count, true);
}
