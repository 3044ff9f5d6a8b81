#include "kernel/fs/attr.h"
#include "kernel/fs/mount.h"
#include "kernel/fs/tmpfs_internal.h"
#include "kernel/lib/string.h"
#include "kernel/mm/aspace.h"
#include "kernel/proc/uio.h"
#include "kernel/sched/thread.h"

static ssize tmpfs_read(struct file *f, struct uio *io, u64 *pos)
{
	struct vm_object *o = f->inode->object;
	u64 at = *pos, start = at;
	if (unlikely(at + io->left > INT64_MAX))
		return -EINVAL;
	while (io->left) {
		u64 size = load_relaxed(&o->size), offset = at % PAGE_SIZE;
		if (at >= size)
			break;
		size_t n = MIN(MIN(PAGE_SIZE - offset, size - at), io->left);
		struct page *page = vm_object_page_present(o, at / PAGE_SIZE);
		size_t done;
		if (page) {
			done = uio_put(io, (char *)page_virt(page) + offset, n);
			page_put(page);
		} else {
			done = uio_put_zero(io, n);
		}
		at += done;
		if (unlikely(done < n)) {
			if (at == start)
				return -EFAULT;
			break;
		}
		cond_resched();
	}
	*pos = at;
	file_touch_read(f);
	return (ssize)(at - start);
}

/* Copies into pages, which come into being; the size follows what was copied. */
static ssize write_pages(struct vm_object *o, struct uio *io, u64 start, size_t left)
{
	u64 at = start;
	int err = 0;
	while (left && !err) {
		u64 offset = at % PAGE_SIZE;
		size_t n = MIN(PAGE_SIZE - offset, left);
		struct page *page;
		err = vm_object_page_any(o, at / PAGE_SIZE, &page);
		if (err)
			break;
		size_t done = uio_take(io, (char *)page_virt(page) + offset, n);
		page_put(page);
		if (unlikely(done < n))
			err = -EFAULT;
		at += done;
		left -= done;
		vm_object_extend(o, at);
		cond_resched();
	}
	return at > start ? (ssize)(at - start) : err;
}

static ssize tmpfs_write(struct file *f, struct uio *io, u64 *pos)
{
	struct inode *i = f->inode;
	if (unlikely(*pos + io->left > INT64_MAX))
		return -EINVAL;
	if (!io->left)
		return 0;
	GUARD(mutex)
	(&i->lock);
	u64 at = f->flags & O_APPEND || io->append ? i->object->size : *pos;
	ssize n = TRY(write_limit(at, io->left));
	if (unlikely(i->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)))
		return -EPERM;
	if (unlikely(i->seals & F_SEAL_GROW) && at + (u64)n > i->object->size) {
		/* As Linux, which refuses the page that would grow, whole. */
		u64 room = ROUND_DOWN(i->object->size, PAGE_SIZE);
		if (at >= room)
			return -EPERM;
		n = (ssize)(room - at);
	}
	inode_drop_suid(i);
	inode_touch_write(i);
	n = write_pages(i->object, io, at, (size_t)n);
	if (n > 0)
		*pos = at + (u64)n;
	return n;
}

s64 tmpfs_seek(struct file *f, s64 offset, int whence)
{
	struct vm_object *o = f->inode->object;
	s64 base = 0;
	if ((whence == SEEK_DATA || whence == SEEK_HOLE) && o->page_order)
		return -EINVAL;
	switch (whence) {
	case SEEK_SET: break;
	case SEEK_CUR: base = (s64)f->pos; break;
	case SEEK_END: base = (s64)load_relaxed(&o->size); break;
	case SEEK_DATA:
	case SEEK_HOLE:
		if (offset < 0 || (u64)offset >= load_relaxed(&o->size))
			return -ENXIO;
		offset = TRY(vm_object_seek(o, (u64)offset, whence == SEEK_HOLE));
		break;
	default: return -EINVAL;
	}
	s64 to;
	if (__builtin_add_overflow(base, offset, &to) || to < 0)
		return -EINVAL;
	f->pos = (u64)to;
	return to;
}

static void area_open(struct vm_area *a)
{
	file_get(a->file);
}

static void area_close(struct vm_area *a)
{
	file_put(a->file);
}

/* mmap(2), MAP_SHARED: the times change at the first write, or at the latest with msync. */
static void area_written(struct vm_area *a)
{
	inode_touch_write(a->file->inode);
}

const struct vm_area_ops tmpfs_area_ops = {
	.open = area_open, .close = area_close, .written = area_written, .mergeable = true};

int tmpfs_map_check(struct file *f, struct vm_map_request *req)
{
	struct inode *i = f->inode;
	if (path_noexec(&f->path)) {
		if (req->prot & PROT_EXEC)
			return -EPERM;
		req->max_prot = (req->max_prot ? req->max_prot : PROT_ALL) & ~PROT_EXEC;
	}
	if (i->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE) && req->flags & VM_SHARED) {
		if (req->prot & PROT_WRITE)
			return -EPERM;
		req->max_prot = (req->max_prot ? req->max_prot : PROT_ALL) & ~PROT_WRITE;
	}
	return 0;
}

static int tmpfs_map(struct file *f, struct vm_map_request *req)
{
	struct inode *i = f->inode;
	TRY(tmpfs_map_check(f, req));
	vm_object_get(i->object);
	req->object = i->object;
	req->file = f;
	req->ops = &tmpfs_area_ops;
	file_touch_read(f);
	return 0;
}

int tmpfs_fsync(struct file *f)
{
	return 0; /* memory is where the data lives */
}

const struct file_ops tmpfs_file_ops = {.read = tmpfs_read,
                                        .write = tmpfs_write,
                                        .seek = tmpfs_seek,
                                        .map = tmpfs_map,
                                        .fsync = tmpfs_fsync};

int tmpfs_resize(struct inode *i, u64 size)
{
	u64 old = i->object->size;
	if ((size < old && i->seals & F_SEAL_SHRINK) || (size > old && i->seals & F_SEAL_GROW))
		return -EPERM;
	return vm_object_resize(i->object, size);
}

/* Whole range or nothing: what the file system cannot hold is refused before any page is made. */
static int allocate_range(struct inode *i, u64 start, u64 end)
{
	struct vm_object *o = i->object;
	struct tmpfs_super *t = tmpfs_of(i->super);
	u64 first = start / PAGE_SIZE, last = (end - 1) / PAGE_SIZE;
	u64 present = MIN(vm_object_resident(o), last - first + 1);
	if (t->max_blocks &&
	    last - first + 1 - present + load_relaxed(&t->used_blocks) > t->max_blocks)
		return -ENOSPC;
	for (u64 index = first; index <= last; index++) {
		struct page *page;
		TRY(vm_object_page_any(o, index, &page));
		page_put(page);
		cond_resched();
	}
	return 0;
}

int tmpfs_fallocate(struct inode *i, u32 mode, u64 start, u64 length)
{
	struct vm_object *o = i->object;
	u64 end = start + length, size = o->size;
	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	if (mode & FALLOC_FL_PUNCH_HOLE) {
		if (i->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
			return -EPERM;
		if (start < size)
			vm_object_punch(o, start, MIN(end, ROUND_UP(size, PAGE_SIZE)));
		return 0;
	}
	if (i->seals & F_SEAL_GROW && end > size)
		return -EPERM;
	if (end > FILE_SIZE_MAX)
		return -EFBIG;
	TRY(allocate_range(i, start, end));
	if (!(mode & FALLOC_FL_KEEP_SIZE))
		vm_object_extend(o, end);
	return 0;
}
