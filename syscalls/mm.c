/* Mappings: mmap(2), munmap(2), mprotect(2), mremap(2), brk(2), msync(2), mincore(2), remap_file_pages(2). */
#include "abi/mman.h"
#include "arch/uaccess.h"
#include "kernel/lib/checked.h"
#include "kernel/fs/inode.h"
#include "kernel/mm/advise.h"
#include "kernel/mm/huge.h"
#include "kernel/mm/remap.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/fdtable.h"
#include "kernel/sched/thread.h"
#include "syscalls/syscall.h"

static struct aspace *aspace_current(void)
{
	return thread_current()->aspace;
}

static u32 vm_flags_of(u32 flags)
{
	u32 vm = 0;

	if (flags & MAP_SHARED)
		vm |= VM_SHARED;
	if (flags & MAP_GROWSDOWN)
		vm |= VM_GROWSDOWN;
	if (flags & MAP_LOCKED)
		vm |= VM_LOCKED;
	if (flags & MAP_NORESERVE)
		vm |= VM_NORESERVE;
	return vm;
}

static u32 how_of(u32 flags)
{
	u32 how = 0;

	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))
		how |= VM_MAP_FIXED;
	if (flags & MAP_FIXED_NOREPLACE)
		how |= VM_MAP_NOREPLACE;
	if ((flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE)
		how |= VM_MAP_POPULATE;
	if (flags & MAP_32BIT)
		how |= VM_MAP_32BIT;
	return how;
}

/* Flags that every file system supports: MAP_SHARED_VALIDATE refuses others. */
enum {
	MAP_LEGACY = MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_DENYWRITE |
	             MAP_EXECUTABLE | MAP_GROWSDOWN | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE |
	             MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB | MAP_32BIT | 21 << MAP_HUGE_SHIFT |
	             30 << MAP_HUGE_SHIFT
};

static int map_request_check(const struct vm_map_request *req)
{
	if (!req->length)
		return -EINVAL;
	if (req->length > USER_END)
		return -ENOMEM;
	if (!(req->how & VM_MAP_FIXED))
		return 0;
	if (req->addr > USER_END - ROUND_UP(req->length, PAGE_SIZE))
		return -ENOMEM;
	if (req->addr % (req->flags & VM_HUGE ? HUGE_PAGE_SIZE : PAGE_SIZE))
		return -EINVAL;
	return vm_place_check(aspace_current(), req);
}

/* Drops the reference of req's object, which the mapping has taken if there is one. */
static s64 map_object(const struct vm_map_request *req)
{
	UNUSED AUTO_PUT(vm_object) object = req->object;
	return vm_map(aspace_current(), req);
}

/* Linux sees a file here: so the private ones may be MAP_GROWSDOWN as little as the shared ones. */
static s64 map_huge(struct vm_map_request *req, u32 flags)
{
	if (!huge_size_known(flags))
		return -EINVAL;
	req->offset = 0;
	req->flags |= VM_HUGE;
	TRY(map_request_check(req));
	if (flags & MAP_LOCKED)
		TRY(vm_may_lock());
	if ((flags & MAP_TYPE) == MAP_SHARED_VALIDATE && flags & ~(u32)MAP_LEGACY)
		return -EOPNOTSUPP;
	if ((flags & MAP_TYPE) > MAP_SHARED_VALIDATE || !(flags & MAP_TYPE) ||
	    flags & MAP_GROWSDOWN)
		return -EINVAL;
	TRY(vm_request_huge(req));
	return map_object(req);
}

static s64 map_anonymous(struct vm_map_request *req, u32 flags)
{
	u32 type = flags & MAP_TYPE;

	if (type != MAP_SHARED && type != MAP_PRIVATE)
		return -EINVAL;
	req->offset = 0;
	if (type == MAP_PRIVATE)
		return vm_map(aspace_current(), req);
	if (req->flags & VM_GROWSDOWN)
		return -EINVAL;
	if (!(req->flags & VM_NORESERVE))
		TRY(vm_commit_check(req->length >> PAGE_SHIFT));
	TRY(vm_request_shared(req));
	return map_object(req);
}

/* The order of checks is that of Linux' do_mmap(). */
static int map_file_check(struct file *f, struct vm_map_request *req, u32 flags)
{
	u64 most = f->inode && S_ISREG(f->inode->mode) ? INT64_MAX : UINT64_MAX;

	if (req->offset >> PAGE_SHIFT > (most - ROUND_UP(req->length, PAGE_SIZE)) >> PAGE_SHIFT)
		return -EOVERFLOW;
	switch (flags & MAP_TYPE) {
	case MAP_SHARED_VALIDATE:
		if (flags & ~(u32)MAP_LEGACY)
			return -EOPNOTSUPP;
		__attribute__((fallthrough));
	case MAP_SHARED:
		if (req->prot & PROT_WRITE && !file_writable(f))
			return -EACCES;
		if (!file_writable(f))
			req->max_prot &= ~(u32)PROT_WRITE;
		__attribute__((fallthrough));
	case MAP_PRIVATE:
		if (!file_readable(f))
			return -EACCES;
		break;
	default: return -EINVAL;
	}
	if (!f->ops->map)
		return -ENODEV;
	return flags & MAP_GROWSDOWN ? -EINVAL : 0;
}

