/*
 * User address spaces: an interval tree of areas over page tables, demand-paged, copy-on-write at fork.
 *
 * Locking: aspace->lock (rwlock, class ASPACE): faults read, changes of the area tree write. PTE lock
 * for page-table entries. Lifetime: users (threads; the last exit tears mappings down) and refs
 * (/proc readers, lazy kernel threads; the last one frees the root table).
 */
#pragma once
#include "kernel/lib/guard.h"
#include "kernel/lib/rbtree.h"
#include "kernel/lib/uptr.h"
#include "kernel/mm/object.h"
#include "kernel/sync/mutex.h"

struct file;
struct vm_area;

/* For owners of a mapping who count their attachments (SysV shm) or files: called with the address space
 * write-locked. open: a copy or a split made one more area; close: one is gone. */
struct vm_area_ops {
	void (*open)(struct vm_area *a);
	void (*close)(struct vm_area *a);
	const char *(*name)(struct vm_area *a); /* /proc/PID/maps */
};

struct vm_area {
	struct rb_node node;
	u64 start, end;           /* page-aligned user addresses */
	u32 prot, flags;          /* PROT_*, VM_* */
	u32 max_prot;             /* what mprotect may give */
	struct vm_object *object; /* reference, or NULL: private anonymous */
	u64 offset;               /* bytes into the object */
	struct aspace *aspace;
	const struct vm_area_ops *ops;
	struct file *file; /* reference, or NULL; fs room's ops manage it */
	void *private;
	struct list mapping_link; /* object->mappings */
	u64 subtree_gap;          /* augment: largest hole left of nodes below */
};
enum {
	VM_SHARED = 1,
	VM_GROWSDOWN = 2,
	VM_LOCKED = 4,
	VM_NORESERVE = 8,
	VM_DONTFORK = 16,
	VM_STACK = 32,
	VM_HEAP = 64,
	VM_VDSO = 128,
	VM_WIPEONFORK = 256,
	VM_DONTDUMP = 512
};

struct arch_pagetable {
	phys_t root;
};
struct aspace {
	struct arch_pagetable pt;
	refcount_t users, refs;
	struct rwlock lock;
	struct spinlock pte_lock;
	struct rb_root areas; /* [l] by start, augmented with gaps */
	u64 id;               /* [I] unique, for private futex keys */
	u64 active_cpus;      /* [a] processors whose CR3 is this one */
	u64 brk_start, brk;   /* [l] */
	u64 mmap_base, stack_top, arg_start, arg_end, env_start, env_end; /* [l] set by exec */
	u64 vdso;
	u64 total_pages, locked_pages, resident_pages, resident_peak,
		area_count; /* statistics and rlimits */
	struct file *exe;   /* [l] reference: /proc/PID/exe */
	u64 auxv[48];
};

MUST_CHECK struct aspace *aspace_new(void);
MUST_CHECK struct aspace *aspace_fork(struct aspace *from); /* NULL-free: err_ptr */
void aspace_get(struct aspace *as);                         /* users */
void aspace_put(struct aspace *as);
void aspace_ref(struct aspace *as); /* refs */
void aspace_unref(struct aspace *as);
DEFINE_GUARD(aspace, struct aspace *, aspace_put)
/* Called by the scheduler at a switch: loads CR3 only when it changes; NULL keeps the old one (lazy). */
void aspace_activate(struct aspace *as);
/* execve: makes `as` (may be NULL for exit) the current thread's address space. => the old one, for aspace_put. */
struct aspace *aspace_swap_current(struct aspace *as);

struct vm_map_request {
	u64 addr, length;          /* addr: hint, or exact with VM_MAP_FIXED */
	u32 prot, max_prot, flags; /* VM_* */
	u32 how;                   /* VM_MAP_* */
	struct vm_object *object;  /* a reference is taken; NULL anonymous private */
	u64 offset;
	struct file *file; /* borrowed; area ops' open takes its own reference */
	const struct vm_area_ops *ops;
	void *private;
};
enum { VM_MAP_FIXED = 1, VM_MAP_NOREPLACE = 2, VM_MAP_POPULATE = 4 };
/* => user address, or -ENOMEM, -EINVAL, -EEXIST, -EPERM. Takes the write lock. */
MUST_CHECK s64 vm_map(struct aspace *as, const struct vm_map_request *req);
MUST_CHECK int vm_unmap(struct aspace *as, u64 addr, u64 length);
MUST_CHECK int vm_protect(struct aspace *as, u64 addr, u64 length, u32 prot);
/* Area containing addr, or the next one above. Lock held. */
struct vm_area *vm_area_find(struct aspace *as, u64 addr);
struct vm_area *vm_area_next(struct vm_area *a);

/* futex(2) keys. Shared mapping: (object id, byte offset), private: (aspace id, address). => 0 or -EFAULT. May sleep. */
struct futex_key {
	u64 space;
	u64 offset;
};
MUST_CHECK int vm_futex_key(struct aspace *as, uptr_t addr, bool private_flag,
                            struct futex_key *out);

/* Reads or writes another process's memory (ptrace-like uses: /proc/PID/cmdline, environ, mem). => bytes or -errno. */
ssize vm_access(struct aspace *as, u64 addr, void *buf, size_t n, bool write);
