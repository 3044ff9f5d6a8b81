/*
 * User address spaces: an interval tree of areas over page tables, demand-paged, copy-on-write at fork.
 *
 * Objects. An area is a range of addresses with one protection and one source of pages: a memory object,
 * or none (private anonymous memory). A page of private memory is shared by fork: both page tables hold
 * it without the right to write, and whoever writes first with others present gets a copy; the last one
 * left writes in place. What the object holds is mapped as it is; the page table of an object mapping
 * is only a cache of it, filled by faults (up to 16 neighbours at once) and not copied by fork. Large private
 * memory is not copied by fork either: whole page tables are shared until one side changes them (share.c).
 *
 * Lifetime. users: threads (and borrowers: vm_access callers); the last aspace_put() tears the mappings
 * down. The struct is freed after an RCU grace period. A processor whose current thread is a kernel thread keeps the last page tables
 * loaded (lazy); teardown makes it leave them.
 *
 *	         vm_map                split, merge, resize            vm_unmap, exit
 *	(none) ----------> area (open) ----------------------> ... -----------------> dead (close), freed
 *
 * Locking.
 *     as->lock (rwlock, class ASPACE): faults read, changes of the areas write
 *         object->lock to make a page present
 *         object->mappings_lock: an area's membership and its start, end, offset
 *             as->pte_lock (class PTE): page tables and the counts of resident pages
 * Truncation comes from the object's side: it takes mappings_lock and the PTE locks, never as->lock; so an
 * area that maps an object changes its place only under both as->lock and mappings_lock.
 *
 * Failure. Mapping: -ENOMEM for lack of room, of memory, of RLIMIT_AS and RLIMIT_DATA or above 65530
 * areas. Splits are made before anything is changed. A fault that finds no memory kills the process
 * that has most, and waits; if that is its own, its own.
 */
#pragma once
#include "abi/mman.h"
#include "arch/pagetable.h"
#include "kernel/lib/guard.h"
#include "kernel/lib/uptr.h"
#include "kernel/mm/object.h"
#include "kernel/mm/range.h"
#include "kernel/sched/rcu.h"
#include "kernel/sync/mutex.h"

struct file;
struct vm_area;

/*
 * For owners of a mapping who count their attachments (SysV shm) or hold files.
 * open: one more area exists: made by vm_map, or a copy (fork) or a part (split) of another one.
 *     Address space write-locked: takes P locks only.
 * close: the area left its address space; called once for each open, later, with no lock held and
 *     before the system call (or exit) that removed it ends.
 * written: the first write to a page of a shared area through this mapping. Address space locked: may not fault or sleep.
 */
struct vm_area_ops {
	void (*open)(struct vm_area *a);
	void (*close)(struct vm_area *a);
	void (*written)(struct vm_area *a);     /* or NULL */
	const char *(*name)(struct vm_area *a); /* /proc/PID/maps */
	u64 (*number)(
		struct vm_area *a); /* the same: inode number where there is no file, device 0:1 */
	bool mergeable; /* adjacent areas may become one: one close more than opens of what remains */
};

struct vm_area {
	union {
		struct range range;
		struct {
			struct rb_node node;
			u64 start, end; /* page-aligned user addresses */
		};
	};
	u32 prot, flags;          /* PROT_*, VM_* */
	u32 max_prot;             /* what mprotect may give */
	struct vm_object *object; /* reference, or NULL: private anonymous */
	u64 offset;               /* bytes into the object */
	struct aspace *aspace;
	const struct vm_area_ops *ops;
	struct file *file; /* reference, or NULL; fs room's ops manage it */
	void *private;     /* of ops; of a private mapping of huge pages: what it was promised */
	struct list
		mapping_link; /* [object->mappings_lock] object->mappings; while dead: the caller's list */
	bool has_owned; /* [pte_lock] private mapping of an object that got pages of its own */
	bool touched; /* [pte_lock] the mapping of an object may have entries in the page tables */
	bool huge_lost; /* [object->lock] huge pages were taken from it: SIGBUS where it has none */
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
	VM_DONTDUMP = 512,
	VM_LOCKONFAULT = 1024,
	VM_DONTEXPAND = 2048, /* mremap must not grow it */
	VM_HUGE = 4096,       /* huge pages (huge.h) */
	VM_PROMISED = 8192,   /* the object's owner saw to their promises */
};
enum { PROT_ALL = PROT_READ | PROT_WRITE | PROT_EXEC };

