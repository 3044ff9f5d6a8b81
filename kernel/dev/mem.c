/* null(4), zero(4), full(4), random(4). */
#include "abi/fcntl.h"
#include "arch/uaccess.h"
#include "kernel/dev/device.h"
#include "kernel/dev/devices.h"
#include "kernel/dev/random.h"
#include "kernel/mm/aspace.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/file.h"
#include "kernel/proc/signal.h"
#include "kernel/proc/task.h"
#include "kernel/proc/uio.h"

enum { ZERO_CHUNK = 16384 };

static ssize null_read(struct file *f, struct uio *io, u64 *pos)
{
	return 0;
}

static ssize sink_write(struct file *f, struct uio *io, u64 *pos)
{
	ssize n = (ssize)io->left;
	io->left = 0;
	return n;
}

/* As Linux's null_lseek: there are no positions, every seek succeeds. */
static s64 null_seek(struct file *f, s64 offset, int whence)
{
	return 0;
}

static ssize zero_read(struct file *f, struct uio *io, u64 *pos)
{
	ssize done = 0;
	while (io->left) {
		size_t part = MIN(io->left, (size_t)ZERO_CHUNK), put = uio_put_zero(io, part);
		done += put;
		if (put < part)
			return done ? done : -EFAULT;
		if (signal_pending())
			return done;
		cond_resched();
	}
	return done;
}

/* mmap(2): private memory is plain anonymous memory, shared memory an object of its own. */
static int zero_map(struct file *f, struct vm_map_request *req)
{
	req->file = NULL;
	req->offset = 0;
	if (!(req->flags & VM_SHARED))
		return 0;
	return vm_request_shared(req);
}

static ssize full_write(struct file *f, struct uio *io, u64 *pos)
{
	return -ENOSPC;
}

static ssize random_read(struct file *f, struct uio *io, u64 *pos)
{
	return random_to_uio(io);
}

static ssize random_write(struct file *f, struct uio *io, u64 *pos)
{
	ssize done = 0;
	while (io->left) {
		u8 buf[256];
		size_t part = MIN(io->left, sizeof buf), n = uio_take(io, buf, part);
		random_mix(buf, n);
		done += n;
		if (n < part)
			return done ? done : -EFAULT;
		if (signal_pending())
			return done;
		cond_resched();
	}
	return done;
}

enum { /* random(4) */
       RNDGETENTCNT = (int)0x80045200,
       RNDADDTOENTCNT = 0x40045201,
       RNDADDENTROPY = 0x40085203,
       RNDZAPENTCNT = 0x5204,
       RNDCLEARPOOL = 0x5206,
       RNDRESEEDCRNG = 0x5207
};
enum { ENTROPY_BITS = 256 };

static long random_add_entropy(uptr_t arg)
{
	s32 head[2]; /* bits, bytes; then the bytes */
	TRY(copy_from_user(head, arg, sizeof head));
	if (head[0] < 0 || head[1] < 0)
		return -EINVAL;
	struct uio io = uio_user(uptr_add(arg, sizeof head), (size_t)head[1]);
	ssize n = random_write(NULL, &io, NULL);
	return n < 0 ? n : 0;
}

static long random_ioctl(struct file *f, unsigned cmd, u64 arg)
{
	static const s32 entropy = ENTROPY_BITS;
	s32 bits;
	if (cmd == (unsigned)RNDGETENTCNT)
		return copy_to_user(UPTR(arg), &entropy, sizeof entropy);
	switch (cmd) {
	case RNDADDTOENTCNT:
	case RNDADDENTROPY:
	case RNDZAPENTCNT:
	case RNDCLEARPOOL:
	case RNDRESEEDCRNG: break;
	default: return -EINVAL;
	}
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (cmd == RNDADDENTROPY)
		return random_add_entropy(UPTR(arg));
	if (cmd == RNDADDTOENTCNT) {
		TRY(copy_from_user(&bits, UPTR(arg), sizeof bits));
		return bits < 0 ? -EINVAL : 0;
	}
	random_mix(&cmd, sizeof cmd);
	return 0;
}

static const struct file_ops null_ops = {
	.read = null_read, .write = sink_write, .seek = null_seek, .no_splice_read = true};
static const struct file_ops zero_ops = {
	.read = zero_read,
	.write = sink_write,
	.seek = null_seek,
	.map = zero_map,
	.no_splice_read = true,
};
static const struct file_ops full_ops = {
	.read = zero_read, .write = full_write, .seek = null_seek, .no_splice_read = true};
static const struct file_ops random_ops = {
	.read = random_read,
	.write = random_write,
	.seek = null_seek,
	.ioctl = random_ioctl,
	.async = true,
};

static struct device mem_devices[] = {
	{.name = "null", .number = 3, .mode = 0666, .ops = &null_ops},
	{.name = "zero", .number = 5, .mode = 0666, .ops = &zero_ops},
	{.name = "full", .number = 7, .mode = 0666, .ops = &full_ops},
	{.name = "random", .number = 8, .mode = 0666, .ops = &random_ops},
	{.name = "urandom", .number = 9, .mode = 0666, .ops = &random_ops},
};

void mem_devices_init(void)
{
	enum { MEM_MAJOR = 1 };
	for (unsigned i = 0; i < ARRAY_SIZE(mem_devices); i++) {
		mem_devices[i].number = device_make(MEM_MAJOR, mem_devices[i].number);
		device_register(&mem_devices[i]);
	}
}
