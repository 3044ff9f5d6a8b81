/*
 * What the System V families share: identifiers, keys, permission, namespaces.
 *
 * An object (semaphore set, message queue, memory segment) begins with a struct ipc_object. A
 * namespace holds one struct ipc_ids for each family: an id table that finds the object of an id, and
 * a key index that finds the object of a key.
 *
 *	id = sequence << 15 | index. The index is a slot of the table and is given out cyclically, the
 *	sequence grows when the indices start over; so an id that was removed stays invalid for long,
 *	and tools that take ids apart (ipcs, CRIU) agree with Linux.
 *
 * Objects and lifetimes
 *	struct ipc_object	made by its family, published by ipc_ids_add(), withdrawn by
 *				ipc_ids_del(), freed by port_defer(). Not reference counted: whoever
 *				found it in a read section may use its memory until the section ends,
 *				and must look at `removed` once it has the object's lock.
 *	struct ipc_namespace	reference counted (ns.h); takes its objects with it.
 *
 *	         family's new()         ipc_ids_add          ipc_ids_del, removed = true
 *	(nothing) -----------> private -------------> found by id and key ------------> unreachable
 *	                          | EEXIST, ENOSPC, ENOMEM                                   | readers leave
 *	                          v                                                          v
 *	                        freed                                                      freed
 *
 * Creation has a fallible half (memory, room in the table, quota) and an infallible one (publish): no
 * step has to be taken back when a later one fails.
 *
 * Locking
 *	port_read_lock
 *	    ids->lock (IPC_NS)		slots, keys, counters: add and delete, lookup by key
 *	    object->lock (SEM_SET ...)	everything else of the object
 *	        The ids lock is never taken while an object is locked.
 *	Lookup by id takes no lock: slots are published with release and read with acquire.
 *
 * What protects a field: [I] immutable once published, [a] atomic, [l] the object's lock, [n] ids->lock.
 */
#pragma once
#include "abi/ipc.h"
#include "kernel/ipc/port.h"

/* Newtypes: an id cannot be passed for a key, nor an index for an id. */
typedef struct {
	s32 n;
} ipc_id_t;
typedef struct {
	s32 n;
} ipc_key_t;

struct ipc_object {
	struct port_lock lock;
	bool removed;                /* [l] */
	ipc_id_t id;                 /* [I] */
	ipc_key_t key;               /* [I], or IPC_PRIVATE from some time on: ipc_ids_hide */
	u32 cuid, cgid;              /* [I] creator */
	u32 uid, gid, mode;          /* [l] to write; permission checks read each once, unlocked */
	u64 units;                   /* [I] of what the family counts: semaphores, bytes */
	struct ipc_object *key_next; /* [n] */
	struct port_defer defer;
};

struct ipc_slots; /* ids.c */
struct ipc_ids {
	struct port_lock lock;
	struct ipc_slots *slots;     /* [a] replaced by a larger one */
	struct ipc_object **buckets; /* [n] keys; buckets_bits 0: none yet */
	u32 bucket_bits;             /* [n] */
	u32 keyed;                   /* [n] objects in the key index */
	u32 in_use;                  /* [n] objects */
	u64 units;                   /* [n] sum over objects */
	u32 next_index;              /* [n] where the cyclic search goes on */
	s32 last_index;              /* [n] given out last */
	u32 sequence;                /* [n] */
	s32 wanted_id;               /* [n] next id by sysctl, or -1 */
	u32 max_objects;             /* [a] ceilings that creation respects; sysctl sets them */
	u64 max_units;               /* [a] */
};

struct ipc_slots {
	struct port_defer defer;
	u64 capacity; /* [I] multiple of 64 */
	u64 *used;    /* [n] bitmap, behind the slots */
	struct ipc_object *slot[];
};

void ipc_ids_init(struct ipc_ids *ids, u32 max_objects, u64 max_units);
/* No objects left, nobody looks. */
void ipc_ids_destroy(struct ipc_ids *ids);

/* => the object in slot `index`, or NULL. Read section. */
static ALWAYS_INLINE struct ipc_object *ipc_ids_at(const struct ipc_ids *ids, u64 index)
{
	const struct ipc_slots *slots = load_acquire(&ids->slots);
	return likely(index < slots->capacity) ? load_acquire(&slots->slot[index]) : NULL;
}
/* => the object of `id`, or NULL: never existed, or stale. Read section. */
static ALWAYS_INLINE struct ipc_object *ipc_ids_find(const struct ipc_ids *ids, ipc_id_t id)
{
	struct ipc_object *o = ipc_ids_at(ids, (u32)id.n & (IPC_INDEX_MAX - 1));
	return likely(o && o->id.n == id.n) ? o : NULL;
}
/* => the object in the lowest used slot >= *index, *index updated, or NULL. Read section. */
struct ipc_object *ipc_ids_next(const struct ipc_ids *ids, u32 *index);
/* => highest used index, or 0 when there is none: what *_INFO commands return. */
int ipc_ids_highest(struct ipc_ids *ids);

