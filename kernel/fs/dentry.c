#include "kernel/fs/dentry.h"
#include "kernel/fs/internal.h"
#include "kernel/lib/string.h"
#include "kernel/mm/slab.h"

u32 names_seq;
struct spinlock names_lock = SPINLOCK_INIT(NAMES);
struct mutex rename_mutex = MUTEX_INIT(rename_mutex, RENAME);
static struct slab_cache *dentry_cache;

enum { DIR_FIRST_SIZE = 8, DIR_FIRST_COOKIE = 2 };

_Static_assert(offsetof(struct dentry_name, text) == offsetof(struct dentry, inline_name.text) -
                                                             offsetof(struct dentry, inline_name),
               "inline_name is a struct dentry_name with room");

void dentry_init(void)
{
	dentry_cache = slab_cache_new("dentry", sizeof(struct dentry), CACHE_LINE);
}

struct qname qname_make(const char *text, u32 length)
{
	u64 h = 0, word;
	u32 i = 0;
	for (; i + sizeof(word) <= length; i += sizeof(word))
		h = name_hash_step(h, name_word(text + i));
	if (i < length) {
		word = 0;
		memcpy(&word, text + i, length - i);
		h = name_hash_step(h, word);
	}
	return (struct qname){text, length, name_hash_end(h)};
}

void names_write_begin(void)
{
	spin_lock(&names_lock);
	store_relaxed(&names_seq, names_seq + 1);
	__atomic_thread_fence(
		__ATOMIC_SEQ_CST); /* odd before any change: pairs with names_read_begin */
}

void names_write_end(void)
{
	store_release(&names_seq, names_seq + 1); /* pairs with names_read_retry */
	spin_unlock(&names_lock);
}

static void name_free_rcu(struct rcu_head *head)
{
	kfree(container_of(head, struct dentry_name, rcu));
}

void dentry_name_free(struct dentry *d, struct dentry_name *name)
{
	if (name != (struct dentry_name *)&d->inline_name)
		rcu_call(&name->rcu, name_free_rcu);
}

struct dentry_name *dentry_name_new(const struct qname *q)
{
	struct dentry_name *name = kmalloc(sizeof(*name) + ROUND_UP(q->length + 1, 8) + NAME_PAD);
	if (!name)
		return NULL;
	dentry_name_fill(name, q);
	return name;
}

void dentry_name_fill(struct dentry_name *name, const struct qname *q)
{
	name->hash = q->hash;
	name->length = (u16)q->length;
	memcpy(name->text, q->text, q->length);
	memset(name->text + q->length, 0, ROUND_UP(q->length + 1, 8) + NAME_PAD - q->length);
}

struct dentry *dentry_new(struct dentry *parent, const struct qname *q, struct inode *inode)
{
	struct dentry *d = slab_alloc(dentry_cache);
	if (!d)
		return NULL;
	if (q->length < DENTRY_INLINE - NAME_PAD) {
		d->name = (struct dentry_name *)&d->inline_name;
		dentry_name_fill(d->name, q);
	} else if (!(d->name = dentry_name_new(q))) {
		slab_free(dentry_cache, d);
		return NULL;
	}
	d->hash_next = NULL;
	refcount_init(&d->refs, 1);
	d->flags = 0;
	d->cookie = 0;
	inode_get(inode);
	d->inode = inode;
	d->parent = d;
	if (parent) {
		dentry_get(parent);
		d->parent = parent;
	}
	return d;
}

static void dentry_free_rcu(struct rcu_head *head)
{
	slab_free(dentry_cache, container_of(head, struct dentry, rcu));
}

static void dir_unhash(struct dir *dir, struct dentry *d)
{
	struct dentry **link = &dir->table->bucket[d->name->hash & dir->table->mask];
	while (*link != d)
		link = &(*link)->hash_next;
	/* d->hash_next stays: a walk that stands on d finds its way on. */
	store_release(link, d->hash_next);
	dir->hashed--;
	__atomic_fetch_and(&d->flags, ~DENTRY_HASHED, __ATOMIC_RELAXED);
}

static void dir_hash(struct dir *dir, struct dentry *d)
{
	struct dentry **bucket = &dir->table->bucket[d->name->hash & dir->table->mask];
	store_relaxed(&d->hash_next, *bucket);
	store_release(bucket, d); /* d is complete: pairs with the acquire in dir_search */
	dir->hashed++;
	__atomic_fetch_or(&d->flags, DENTRY_HASHED, __ATOMIC_RELAXED);
}

