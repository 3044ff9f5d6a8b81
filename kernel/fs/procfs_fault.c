#include "kernel/fs/procfs_internal.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/mm/fail.h"
#include "kernel/proc/uio.h"

/*
 * /proc/PID/fail-nth of debug images, as Linux has it with CONFIG_FAULT_INJECTION: writing n makes the task's n-th
 * allocation from now on fail, 0 calls that off; reading tells how many are left to go, 0 when it has failed. Neither
 * allocates anything. Only for the task that does it: nobody else can tell what another one's next allocation is.
 */
#if DEBUG_BUILD
enum { TEXT_MAX = 16 };

static bool is_own(struct file *f)
{
	AUTO_PUT(task) t = proc_task_get(f->inode);

	return t == task_current();
}

static ssize fail_nth_read(struct file *f, struct uio *io, u64 *pos)
{
	char text[TEXT_MAX];

	if (!is_own(f))
		return -EPERM;
	size_t n = (size_t)scnprintf(text, sizeof(text), "%u\n",
	                             task_current()->thread.fail_countdown);
	if (*pos >= n)
		return 0;
	ssize got = (ssize)uio_put(io, text + *pos, MIN(n - *pos, io->left));
	*pos += (u64)got;
	return got ? got : -EFAULT;
}

static ssize fail_nth_write(struct file *f, struct uio *io, u64 *pos)
{
	char text[TEXT_MAX];
	size_t length = io->left;
	u32 n = 0;

	if (!is_own(f))
		return -EPERM;
	if (length >= sizeof(text))
		return -EINVAL;
	if (uio_take(io, text, length) != length)
		return -EFAULT;
	text[length] = 0;
	for (const char *p = text; *p && *p != '\n'; p++) {
		if (*p < '0' || *p > '9' || n > UINT32_MAX / 10 - 1)
			return -EINVAL;
		n = n * 10 + (u32)(*p - '0');
	}
	task_current()->thread.fail_countdown = n;
	return (ssize)length;
}

static s64 fail_nth_seek(struct file *f, s64 offset, int whence)
{
	if (whence != SEEK_SET || offset < 0)
		return -EINVAL;
	f->pos = (u64)offset;
	return offset;
}

const struct file_ops proc_fail_nth_file_ops = {
	.read = fail_nth_read, .write = fail_nth_write, .seek = fail_nth_seek};
#endif
