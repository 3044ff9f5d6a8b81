/*
 * hugetlbfs: files of huge pages (kernel/mm/huge.h), for memfd_create(2) MFD_HUGETLB and mount(2). A tmpfs but
 * for its regular files: they are read and mapped, never written with write(2); their size is a number of
 * huge pages; a mapping that may write makes the file as long as it reaches.
 */
#include "kernel/fs/attr.h"
#include "kernel/fs/mount.h"
#include "kernel/fs/tmpfs_internal.h"
#include "kernel/lib/checked.h"
#include "kernel/mm/aspace.h"
#include "kernel/mm/huge.h"
#include "kernel/proc/uio.h"
#include "kernel/sched/thread.h"

static ssize huge_read(struct file *f, struct uio *io, u64 *pos)
{
	struct vm_object *o = f->inode->object;
	u64 at = *pos, start = at;

	if (at + io->left > INT64_MAX)
		return -EINVAL;
	while (io->left && at < load_relaxed(&o->size)) {
		u64 offset = at % HUGE_PAGE_SIZE;
		size_t n = MIN(MIN(HUGE_PAGE_SIZE - offset, o->size - at), io->left);
		struct page *p = huge_object_page_present(o, at / HUGE_PAGE_SIZE);
		size_t done =
			p ? uio_put(io, (char *)page_virt(p) + offset, n) : uio_put_zero(io, n);
		if (p)
			huge_page_put(p);
		at += done;
		if (done < n)
			break;
		cond_resched();
	}
	bool faulted = io->left && at == start && at < load_relaxed(&o->size);
	*pos = at;
	file_touch_read(f);
	return faulted ? -EFAULT : (ssize)(at - start);
}

static int huge_map(struct file *f, struct vm_map_request *req)
{
	struct vm_object *o = f->inode->object;
	u64 end;

	if (req->offset % HUGE_PAGE_SIZE || req->offset > INT64_MAX ||
	    add_overflows(req->offset, ROUND_UP(req->length, (u64)HUGE_PAGE_SIZE), &end))
		return -EINVAL;
	TRY(tmpfs_map_check(f, req));
	req->flags |= VM_HUGE | VM_DONTEXPAND;
	vm_object_get(o);
	req->object = o;
	req->file = f;
	req->ops = &tmpfs_area_ops;
	file_touch_read(f);
	return 0;
}

const struct file_ops hugetlbfs_file_ops = {
	.read = huge_read, .seek = tmpfs_seek, .map = huge_map, .fsync = tmpfs_fsync};

/* All pages of the range, or as many as there are. */
static int allocate_range(struct vm_object *o, u64 start, u64 end)
{
	for (u64 i = start / HUGE_PAGE_SIZE; i * HUGE_PAGE_SIZE < end; i++) {
		struct page *p;
		TRY(huge_object_page(o, i, &p));
		huge_page_put(p);
		cond_resched();
	}
	return 0;
}

int hugetlbfs_fallocate(struct inode *i, u32 mode, u64 start, u64 length)
{
	struct vm_object *o = i->object;
	u64 end = start + length;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	if (mode & FALLOC_FL_PUNCH_HOLE)
		return tmpfs_fallocate(i, mode, start, length);
	if (end > FILE_SIZE_MAX)
		return -EFBIG;
	if (i->seals & F_SEAL_GROW && end > o->size)
		return -EPERM;
	TRY(allocate_range(o, start, end));
	if (!(mode & FALLOC_FL_KEEP_SIZE))
		vm_object_extend(o, end);
	return 0;
}

void hugetlbfs_getattr(struct inode *i, struct kstat *st)
{
	st->blksize = HUGE_PAGE_SIZE;
}

static struct super *hugetlbfs_mount(const struct fs_type *t, u32 flags, const char *source,
                                     char *data)
{
	struct super *s;
	int err = tmpfs_super_new(t, data, &s);

	return err ? err_ptr(err) : s;
}

struct fs_type hugetlbfs_type = {.name = "hugetlbfs", .mount = hugetlbfs_mount};
