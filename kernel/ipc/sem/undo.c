/*
 * SEM_UNDO: what a process gives back when it ends.
 *
 * A list belongs to the tasks that share it (CLONE_SYSVSEM), by reference count. It is a hash of entries by
 * set; an entry holds the sum to add to each semaphore of its set. The entry that was used last is
 * remembered, since nearly always it is used next.
 *
 * An entry hangs on two hooks: in the list's hash, and in the set's `undos`. RMID takes it off the set, exit
 * takes it off the list, and they may race. So: `entry->set` is cleared under the set's lock, by whoever
 * is first; and whoever unhashes the entry, under the list's lock, frees it. Both lists and entries are
 * freed after a grace period, so the loser may still look.
 *
 *	RMID on CPU 0					exit on CPU 1
 *	lock set: entry->set = NULL, unlock		lock list: unhash entry, unlock: mine to free
 *	lock list: hashed? no: not mine			set = entry->set; NULL: nothing to apply
 *							   else lock it, look again, apply, clear
 */
#include "kernel/ipc/sem/set.h"
#include "kernel/lib/hash.h"
#include "kernel/lib/string.h"

static struct sem_undo_list *list_new(void)
{
	struct sem_undo_list *l = port_alloc(sizeof *l);
	if (!l)
		return NULL;
	refcount_init(&l->refs, 1);
	port_lock_init(&l->lock, LOCK_CLASS_SEM_UNDO);
	l->mask = SEM_UNDO_BUCKETS - 1;
	l->buckets = l->first_buckets;
	return l;
}

static void list_free(struct port_defer *d)
{
	struct sem_undo_list *l = container_of(d, struct sem_undo_list, defer);
	for (struct sem_undo *u = l->settled, *next; u; u = next) {
		next = u->chain;
		port_free(u);
	}
	if (l->buckets != l->first_buckets)
		port_free(l->buckets);
	port_free(l);
}

static void undo_free(struct port_defer *d)
{
	port_free(container_of(d, struct sem_undo, defer));
}

static struct sem_undo **bucket_of(struct sem_undo_list *l, const struct sem_set *set)
{
	return &l->buckets[hash_u64((uintptr_t)set) >> 32 & l->mask];
}

/* => the living entry for set, or NULL. List locked. */
static struct sem_undo *find(struct sem_undo_list *l, const struct sem_set *set)
{
	struct sem_undo *u = *bucket_of(l, set);
	/* An entry of a removed set may still be hashed although the memory is a new set by now. */
	while (u && (u->key != set || load_relaxed(&u->set) != set))
		u = u->chain;
	return u;
}

static void hash_entry(struct sem_undo_list *l, struct sem_undo *u)
{
	struct sem_undo **bucket = bucket_of(l, u->key);
	u->chain = *bucket;
	*bucket = u;
	u->hashed = true;
	l->count++;
}

/* => false when somebody else has; then the entry is theirs to free. List locked. */
static bool unhash_entry(struct sem_undo_list *l, struct sem_undo *u)
{
	struct sem_undo **link = bucket_of(l, u->key);
	if (!u->hashed)
		return false;
	while (*link != u)
		link = &(*link)->chain;
	*link = u->chain;
	u->hashed = false;
	l->count--;
	if (l->last == u)
		store_relaxed(&l->last, NULL);
	return true;
}

/* Four times the hash; without memory it merely stays slow. */
static NOINLINE void list_grow(struct sem_undo_list *l)
{
	u32 mask = load_relaxed(&l->mask);
	struct sem_undo **bigger = port_alloc(sizeof(*bigger) * (mask + 1) * 4), **old = bigger;
	if (!bigger)
		return;
	port_lock(&l->lock);
	if (l->mask == mask) {
		old = l->buckets;
		l->buckets = bigger;
		l->mask = mask * 4 + 3;
		l->count = 0;
		for (u32 i = 0; i <= mask; i++)
			for (struct sem_undo *u = old[i], *next; u; u = next) {
				next = u->chain;
				hash_entry(l, u);
			}
	}
	port_unlock(&l->lock);
	if (old != l->first_buckets)
		port_free(old);
}

/* The caller's list, made at first use; tasks that share one got it at clone (sem_undo_share). */
static struct sem_undo_list *own_list(void)
{
	struct sem_undo_list **slot = port_sem_undo();
	if (!*slot)
		*slot = list_new();
	return *slot;
}

/* Hangs u on both hooks. => false: the set was removed. List locked. */
static bool attach(struct sem_undo_list *l, struct sem_set *set, struct sem_undo *u)
{
	GUARD(port)(&set->obj.lock);
	if (set->obj.removed)
		return false;
	u->key = u->set = set;
	u->list = l;
	list_add(&set->undos, &u->set_link);
	hash_entry(l, u);
	return true;
}

