/* shmat(2), shmdt(2), and the mappings that come and go by themselves. */
#include "abi/mman.h"
#include "kernel/ipc/shm/segment.h"

void shm_mapped(struct shm_segment *s)
{
	ipc_ns_get(s->ns);
	GUARD(port)(&s->obj.lock);
	s->attaches++;
	s->atime = port_real_seconds();
	s->lpid = port_pid();
}

/* One attach fewer. The segment is gone afterwards if it was the last one that kept it. */
static void attach_drop(struct shm_segment *s)
{
	s->attaches--;
	bool over = shm_is_over(s);
	if (over)
		s->obj.removed = true;
	port_unlock(&s->obj.lock);
	if (over)
		shm_destroy(s);
}

void shm_unmapped(struct shm_segment *s)
{
	struct ipc_namespace *ns = s->ns;

	port_lock(&s->obj.lock);
	s->dtime = port_real_seconds();
	s->lpid = port_pid();
	attach_drop(s);
	ipc_ns_put(ns);
}

const char *shm_name(const struct shm_segment *s)
{
	return s->name;
}

s32 shm_number(const struct shm_segment *s)
{
	return s->obj.id.n;
}

/* The order of checks is that of Linux' do_shmat(). */
static int attach_request(u64 addr, u32 flags, struct port_attach *out)
{
	*out = (struct port_attach){.prot = PROT_READ, .max_prot = PROT_READ | PROT_EXEC};
	if (addr) {
		if (addr % SHMLBA && flags & SHM_RND) {
			addr -= addr % SHMLBA;
			if (!addr && flags & SHM_REMAP)
				return -EINVAL;
		}
		if (addr % PORT_PAGE_SIZE)
			return -EINVAL;
		out->fixed = true;
	} else if (flags & SHM_REMAP) {
		return -EINVAL;
	}
	out->addr = addr;
	out->replace = flags & SHM_REMAP;
	if (!(flags & SHM_RDONLY)) {
		out->prot |= PROT_WRITE;
		out->max_prot |= PROT_WRITE;
	}
	if (flags & SHM_EXEC)
		out->prot |= PROT_EXEC;
	return 0;
}

static u32 attach_access(u32 flags)
{
	u32 want = IPC_READ;

	if (!(flags & SHM_RDONLY))
		want |= IPC_WRITE;
	if (flags & SHM_EXEC)
		want |= 0111;
	return want;
}

s64 shm_attach(struct ipc_namespace *ns, ipc_id_t id, u64 addr, u32 flags)
{
	struct port_attach rq;

	if (id.n < 0)
		return -EINVAL;
	TRY(attach_request(addr, flags, &rq));
	port_read_lock();
	struct shm_segment *s = shm_find(ns, id);
	TRY(shm_enter(s, s ? ipc_permit(&s->obj, attach_access(flags)) : -EINVAL));
	s->attaches++; /* keeps it while it is mapped; on Linux, too, others see this for a moment */
	shm_leave(s);

	rq.memory = s->memory;
	rq.bytes = s->obj.units;
	rq.segment = s;
	s64 at = port_attach(&rq);

	port_lock(&s->obj.lock);
	attach_drop(s);
	return at;
}

int shm_detach(u64 addr)
{
	return addr % PORT_PAGE_SIZE ? -EINVAL : port_detach(addr);
}
