/*
 * Memory and mappings for shared memory segments: nothing is mapped, but comings and goings are told, and where a
 * kernel would allocate, an allocation may fail here.
 */
#include "tests/port/memory.h"
#include "kernel/ipc/shm/shm.h"

struct port_memory {
	u64 bytes;
};
struct mapping { /* "mapped" at its own address times the page size */
	struct shm_segment *segment;
};
static const u64 memlock_limit = 16 * PORT_PAGE_SIZE; /* of all together */
struct port_payer {
	u64 bytes;
};
static struct port_payer everybody;

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
	return m->bytes / PORT_PAGE_SIZE;
}

static struct mapping *mapping_at(u64 at)
{
	return (struct mapping *)(uintptr_t)(at / PORT_PAGE_SIZE);
}

static s64 map(struct shm_segment *s)
{
	struct mapping *m = port_alloc(sizeof *m);

	if (!m)
		return -ENOMEM;
	m->segment = s;
	shm_mapped(s);
	return (s64)((uintptr_t)m * PORT_PAGE_SIZE);
}

s64 port_attach(const struct port_attach *rq)
{
	return map(rq->segment);
}

s64 port_mapping_fork(s64 at)
{
	return map(mapping_at((u64)at)->segment);
}

int port_detach(u64 addr)
{
	struct mapping *m = mapping_at(addr);

	if (!m)
		return -EINVAL;
	shm_unmapped(m->segment);
	port_free(m);
	return 0;
}

u64 port_memlock_limit(void)
{
	return memlock_limit;
}

struct port_payer *port_memlock_charge(u64 bytes)
{
	if (__atomic_add_fetch(&everybody.bytes, bytes, __ATOMIC_RELAXED) <= memlock_limit)
		return &everybody;
	port_memlock_uncharge(&everybody, bytes);
	return NULL;
}

void port_memlock_uncharge(struct port_payer *p, u64 bytes)
{
	__atomic_sub_fetch(&p->bytes, bytes, __ATOMIC_RELAXED);
}

u64 port_memlock_charged(void)
{
	return __atomic_load_n(&everybody.bytes, __ATOMIC_RELAXED);
}

struct port_who port_who(void)
{
	return (struct port_who){port_tid(), 0};
}

bool port_who_exists(struct port_who w)
{
	return true;
}
