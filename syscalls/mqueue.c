/* mq_open(2) and its kin: decoding and copying. kernel/ipc/mq does the work, kernel/port/mq_file.h knows names. */
#include "abi/fcntl.h"
#include "kernel/fs/walk.h"
#include "kernel/port/mq_file.h"
#include "kernel/port/mq_notice.h"
#include "kernel/proc/fdtable.h"
#include "syscalls/syscall.h"
#include "syscalls/timespec.h"

SYSCALL4(mq_open, uptr_t, user_name, u32, flags, u32, mode, uptr_t, user_attr)
{
	struct mq_attr attr;
	bool given = !uptr_null(user_attr);
	if (given)
		TRY(port_copy_in(&attr, user_attr, sizeof attr));
	PATHNAME(name);
	TRY(pathname_get(&name, user_name));
	int fd = TRY(fd_reserve(0, O_CLOEXEC));
	struct file *f = mq_file_open(name.text, flags, mode, given ? &attr : NULL);
	if (is_err(f)) {
		fd_cancel(fd);
		return ptr_err(f);
	}
	fd_install(fd, f);
	return fd;
}

SYSCALL1(mq_unlink, uptr_t, user_name)
{
	PATHNAME(name);
	TRY(pathname_get(&name, user_name));
	return mq_file_unlink(name.text);
}

/* A time-out is judged first of all, whether or not the call will wait. => a CLOCK_REALTIME deadline, or -errno. */
static NOINLINE s64 deadline_get(uptr_t user)
{
	struct abi_timespec t;
	TRY(port_copy_in(&t, user, sizeof t));
	return timespec_valid(&t) ? (s64)timespec_ns(&t) : -EINVAL;
}

static ALWAYS_INLINE enum mq_block block_of(const struct file *f)
{
	return load_relaxed(&f->flags) & O_NONBLOCK ? MQ_NONBLOCK : MQ_BLOCK;
}

/*
 * In a descriptor table of one's own a file needs no reference: the calls end in the mechanism and nothing is left to do
 * after it. In a shared table the reference has to be dropped: the same once more, out of line.
 */
static ALWAYS_INLINE s64 send_to(const struct file *f, uptr_t text, u64 size, u32 priority,
                                 u64 deadline)
{
	struct mq_queue *q = likely(f) ? mq_file_queue(f) : NULL;
	if (unlikely(!q || !file_writable(f)))
		return -EBADF;
	return mq_send(q, text, size, priority, block_of(f), deadline);
}
static NOINLINE s64 send_to_counted(struct file *counted, uptr_t text, u64 size, u32 priority,
                                    u64 deadline)
{
	AUTO_PUT(file) f = counted;
	return send_to(f, text, size, priority, deadline);
}

SYSCALL5(mq_timedsend, int, fd, uptr_t, text, u64, size, u32, priority, uptr_t, timeout)
{
	u64 deadline = PORT_FOREVER;
	if (unlikely(!uptr_null(timeout)))
		deadline = (u64)TRY(deadline_get(timeout));
	if (unlikely(priority >= MQ_PRIO_MAX))
		return -EINVAL;
	struct fdref r = fdref_get(fd);
	if (unlikely(r.counted))
		return send_to_counted(r.file, text, size, priority, deadline);
	return send_to(r.file, text, size, priority, deadline);
}

static ALWAYS_INLINE s64 receive_from(const struct file *f, uptr_t text, u64 size,
                                      uptr_t out_priority, u64 deadline)
{
	struct mq_queue *q = likely(f) ? mq_file_queue(f) : NULL;
	if (unlikely(!q || !file_readable(f)))
		return -EBADF;
	return mq_receive(q, text, size, out_priority, block_of(f), deadline);
}
static NOINLINE s64 receive_from_counted(struct file *counted, uptr_t text, u64 size,
                                         uptr_t out_priority, u64 deadline)
{
	AUTO_PUT(file) f = counted;
	return receive_from(f, text, size, out_priority, deadline);
}

SYSCALL5(mq_timedreceive, int, fd, uptr_t, text, u64, size, uptr_t, out_priority, uptr_t, timeout)
{
	u64 deadline = PORT_FOREVER;
	if (unlikely(!uptr_null(timeout)))
		deadline = (u64)TRY(deadline_get(timeout));
	struct fdref r = fdref_get(fd);
	if (unlikely(r.counted))
		return receive_from_counted(r.file, text, size, out_priority, deadline);
	return receive_from(r.file, text, size, out_priority, deadline);
}

static int notify_end(int fd)
{
	AUTO_FDREF r = fdref_get(fd);
	struct mq_queue *q = r.file ? mq_file_queue(r.file) : NULL;
	if (!q)
		return -EBADF;
	if (mq_notify_end(q))
		mq_file_touch(r.file);
	return 0;
}

static int notify_begin(int fd, struct port_notice *notice)
{
	AUTO_FDREF r = fdref_get(fd);
	struct mq_queue *q = r.file ? mq_file_queue(r.file) : NULL;
	if (!q)
		return -EBADF;
	TRY(mq_notify(q, notice));
	mq_file_touch(r.file);
	return 0;
}

SYSCALL2(mq_notify, int, fd, uptr_t, user_event)
{
	struct abi_sigevent event;
	if (uptr_null(user_event))
		return notify_end(fd);
	TRY(port_copy_in(&event, user_event, sizeof event));
	struct port_notice *notice = TRY_PTR(mq_notice_new(&event));
	int err = notify_begin(fd, notice);
	if (err)
		mq_notice_free(notice);
	return err;
}

/* mq_setattr(3) changes nothing but O_NONBLOCK of the open file. */
static void set_nonblock(struct file *f, bool on)
{
	if (on)
		__atomic_fetch_or(&f->flags, O_NONBLOCK, __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(&f->flags, ~(u32)O_NONBLOCK, __ATOMIC_RELAXED);
	mq_file_touch(f);
}

SYSCALL3(mq_getsetattr, int, fd, uptr_t, user_new, uptr_t, user_old)
{
	struct mq_attr new = {0}, old;
	if (!uptr_null(user_new)) {
		TRY(port_copy_in(&new, user_new, sizeof new));
		if (new.flags & ~(s64)O_NONBLOCK)
			return -EINVAL;
	}
	AUTO_FDREF r = fdref_get(fd);
	struct mq_queue *q = r.file ? mq_file_queue(r.file) : NULL;
	if (!q)
		return -EBADF;
	mq_attributes(q, &old);
	old.flags = load_relaxed(&r.file->flags) & O_NONBLOCK;
	if (!uptr_null(user_new))
		set_nonblock(r.file, new.flags);
	return uptr_null(user_old) ? 0 : port_copy_out(user_old, &old, sizeof old);
}
