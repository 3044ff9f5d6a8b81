/* Making and removing segments. */
#include "kernel/ipc/shm/segment.h"
#include "kernel/lib/checked.h"
#include "kernel/lib/string.h"

/* Quota of shmall: taken when made, given back when gone. */
static int pages_charge(struct ipc_namespace *ns, u64 pages)
{
	u64 total = load_relaxed(&ns->shm_pages), sum;

	do {
		if (add_overflows(total, pages, &sum) || sum > load_relaxed(&ns->shm_all))
			return -ENOSPC;
	} while (!__atomic_compare_exchange_n(&ns->shm_pages, &total, sum, true, __ATOMIC_RELAXED,
	                                      __ATOMIC_RELAXED));
	return 0;
}

static void pages_uncharge(struct ipc_namespace *ns, u64 pages)
{
	__atomic_sub_fetch(&ns->shm_pages, pages, __ATOMIC_RELAXED);
}

static int size_check(struct ipc_namespace *ns, const struct ipc_get_request *rq)
{
	if (rq->size < SHMMIN || rq->size > load_relaxed(&ns->shm_max))
		return -EINVAL;
	if (rq->size > UINT64_MAX - PORT_PAGE_SIZE)
		return -ENOSPC;
	return 0;
}

static struct port_memory *memory_new(const struct ipc_get_request *rq)
{
	u32 kind = rq->flags & SHM_NORESERVE ? PORT_UNRESERVED : PORT_RESERVED;

	if (!(rq->flags & SHM_HUGETLB)) /* no file can be so long */
		return rq->size > INT64_MAX ? err_ptr(-EINVAL) : port_memory_new(rq->size, kind);
	if (!port_huge_size_known(rq->flags >> SHM_HUGE_SHIFT & SHM_HUGE_MASK))
		return err_ptr(-EINVAL);
	return port_memory_new(rq->size, kind | PORT_HUGE_PAGES);
}

/* What /proc/PID/maps shows; by hand, since printf costs a tenth of a small segment's life. */
static void name_write(char name[24], u32 key)
{
	static const char plain[24] = "/SYSV00000000 (deleted)";

	memcpy(name, plain, sizeof plain);
	for (char *digit = name + 12; key; key >>= 4)
		*digit-- = "0123456789abcdef"[key % 16];
}

static void segment_init(struct shm_segment *s, const struct ipc_get_request *rq)
{
	ipc_object_init(&s->obj, rq->key, rq->flags, LOCK_CLASS_SHM_SEG);
	s->obj.units = rq->size;
	s->huge = rq->flags & SHM_HUGETLB;
	s->ns = port_ipc_ns();
	s->ctime = port_real_seconds();
	s->cpid = port_pid();
	s->creator = port_who();
	name_write(s->name, (u32)rq->key.n);
}

static struct ipc_object *segment_new(struct ipc_get_request rq)
{
	struct ipc_namespace *ns = port_ipc_ns();
	u64 pages = (rq.size + PORT_PAGE_SIZE - 1) / PORT_PAGE_SIZE;
	int err = size_check(ns, &rq);

	if (!err)
		err = pages_charge(ns, pages);
	if (err)
		return err_ptr(err);
	struct shm_segment *s = port_alloc(sizeof *s);
	struct port_memory *memory = s ? memory_new(&rq) : err_ptr(-ENOMEM);
	if (is_err(memory)) {
		port_free(s);
		pages_uncharge(ns, pages);
		return (struct ipc_object *)memory;
	}
	s->memory = memory;
	segment_init(s, &rq);
	return &s->obj;
}

static void segment_release(struct shm_segment *s)
{
	if (s->payer)
		port_memlock_uncharge(s->payer, shm_pages(s) * PORT_PAGE_SIZE);
	pages_uncharge(s->ns, shm_pages(s));
	port_memory_put(s->memory);
}

static void segment_free_unpublished(struct ipc_object *o)
{
	struct shm_segment *s = container_of(o, struct shm_segment, obj);

	segment_release(s);
	port_free(s);
}

static void segment_free_deferred(struct port_defer *d)
{
	port_free(container_of(d, struct shm_segment, obj.defer));
}

s32 shm_get(struct ipc_namespace *ns, ipc_key_t key, u64 size, u32 flags)
{
	static const struct ipc_family family = {.new = segment_new,
	                                         .free = segment_free_unpublished};

	return ipc_get(&ns->shm, &family,
	               (struct ipc_get_request){.key = key, .flags = flags, .size = size});
}

void shm_destroy(struct shm_segment *s)
{
	(void)!ipc_ids_del(&s->ns->shm, &s->obj);
	segment_release(s);
	port_defer(&s->obj.defer, segment_free_deferred);
}

/* IPC_RMID with live attaches: the key is free for others at once, the id works on. */
int shm_remove(struct ipc_namespace *ns, ipc_id_t id)
{
	port_read_lock();
	struct shm_segment *s = shm_find(ns, id);
	TRY(shm_enter(s, s ? ipc_permit_control(&s->obj) : -EINVAL));
	store_relaxed(&s->obj.mode, s->obj.mode | SHM_DEST);
	bool over = shm_is_over(s);
	s->obj.removed = over;
	port_unlock(&s->obj.lock);
	if (over)
		shm_destroy(s);
	else
		ipc_ids_hide(&ns->shm, &s->obj);
	port_read_unlock();
	return 0;
}

/* Unlocks s, and destroys it if it may go and nobody has it attached. Read section. */
static void unlock_and_destroy(struct shm_segment *s, bool may_go)
{
	bool over = may_go && !s->attaches && !s->obj.removed;

	if (over)
		s->obj.removed = true;
	port_unlock(&s->obj.lock);
	if (over)
		shm_destroy(s);
}

void shm_set_rmid_forced(struct ipc_namespace *ns, s32 on)
{
	struct ipc_object *o;

	store_relaxed(&ns->shm_rmid_forced, on);
	if (!on)
		return;
	port_read_lock();
	for (u32 i = 0; (o = ipc_ids_next(&ns->shm, &i)); i++) {
		struct shm_segment *s = container_of(o, struct shm_segment, obj);
		port_lock(&s->obj.lock);
		bool orphan = !s->creator.tid || !port_who_exists(s->creator);
		unlock_and_destroy(s, orphan);
	}
	port_read_unlock();
}

static void creator_leaves(struct ipc_namespace *ns)
{
	struct port_who me = port_who();
	struct ipc_object *o;

	port_read_lock();
	for (u32 i = 0; (o = ipc_ids_next(&ns->shm, &i)); i++) {
		struct shm_segment *s = container_of(o, struct shm_segment, obj);
		port_lock(&s->obj.lock);
		bool mine = s->creator.tid == me.tid && s->creator.born == me.born;
		if (mine)
			s->creator.tid = 0;
		unlock_and_destroy(s, mine && load_relaxed(&ns->shm_rmid_forced));
	}
	port_read_unlock();
}

void shm_thread_exit(struct ipc_namespace *ns)
{
	if (unlikely(load_relaxed(&ns->shm_rmid_forced)))
		creator_leaves(ns);
}

void shm_thread_leaves(struct ipc_namespace *ns)
{
	creator_leaves(ns);
}

void shm_ns_teardown(struct ipc_namespace *ns)
{
	struct ipc_object *o;

	port_read_lock();
	for (u32 i = 0; (o = ipc_ids_next(&ns->shm, &i)); i++) {
		struct shm_segment *s = container_of(o, struct shm_segment, obj);
		port_lock(&s->obj.lock);
		unlock_and_destroy(s, true);
	}
	port_read_unlock();
}
