/* The id table and the key index. */
#include "kernel/ipc/ipc.h"
#include "kernel/lib/hash.h"
#include "kernel/lib/string.h"

enum {
	FIRST_CAPACITY = 64,
	FIRST_BUCKET_BITS = 4,
	CYCLE_MIN = 64, /* indices are not reused before this many were given out */
};

/* What a fresh table points to, so that lookups need not ask whether there is one. */
static struct ipc_slots no_slots;

void ipc_ids_init(struct ipc_ids *ids, u32 max_objects, u64 max_units)
{
	*ids = (struct ipc_ids){
		.slots = &no_slots,
		.last_index = -1,
		.wanted_id = -1,
		.max_objects = max_objects,
		.max_units = max_units,
	};
	port_lock_init(&ids->lock, LOCK_CLASS_IPC_NS);
}

void ipc_ids_destroy(struct ipc_ids *ids)
{
	ASSERT(ids->in_use == 0);
	if (ids->slots != &no_slots)
		port_free(ids->slots);
	port_free(ids->buckets);
}

static void slots_free(struct port_defer *d)
{
	port_free(container_of(d, struct ipc_slots, defer));
}

struct ipc_object *ipc_ids_next(const struct ipc_ids *ids, u32 *index)
{
	const struct ipc_slots *slots = load_acquire(&ids->slots);
	for (u32 i = *index; i < slots->capacity; i++) {
		u64 rest = load_relaxed(&slots->used[i / 64]) >> (i % 64);
		if (!rest) {
			i |= 63;
			continue;
		}
		i += __builtin_ctzll(rest);
		struct ipc_object *o = load_acquire(&slots->slot[i]);
		if (!o)
			continue;
		*index = i;
		return o;
	}
	return NULL;
}

int ipc_ids_highest(struct ipc_ids *ids)
{
	GUARD(port)
	(&ids->lock);
	for (u32 word = ids->slots->capacity / 64; word-- > 0;) {
		u64 used = ids->slots->used[word];
		if (used)
			return (int)(word * 64 + 63 - __builtin_clzll(used));
	}
	return 0;
}

/* => lowest free index in [from, to), or -1. Indices beyond the table are free. ids locked. */
static s32 index_free(const struct ipc_ids *ids, u32 from, u32 to)
{
	u32 capacity = ids->slots->capacity;
	while (from < to && from < capacity) {
		u64 free = ~ids->slots->used[from / 64] >> (from % 64);
		if (free) {
			from += __builtin_ctzll(free);
			break;
		}
		from = (from | 63) + 1;
	}
	return from < to ? (s32)from : -1;
}

/* The next id: cyclic, or what {sem,msg,shm}_next_id asked for. => index, *seq set, or -1. ids locked. */
static s32 index_choose(const struct ipc_ids *ids, u32 *seq)
{
	if (ids->wanted_id >= 0) {
		*seq = (u32)ids->wanted_id >> IPC_INDEX_BITS;
		return index_free(ids, ids->wanted_id & (IPC_INDEX_MAX - 1), IPC_INDEX_MAX);
	}
	u32 end = MIN(MAX(ids->in_use + ids->in_use / 2, (u32)CYCLE_MIN), (u32)IPC_INDEX_MAX);
	s32 index = index_free(ids, ids->next_index, end);
	if (index < 0)
		index = index_free(ids, 0, end);
	*seq = ids->sequence;
	if (index <= ids->last_index)
		*seq = ids->sequence + 1 >= IPC_SEQUENCE_MAX ? 0 : ids->sequence + 1;
	return index;
}

static struct ipc_object **bucket_of(const struct ipc_ids *ids, ipc_key_t key)
{
	return &ids->buckets[hash_bits((u32)key.n, ids->bucket_bits)];
}

/* => the object of `key`, or NULL. ids locked. */
static struct ipc_object *key_find(const struct ipc_ids *ids, ipc_key_t key)
{
	if (unlikely(!ids->bucket_bits))
		return NULL;
	struct ipc_object *o = *bucket_of(ids, key);
	while (o && o->key.n != key.n)
		o = o->key_next;
	return o;
}

static void key_add(struct ipc_ids *ids, struct ipc_object *o)
{
	struct ipc_object **bucket = bucket_of(ids, o->key);
	o->key_next = *bucket;
	*bucket = o;
	ids->keyed++;
}

