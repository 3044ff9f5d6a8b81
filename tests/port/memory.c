/* Memory and mappings for shared memory segments: nothing is mapped, but comings and goings are told. */
#include <stdlib.h>
#include "kernel/ipc/port.h"
#include "kernel/ipc/shm/shm.h"

struct port_memory {
	u64 bytes;
};
struct mapping { /* its own address is where it is "mapped" */
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
	return UINT64_MAX;
}

bool port_process_exists(s32 pid)
{
	return true;
}
