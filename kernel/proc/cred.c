#include "kernel/lib/string.h"
#include "kernel/mm/slab.h"
#include "kernel/proc/proc_internal.h"

static struct user root_user = {.refs = {1}};
struct cred init_cred = {
	.refs = {1},
	.cap_permitted = CAP_FULL,
	.cap_effective = CAP_FULL,
	.cap_bounding = CAP_FULL,
	.user = &root_user,
};
static struct slab_cache *cred_cache;

void cred_init(void)
{
	cred_cache = slab_cache_new("cred", sizeof(struct cred), 0);
	users_init(&root_user);
}

const struct cred *cred_get(const struct cred *c)
{
	refcount_get(&((struct cred *)c)->refs);
	return c;
}

static void group_list_put(struct group_list *l)
{
	if (l && refcount_put(&l->refs))
		kvfree(l);
}

static void cred_free(struct rcu_head *head)
{
	struct cred *c = container_of(head, struct cred, rcu);

	group_list_put(c->group_list);
	user_put(c->user);
	slab_free(cred_cache, c);
}

void cred_put(const struct cred *c)
{
	struct cred *mine = (struct cred *)c;

	if (c && refcount_put(&mine->refs))
		rcu_call(&mine->rcu, cred_free);
}

struct cred *cred_copy(void)
{
	struct cred *c = slab_alloc(cred_cache);

	if (!c)
		return NULL;
	*c = *cred_current();
	refcount_init(&c->refs, 1);
	if (c->group_list)
		refcount_get(&c->group_list->refs);
	user_get(c->user);
	return c;
}

/* A change of what the process may do: nobody of the old identity may look into it any more, prctl(2). */
static bool cred_changes_privilege(const struct cred *old, const struct cred *new)
{
	return old->euid != new->euid || old->egid != new->egid || old->fsuid != new->fsuid ||
	       old->fsgid != new->fsgid || (new->cap_permitted & ~old->cap_permitted);
}

void cred_commit(struct cred *c)
{
	struct task *t = task_current();
	const struct cred *old = t->cred;

	if (cred_changes_privilege(old, c)) {
		t->process->dumpable = false;
		t->pdeath_signal = 0;
	}
	if (c->user != old->user) {
		__atomic_fetch_add(&c->user->processes, 1, __ATOMIC_RELAXED);
		__atomic_fetch_sub(&old->user->processes, 1, __ATOMIC_RELAXED);
	}
	store_release(&t->cred, c); /* pairs with RCU readers of other tasks' credentials */
	cred_put(old);
}

static bool group_list_has(const struct cred *c, u32 gid)
{
	u32 low = 0, high = c->group_count;

	while (low < high) {
		u32 middle = (low + high) / 2;
		if (c->groups[middle] == gid)
			return true;
		if (c->groups[middle] < gid)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

bool cred_in_group(const struct cred *c, u32 gid)
{
	return gid == c->fsgid || group_list_has(c, gid);
}

/* Heap sort: no recursion, no worst case that user space could choose. */
static void group_sift(u32 *g, u32 root, u32 count)
{
	for (u32 child; (child = 2 * root + 1) < count; root = child) {
		if (child + 1 < count && g[child] < g[child + 1])
			child++;
		if (g[root] >= g[child])
			return;
		u32 t = g[root];
		g[root] = g[child];
		g[child] = t;
	}
}

void groups_sort(u32 *g, u32 count)
{
	for (u32 i = count / 2; i-- > 0;)
		group_sift(g, i, count);
	for (u32 end = count; end-- > 1;) {
		u32 t = g[0];
		g[0] = g[end];
		g[end] = t;
		group_sift(g, 0, end);
	}
}

struct group_list *group_list_new(u32 count)
{
	struct group_list *l = kvzalloc(sizeof(*l) + count * sizeof(u32));

	if (l) {
		refcount_init(&l->refs, 1);
		l->count = count;
	}
	return l;
}

void cred_set_groups(struct cred *c, struct group_list *list)
{
	groups_sort(list->gid, list->count);
	group_list_put(c->group_list);
	c->group_list = list;
	c->groups = list->gid;
	c->group_count = list->count;
}

int cred_set_real_uid(struct cred *c, u32 uid)
{
	if (c->uid == uid)
		return 0;
	struct user *u = user_find_or_new(uid);
	if (!u)
		return -EAGAIN;
	user_put(c->user);
	c->user = u;
	c->uid = uid;
	return 0;
}

/* capabilities(7), "Effect of user ID changes on capabilities". */
void cred_fix_caps(struct cred *c, const struct cred *old)
{
	if (c->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	bool had_root = !old->uid || !old->euid || !old->suid;
	bool has_root = !c->uid || !c->euid || !c->suid;

	if (had_root && !has_root) {
		if (!(c->securebits & SECBIT_KEEP_CAPS))
			c->cap_permitted = c->cap_effective = 0;
		c->cap_ambient = 0;
	}
	if (!old->euid && c->euid)
		c->cap_effective = 0;
	if (old->euid && !c->euid)
		c->cap_effective = c->cap_permitted;
}

void cred_fix_fs_caps(struct cred *c, const struct cred *old)
{
	if (c->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	if (!old->fsuid && c->fsuid)
		c->cap_effective &= ~CAP_FS_SET;
	if (old->fsuid && !c->fsuid)
		c->cap_effective |= CAP_FS_SET & c->cap_permitted;
}

/* capabilities(7), "Transformation of capabilities during execve()", for files without capabilities of their own. */
int cred_for_exec(u32 new_euid, u32 new_egid, struct cred **out, bool *out_secure)
{
	const struct cred *old = cred_current();
	struct cred *c = cred_copy();

	if (!c)
		return -ENOMEM;
	c->euid = c->suid = c->fsuid = new_euid;
	c->egid = c->sgid = c->fsgid = new_egid;
	bool root_rules = !(c->securebits & SECBIT_NOROOT);
	bool effective = root_rules && !c->euid;
	bool set_id = c->euid != old->uid || c->egid != old->gid;

	c->cap_permitted =
		root_rules && (!c->euid || !c->uid) ? c->cap_bounding | c->cap_inheritable : 0;
	if (set_id)
		c->cap_ambient = 0;
	c->cap_permitted |= c->cap_ambient;
	c->cap_effective = effective ? c->cap_permitted : c->cap_ambient;
	c->securebits &= ~SECBIT_KEEP_CAPS;
	bool grew = c->cap_permitted & ~c->cap_ambient;
	*out_secure = set_id || (c->uid && (effective || grew));
	*out = c;
	return 0;
}