void dentry_drop(struct dentry *d)
{
	struct dir *dir = d->parent->inode->dir;
	GUARD(spin)
	(&dir->lock);
	if ((d->flags & (DENTRY_HASHED | DENTRY_PINNED)) == DENTRY_HASHED)
		dir_unhash(dir, d);
}

/* The last reference is gone. => the parent, whose reference d held, or NULL. */
static struct dentry *dentry_release(struct dentry *d)
{
	struct dentry *parent = d->parent;
	if (d->flags & DENTRY_HASHED)
		dentry_drop(d);
	inode_put(d->inode);
	dentry_name_free(d, d->name);
	rcu_call(&d->rcu, dentry_free_rcu);
	return parent == d ? NULL : parent;
}

void dentry_put(struct dentry *d)
{
	while (d && refcount_put(&d->refs))
		d = dentry_release(d);
}

static struct dentry *dir_search(struct dir *dir, const struct dentry *parent,
                                 const struct qname *q)
{
	struct dir_table *table = rcu_dereference(dir->table);
	if (!table)
		return NULL;
	for (struct dentry *d = load_acquire(&table->bucket[q->hash & table->mask]); d;
	     d = load_acquire(&d->hash_next)) {
		const struct dentry_name *name = rcu_dereference(d->name);
		if (name->hash == q->hash && name->length == q->length &&
		    load_relaxed(&d->parent) == parent && refcount_read(&d->refs) &&
		    !memcmp(name->text, q->text, q->length))
			return d;
	}
	return NULL;
}

struct dentry *dentry_find_slow(struct dentry *parent, const struct qname *q)
{
	struct dir *dir = parent->inode->dir;
	for (;; __builtin_ia32_pause()) {
		u32 seq = load_acquire(&dir->seq);
		struct dentry *d = dir_search(dir, parent, q);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (d || likely(!(seq & 1) && load_relaxed(&dir->seq) == seq))
			return d;
	}
}

struct dentry *dentry_find(struct dentry *parent, const struct qname *q)
{
	for (;;) {
		u32 names = names_read_begin();
		struct dentry *d = dentry_find_slow(parent, q);
		if (likely(!names_read_retry(names)))
			return d;
	}
}

static void dir_table_free_rcu(struct rcu_head *head)
{
	kvfree(container_of(head, struct dir_table, rcu));
}

static void dir_move_all(struct dir *dir, struct dir_table *from, struct dir_table *to)
{
	store_relaxed(&dir->seq, dir->seq + 1);
	__atomic_thread_fence(
		__ATOMIC_SEQ_CST); /* odd before the chains change: pairs with dentry_find */
	for (u32 i = 0; from && i <= from->mask; i++) {
		for (struct dentry *d = from->bucket[i], *next; d; d = next) {
			next = d->hash_next;
			struct dentry **bucket = &to->bucket[d->name->hash & to->mask];
			store_relaxed(&d->hash_next, *bucket);
			store_release(bucket, d);
		}
	}
	rcu_assign(dir->table, to);
	store_release(&dir->seq, dir->seq + 1);
}

void dir_reserve(struct dir *dir)
{
	rcu_read_lock();
	struct dir_table *old = rcu_dereference(dir->table);
	u32 size = old ? old->mask + 1 : 0;
	rcu_read_unlock();
	if (likely(load_relaxed(&dir->hashed) < size))
		return;
	u32 want = size ? size * 4 : DIR_FIRST_SIZE;
	struct dir_table *table = kvzalloc(sizeof(*table) + want * sizeof(table->bucket[0]));
	if (!table)
		return;
	table->mask = want - 1;
	spin_lock(&dir->lock);
	bool mine = dir->table == old;
	if (mine)
		dir_move_all(dir, old, table);
	spin_unlock(&dir->lock);
	if (!mine)
		kvfree(table);
	else if (old)
		rcu_call(&old->rcu, dir_table_free_rcu);
}

int dir_enter(struct dir *dir)
{
	u64 old = load_relaxed(&dir->count);
	do {
		if (old == DIR_DEAD)
			return -ENOENT;
	} while (!__atomic_compare_exchange_n(&dir->count, &old, old + 1, true, __ATOMIC_ACQ_REL,
	                                      __ATOMIC_RELAXED));
	return 0;
}

