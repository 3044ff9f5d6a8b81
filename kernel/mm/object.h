/*
 * Memory objects: pages by index, filled on demand; what a mapping maps and what a tmpfs file holds.
 * Anonymous shared memory, tmpfs files, memfd and SysV segments are the same kind of object; private
 * anonymous memory has none: its pages live in page tables and are shared copy-on-write by fork.
 *
 * Lifetime: reference counted: the owner (inode, segment) and each area. A page has one reference of
 * the object while it is in the map, and one for each page-table entry that shows it.
 *
 *	     vm_object_page             vm_object_resize, _punch
 *	hole ---------------> present ---------------------------> hole: out of the map, then unmapped
 *	                                                           everywhere, then the reference dropped
 *
 * Locking: o->lock (mutex, class OBJECT) for changes of the page map and the size.
 *     o->mappings_lock (class MAPPINGS) for the list of areas, and their place in the object
 *         PTE lock of an address space. A page found in the map under the PTE lock of an area that
 *         is on the list stays until that lock is dropped: whoever removes it from the map must take
 *         that lock to unmap it before dropping the object's reference. So faults on present
 *         pages need no other lock.
 * Failure: -ENOMEM, what ops->charge says (-ENOSPC), -ENXIO beyond the end. Nothing is half done but writes,
 * which tell how far they came.
 */
#pragma once
#include "kernel/lib/refcount.h"
#include "kernel/lib/idmap.h"
#include "kernel/lib/guard.h"
#include "kernel/mm/page.h"
#include "kernel/sync/mutex.h"

struct vm_object;
struct vm_object_ops {
	/* Called before a page is added / after n pages were removed: quota of the owner. NULL: no quota. */
	int (*charge)(struct vm_object *o, u64 pages);
	void (*uncharge)(struct vm_object *o, u64 pages);
	void (*destroy)(struct vm_object *o); /* last reference gone, pages already freed */
};
struct vm_object {
	refcount_t refs;
	struct mutex lock;
	struct idmap pages; /* [l] changes; index -> struct page */
	u64 size;           /* [l] bytes; faults at or beyond it rounded up get SIGBUS */
	u64 id;             /* [I] unique: futex keys, inode numbers of anonymous objects */
	const struct vm_object_ops *ops;
	void *owner;
	struct list mappings; /* [mappings_lock] areas that map it, for truncation */
	struct spinlock mappings_lock;
	unsigned
		page_order; /* [I] 0, or HUGE_PAGE_ORDER: made by huge_object_new(), pages counts huge pages */
};
#define VM_OBJECT_SIZE_MAX                                                                         \
	((u64)UINT32_MAX << PAGE_SHIFT) /* 16 TiB: MAX_LFS_FILESIZE of our tmpfs */

/* => one reference, or NULL: no memory. What lies beyond VM_OBJECT_SIZE_MAX is never there (SIGBUS). */
MUST_CHECK struct vm_object *vm_object_new(u64 size, const struct vm_object_ops *ops, void *owner);
void vm_object_get(struct vm_object *o);
void vm_object_put(struct vm_object *o);
DEFINE_GUARD(vm_object, struct vm_object *, vm_object_put)
/* => page with a reference in *out, zero-filled when new. -ENOMEM, -ENOSPC (quota), -ENXIO beyond size. */
MUST_CHECK int vm_object_page(struct vm_object *o, u64 index, struct page **out);
/* The same without the limit of the size, for writers that extend it afterwards with vm_object_extend(). A page
 * that they give up stays out of reach and goes with the next resize. -EFBIG above VM_OBJECT_SIZE_MAX. */
MUST_CHECK int vm_object_page_any(struct vm_object *o, u64 index, struct page **out);
/* size = max(size, o->size). Never fails, allocates nothing. */
void vm_object_extend(struct vm_object *o, u64 size);
/* Is there a shared mapping that writes or could be made to (F_SEAL_WRITE)? */
bool vm_object_mapped_writable(struct vm_object *o);
/* => the present page with a reference, or NULL: a hole. */
struct page *vm_object_page_present(struct vm_object *o, u64 index);
/* Truncate or extend; pages beyond are unmapped everywhere and freed, the tail of the last one zeroed.
 * => 0, -EFBIG above VM_OBJECT_SIZE_MAX, -EINVAL: part of a huge page. */
MUST_CHECK int vm_object_resize(struct vm_object *o, u64 size);
/* Frees the pages of [start, end) bytes (punch hole), partial pages zeroed. */
void vm_object_punch(struct vm_object *o, u64 start, u64 end);
u64 vm_object_resident(struct vm_object *o); /* pages present, of 4 KiB */
/* lseek(2) SEEK_DATA / SEEK_HOLE: => offset of the first data / hole at or after pos, or -ENXIO. */
s64 vm_object_seek(struct vm_object *o, u64 pos, bool hole);
/* Kernel copies; holes read as zeroes, writes allocate. Extend with vm_object_resize() first: beyond the last
 * page -ENXIO. => 0 or -errno. */
MUST_CHECK int vm_object_read(struct vm_object *o, u64 pos, void *buf, size_t n);
MUST_CHECK int vm_object_write(struct vm_object *o, u64 pos, const void *buf, size_t n);
void vm_object_init(void); /* boot */
/* Identities of objects and address spaces: one series, so that futex keys cannot meet. */
u64 vm_next_id(void);