/* A new entry for set, unless a thread that shares the list was faster. => the entry, or err_ptr. */
static struct sem_undo *add(struct sem_undo_list *l, struct sem_set *set)
{
	struct sem_undo *u, *fresh = port_alloc(sizeof *u + set->nsems * sizeof u->adjust[0]);
	if (!fresh)
		return err_ptr(-ENOMEM);
	port_lock(&l->lock);
	u = refcount_read(&l->refs) > 1 ? find(l, set) : NULL;
	if (!u)
		u = attach(l, set, fresh) ? fresh : err_ptr(-EIDRM);
	if (!is_err(u))
		store_relaxed(&l->last, u); /* a hint only while hashed: unhashing clears it */
	port_unlock(&l->lock);
	if (unlikely(u != fresh))
		port_free(fresh);
	return u;
}

struct sem_undo *sem_undo_obtain_slow(struct sem_set *set)
{
	struct sem_undo_list *l = own_list();
	if (!l)
		return err_ptr(-ENOMEM);
	port_lock(&l->lock);
	struct sem_undo *u = find(l, set);
	bool full = l->count > l->mask;
	if (u)
		store_relaxed(&l->last, u);
	port_unlock(&l->lock);
	if (u)
		return u;
	if (unlikely(full))
		list_grow(l);
	return add(l, set);
}

bool sem_undo_shared(const struct sem_undo *undo)
{
	return refcount_read(&undo->list->refs) > 1;
}

void sem_undo_clear_all(struct sem_set *set)
{
	struct sem_undo *u;
	list_for_each (u, &set->undos, set_link)
		memset(u->adjust, 0, set->nsems * sizeof u->adjust[0]);
}

void sem_undo_detach(struct sem_set *set, struct list *out)
{
	struct sem_undo *u;
	list_for_each (u, &set->undos, set_link)
		store_relaxed(&u->set, NULL);
	list_splice_tail(out, &set->undos);
}

void sem_undo_free_detached(struct list *detached)
{
	struct list *node;
	while ((node = list_pop(detached))) {
		struct sem_undo *u = list_entry(node, struct sem_undo, set_link);
		port_lock(&u->list->lock);
		bool mine = unhash_entry(u->list, u);
		port_unlock(&u->list->lock);
		if (mine)
			port_defer(&u->defer, undo_free);
	}
}

/* => the first semaphore from i on that u owes something to, or nsems. Most owe nothing: looks at four at once. */
static u32 next_debt(const struct sem_undo *u, u32 i, u32 nsems)
{
	u64 four = 0;
	for (; i + 4 <= nsems; i += 4) {
		__builtin_memcpy(&four, &u->adjust[i], sizeof four);
		if (four)
			break;
	}
	while (i < nsems && !u->adjust[i])
		i++;
	return i;
}

/* Adds what u owes to its set, clamped to the range of values, and takes u off it. Set locked. */
static void apply(struct sem_set *set, struct sem_undo *u)
{
	s32 pid = port_pid();
	u32 nsems = set->nsems;

	for (u32 i = next_debt(u, 0, nsems); i < nsems; i = next_debt(u, i + 1, nsems)) {
		set->value[i] = (u16)CLAMP(set->value[i] + u->adjust[i], 0, SEMVMX);
		set->pid[i] = pid;
		sem_mark(set, i);
	}
	set->otime = port_real_seconds();
	store_relaxed(&u->set, NULL);
	list_del(&u->set_link);
}

/* u is unhashed. Read section. */
static void settle_debt(struct sem_undo *u)
{
	struct ipc_wake_list wakes = {0};
	struct sem_set *set = load_acquire(&u->set);
	if (!set)
		return;
	port_lock(&set->obj.lock);
	if (u->set) {
		apply(set, u);
		sem_mark_zeroes(set);
		sem_settle(set, &wakes);
	}
	port_unlock(&set->obj.lock);
	ipc_wake_flush(&wakes);
}

/* => the entries of bucket i, by chain, now the caller's to free. The list has no users left. */
static struct sem_undo *take_bucket(struct sem_undo_list *l, u32 i)
{
	if (!load_relaxed(&l->buckets[i]))
		return NULL; /* only RMID touches it, and takes entries out */
	GUARD(port)(&l->lock);
	for (struct sem_undo *u = l->buckets[i]; u; u = u->chain)
		u->hashed = false;
	return TAKE(l->buckets[i]);
}

void sem_undo_put(struct sem_undo_list *l)
{
	if (!l || !refcount_put(&l->refs))
		return;
	port_read_lock();
	for (u32 i = 0; i <= l->mask; i++)
		for (struct sem_undo *u = take_bucket(l, i), *next; u; u = next) {
			next = u->chain;
			settle_debt(u);
			u->chain = l->settled; /* freed with the list */
			l->settled = u;
		}
	port_defer(&l->defer, list_free);
	port_read_unlock();
}

int sem_undo_share(struct sem_undo_list **parent, struct sem_undo_list **child)
{
	if (!*parent)
		*parent = list_new();
	if (!*parent)
		return -ENOMEM;
	refcount_get(&(*parent)->refs);
	*child = *parent;
	return 0;
}
