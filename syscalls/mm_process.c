/* process_vm_readv(2), process_vm_writev(2): copies between the caller and another process. */
#include "arch/uaccess.h"
#include "kernel/fs/procfs.h"
#include "kernel/lib/checked.h"
#include "kernel/mm/aspace.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/task.h"
#include "kernel/proc/uio.h"
#include "syscalls/syscall.h"

enum { VECTORS_MAX = 1024, COPY_CHUNK = 2 * PAGE_SIZE };

/* A list of pieces on one side, with a cursor. */
struct pieces {
	struct iovec_user *iov;
	u32 count, at;
	u64 offset;
};

static void kfree_pieces(struct iovec_user *iov)
{
	kfree(iov);
}
DEFINE_GUARD(iovec_array, struct iovec_user *, kfree_pieces)

/* => array, NULL when empty, or err_ptr. local: the addresses are the caller's and are checked. */
static struct iovec_user *pieces_read(uptr_t from, u64 count, bool local)
{
	if (count > VECTORS_MAX)
		return err_ptr(-EINVAL);
	if (!count)
		return NULL;
	AUTO_PUT(iovec_array) iov = kmalloc(count * sizeof(*iov));
	if (!iov)
		return err_ptr(-ENOMEM);
	if (copy_from_user(iov, from, count * sizeof(*iov)) < 0)
		return err_ptr(-EFAULT);
	for (u64 i = 0; i < count; i++) {
		if ((s64)iov[i].len < 0)
			return err_ptr(-EINVAL);
		if (local && !user_range_ok(UPTR(iov[i].base), iov[i].len))
			return err_ptr(-EFAULT);
	}
	return TAKE(iov);
}

/* => bytes left in the current piece, passing over empty ones; 0 at the end. */
static u64 piece_left(struct pieces *p)
{
	while (p->at < p->count && p->offset == p->iov[p->at].len) {
		p->at++;
		p->offset = 0;
	}
	return p->at < p->count ? p->iov[p->at].len - p->offset : 0;
}

static u64 piece_addr(const struct pieces *p)
{
	return p->iov[p->at].base + p->offset;
}

/* One chunk. => bytes copied, less than n where a side faults, or -errno when none. */
static ssize chunk_copy(struct aspace *as, u64 remote, u64 local, size_t n, void *buf, bool write)
{
	if (write) {
		n -= copy_from_user_partial(buf, UPTR(local), n);
		return n ? vm_access_checked(as, remote, buf, n, true) : -EFAULT;
	}
	ssize got = vm_access_checked(as, remote, buf, n, false);
	if (got <= 0)
		return got;
	got -= (ssize)copy_to_user_partial(UPTR(local), buf, (size_t)got);
	return got ? got : -EFAULT;
}

static ssize pieces_copy(struct aspace *as, struct pieces *remote, struct pieces *local, void *buf,
                         bool write)
{
	ssize done = 0;

	for (;;) {
		u64 n = MIN(piece_left(remote), piece_left(local));
		n = MIN(n, (u64)COPY_CHUNK);
		if (!n)
			return done;
		ssize part = chunk_copy(as, piece_addr(remote), piece_addr(local), n, buf, write);
		if (part <= 0)
			return done ? done : part;
		done += part;
		remote->offset += (u64)part;
		local->offset += (u64)part;
		if ((u64)part < n)
			return done;
		cond_resched();
	}
}

static void kvfree_buffer(void *p)
{
	kfree(p);
}
DEFINE_GUARD(copy_buffer, void *, kvfree_buffer)

static ssize process_vm(s32 pid, uptr_t local, u64 local_count, uptr_t remote, u64 remote_count,
                        u64 flags, bool write)
{
	if (flags)
		return -EINVAL;
	AUTO_PUT(iovec_array) local_iov = pieces_read(local, local_count, true);
	TRY_PTR(local_iov);
	struct pieces l = {.iov = local_iov, .count = (u32)local_count};
	if (!piece_left(&l))
		return 0;
	AUTO_PUT(iovec_array) remote_iov = pieces_read(remote, remote_count, false);
	TRY_PTR(remote_iov);
	struct pieces r = {.iov = remote_iov, .count = (u32)remote_count};
	if (!piece_left(&r))
		return 0;
	AUTO_PUT(task) t = task_lookup(pid);
	if (!t)
		return -ESRCH;
	if (!proc_may_attach(t))
		return -EPERM;
	AUTO_PUT(aspace) as = task_aspace_get(t);
	if (!as)
		return -ESRCH;
	AUTO_PUT(copy_buffer) buf = kmalloc(COPY_CHUNK);
	if (!buf)
		return -ENOMEM;
	return pieces_copy(as, &r, &l, buf, write);
}

SYSCALL6(process_vm_readv, s32, pid, uptr_t, local, u64, local_count, uptr_t, remote, u64,
         remote_count, u64, flags)
{
	return process_vm(pid, local, local_count, remote, remote_count, flags, false);
}

SYSCALL6(process_vm_writev, s32, pid, uptr_t, local, u64, local_count, uptr_t, remote, u64,
         remote_count, u64, flags)
{
	return process_vm(pid, local, local_count, remote, remote_count, flags, true);
}
