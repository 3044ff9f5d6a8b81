/* epoll_create(2), epoll_ctl(2), epoll_wait(2) and their kin. */
#include "abi/fcntl.h"
#include "arch/clock.h"
#include "arch/uaccess.h"
#include "kernel/ipc/event/epoll.h"
#include "kernel/port/epoll_file.h"
#include "kernel/proc/fdtable.h"
#include "syscalls/syscall.h"
#include "syscalls/timespec.h"

enum { NS_PER_MS = 1000000, EVENTS_MAX = INT32_MAX / sizeof(struct epoll_event) };

static long epoll_make(u32 flags)
{
	if (flags & ~(u32)EPOLL_CLOEXEC)
		return -EINVAL;
	struct file *f = epoll_file_new();
	return is_err(f) ? ptr_err(f) : fd_open(f, flags);
}
SYSCALL1(epoll_create, s32, size)
{
	return size > 0 ? epoll_make(0) : -EINVAL;
}
SYSCALL1(epoll_create1, u32, flags)
{
	return epoll_make(flags);
}

/* Linux's restrictions: two instances that share a wake-up must not be confused by changes, nesting, or events that are
 * no wake-ups of their own. => 0 or -EINVAL. */
static int check_exclusive(u32 op, struct file *target, const struct epoll_event *ev)
{
	static const u32 allowed =
		POLLIN | POLLOUT | POLLERR | POLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;
	if (op == EPOLL_CTL_MOD)
		return -EINVAL;
	return op == EPOLL_CTL_ADD && (epoll_of(target) || ev->events & ~allowed) ? -EINVAL : 0;
}

static int add(struct epoll *ep, struct file *target, s32 fd, const struct epoll_event *ev)
{
	struct epoll_source *s = epoll_file_source(target);
	return s ? epoll_add(ep, s, fd, ev) : -ENOMEM;
}

static ALWAYS_INLINE int control(struct file *f, u32 op, struct file *target, s32 fd,
                                 struct epoll_event *ev)
{
	if (unlikely(!target->ops->poll))
		return -EPERM;
	struct epoll *ep = epoll_of(f);
	if (unlikely(f == target || !ep))
		return -EINVAL;
	if (unlikely(ev->events & EPOLLWAKEUP) && !capable(CAP_BLOCK_SUSPEND))
		ev->events &= ~EPOLLWAKEUP;
	if (unlikely(ev->events & EPOLLEXCLUSIVE))
		TRY(check_exclusive(op, target, ev));
	switch (op) {
	case EPOLL_CTL_ADD: return add(ep, target, fd, ev);
	case EPOLL_CTL_DEL: return epoll_remove(ep, load_acquire(&target->watched), fd);
	case EPOLL_CTL_MOD: return epoll_change(ep, load_acquire(&target->watched), fd, ev);
	default: return -EINVAL;
	}
}

static NOINLINE int control_shared(int epfd, u32 op, int fd, struct epoll_event *ev)
{
	AUTO_FDREF f = fdref_get(epfd);
	if (!f.file)
		return -EBADF;
	AUTO_FDREF target = fdref_get(fd);
	return target.file ? control(f.file, op, target.file, fd, ev) : -EBADF;
}

SYSCALL4(epoll_ctl, int, epfd, u32, op, int, fd, uptr_t, event)
{
	struct epoll_event ev;
	if (op == EPOLL_CTL_DEL)
		ev.events = 0;
	else
		TRY(copy_from_user(&ev, event, sizeof ev));
	struct file *f = fd_own(epfd), *target = fd_own(fd);
	if (unlikely(!f || !target || (f->flags | target->flags) & FILE_O_PATH))
		return control_shared(epfd, op, fd, &ev);
	return control(f, op, target, fd, &ev);
}

static NOINLINE long wait_shared(int epfd, uptr_t events, u32 max, u64 deadline)
{
	AUTO_FDREF f = fdref_get(epfd);
	if (!f.file)
		return -EBADF;
	struct epoll *ep = epoll_of(f.file);
	return ep ? epoll_wait(ep, events, max, deadline) : -EINVAL;
}

static ALWAYS_INLINE long wait(int epfd, uptr_t events, s32 max, u64 deadline)
{
	if (unlikely(max <= 0 || max > EVENTS_MAX))
		return -EINVAL;
	if (unlikely(!user_range_ok(events, (u64)max * sizeof(struct epoll_event))))
		return -EFAULT;
	struct file *f = fd_own(epfd);
	struct epoll *ep = likely(f) ? epoll_of(f) : NULL;
	return likely(ep) ? epoll_wait(ep, events, (u32)max, deadline)
	                  : wait_shared(epfd, events, (u32)max, deadline);
}

/* 0: do not wait. */
static u64 deadline_in_ms(s32 ms)
{
	if (ms < 0)
		return PORT_FOREVER;
	return ms ? clock_mono_ns() + (u64)ms * NS_PER_MS : 0;
}

/* A handler that interrupts the wait runs with the mask of the wait. */
static long wait_masked(int epfd, uptr_t events, s32 max, u64 deadline, uptr_t mask, size_t size)
{
	TRY(signal_mask_push_user(mask, size));
	long result = wait(epfd, events, max, deadline);
	if (result != -EINTR)
		signal_mask_restore();
	return result;
}

SYSCALL4(epoll_wait, int, epfd, uptr_t, events, s32, max, s32, timeout_ms)
{
	return wait(epfd, events, max, deadline_in_ms(timeout_ms));
}

SYSCALL6(epoll_pwait, int, epfd, uptr_t, events, s32, max, s32, timeout_ms, uptr_t, mask, size_t,
         size)
{
	return wait_masked(epfd, events, max, deadline_in_ms(timeout_ms), mask, size);
}

SYSCALL6(epoll_pwait2, int, epfd, uptr_t, events, s32, max, uptr_t, timeout, uptr_t, mask, size_t,
         size)
{
	u64 deadline = PORT_FOREVER;
	if (!uptr_null(timeout)) {
		struct abi_timespec t;
		TRY(copy_from_user(&t, timeout, sizeof t));
		if (!timespec_valid(&t))
			return -EINVAL;
		u64 ns = timespec_ns(&t);
		deadline = ns ? deadline_in(ns) : 0;
	}
	return wait_masked(epfd, events, max, deadline, mask, size);
}
