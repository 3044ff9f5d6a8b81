/*
 * Memory objects: pages by index, filled on demand; what a mapping maps and what a tmpfs file holds.
 * Anonymous shared memory, tmpfs files, memfd and SysV segments are the same kind of object; private
 * anonymous memory has none until fork makes it shared copy-on-write page by page.
 *
 * Lifetime: reference counted. Pages belong to the object and to the page tables that map them.
 * Locking: object->lock (mutex, class OBJECT) for the page map and size; lookups of present pages use RCU.
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
	unsigned page_order; /* [I] 0, or HUGE_PAGE_ORDER */
};

MUST_CHECK struct vm_object *vm_object_new(u64 size, const struct vm_object_ops *ops,
                                           void *owner); /* NULL: no memory */
void vm_object_get(struct vm_object *o);
void vm_object_put(struct vm_object *o);
DEFINE_GUARD(vm_object, struct vm_object *, vm_object_put)
/* => page with a reference in *out, zero-filled when new. -ENOMEM, -ENOSPC (quota), -ENXIO beyond size. */
MUST_CHECK int vm_object_page(struct vm_object *o, u64 index, struct page **out);
/* => the present page with a reference, or NULL: a hole. */
struct page *vm_object_page_present(struct vm_object *o, u64 index);
/* Truncate or extend; pages beyond are unmapped everywhere and freed, the tail of the last one zeroed. */
MUST_CHECK int vm_object_resize(struct vm_object *o, u64 size);
/* Frees the pages of [start, end) bytes (punch hole), partial pages zeroed. */
void vm_object_punch(struct vm_object *o, u64 start, u64 end);
u64 vm_object_resident(struct vm_object *o); /* pages present */
/* Kernel copies; holes read as zeroes, writes allocate. => 0 or -errno. */
MUST_CHECK int vm_object_read(struct vm_object *o, u64 pos, void *buf, size_t n);
MUST_CHECK int vm_object_write(struct vm_object *o, u64 pos, const void *buf, size_t n);
