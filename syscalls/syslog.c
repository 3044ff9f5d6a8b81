/* syslog(2): the kernel log as dmesg reads it. */
#include "arch/uaccess.h"
#include "kernel/lib/log.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/cred.h"
#include "syscalls/syscall.h"

enum {
	ACTION_CLOSE,
	ACTION_OPEN,
	ACTION_READ,
	ACTION_READ_ALL,
	ACTION_READ_CLEAR,
	ACTION_CLEAR,
	ACTION_CONSOLE_OFF,
	ACTION_CONSOLE_ON,
	ACTION_CONSOLE_LEVEL,
	ACTION_SIZE_UNREAD,
	ACTION_SIZE_BUFFER
};
enum { CAP_SYSLOG = 34 };

static u64 read_from;  /* [a] ACTION_READ has given out what is before */
static u64 clear_from; /* [a] READ_ALL shows nothing from before */

/* Copies the log's bytes from `from` on. => bytes, *end is behind them. */
static long log_to_user(u64 from, uptr_t buf, size_t n, u64 *end)
{
	char *copy = kvzalloc(n);
	if (!copy)
		return -ENOMEM;
	*end = from;
	size_t got = log_read(end, copy, n);
	int err = copy_to_user(buf, copy, got);
	kvfree(copy);
	return err ? err : (long)got;
}

static long read_all(uptr_t buf, s32 length)
{
	u64 end = log_end(), size = MIN((u64)length, (u64)LOG_SIZE), after;
	u64 from = MAX(load_relaxed(&clear_from), end > size ? end - size : 0);
	return log_to_user(from, buf, MIN(size, end - from), &after);
}

static long read_new(uptr_t buf, s32 length)
{
	u64 after, from = load_relaxed(&read_from);
	long n = log_to_user(from, buf, MIN((size_t)length, (size_t)LOG_SIZE), &after);
	if (n > 0)
		store_relaxed(&read_from, after);
	return n;
}

static u64 unread(void)
{
	return MIN(log_end() - load_relaxed(&read_from), (u64)LOG_SIZE);
}

SYSCALL3(syslog, s32, action, uptr_t, buf, s32, length)
{
	if (action != ACTION_READ_ALL && action != ACTION_SIZE_BUFFER && !capable(CAP_SYSLOG) &&
	    !capable(CAP_SYS_ADMIN))
		return -EPERM;
	long n;
	switch (action) {
	case ACTION_CLOSE:
	case ACTION_OPEN:
	case ACTION_CONSOLE_OFF:
	case ACTION_CONSOLE_ON: return 0;
	case ACTION_CONSOLE_LEVEL: return length >= 1 && length <= 8 ? 0 : -EINVAL;
	case ACTION_SIZE_UNREAD: return (long)unread();
	case ACTION_SIZE_BUFFER: return LOG_SIZE;
	case ACTION_CLEAR: store_relaxed(&clear_from, log_end()); return 0;
	case ACTION_READ:
	case ACTION_READ_ALL:
	case ACTION_READ_CLEAR: break;
	default: return -EINVAL;
	}
	if (uptr_null(buf) || length < 0)
		return -EINVAL;
	if (length == 0)
		return 0;
	if (!user_range_ok(buf, (size_t)length))
		return -EFAULT;
	if (action == ACTION_READ)
		return read_new(buf, length);
	n = read_all(buf, length);
	if (action == ACTION_READ_CLEAR && n >= 0)
		store_relaxed(&clear_from, log_end());
	return n;
}