void dir_leave(struct dir *dir)
{
	__atomic_fetch_sub(&dir->count, 1, __ATOMIC_RELEASE);
}

int dir_kill(struct dir *dir)
{
	u64 empty = 0;
	return __atomic_compare_exchange_n(&dir->count, &empty, DIR_DEAD, false, __ATOMIC_ACQ_REL,
	                                   __ATOMIC_RELAXED)
	               ? 0
	               : -ENOTEMPTY;
}

static void dir_order_append(struct dir *dir, struct dentry *d)
{
	d->cookie = dir->next_cookie++;
	struct rb_node *last = rb_last(&dir->order);
	rb_link(&dir->order, &d->order, last, last ? &last->right : &dir->order.node);
}

int dentry_add_locked(struct dentry *d)
{
	struct dir *dir = d->parent->inode->dir;
	const struct dentry_name *name = d->name;
	struct qname q = {name->text, name->length, name->hash};
	ASSERT_HELD(&dir->lock);
	if (dir_dead(dir))
		return -ENOENT;
	if (dir_search(dir, d->parent, &q))
		return -EEXIST;
	if (unlikely(!dir->table))
		return -ENOMEM;
	TRY(dir_enter(dir));
	dentry_get(d);
	dir_hash(dir, d);
	dir_order_append(dir, d);
	__atomic_fetch_or(&d->flags, DENTRY_PINNED, __ATOMIC_RELAXED);
	return 0;
}

int dentry_add(struct dentry *d)
{
	struct dir *dir = d->parent->inode->dir;
	dir_reserve(dir);
	GUARD(spin)
	(&dir->lock);
	return dentry_add_locked(d);
}

void dentry_del_locked(struct dentry *d)
{
	struct dir *dir = d->parent->inode->dir;
	ASSERT_HELD(&dir->lock);
	dir_unhash(dir, d);
	rb_erase(&dir->order, &d->order);
	__atomic_fetch_and(&d->flags, ~DENTRY_PINNED, __ATOMIC_RELAXED);
	dir_leave(dir);
}

struct dentry_name *dentry_place_locked(struct dentry *d, struct dentry *parent,
                                        struct dentry_name *name)
{
	struct dir *from = d->parent->inode->dir, *to = parent->inode->dir;
	struct dentry_name *old = d->name;
	ASSERT_HELD(&names_lock);
	dir_unhash(from, d);
	store_release(&d->name, name);
	if (from != to) {
		rb_erase(&from->order, &d->order);
		dir_leave(from);
		store_release(&d->parent, parent);
		dir_order_append(to, d);
	}
	dir_hash(to, d);
	return old;
}

struct dentry *dentry_add_dynamic(struct dentry *d)
{
	struct dir *dir = d->parent->inode->dir;
	const struct dentry_name *name = d->name;
	struct qname q = {name->text, name->length, name->hash};
	dir_reserve(dir);
	spin_lock(&dir->lock);
	struct dentry *first = dir_search(dir, d->parent, &q);
	if (first && !dentry_get_live(first))
		first = NULL;
	if (!first && dir->table)
		dir_hash(dir, d);
	spin_unlock(&dir->lock);
	if (!first)
		return d;
	dentry_put(d);
	return first;
}

struct dentry *dentry_make(struct dentry *parent, const char *name, struct inode *inode)
{
	struct qname q = qname_make(name, (u32)strlen(name));
	struct dentry *d = dentry_new(parent, &q, inode);
	if (d && S_ISDIR(inode->mode))
		__atomic_fetch_add(&parent->inode->nlink, 1, __ATOMIC_RELAXED);
	inode_put(inode);
	if (!d)
		return err_ptr(-ENOMEM);
	int err = dentry_add(d);
	dentry_put(d);
	return err ? err_ptr(err) : d;
}

struct dir *dir_new(void)
{
	struct dir *dir = kzalloc(sizeof(*dir));
	if (!dir)
		return NULL;
	spinlock_init(&dir->lock, DIR);
	dir->next_cookie = DIR_FIRST_COOKIE;
	return dir;
}

void dir_free(struct dir *dir)
{
	if (dir)
		kvfree(dir->table);
	kfree(dir);
}
