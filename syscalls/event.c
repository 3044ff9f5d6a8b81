/* eventfd(2), signalfd(2), timerfd_create(2) and its kin. */
#include "abi/event.h"
#include "abi/fcntl.h"
#include "arch/uaccess.h"
#include "kernel/ipc/event/timerfd.h"
#include "kernel/port/event_file.h"
#include "kernel/proc/fdtable.h"
#include "kernel/proc/signalfd.h"
#include "syscalls/clock.h"
#include "syscalls/syscall.h"
#include "syscalls/timespec.h"

static long install(struct file *f, u32 flags)
{
	return is_err(f) ? ptr_err(f) : fd_open(f, flags & O_CLOEXEC);
}

static long eventfd_make(u32 counter, u32 flags)
{
	if (flags & ~(u32)(EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC))
		return -EINVAL;
	return install(eventfd_file_new(counter, flags & EFD_SEMAPHORE, flags & O_NONBLOCK), flags);
}
SYSCALL1(eventfd, u32, counter)
{
	return eventfd_make(counter, 0);
}
SYSCALL2(eventfd2, u32, counter, u32, flags)
{
	return eventfd_make(counter, flags);
}

static long signalfd_make(int fd, uptr_t user_set, size_t size, u32 flags)
{
	sigset_t set;
	if (size != sizeof set)
		return -EINVAL;
	TRY(copy_from_user(&set, user_set, sizeof set));
	if (flags & ~(u32)(SFD_NONBLOCK | SFD_CLOEXEC))
		return -EINVAL;
	if (fd == -1)
		return install(signalfd_file_new(set, flags & O_NONBLOCK), flags);
	AUTO_FDREF r = fdref_get(fd);
	if (!r.file)
		return -EBADF;
	int err = signalfd_update(r.file, set);
	return err ? err : fd;
}
SYSCALL3(signalfd, int, fd, uptr_t, set, size_t, size)
{
	return signalfd_make(fd, set, size, 0);
}
SYSCALL4(signalfd4, int, fd, uptr_t, set, size_t, size, u32, flags)
{
	return signalfd_make(fd, set, size, flags);
}

SYSCALL2(timerfd_create, s32, clock, u32, flags)
{
	if (flags & ~(u32)(TFD_NONBLOCK | TFD_CLOEXEC))
		return -EINVAL;
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME &&
	    !clock_is_alarm(clock))
		return -EINVAL;
	TRY(clock_alarm_check(clock));
	return install(timerfd_file_new(clock_is_wall(clock), flags & O_NONBLOCK), flags);
}

static struct abi_itimerspec setting_out(const struct timerfd_setting *s)
{
	return (struct abi_itimerspec){
		.interval = {(s64)(s->interval / NS_PER_SECOND),
	                     (s64)(s->interval % NS_PER_SECOND)},
		.value = {(s64)(s->value / NS_PER_SECOND), (s64)(s->value % NS_PER_SECOND)}};
}

SYSCALL4(timerfd_settime, int, fd, u32, flags, uptr_t, to_user, uptr_t, old_user)
{
	struct abi_itimerspec spec;
	TRY(copy_from_user(&spec, to_user, sizeof spec));
	if (flags & ~(u32)(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET) ||
	    !timespec_valid(&spec.value) || !timespec_valid(&spec.interval))
		return -EINVAL;
	AUTO_FDREF r = fdref_get(fd);
	if (!r.file)
		return -EBADF;
	struct timerfd *t = timerfd_of(r.file);
	if (!t)
		return -EINVAL;
	_Static_assert((int)TIMERFD_ABSOLUTE == TFD_TIMER_ABSTIME &&
	                       (int)TIMERFD_CANCEL == TFD_TIMER_CANCEL_ON_SET,
	               "flags are handed on");
	struct timerfd_setting to = {timespec_ns(&spec.value), timespec_ns(&spec.interval)}, old;
	int err = timerfd_set(t, &to, flags, &old);
	timerfd_file_changed(r.file);
	if (err || uptr_null(old_user))
		return err;
	spec = setting_out(&old);
	return copy_to_user(old_user, &spec, sizeof spec);
}

SYSCALL2(timerfd_gettime, int, fd, uptr_t, out)
{
	AUTO_FDREF r = fdref_get(fd);
	if (!r.file)
		return -EBADF;
	struct timerfd *t = timerfd_of(r.file);
	struct timerfd_setting now;
	if (!t)
		return -EINVAL;
	timerfd_get(t, &now);
	struct abi_itimerspec spec = setting_out(&now);
	return copy_to_user(out, &spec, sizeof spec);
}
