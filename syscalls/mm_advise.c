/* madvise(2), process_madvise(2), mlock(2) and relatives, the memory policies of a machine with one node, membarrier(2). */
#include "abi/mman.h"
#include "arch/cpu.h"
#include "arch/uaccess.h"
#include "kernel/fs/procfs.h"
#include "kernel/lib/checked.h"
#include "kernel/mm/advise.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/uio.h"
#include "syscalls/pidfd.h"
#include "syscalls/syscall.h"

static struct aspace *aspace_current(void)
{
	return thread_current()->aspace;
}

static bool advice_is_known(int advice)
{
	return (advice >= MADV_NORMAL && advice <= MADV_DONTNEED) ||
	       (advice >= MADV_FREE && advice <= MADV_DONTNEED_LOCKED);
}

static int advise(struct aspace *as, u64 start, u64 end, int advice)
{
	switch (advice) {
	case MADV_DONTNEED: return vm_discard(as, start, end, false, false);
	case MADV_DONTNEED_LOCKED: return vm_discard(as, start, end, false, true);
	case MADV_FREE: return vm_discard(as, start, end, true, false);
	case MADV_REMOVE: return vm_punch(as, start, end);
	case MADV_DONTFORK: return vm_reflag(as, start, end, VM_DONTFORK, 0, false);
	case MADV_DOFORK: return vm_reflag(as, start, end, 0, VM_DONTFORK, false);
	case MADV_DONTDUMP: return vm_reflag(as, start, end, VM_DONTDUMP, 0, false);
	case MADV_DODUMP: return vm_reflag(as, start, end, 0, VM_DONTDUMP, false);
	case MADV_WIPEONFORK: return vm_reflag(as, start, end, VM_WIPEONFORK, 0, true);
	case MADV_KEEPONFORK: return vm_reflag(as, start, end, 0, VM_WIPEONFORK, false);
	case MADV_POPULATE_READ: return vm_populate_as(as, start, end, false);
	case MADV_POPULATE_WRITE: return vm_populate_as(as, start, end, true);
	case MADV_COLD:
	case MADV_PAGEOUT: return vm_check_mapped(as, start, end, VM_LOCKED);
	default: /* hints about paging, of which there is none */
		return vm_check_mapped(as, start, end, 0);
	}
}

static int advise_checked(struct aspace *as, u64 start, u64 length, int advice)
{
	u64 rounded = ROUND_UP(length, PAGE_SIZE), end = start + rounded;

	if (!advice_is_known(advice) || start % PAGE_SIZE || (length && !rounded) || end < start)
		return -EINVAL;
	return end == start ? 0 : advise(as, start, end, advice);
}

SYSCALL3(madvise, u64, start, u64, length, int, advice)
{
	return advise_checked(aspace_current(), start, length, advice);
}

static void iovec_free(struct iovec_user *iov)
{
	kfree(iov);
}
DEFINE_GUARD(advised, struct iovec_user *, iovec_free)

/* Only what may be said about another process's memory without changing what it reads there. */
static bool advice_is_harmless(int advice)
{
	return advice == MADV_COLD || advice == MADV_PAGEOUT || advice == MADV_WILLNEED;
}

static struct aspace *advised_aspace(int pidfd, int advice)
{
	AUTO_PUT(task) t = pidfd_task_get(pidfd);

	if (is_err(t))
		return (struct aspace *)TAKE(t);
	if (!advice_is_harmless(advice))
		return err_ptr(-EINVAL);
	AUTO_PUT(aspace) as = task_aspace_get(t);
	if (!as)
		return err_ptr(-ESRCH);
	if (!proc_may_inspect(t))
		return err_ptr(-EACCES);
	return capable(CAP_SYS_NICE) ? TAKE(as) : err_ptr(-EPERM);
}