static s64 map_file(struct file *f, struct vm_map_request *req, u32 flags)
{
	if (flags & MAP_HUGETLB && !(f->inode && f->inode->object && f->inode->object->page_order))
		return -EINVAL;
	TRY(map_request_check(req));
	if (flags & MAP_LOCKED)
		TRY(vm_may_lock());
	req->file = f;
	TRY(map_file_check(f, req, flags));
	TRY(f->ops->map(f, req));
	if (!req->object)
		req->file = NULL; /* private /dev/zero: anonymous memory */
	return map_object(req);
}

SYSCALL6(mmap, u64, addr, u64, length, u64, prot, u64, flags, int, fd, u64, offset)
{
	struct vm_map_request req = {
		.addr = addr,
		.length = length,
		.prot = prot & PROT_ALL,
		.max_prot = PROT_ALL,
		.flags = vm_flags_of((u32)flags),
		.how = how_of((u32)flags),
		.offset = offset,
	};

	if (offset % PAGE_SIZE)
		return -EINVAL;
	if (!(flags & MAP_ANONYMOUS)) {
		AUTO_FDREF ref = fdref_get(fd);
		if (!ref.file)
			return -EBADF;
		return map_file(ref.file, &req, (u32)flags);
	}
	if (flags & MAP_HUGETLB)
		return map_huge(&req, (u32)flags);
	TRY(map_request_check(&req));
	if (flags & MAP_LOCKED)
		TRY(vm_may_lock());
	return map_anonymous(&req, (u32)flags);
}

SYSCALL2(munmap, u64, addr, u64, length)
{
	return vm_unmap(aspace_current(), addr, length);
}

SYSCALL3(mprotect, u64, addr, u64, length, u64, prot)
{
	u64 grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP), rounded = ROUND_UP(length, PAGE_SIZE);

	if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || addr % PAGE_SIZE)
		return -EINVAL;
	if (!length)
		return 0;
	if (addr + rounded <= addr)
		return -ENOMEM;
	prot &= ~(u64)PROT_GROWSUP;
	if (prot & ~(u64)(PROT_ALL | PROT_SEM | PROT_GROWSDOWN) || grows & PROT_GROWSUP)
		return -EINVAL;
	return vm_protect(aspace_current(), addr, length, (u32)prot & ~(u32)PROT_SEM);
}

SYSCALL5(mremap, u64, addr, u64, old_length, u64, new_length, u64, flags, u64, new_addr)
{
	if (flags & ~(u64)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
		return -EINVAL;
	return vm_remap(aspace_current(), addr, old_length, new_length, (u32)flags, new_addr);
}

SYSCALL1(brk, u64, addr)
{
	return (long)vm_brk(aspace_current(), addr);
}

/* Nothing is ever written back: objects are the storage. What remains is the check of the arguments. */
SYSCALL3(msync, u64, addr, u64, length, int, flags)
{
	u64 end = addr + ROUND_UP(length, PAGE_SIZE);

	if (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC) || addr % PAGE_SIZE ||
	    (flags & MS_ASYNC && flags & MS_SYNC))
		return -EINVAL;
	if (end < addr)
		return -ENOMEM;
	if (end == addr)
		return 0;
	int err =
		vm_check_mapped(aspace_current(), addr, end, flags & MS_INVALIDATE ? VM_LOCKED : 0);
	return err == -EINVAL ? -EBUSY : err;
}

enum { MINCORE_BATCH = 256 };

SYSCALL3(mincore, u64, addr, u64, length, uptr_t, vec)
{
	u64 pages = (length >> PAGE_SHIFT) + !!(length % PAGE_SIZE);
	u8 resident[MINCORE_BATCH];

	if (addr % PAGE_SIZE)
		return -EINVAL;
	if (!user_range_ok(UPTR(addr), length))
		return -ENOMEM;
	if (!user_range_ok(vec, pages))
		return -EFAULT;
	while (pages) {
		u32 n = (u32)MIN(pages, (u64)MINCORE_BATCH);
		TRY(vm_residency(aspace_current(), addr, n, resident));
		TRY(copy_to_user(vec, resident, n));
		addr += (u64)n << PAGE_SHIFT;
		vec = uptr_add(vec, n);
		pages -= n;
	}
	return 0;
}

/* Deprecated: an ordinary mapping of its own for each call, as Linux has done since 4.0. */
SYSCALL5(remap_file_pages, u64, start, u64, size, u64, prot, u64, pgoff, u64, flags)
{
	u64 end;

	start = ROUND_DOWN(start, PAGE_SIZE);
	size = ROUND_DOWN(size, PAGE_SIZE);
	if (prot || add_overflows(start, size, &end) || end <= start)
		return -EINVAL;
	if (pgoff + (size >> PAGE_SHIFT) < pgoff || pgoff > UINT64_MAX >> PAGE_SHIFT)
		return -EINVAL;
	return vm_map_again(aspace_current(), start, size, pgoff << PAGE_SHIFT);
}