/* Publishes o under its key. => its id, or -EEXIST (the key is taken), -ENOSPC, -ENOMEM. */
MUST_CHECK s32 ipc_ids_add(struct ipc_ids *ids, struct ipc_object *o);
/* Withdraws o. => false when somebody else already has. Caller then sets `removed` under o->lock. */
MUST_CHECK bool ipc_ids_del(struct ipc_ids *ids, struct ipc_object *o);

/* o keeps its id, but its key is free for others: it becomes IPC_PRIVATE. Nothing happens when o was withdrawn. */
void ipc_ids_hide(struct ipc_ids *ids, struct ipc_object *o);

/* A new object's common part: owner and creator are the caller. */
void ipc_object_init(struct ipc_object *o, ipc_key_t key, u32 mode, enum lock_class class);

/* How a family takes part in *get(2). */
struct ipc_get_request {
	ipc_key_t key;
	u32 flags; /* IPC_CREAT, IPC_EXCL and permission bits */
	u64 size;  /* units: semaphores, bytes; an existing object must have as many */
};
struct ipc_family {
	/* => an unpublished object, or err_ptr. */
	struct ipc_object *(*new)(struct ipc_get_request rq);
	void (*free)(struct ipc_object *o); /* unpublished */
};
/* semget(2), msgget(2), shmget(2) => id or -errno, in the order that Linux detects errors. */
MUST_CHECK s32 ipc_get(struct ipc_ids *ids, const struct ipc_family *family,
                       struct ipc_get_request rq);

/* May the caller access o? `want`: IPC_READ, IPC_WRITE or the flags of *get(2), best a constant.
 * => 0 or -EACCES. */
MUST_CHECK int ipc_permit_other(const struct ipc_object *o, u32 want);
/* => true when the caller may because o is its own: the usual case. */
static ALWAYS_INLINE bool ipc_permits_owner(const struct ipc_object *o, u32 want)
{
	u32 euid = port_euid();
	return likely(euid == o->cuid || euid == load_relaxed(&o->uid)) &&
	       likely(!((want >> 6 | want >> 3 | want) & ~(load_relaxed(&o->mode) >> 6) & 7));
}
static ALWAYS_INLINE MUST_CHECK int ipc_permit(const struct ipc_object *o, u32 want)
{
	return ipc_permits_owner(o, want) ? 0 : ipc_permit_other(o, want);
}
/* May the caller IPC_SET or IPC_RMID o? => 0 or -EPERM. */
MUST_CHECK int ipc_permit_control(const struct ipc_object *o);

/* Locks an object that was found in a read section, unless err says why not. => 0; or err, or -EIDRM: it was removed
 * meanwhile; the read section has ended then. */
static ALWAYS_INLINE MUST_CHECK int ipc_object_enter(struct ipc_object *o, int err)
{
	if (likely(!err)) {
		port_lock(&o->lock);
		if (likely(!o->removed))
			return 0;
		port_unlock(&o->lock);
		err = -EIDRM;
	}
	port_read_unlock();
	return err;
}
/* Unlocks, and ends the read section: the object may be gone. */
static ALWAYS_INLINE void ipc_object_leave(struct ipc_object *o)
{
	port_unlock(&o->lock);
	port_read_unlock();
}

/* *_STAT and *_STAT_ANY, which needs no permission to read. => 0 and the object at an index; -EINVAL, -EACCES. Read section. */
enum ipc_stat_check { IPC_STAT_CHECKED, IPC_STAT_UNCHECKED };
MUST_CHECK int ipc_ids_stat(const struct ipc_ids *ids, s32 index, enum ipc_stat_check check,
                            struct ipc_object **out);

/* IPC_STAT's and IPC_SET's view. Object locked. ipc_perm_set => 0 or -EINVAL, nothing changed. */
static inline void ipc_perm_get(const struct ipc_object *o, struct ipc_perm *out)
{
	*out = (struct ipc_perm){
		.key = load_relaxed(&o->key.n), /* ipc_ids_hide() */
		.uid = o->uid,
		.gid = o->gid,
		.cuid = o->cuid,
		.cgid = o->cgid,
		.mode = o->mode,
		.seq = (u16)((u32)o->id.n >> IPC_INDEX_BITS),
	};
}
MUST_CHECK int ipc_perm_set(struct ipc_object *o, const struct ipc_perm *in);