SYSCALL5(process_madvise, int, pidfd, uptr_t, vector, u64, count, int, advice, u32, flags)
{
	struct uio io;
	s64 done = 0;

	if (flags || count > UIO_COUNT_MAX)
		return -EINVAL;
	AUTO_PUT(advised) iov = kmalloc(MAX(count, 1ul) * sizeof(*iov));
	if (!iov)
		return -ENOMEM;
	TRY(uio_import(&io, iov, vector, count));
	AUTO_PUT(aspace) as = advised_aspace(pidfd, advice);
	TRY_PTR(as);
	for (u64 i = 0; i < count; i++) {
		int err = advise_checked(as, iov[i].base, iov[i].len, advice);
		if (err)
			return done ? done : err;
		done += (s64)iov[i].len;
	}
	return done;
}

static long lock_range(u64 start, u64 length, u32 flags)
{
	u64 end;

	if (flags)
		TRY(vm_may_lock());
	length = ROUND_UP(length + start % PAGE_SIZE, PAGE_SIZE);
	start = ROUND_DOWN(start, PAGE_SIZE);
	if (add_overflows(start, length, &end))
		return -EINVAL;
	return end == start ? 0 : vm_lock(aspace_current(), start, end, flags);
}

SYSCALL2(mlock, u64, start, u64, length)
{
	return lock_range(start, length, VM_LOCKED);
}

SYSCALL3(mlock2, u64, start, u64, length, int, flags)
{
	if (flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	return lock_range(start, length, flags ? VM_LOCKED | VM_LOCKONFAULT : VM_LOCKED);
}

SYSCALL2(munlock, u64, start, u64, length)
{
	return lock_range(start, length, 0);
}

SYSCALL1(mlockall, int, flags)
{
	u32 lock = flags & MCL_ONFAULT ? VM_LOCKED | VM_LOCKONFAULT : VM_LOCKED;

	if (!flags || flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) || flags == MCL_ONFAULT)
		return -EINVAL;
	TRY(vm_may_lock());
	return vm_lock_all(aspace_current(), flags & MCL_CURRENT ? lock : 0,
	                   flags & MCL_FUTURE ? lock : 0, flags & MCL_CURRENT);
}

SYSCALL0(munlockall)
{
	return vm_lock_all(aspace_current(), 0, 0, true);
}

/*
 * One node, number 0: every policy leads to it, so there is nothing to keep.
 * => 0 and whether the mask names node 0; -EINVAL where it names another one.
 */
enum { NODES = 1, NODEMASK_BITS_MAX = 8 * 4096 };
static int nodemask_read(uptr_t mask, u64 maxnode, bool *out_any)
{
	*out_any = false;
	if (uptr_null(mask) || maxnode <= 1)
		return 0;
	maxnode--; /* as Linux: the count is one too large */
	if (maxnode > NODEMASK_BITS_MAX)
		return -EINVAL;
	for (u64 bit = 0; bit < maxnode; bit += 64) {
		u64 word;
		TRY(copy_from_user(&word, uptr_add(mask, bit / 8), sizeof(word)));
		if (maxnode - bit < 64)
			word &= BIT(maxnode - bit) - 1;
		if (word & (bit ? ~0ull : ~(u64)NODES))
			return -EINVAL;
		*out_any |= word != 0;
	}
	return 0;
}

static int policy_check(int mode, uptr_t mask, u64 maxnode)
{
	int kind = mode & ~(MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES);
	bool any;

	if (kind < 0 || kind >= MPOL_MODES)
		return -EINVAL;
	if (mode & MPOL_F_STATIC_NODES && mode & MPOL_F_RELATIVE_NODES)
		return -EINVAL;
	TRY(nodemask_read(mask, maxnode, &any));
	if (kind == MPOL_DEFAULT || kind == MPOL_LOCAL)
		return any ? -EINVAL : 0;
	return any || kind == MPOL_PREFERRED ? 0 : -EINVAL;
}

