#include "arch/cpu.h"
#include "kernel/lib/string.h"
#include "kernel/mm/slab.h"
#include "kernel/mm/vm_internal.h"
#include "kernel/mm/owner.h"
#include "kernel/sched/thread.h"

static struct slab_cache *aspace_cache;

/*
 * The page tables that this processor has loaded. lazy: its thread is a kernel thread that does not care;
 * a flush may then make it leave them (leave_here).
 */
PERCPU(struct aspace *, loaded_aspace);
PERCPU(bool, loaded_lazily);

void aspace_init(void)
{
	aspace_cache = slab_cache_new("aspace", sizeof(struct aspace), CACHE_LINE);
	area_cache_init();
	vm_object_init();
}

struct aspace *aspace_new(void)
{
	struct aspace *as = slab_zalloc(aspace_cache);

	if (!as)
		return err_ptr(-ENOMEM);
	if (pagetable_root_new(&as->pt) < 0) {
		slab_free(aspace_cache, as);
		return err_ptr(-ENOMEM);
	}
	refcount_init(&as->users, 1);
	rwlock_init(&as->lock, ASPACE);
	spinlock_init(&as->pte_lock, PTE);
	range_set_init(&as->areas);
	as->id = vm_next_id();
	return as;
}

void aspace_get(struct aspace *as)
{
	refcount_get(&as->users);
}

static void aspace_free(struct rcu_head *head)
{
	slab_free(aspace_cache, container_of(head, struct aspace, rcu));
}

/* aspace_activate() may be interrupted by this at any point: it compares what CR3 holds, so it acts before
 * the new tables are loaded and not after. */
static void leave_here(void *arg)
{
	struct aspace *as = arg;

	if (pte_phys(cr3_read()) != as->pt.root)
		return;
	cr3_write(kernel_page_table);
	if (this_cpu(loaded_aspace) == as)
		this_cpu(loaded_aspace) = NULL;
	__atomic_and_fetch(&as->active_cpus, ~BIT(cpu_id()), __ATOMIC_RELAXED);
}

struct flush {
	struct aspace *as;
	u64 start, end;
};

static void flush_here(void *arg)
{
	const struct flush *f = arg;

	if (this_cpu(loaded_lazily))
		leave_here(f->as);
	else
		tlb_flush_local(f->as->pt.root, f->start, f->end);
}

void aspace_flush(struct aspace *as, u64 start, u64 end)
{
	struct flush f = {as, start, end};

	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* pairs with aspace_activate(), see tlb.c */
	u64 cpus = load_relaxed(&as->active_cpus), self = BIT(cpu_id());
	if (cpus & self)
		tlb_flush_local(as->pt.root, start, end);
	if (cpus & ~self)
		ipi_call(cpus & ~self, flush_here, &f);
}

/* No thread runs in it any more: no processor may walk its tables from here on. */
static void processors_leave(struct aspace *as)
{
	u64 cpus = load_acquire(&as->active_cpus), self = BIT(cpu_id());

	leave_here(as);
	if (cpus & ~self)
		ipi_call(cpus & ~self, leave_here, as);
}

static void teardown(struct aspace *as)
{
	struct list dead = LIST_INIT(dead);
	struct file *exe;

	processors_leave(as);
	write_lock(&as->lock);
	areas_retire_all(as, &dead); /* from here on truncation does not find it either */
	zap_final(as);
	pagetable_root_free(&as->pt);
	exe = TAKE(as->exe);
	write_unlock(&as->lock);
	areas_bury(&dead);
	if (exe)
		vm_owner_file_put(exe);
	rcu_call(&as->rcu, aspace_free);
}

void aspace_put(struct aspace *as)
{
	if (as && refcount_put(&as->users))
		teardown(as);
}

void aspace_activate(struct aspace *as)
{
	if (as)
		aspace_load(as);
	else
		this_cpu(loaded_lazily) = true;
}

struct aspace *aspace_swap_current(struct aspace *as)
{
	struct thread *t = thread_current();
	struct aspace *old = t->aspace;

	store_release(&t->aspace, as);
	aspace_activate(as);
	return old;
}
