/* flock(2), and the record locks of fcntl(2). */
#include "syscalls/lock.h"
#include "arch/uaccess.h"
#include "kernel/fs/locks.h"
#include "kernel/lib/checked.h"
#include "kernel/mm/object.h"
#include "kernel/proc/fdtable.h"
#include "syscalls/syscall.h"

SYSCALL2(flock, int, fd, u32, operation)
{
	enum { LOCK_MAND = 32 }; /* mandatory locks of old: Linux accepts and ignores them */
	if (operation & LOCK_MAND)
		return 0;
	bool wait = !(operation & LOCK_NB);
	u32 what = operation & ~(u32)LOCK_NB, type;
	switch (what) {
	case LOCK_SH: type = F_RDLCK; break;
	case LOCK_EX: type = F_WRLCK; break;
	case LOCK_UN: type = F_UNLCK; break;
	default: return -EINVAL;
	}
	AUTO_FDREF r = fdref_get(fd);
	if (!r.file || (type != F_UNLCK && !file_readable(r.file) && !file_writable(r.file)))
		return -EBADF;
	struct file_lock lock = {.kind = LOCK_KIND_FLOCK,
	                         .owner = r.file,
	                         .type = type,
	                         .end = LOCK_END_MAX,
	                         .pid = process_current()->pid};
	return lock_set(r.file->inode, &lock, wait);
}

/* l_whence, l_start, l_len into an inclusive range, fcntl(2). */
static int range_get(const struct file *f, const struct abi_flock *l, struct file_lock *out)
{
	s64 base = 0, start, end;
	const struct inode *i = f->inode;
	switch (l->whence) {
	case SEEK_SET: break;
	case SEEK_CUR: base = (s64)f->pos; break;
	case SEEK_END: base = (s64)(i->object ? load_relaxed(&i->object->size) : i->size); break;
	default: return -EINVAL;
	}
	if (add_overflows(base, l->start, &start))
		return -EOVERFLOW;
	if (start < 0)
		return -EINVAL;
	end = (s64)LOCK_END_MAX;
	if (l->len > 0) {
		if (add_overflows(start, l->len - 1, &end))
			return -EOVERFLOW;
	} else if (l->len < 0) {
		end = start - 1;
		if (add_overflows(start, l->len, &start) || start < 0)
			return -EINVAL;
	}
	out->start = (u64)start;
	out->end = (u64)end;
	return 0;
}

static int lock_from_user(struct file *f, u32 cmd, const struct abi_flock *l, struct file_lock *out)
{
	bool ofd = cmd == F_OFD_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
	if (l->type != F_RDLCK && l->type != F_WRLCK && l->type != F_UNLCK)
		return -EINVAL;
	*out = (struct file_lock){.kind = ofd ? LOCK_KIND_OFD : LOCK_KIND_POSIX,
	                          .owner = ofd ? (const void *)f : fdtable_current(),
	                          .type = (u32)l->type,
	                          .pid = process_current()->pid};
	TRY(range_get(f, l, out));
	return ofd && l->pid ? -EINVAL : 0;
}

static long lock_get(struct file *f, u32 cmd, struct abi_flock *l, uptr_t user)
{
	struct file_lock request, found;
	if (l->type != F_RDLCK && l->type != F_WRLCK)
		return -EINVAL;
	TRY(lock_from_user(f, cmd, l, &request));
	lock_test(f->inode, &request, &found);
	l->type = (s16)found.type;
	if (found.type != F_UNLCK) {
		l->whence = SEEK_SET;
		l->start = (s64)found.start;
		l->len = found.end == LOCK_END_MAX ? 0 : (s64)(found.end - found.start + 1);
		l->pid = found.kind == LOCK_KIND_OFD ? -1 : found.pid;
	}
	return copy_to_user(user, l, sizeof(*l));
}

static long lock_change(int fd, struct file *f, u32 cmd, const struct abi_flock *l)
{
	struct file_lock request;
	TRY(lock_from_user(f, cmd, l, &request));
	if ((request.type == F_RDLCK && !file_readable(f)) ||
	    (request.type == F_WRLCK && !file_writable(f)))
		return -EBADF;
	TRY(lock_set(f->inode, &request, cmd == F_SETLKW || cmd == F_OFD_SETLKW));
	if (request.type == F_UNLCK || request.kind == LOCK_KIND_OFD)
		return 0;
	/* Another thread may have closed the descriptor, and with it dropped our locks, before this one came to be. */
	AUTO_PUT(file) now = file_lookup(fd);
	if (now == f)
		return 0;
	request.type = F_UNLCK;
	TRY(lock_set(f->inode, &request, false));
	return -EBADF;
}

long fcntl_lock(int fd, struct file *f, u32 cmd, uptr_t user)
{
	struct abi_flock l;
	TRY(copy_from_user(&l, user, sizeof(l)));
	if (cmd == F_GETLK || cmd == F_OFD_GETLK)
		return lock_get(f, cmd, &l, user);
	return lock_change(fd, f, cmd, &l);
}
