/* fcntl(2). */
#include "abi/fcntl.h"
#include "arch/uaccess.h"
#include "kernel/fs/open.h"
#include "kernel/fs/tmpfs.h"
#include "kernel/port/pipe_file.h"
#include "kernel/proc/fdtable.h"
#include "kernel/proc/rlimit.h"
#include "syscalls/lock.h"
#include "syscalls/syscall.h"

struct abi_f_owner_ex {
	s32 type, pid;
};
enum { F_OWNER_TID = 0, F_OWNER_PID = 1, F_OWNER_PGRP = 2 };

static long fcntl_dup(struct file *f, u64 from, u32 flags)
{
	if (from >= rlimit(RLIMIT_NOFILE))
		return -EINVAL;
	int fd = TRY(fd_reserve((u32)from, flags));
	file_get(f);
	fd_install(fd, f);
	return fd;
}

static long owner_set(struct file *f, s32 who)
{
	if (who == INT32_MIN)
		return -EINVAL;
	if (who > 0) {
		rcu_read_lock();
		bool known = process_find_by_thread(who);
		rcu_read_unlock();
		if (!known)
			return -ESRCH;
	}
	store_relaxed(&f->owner_pid, who);
	return 0;
}

static long owner_ex(struct file *f, u32 cmd, uptr_t user)
{
	struct abi_f_owner_ex o;
	if (cmd == F_GETOWN_EX) {
		s32 who = load_relaxed(&f->owner_pid);
		o = (struct abi_f_owner_ex){who < 0 ? F_OWNER_PGRP : F_OWNER_PID,
		                            who < 0 ? -who : who};
		return copy_to_user(user, &o, sizeof(o));
	}
	TRY(copy_from_user(&o, user, sizeof(o)));
	if (o.type < F_OWNER_TID || o.type > F_OWNER_PGRP || o.pid < 0)
		return -EINVAL;
	return owner_set(f, o.type == F_OWNER_PGRP ? -o.pid : o.pid);
}

static long signal_set(struct file *f, u64 sig)
{
	if (sig > NSIG)
		return -EINVAL;
	store_relaxed(&f->owner_signal, (s32)sig);
	return 0;
}

static long fcntl_file(int fd, struct file *f, u32 cmd, u64 arg)
{
	switch (cmd) {
	case F_SETFL: return file_set_flags(f, (u32)arg);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW: return fcntl_lock(fd, f, cmd, UPTR(arg));
	case F_SETOWN: return owner_set(f, (s32)arg);
	case F_GETOWN: return load_relaxed(&f->owner_pid);
	case F_SETOWN_EX:
	case F_GETOWN_EX: return owner_ex(f, cmd, UPTR(arg));
	case F_SETSIG: return signal_set(f, arg);
	case F_GETSIG: return load_relaxed(&f->owner_signal);
	case F_GETLEASE: return F_UNLCK;
	case F_SETPIPE_SZ: return pipe_file_resize(f, arg);
	case F_GETPIPE_SZ: return pipe_file_capacity(f);
	case F_ADD_SEALS: return arg > UINT32_MAX ? -EINVAL : tmpfs_add_seals(f, (u32)arg);
	case F_GET_SEALS: return tmpfs_get_seals(f);
	default: return -EINVAL;
	}
}

SYSCALL3(fcntl, int, fd, u32, cmd, u64, arg)
{
	AUTO_FDREF r = fdref_get_path(fd);
	if (!r.file)
		return -EBADF;
	switch (cmd) {
	case F_DUPFD: return fcntl_dup(r.file, arg, 0);
	case F_DUPFD_CLOEXEC: return fcntl_dup(r.file, arg, O_CLOEXEC);
	case F_GETFD: {
		int on = fd_get_cloexec(fd);
		return on < 0 ? on : on ? FD_CLOEXEC : 0;
	}
	case F_SETFD: return fd_set_cloexec(fd, arg & FD_CLOEXEC ? O_CLOEXEC : 0);
	case F_GETFL: return r.file->flags & ~(u32)FILE_F_INTERNAL;
	}
	return r.file->flags & O_PATH ? -EBADF : fcntl_file(fd, r.file, cmd, arg);
}
