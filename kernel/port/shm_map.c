/* Memory of shared memory segments, and its mappings: kernel/mm behind kernel/ipc/port.h. */
#include "kernel/ipc/shm/shm.h"
#include "kernel/mm/aspace.h"
#include "kernel/mm/huge.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/rlimit.h"

static struct vm_object *object_of(const struct port_memory *m)
{
	return (struct vm_object *)m;
}

/* hugetlbfs: the administrators of memory, and the group that they name. */
static bool may_take_huge_pages(void)
{
	return capable(CAP_IPC_LOCK) ||
	       cred_in_group(cred_current(), (u32)load_relaxed(&huge_shm_group));
}

static struct vm_object *huge_memory_new(u64 bytes, u32 kind)
{
	if (!may_take_huge_pages())
		return err_ptr(-EPERM);
	struct vm_object *o = bytes > INT64_MAX ? NULL : huge_object_new(bytes, NULL, NULL);
	if (!o)
		return err_ptr(-ENOMEM);
	if (kind & PORT_UNRESERVED || huge_object_reserve(o, 0, o->size) == 0)
		return o;
	vm_object_put(o);
	return err_ptr(-ENOMEM);
}

struct port_memory *port_memory_new(u64 bytes, u32 kind)
{
	u64 pages = (bytes >> PAGE_SHIFT) + !!(bytes % PAGE_SIZE);
	struct vm_object *o = NULL;

	if (kind & PORT_HUGE_PAGES)
		o = huge_memory_new(bytes, kind);
	else if (kind & PORT_UNRESERVED || vm_commit_check(pages) == 0)
		o = vm_object_new(bytes, NULL, NULL);
	return o ? (struct port_memory *)o : err_ptr(-ENOMEM);
}

bool port_huge_size_known(u32 log)
{
	return huge_size_known(log << MAP_HUGE_SHIFT);
}

void port_memory_put(struct port_memory *m)
{
	vm_object_put(object_of(m));
}

u64 port_memory_resident(const struct port_memory *m)
{
	return vm_object_resident(object_of(m));
}

static void area_open(struct vm_area *a)
{
	shm_mapped(a->private);
}
static void area_close(struct vm_area *a)
{
	shm_unmapped(a->private);
}
static const char *area_name(struct vm_area *a)
{
	return shm_name(a->private);
}
static u64 area_number(struct vm_area *a)
{
	return (u64)shm_number(a->private);
}
static const struct vm_area_ops shm_area_ops = {
	.number = area_number,
	.open = area_open,
	.close = area_close,
	.name = area_name,
};

/* At address 0, where SHM_RND may lead a user with privileges, Linux replaces what is there unasked. */
static u32 attach_how(const struct port_attach *rq)
{
	if (!rq->fixed)
		return 0;
	return rq->replace || !rq->addr ? VM_MAP_FIXED : VM_MAP_FIXED | VM_MAP_NOREPLACE;
}

s64 port_attach(const struct port_attach *rq)
{
	/* What was not promised when the segment was made is not promised now. */
	static const u32 huge_flags = VM_SHARED | VM_HUGE | VM_DONTEXPAND | VM_PROMISED;
	struct vm_map_request req = {
		.addr = rq->addr,
		.length = rq->bytes,
		.prot = rq->prot,
		.max_prot = rq->max_prot,
		.flags = object_of(rq->memory)->page_order ? huge_flags : VM_SHARED,
		.how = attach_how(rq),
		.object = object_of(rq->memory),
		.ops = &shm_area_ops,
		.private = rq->segment,
	};

	if (req.how & VM_MAP_NOREPLACE && rq->addr + rq->bytes < rq->addr)
		return -EINVAL;
	s64 at = vm_map(thread_current()->aspace, &req);
	return at == -EEXIST ? -EINVAL : at;
}

int port_detach(u64 addr)
{
	return vm_unmap_object(thread_current()->aspace, addr, &shm_area_ops);
}

u64 port_memlock_limit(void)
{
	return rlimit(RLIMIT_MEMLOCK);
}

struct port_payer *port_memlock_charge(u64 bytes)
{
	struct user *u = cred_current()->user;
	u64 pages = ROUND_UP(bytes, PAGE_SIZE) >> PAGE_SHIFT;
	u64 locked = __atomic_add_fetch(&u->locked_shm_pages, pages, __ATOMIC_RELAXED);

	if (locked > rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT && !capable(CAP_IPC_LOCK)) {
		__atomic_sub_fetch(&u->locked_shm_pages, pages, __ATOMIC_RELAXED);
		return NULL;
	}
	user_get(u);
	return (struct port_payer *)u;
}

void port_memlock_uncharge(struct port_payer *p, u64 bytes)
{
	struct user *u = (struct user *)p;

	__atomic_sub_fetch(&u->locked_shm_pages, ROUND_UP(bytes, PAGE_SIZE) >> PAGE_SHIFT,
	                   __ATOMIC_RELAXED);
	user_put(u);
}

struct port_who port_who(void)
{
	const struct task *t = task_current();

	return (struct port_who){t->tid, t->start_ns};
}

bool port_who_exists(struct port_who w)
{
	rcu_read_lock();
	const struct task *t = task_find(w.tid);
	bool exists = t && t->start_ns == w.born;
	rcu_read_unlock();
	return exists;
}