struct aspace {
	struct arch_pagetable pt;
	refcount_t users;
	struct rwlock lock;
	struct spinlock pte_lock;
	struct range_set areas; /* [l] */
	struct vm_area *recent; /* [l, a] where the last fault was */
	u64 id;                 /* [I] unique, for private futex keys */
	u64 active_cpus;        /* [a] processors whose CR3 is this one */
	u64 brk_start, brk;     /* [l] */
	u64 mmap_base, stack_top, arg_start, arg_end, env_start, env_end; /* [l] set by exec */
	u64 code_start, code_end, data_start, data_end;                   /* [l] set by exec */
	u64 vdso;
	/* pages; [l] but resident_* [pte_lock] */
	u64 total_pages, total_peak, locked_pages, data_pages, stack_pages, exec_pages,
		shared_pages;
	u64 resident_pages, resident_peak, resident_anon;
	u64 huge_pages;     /* [pte_lock] present; counted nowhere else, as on Linux */
	bool shares_tables; /* [l] may have page tables in common with others, share.c: stays */
	u64 area_count;
	u64 faults;       /* [a] about: unlocked increments */
	u32 lock_future;  /* [l] mlockall(MCL_FUTURE): VM_LOCKED | VM_LOCKONFAULT for new areas */
	u32 membarrier;   /* [a] registrations, membarrier(2) */
	struct file *exe; /* [l] reference: /proc/PID/exe */
	u64 auxv[48];
	struct rcu_head rcu;
};

void aspace_init(void);                                     /* boot */
MUST_CHECK struct aspace *aspace_new(void);                 /* err_ptr */
MUST_CHECK struct aspace *aspace_fork(struct aspace *from); /* err_ptr */
void aspace_get(struct aspace *as);                         /* users */
void aspace_put(struct aspace *as); /* last: tears down, sleeps. NULL allowed */
DEFINE_GUARD(aspace, struct aspace *, aspace_put)
/* The address space in this processor's CR3, if any; and whether its thread has none of its own and must not rely on it. */
EXTERN_PERCPU(struct aspace *, loaded_aspace);
EXTERN_PERCPU(bool, loaded_lazily);
/* Called by the scheduler at a switch: loads CR3 only when it changes. */
static ALWAYS_INLINE void aspace_load(struct aspace *as)
{
	struct aspace *old;
	u64 self;

	this_cpu(loaded_lazily) = false;
	/* Read after the store above: a flusher's interrupt may have made us leave it (tlb.c). */
	compiler_barrier();
	old = this_cpu(loaded_aspace);
	if (old == as)
		return;
	self = BIT(cpu_id());
	(void)__atomic_or_fetch(&as->active_cpus, self, __ATOMIC_SEQ_CST);
	this_cpu(loaded_aspace) = as;
	cr3_write(as->pt.root);
	if (old)
		(void)__atomic_and_fetch(&old->active_cpus, ~self, __ATOMIC_RELAXED);
}
/* The same for a thread that may have none (NULL): the old one stays loaded. */
void aspace_activate(struct aspace *as);
/* execve: makes `as` (may be NULL for exit) the current thread's address space. => the old one, for aspace_put. */
struct aspace *aspace_swap_current(struct aspace *as);

struct vm_map_request {
	u64 addr, length;          /* addr: hint, or exact with VM_MAP_FIXED */
	u32 prot, max_prot, flags; /* VM_*; max_prot 0: all */
	u32 how;                   /* VM_MAP_* */
	struct vm_object *object;  /* a reference is taken; NULL anonymous private */
	u64 offset;
	struct file *file; /* borrowed; area ops' open takes its own reference */
	const struct vm_area_ops *ops;
	void *private;
};
enum { VM_MAP_FIXED = 1, VM_MAP_NOREPLACE = 2, VM_MAP_POPULATE = 4, VM_MAP_32BIT = 8 };
/* Memory without a file, that the request's owner shares or that consists of huge pages: an object of req->length, whose
 * reference the caller drops after vm_map(). => 0 or -ENOMEM. */