SYSCALL3(set_mempolicy, int, mode, uptr_t, mask, u64, maxnode)
{
	return policy_check(mode, mask, maxnode);
}

SYSCALL6(mbind, u64, start, u64, length, u64, mode, uptr_t, mask, u64, maxnode, u32, flags)
{
	u64 end;

	if (flags & ~(u32)(MPOL_MF_STRICT | MPOL_MF_MOVE | MPOL_MF_MOVE_ALL) || mode > INT32_MAX)
		return -EINVAL;
	TRY(policy_check((int)mode, mask, maxnode));
	if (start % PAGE_SIZE || add_overflows(start, ROUND_UP(length, PAGE_SIZE), &end))
		return -EINVAL;
	if (end == start)
		return 0;
	return vm_check_mapped(aspace_current(), start, end, 0) < 0 ? -EFAULT : 0;
}

static int policy_mask_write(uptr_t mask, u64 maxnode, u64 first)
{
	size_t bytes = ROUND_UP(maxnode - 1, 64) / 8;

	if (bytes > NODEMASK_BITS_MAX / 8)
		return -EINVAL;
	TRY(clear_user(mask, bytes));
	return bytes ? copy_to_user(mask, &first, sizeof(first)) : 0;
}

SYSCALL5(get_mempolicy, uptr_t, mode, uptr_t, mask, u64, maxnode, u64, addr, u64, flags)
{
	int answer = MPOL_DEFAULT; /* also the number of the node */

	if (flags & ~(u64)(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED))
		return -EINVAL;
	if (!uptr_null(mask) && maxnode < NODES)
		return -EINVAL;
	if (flags & MPOL_F_MEMS_ALLOWED) {
		if (flags & (MPOL_F_NODE | MPOL_F_ADDR))
			return -EINVAL;
		if (!uptr_null(mode))
			TRY(copy_to_user(mode, &answer, sizeof(answer)));
		return uptr_null(mask) ? 0 : policy_mask_write(mask, maxnode, NODES);
	}
	if (flags & MPOL_F_ADDR) {
		if (vm_check_mapped(aspace_current(), ROUND_DOWN(addr, PAGE_SIZE),
		                    ROUND_DOWN(addr, PAGE_SIZE) + PAGE_SIZE, 0) < 0)
			return -EFAULT;
	} else if (addr ||
	           flags & MPOL_F_NODE) { /* F_NODE alone asks about interleaving: not in use */
		return -EINVAL;
	}
	if (!uptr_null(mode))
		TRY(copy_to_user(mode, &answer, sizeof(answer)));
	return uptr_null(mask) ? 0 : policy_mask_write(mask, maxnode, 0);
}

enum {
	MEMBARRIER_ALL = MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED |
	                 MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED |
	                 MEMBARRIER_CMD_PRIVATE_EXPEDITED |
	                 MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED
};

/* The interrupt itself orders all of the processor's accesses. */
static void barrier_here(void *unused)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static long barrier_on(u64 cpus)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	cpus &= ~BIT(cpu_id());
	if (cpus)
		ipi_call(cpus, barrier_here, NULL);
	return 0;
}

SYSCALL3(membarrier, int, cmd, u32, flags, int, cpu)
{
	struct aspace *as = aspace_current();

	if (flags)
		return -EINVAL;
	switch (cmd) {
	case MEMBARRIER_CMD_QUERY: return MEMBARRIER_ALL;
	case MEMBARRIER_CMD_GLOBAL:
	case MEMBARRIER_CMD_GLOBAL_EXPEDITED:
		return barrier_on(cpu_count >= MAX_CPUS ? ~0ull : BIT(cpu_count) - 1);
	case MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED: return 0;
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
		store_relaxed(&as->membarrier, 1u);
		return 0;
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
		return load_relaxed(&as->membarrier) ? barrier_on(load_relaxed(&as->active_cpus))
		                                     : -EPERM;
	default: return -EINVAL;
	}
}
