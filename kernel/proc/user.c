#include "kernel/lib/bug.h"
#include "kernel/lib/idmap.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/proc_internal.h"
#include "kernel/sync/spinlock.h"

/* Lookups take the lock too, so nodes need no grace period. */
static void *users_alloc(size_t size)
{
	return kzalloc(size);
}
static void users_free(void *p, size_t size)
{
	kfree(p);
}
static const struct idmap_ops users_ops = {.alloc = users_alloc, .defer_free = users_free};
static struct idmap users = {.ops = &users_ops}; /* [users_lock] uid -> struct user */
static struct spinlock users_lock = SPINLOCK_INIT(USERS);

/* Nobody is left whose accounts these were. */
static void users_shutdown(void)
{
	idmap_destroy(&users);
}
static const struct proc_hooks users_hooks = {.name = "users", .shutdown = users_shutdown};
PROC_HOOKS(users_hooks);

void users_init(struct user *root)
{
	if (idmap_reserve(&users, root->uid) < 0)
		panic("users: no memory");
	idmap_set(&users, root->uid, root);
}

void user_get(struct user *u)
{
	refcount_get(&u->refs);
}

void user_put(struct user *u)
{
	s32 old = refcount_read(&u->refs);

	/* All but the last reference go without the lock. */
	while (old > 1)
		if (__atomic_compare_exchange_n(&u->refs.n, &old, old - 1, true, __ATOMIC_RELEASE,
		                                __ATOMIC_RELAXED))
			return;
	spin_lock(&users_lock);
	bool last = refcount_put(&u->refs);
	if (last)
		idmap_clear(&users, u->uid);
	spin_unlock(&users_lock);
	if (last)
		kfree(u);
}

struct user *user_find_or_new(u32 uid)
{
	GUARD(spin)(&users_lock);
	struct user *u = idmap_find(&users, uid);
	if (u) {
		refcount_get(&u->refs);
		return u;
	}
	u = kzalloc(sizeof(*u));
	if (!u || idmap_reserve(&users, uid) < 0) {
		kfree(u);
		return NULL;
	}
	u->uid = uid;
	refcount_init(&u->refs, 1);
	idmap_set(&users, uid, u);
	return u;
}
