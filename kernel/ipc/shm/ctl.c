/* shmctl(2). */
#include "kernel/ipc/shm/segment.h"
#include "kernel/lib/printf.h"

static void fill_stat(const struct shm_segment *s, struct shmid_ds *out)
{
	*out = (struct shmid_ds){
		.shm_segsz = s->obj.units,
		.shm_atime = s->atime,
		.shm_dtime = s->dtime,
		.shm_ctime = s->ctime,
		.shm_cpid = s->cpid,
		.shm_lpid = s->lpid,
		.shm_nattch = s->attaches,
	};
	ipc_perm_get(&s->obj, &out->shm_perm);
}

/* Read section. The memory of a removed segment is gone. */
static u64 pages_present(struct shm_segment *s)
{
	GUARD(port)(&s->obj.lock);
	return s->obj.removed ? 0 : port_memory_resident(s->memory);
}

int shm_stat(struct ipc_namespace *ns, ipc_id_t id, struct shmid_ds *out)
{
	port_read_lock();
	struct shm_segment *s = shm_find(ns, id);
	TRY(shm_enter(s, s ? ipc_permit(&s->obj, IPC_READ) : -EINVAL));
	fill_stat(s, out);
	shm_leave(s);
	return 0;
}

int shm_stat_index(struct ipc_namespace *ns, s32 index, enum ipc_stat_check check,
                   struct shmid_ds *out)
{
	struct ipc_object *o = NULL;
	port_read_lock();
	int err = ipc_ids_stat(&ns->shm, index, check, &o);
	TRY(ipc_object_enter(o, err));
	fill_stat(container_of(o, struct shm_segment, obj), out);
	int id = o->id.n;
	ipc_object_leave(o);
	return id;
}

int shm_set(struct ipc_namespace *ns, ipc_id_t id, const struct shmid_ds *in)
{
	port_read_lock();
	struct shm_segment *s = shm_find(ns, id);
	TRY(shm_enter(s, s ? ipc_permit_control(&s->obj) : -EINVAL));
	int err = ipc_perm_set(&s->obj, &in->shm_perm);
	if (!err)
		s->ctime = port_real_seconds();
	shm_leave(s);
	return err;
}

/* Without CAP_IPC_LOCK only owner and creator may, and whoever may lock nothing may not lock this. */
static int lock_permit(const struct shm_segment *s, u64 limit)
{
	u32 euid = port_euid();

	if (port_capable(PORT_CAP_IPC_LOCK))
		return 0;
	if (euid != load_relaxed(&s->obj.uid) && euid != s->obj.cuid)
		return -EPERM;
	return limit ? 0 : -EPERM;
}

int shm_lock(struct ipc_namespace *ns, ipc_id_t id)
{
	port_read_lock();
	struct shm_segment *s = shm_find(ns, id);
	TRY(shm_enter(s, s ? lock_permit(s, port_memlock_limit()) : -EINVAL));
	if (!s->huge && !s->payer) {
		s->payer = port_memlock_charge(shm_pages(s) * PORT_PAGE_SIZE);
		if (s->payer)
			store_relaxed(&s->obj.mode, s->obj.mode | SHM_LOCKED);
	}
	int err = s->huge || s->payer ? 0 : -ENOMEM;
	shm_leave(s);
	return err;
}

int shm_unlock(struct ipc_namespace *ns, ipc_id_t id)
{
	port_read_lock();
	struct shm_segment *s = shm_find(ns, id);
	TRY(shm_enter(s, s ? lock_permit(s, 1) : -EINVAL));
	store_relaxed(&s->obj.mode, s->obj.mode & ~(u32)SHM_LOCKED);
	struct port_payer *payer = TAKE(s->payer);
	u64 bytes = shm_pages(s) * PORT_PAGE_SIZE;
	shm_leave(s);
	if (payer)
		port_memlock_uncharge(payer, bytes);
	return 0;
}

int shm_limits(struct ipc_namespace *ns, struct shminfo *out)
{
	u64 segments = load_relaxed(&ns->shm.max_objects);

	*out = (struct shminfo){
		.shmmax = load_relaxed(&ns->shm_max),
		.shmmin = SHMMIN,
		.shmmni = segments,
		.shmseg = segments,
		.shmall = load_relaxed(&ns->shm_all),
	};
	return ipc_ids_highest(&ns->shm);
}

int shm_usage(struct ipc_namespace *ns, struct shm_info *out)
{
	struct ipc_object *o;

	*out = (struct shm_info){.shm_tot = load_relaxed(&ns->shm_pages)};
	port_read_lock();
	for (u32 i = 0; (o = ipc_ids_next(&ns->shm, &i)); i++) {
		out->used_ids++;
		out->shm_rss += pages_present(container_of(o, struct shm_segment, obj));
	}
	port_read_unlock();
	return ipc_ids_highest(&ns->shm);
}

int shm_proc_line(struct ipc_namespace *ns, u32 *index, char *buf, size_t size)
{
	port_read_lock();
	struct shm_segment *s = (struct shm_segment *)ipc_ids_next(&ns->shm, index);
	struct shmid_ds ds;
	u64 rss = 0;
	s32 id = 0;
	if (s) {
		rss = pages_present(s) * PORT_PAGE_SIZE;
		GUARD(port)(&s->obj.lock);
		fill_stat(s, &ds);
		id = s->obj.id.n;
	}
	port_read_unlock();
	if (!s)
		return 0;
	return snprintf(buf, size,
	                "%10d %10d  %4o %21llu %5u %5u  %5llu %5u %5u %5u %5u %10llu %10llu %10llu "
	                "%21llu %21llu\n",
	                ds.shm_perm.key, id, ds.shm_perm.mode, (unsigned long long)ds.shm_segsz,
	                ds.shm_cpid, ds.shm_lpid, (unsigned long long)ds.shm_nattch,
	                ds.shm_perm.uid, ds.shm_perm.gid, ds.shm_perm.cuid, ds.shm_perm.cgid,
	                (unsigned long long)ds.shm_atime, (unsigned long long)ds.shm_dtime,
	                (unsigned long long)ds.shm_ctime, (unsigned long long)rss, 0ull);
}