static void key_del(struct ipc_ids *ids, struct ipc_object *o)
{
	struct ipc_object **link = bucket_of(ids, o->key);
	while (*link != o)
		link = &(*link)->key_next;
	*link = o->key_next;
	ids->keyed--;
}

/* Doubles the key index; keeps what another creator has enlarged meanwhile. => 0 or -ENOMEM. */
static int buckets_grow(struct ipc_ids *ids, u32 bits)
{
	struct ipc_object **old, **bigger = port_alloc(sizeof(*bigger) << bits);
	if (!bigger)
		return -ENOMEM;
	port_lock(&ids->lock);
	u32 old_bits = ids->bucket_bits;
	old = ids->buckets;
	if (bits > old_bits) {
		ids->buckets = bigger;
		ids->bucket_bits = bits;
		ids->keyed = 0;
		for (u32 i = 0; old && i < 1u << old_bits; i++)
			for (struct ipc_object *o = old[i], *next; o; o = next) {
				next = o->key_next;
				key_add(ids, o);
			}
		bigger = old;
	}
	port_unlock(&ids->lock);
	port_free(bigger);
	return 0;
}

/* A table with at least `capacity` slots; readers may go on in the old one. => 0 or -ENOMEM. */
static int slots_grow(struct ipc_ids *ids, u32 capacity)
{
	size_t slot_bytes = capacity * sizeof(struct ipc_object *);
	struct ipc_slots *bigger = port_alloc(sizeof *bigger + slot_bytes + capacity / 8);
	if (!bigger)
		return -ENOMEM;
	bigger->capacity = capacity;
	bigger->used = (u64 *)((char *)bigger->slot + slot_bytes);
	port_lock(&ids->lock);
	struct ipc_slots *old = ids->slots;
	if (old->capacity >= capacity) {
		port_unlock(&ids->lock);
		port_free(bigger);
		return 0;
	}
	memcpy(bigger->slot, old->slot, old->capacity * sizeof old->slot[0]);
	if (old->capacity)
		memcpy(bigger->used, old->used, old->capacity / 8);
	store_release(&ids->slots, bigger);
	port_unlock(&ids->lock);
	if (old != &no_slots)
		port_defer(&old->defer, slots_free);
	return 0;
}

/* ipc_ids_next() reads the bits without the lock. */
static void used_set(struct ipc_ids *ids, u32 index, u64 bit)
{
	u64 *word = &ids->slots->used[index / 64];

	store_relaxed(word, (*word & ~BIT(index % 64)) | bit);
}

/* The infallible half. ids locked, index free and inside the table. */
static s32 publish(struct ipc_ids *ids, struct ipc_object *o, u32 index, u32 seq)
{
	if (ids->wanted_id >= 0) {
		ids->wanted_id = -1;
	} else {
		ids->sequence = seq;
		ids->last_index = (s32)index;
		ids->next_index = index + 1;
	}
	o->id.n = (s32)(seq << IPC_INDEX_BITS | index);
	if (o->key.n != IPC_PRIVATE)
		key_add(ids, o);
	ids->in_use++;
	ids->units += o->units;
	used_set(ids, index, BIT(index % 64));
	store_release(&ids->slots->slot[index], o); /* pairs with ipc_ids_at() */
	return o->id.n;
}

/* One attempt to publish; what must grow first, and to what size. */
enum add_verdict { ADD_DONE, ADD_REFUSED, ADD_GROW_SLOTS, ADD_GROW_BUCKETS };
static enum add_verdict add_try(struct ipc_ids *ids, struct ipc_object *o, s32 *out_result,
                                u32 *out_size)
{
	u32 seq, capacity = ids->slots->capacity;
	s32 index;

	*out_result = -EEXIST;
	if (o->key.n != IPC_PRIVATE && key_find(ids, o->key))
		return ADD_REFUSED;
	*out_result = -ENOSPC;
	if (ids->in_use >= load_relaxed(&ids->max_objects) ||
	    ids->units + o->units > load_relaxed(&ids->max_units))
		return ADD_REFUSED;
	index = index_choose(ids, &seq);
	if (index < 0)
		return ADD_REFUSED;
	if ((u32)index >= capacity) {
		*out_size = MAX(capacity * 2, (u32)FIRST_CAPACITY);
		while (*out_size <= (u32)index)
			*out_size *= 2;
		return ADD_GROW_SLOTS;
	}
	if (o->key.n != IPC_PRIVATE &&
	    ids->keyed >> ids->bucket_bits >= (ids->bucket_bits ? 1 : 0)) {
		*out_size = ids->bucket_bits ? ids->bucket_bits + 1 : FIRST_BUCKET_BITS;
		return ADD_GROW_BUCKETS;
	}
	*out_result = publish(ids, o, (u32)index, seq);
	return ADD_DONE;
}