MUST_CHECK int vm_request_shared(struct vm_map_request *req);
MUST_CHECK int vm_request_huge(struct vm_map_request *req);
/* Whether the place that is asked for with VM_MAP_FIXED could be had: Linux asks before it looks at what is to be mapped.
 * => 0, -EPERM, -EEXIST. Only vm_map() decides. */
MUST_CHECK int vm_place_check(struct aspace *as, const struct vm_map_request *req);
/* => user address, or -ENOMEM, -EINVAL, -EEXIST, -EPERM, -EAGAIN (RLIMIT_MEMLOCK). Takes the write lock. */
MUST_CHECK s64 vm_map(struct aspace *as, const struct vm_map_request *req);
MUST_CHECK int vm_unmap(struct aspace *as, u64 addr, u64 length);
/* prot may have PROT_GROWSDOWN: down to the start of the stack area. */
MUST_CHECK int vm_protect(struct aspace *as, u64 addr, u64 length, u32 prot);
/* remap_file_pages(2): [addr, addr + length) of a shared mapping shows its object from `offset` on. */
MUST_CHECK int vm_map_again(struct aspace *as, u64 addr, u64 length, u64 offset);
/* shmdt(2): unmaps every area of `object` that shmat made in one go at addr: those whose start - offset
 * equals addr and whose ops are `ops`. => 0, or -EINVAL when there is none. */
MUST_CHECK int vm_unmap_object(struct aspace *as, u64 addr, const struct vm_area_ops *ops);
/* vm.overcommit_memory, proc_sys_vm(5): what could never be had is refused, or nothing is. Nobody counts what was promised,
 * so 2, strict accounting, cannot be set. */
enum { VM_OVERCOMMIT_GUESS = 0, VM_OVERCOMMIT_ALWAYS = 1 };
extern s32 vm_overcommit_memory; /* [a] */
/* May so much memory be promised? For objects without VM_NORESERVE. => 0, -ENOMEM. */
MUST_CHECK int vm_commit_check(u64 pages);
/* Area containing addr, or the next one above. Lock held. */
struct vm_area *vm_area_find(struct aspace *as, u64 addr);
struct vm_area *vm_area_first(struct aspace *as);
struct vm_area *vm_area_next(struct vm_area *a);

/* Makes [start, end) present as a touch by the user would. No lock held. => 0, -ENOMEM, -EFAULT. */
MUST_CHECK int vm_populate(struct aspace *as, u64 start, u64 end);

/* futex(2) keys. Shared mapping: (object id, byte offset), private: (aspace id, address). => 0 or -EFAULT. May sleep. */
struct futex_key {
	u64 space;
	u64 offset;
};
MUST_CHECK int vm_futex_key_shared(struct aspace *as, uptr_t addr, struct futex_key *out);
MUST_CHECK static inline int vm_futex_key(struct aspace *as, uptr_t addr, bool private_flag,
                                          struct futex_key *out)
{
	if (unlikely(addr.addr >= 0x00007ffffffff000ull))
		return -EFAULT;
	if (likely(private_flag)) {
		*out = (struct futex_key){as->id, addr.addr};
		return 0;
	}
	return vm_futex_key_shared(as, addr, out);
}

/* Reads or writes another process's memory (ptrace-like uses: /proc/PID/cmdline, environ, mem).
 * => bytes (short at the first address that cannot be had), or -EIO when there is none, -ENOMEM. */
ssize vm_access(struct aspace *as, u64 addr, void *buf, size_t n, bool write);
/* The same with the rights of the owner: process_vm_readv(2). => -EFAULT when there is none. */
ssize vm_access_checked(struct aspace *as, u64 addr, void *buf, size_t n, bool write);

struct vm_area_stats { /* bytes */
	u64 resident, private_clean, private_dirty, shared_clean, shared_dirty, anonymous;
	u64 proportional, proportional_dirty,
		proportional_anonymous; /* a page's size by its users */
	u64 shared_huge, private_huge;  /* are not in the others */
};
/* For smaps. Lock held for reading. */
void vm_area_stats(struct vm_area *a, struct vm_area_stats *out);
