/* Memory of shared memory segments, and its mappings: kernel/mm behind kernel/ipc/port.h. */
#include "kernel/ipc/shm/shm.h"
#include "kernel/mm/aspace.h"
#include "kernel/proc/rlimit.h"

static struct vm_object *object_of(const struct port_memory *m)
{
	return (struct vm_object *)m;
}

struct port_memory *port_memory_new(u64 bytes, enum port_reserve reserve)
{
	u64 pages = (bytes >> PAGE_SHIFT) + !!(bytes % PAGE_SIZE);

	if (reserve == PORT_RESERVED && vm_commit_check(pages) < 0)
		return NULL;
	return (struct port_memory *)vm_object_new(bytes, NULL, NULL);
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
static const struct vm_area_ops shm_area_ops = {
	.open = area_open,
	.close = area_close,
	.name = area_name,
};

s64 port_attach(const struct port_attach *rq)
{
	struct vm_map_request req = {
		.addr = rq->addr,
		.length = rq->bytes,
		.prot = rq->prot,
		.max_prot = rq->max_prot,
		.flags = VM_SHARED,
		.how = rq->fixed ? VM_MAP_FIXED | (rq->replace ? 0 : VM_MAP_NOREPLACE) : 0,
		.object = object_of(rq->memory),
		.ops = &shm_area_ops,
		.private = rq->segment,
	};

	if (rq->fixed && rq->addr + rq->bytes < rq->addr)
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

bool port_process_exists(s32 pid)
{
	struct process *p = process_lookup(pid);

	if (p)
		process_put(p);
	return p;
}
