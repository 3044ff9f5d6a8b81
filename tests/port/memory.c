/* Memory and mappings for shared memory segments: nothing is mapped, but comings and goings are told. */
#include <stdlib.h>
#include "kernel/ipc/port.h"
#include "kernel/ipc/shm/shm.h"

struct port_memory {
	u64 bytes;
};
static const u64 memlock_limit = 16 * PORT_PAGE_SIZE; /* of all together */
struct mapping {                                      /* its own address is where it is "mapped" */
	struct shm_segment *segment;
} __attribute__((aligned(PORT_PAGE_SIZE)));

struct port_memory *port_memory_new(u64 bytes, u32 kind)
{
	struct port_memory *m = kind & PORT_HUGE_PAGES ? NULL : port_alloc(sizeof *m);

	if (!m)
		return err_ptr(-ENOMEM);
	m->bytes = bytes;
	return m;
}

bool port_huge_size_known(u32 log)
{
	return log == 0 || log == 21;
}

void port_memory_put(struct port_memory *m)
{
	port_free(m);
}

u64 port_memory_resident(const struct port_memory *m)
{
	return 0;
}

s64 port_attach(const struct port_attach *rq)
{
	struct mapping *m = aligned_alloc(PORT_PAGE_SIZE, sizeof *m);

	if (!m)
		return -ENOMEM;
	m->segment = rq->segment;
	shm_mapped(rq->segment);
	return (s64)(uintptr_t)m;
}

int port_detach(u64 addr)
{
	struct mapping *m = (struct mapping *)(uintptr_t)addr;

	if (!m)
		return -EINVAL;
	shm_unmapped(m->segment);
	free(m);
	return 0;
}

u64 port_memlock_limit(void)
{
	return memlock_limit;
}

struct port_payer {
	u64 bytes;
};
struct port_payer *port_memlock_charge(u64 bytes)
{
	static struct port_payer everybody;

	if (__atomic_add_fetch(&everybody.bytes, bytes, __ATOMIC_RELAXED) <= memlock_limit)
		return &everybody;
	port_memlock_uncharge(&everybody, bytes);
	return NULL;
}

void port_memlock_uncharge(struct port_payer *p, u64 bytes)
{
	__atomic_sub_fetch(&p->bytes, bytes, __ATOMIC_RELAXED);
}

struct port_who port_who(void)
{
	return (struct port_who){port_tid(), 0};
}

bool port_who_exists(struct port_who w)
{
	return true;
}