s32 ipc_ids_add(struct ipc_ids *ids, struct ipc_object *o)
{
	for (;;) {
		s32 result;
		u32 size;
		port_lock(&ids->lock);
		enum add_verdict verdict = add_try(ids, o, &result, &size);
		port_unlock(&ids->lock);
		switch (verdict) {
		case ADD_DONE:
		case ADD_REFUSED: return result;
		case ADD_GROW_SLOTS: TRY(slots_grow(ids, size)); break;
		case ADD_GROW_BUCKETS: TRY(buckets_grow(ids, size)); break;
		}
	}
}

bool ipc_ids_del(struct ipc_ids *ids, struct ipc_object *o)
{
	u32 index = (u32)o->id.n & (IPC_INDEX_MAX - 1);
	GUARD(port)
	(&ids->lock);
	if (ids->slots->slot[index] != o)
		return false;
	if (o->key.n != IPC_PRIVATE)
		key_del(ids, o);
	ids->in_use--;
	ids->units -= o->units;
	used_set(ids, index, 0);
	store_relaxed(&ids->slots->slot[index], NULL);
	return true;
}

void ipc_ids_hide(struct ipc_ids *ids, struct ipc_object *o)
{
	GUARD(port)(&ids->lock);
	if (ids->slots->slot[(u32)o->id.n & (IPC_INDEX_MAX - 1)] != o || o->key.n == IPC_PRIVATE)
		return;
	key_del(ids, o);
	store_relaxed(&o->key.n, IPC_PRIVATE);
}

/* The caller asked for a key that exists. => id or -errno. ids locked: the object cannot go away. */
static ALWAYS_INLINE s32 get_existing(const struct ipc_object *o, struct ipc_get_request rq)
{
	if (unlikely((rq.flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL)))
		return -EEXIST;
	if (unlikely(rq.size > o->units))
		return -EINVAL;
	TRY(ipc_permit(o, rq.flags));
	return o->id.n;
}

static s32 get_new(struct ipc_ids *ids, const struct ipc_family *family, struct ipc_get_request rq)
{
	struct ipc_object *o = TRY_PTR(family->new (rq));
	s32 id = ipc_ids_add(ids, o);
	if (id < 0)
		family->free(o);
	return id;
}

/* => the id of the key's object, if the caller may have it; -ENOENT: there is none. */
static ALWAYS_INLINE s32 get_keyed(struct ipc_ids *ids, struct ipc_get_request rq)
{
	port_lock(&ids->lock);
	const struct ipc_object *o = key_find(ids, rq.key);
	s32 id = likely(o) ? get_existing(o, rq) : -ENOENT;
	port_unlock(&ids->lock);
	return id;
}

/* Another creator may be faster: then its object is the answer, if it is still there. */
static NOINLINE s32 create_keyed(struct ipc_ids *ids, const struct ipc_family *family,
                                 struct ipc_get_request rq)
{
	for (;;) {
		s32 id = get_new(ids, family, rq);
		if (id != -EEXIST || (rq.flags & IPC_EXCL))
			return id;
		id = get_keyed(ids, rq);
		if (id != -ENOENT)
			return id;
	}
}

s32 ipc_get(struct ipc_ids *ids, const struct ipc_family *family, struct ipc_get_request rq)
{
	if (rq.key.n == IPC_PRIVATE)
		return get_new(ids, family, rq);
	s32 id = get_keyed(ids, rq);
	if (likely(id != -ENOENT) || !(rq.flags & IPC_CREAT))
		return id;
	return create_keyed(ids, family, rq);
}

int ipc_ids_stat(const struct ipc_ids *ids, s32 index, enum ipc_stat_check check,
                 struct ipc_object **out)
{
	/* Linux looks at the index part only: an id works too. */
	struct ipc_object *o = ipc_ids_at(ids, (u32)index & (IPC_INDEX_MAX - 1));
	if (!o)
		return -EINVAL;
	if (check == IPC_STAT_CHECKED)
		TRY(ipc_permit(o, IPC_READ));
	*out = o;
	return 0;
}
