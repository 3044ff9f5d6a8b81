/*
 * A segment inside: for the files of this folder only. The essay is in shm.h.
 */
#pragma once
#include "kernel/ipc/ns.h"
#include "kernel/ipc/shm/shm.h"

struct shm_segment {
	struct ipc_object obj; /* units: bytes asked for; mode has SHM_DEST and SHM_LOCKED, too */
	struct ipc_namespace *ns;   /* [I] referenced while attaches > 0 by the mappings */
	struct port_memory *memory; /* [I] */
	u64 attaches;               /* [l] mappings, and attaches in progress */
	s64 atime, dtime, ctime;    /* [l] seconds */
	s32 cpid, lpid;             /* [I]; [l] */
	struct port_who creator;    /* [l] tid 0: left the namespace; matters to shm_rmid_forced */
	struct port_payer *payer;   /* [l] of SHM_LOCK; NULL: not locked */
	bool huge;                  /* [I] huge pages: SHM_LOCK has nothing to do */
	char name[24];              /* [I] */
};

static inline u64 shm_pages(const struct shm_segment *s)
{
	return (s->obj.units + PORT_PAGE_SIZE - 1) / PORT_PAGE_SIZE;
}
/* Read section. */
static ALWAYS_INLINE struct shm_segment *shm_find(const struct ipc_namespace *ns, ipc_id_t id)
{
	_Static_assert(offsetof(struct shm_segment, obj) == 0, "a NULL object is a NULL segment");
	return (struct shm_segment *)ipc_ids_find(&ns->shm, id);
}
/* As ipc_object_enter() and ipc_object_leave(); s may be NULL when err is set. */
static ALWAYS_INLINE MUST_CHECK int shm_enter(struct shm_segment *s, int err)
{
	return ipc_object_enter((struct ipc_object *)s, err);
}
static ALWAYS_INLINE void shm_leave(struct shm_segment *s)
{
	ipc_object_leave(&s->obj);
}
/* Lock held: is it over when nobody has it attached? Then the caller, who sets `removed`, must call shm_destroy()
 * after unlocking. */
static inline bool shm_is_over(const struct shm_segment *s)
{
	return !s->attaches && !s->obj.removed &&
	       (s->obj.mode & SHM_DEST || load_relaxed(&s->ns->shm_rmid_forced));
}
void shm_destroy(struct shm_segment *s);
