/*
 * Dentries: a name in a directory and the inode that it stands for. There are no negative ones.
 *
 * Lifetime. References: users (paths), children (each holds its parent, so ".." needs no lock), and
 * for entries of in-memory directories one pin by the directory, dropped by unlink. Memory is freed
 * after an RCU grace period. A count of 0 is final: lookups take references with get_not_zero.
 *
 *	           dentry_add (pinned)                  unlink, rename over
 *	new ------------------------------> hashed -----------------------> unhashed, "(deleted)" --> freed
 *	     dentry_add_dynamic (not pinned)    |  last put of a dynamic one: unhashed, freed
 *
 * A directory is a hash table that grows, plus a tree ordered by a cookie that each entry gets when
 * it is added: getdents(2) positions are cookies, so they survive any change of other entries.
 *
 * Locking
 *	lookups take no lock: RCU over the chains. dir->seq is odd while the table is rebuilt and
 *	        names_seq is odd while a rename or a mount moves something; a lookup that found nothing,
 *	        or anything, checks that neither moved meanwhile, else looks again.
 *	dir->lock (class DIR): all changes of one directory. Two directories: spin_lock2.
 *	        dir->count counts entries; rmdir(2) swings it from 0 to DIR_DEAD, after which dentry_add
 *	        fails with ENOENT. So nobody needs the victim's lock.
 *	names_lock (class NAMES, inside DIR): writers of names_seq; d->parent, d->name, the mount tree's links.
 *	RENAME (mutex, outside all): renames of directories between directories, one at a time, so that the
 *	        check against moving a directory below itself holds.
 *
 * Fails: -ENOMEM from making, -EEXIST, -ENOENT (the directory is dead).
 */
#pragma once
#include "kernel/fs/inode.h"
#include "kernel/sync/spinlock.h"

struct dentry_name { /* immutable; a rename makes a new one, the old one is freed by RCU */
	struct rcu_head rcu;
	u32 hash;
	u16 length;
	char text[]; /* terminated, and filled up with zeroes to a multiple of 8, and 8 more */
};
enum { DENTRY_INLINE = 40 };

struct dentry {
	struct dentry *hash_next; /* [dir->lock] RCU */
	struct dentry_name *name; /* [names_lock] RCU */
	struct dentry *parent;    /* [names_lock] reference; itself for roots */
	struct inode *inode;      /* [I] reference */
	refcount_t refs;
	u32 flags;            /* [a] DENTRY_* */
	u64 cookie;           /* [dir->lock] */
	struct rb_node order; /* [dir->lock] in dir->order */
	struct rcu_head rcu;
	struct {
		struct rcu_head rcu;
		u32 hash;
		u16 length;
		char text[DENTRY_INLINE];
	} inline_name;
};
enum {
	DENTRY_HASHED = 1,
	DENTRY_PINNED = 2,
	DENTRY_MOUNTED = 4 /* something is mounted here, in some mount */
};

struct dir_table {
	struct rcu_head rcu;
	u32 mask;
	struct dentry *bucket[];
};
struct dir {
	struct spinlock lock;    /* class DIR */
	u32 seq;                 /* [l] odd while the table is rebuilt */
	struct dir_table *table; /* [l] RCU; NULL until the first entry */
	u64 count;               /* [a] pinned entries, or DIR_DEAD */
	u32 hashed;              /* [l] entries in the table */
	u64 next_cookie;         /* [l] */
	struct rb_root order;    /* [l] pinned entries by cookie */
};
#define DIR_DEAD UINT64_MAX

/*
 * Names are hashed and compared a word at a time. Whatever holds a text that is walked therefore has
 * NAME_PAD readable bytes behind its end; the text of a struct dentry_name is filled up with zeroes.
 */
enum { NAME_PAD = 8 };
struct qname { /* a name being looked up */
	const char *text;
	u32 length, hash;
};
static ALWAYS_INLINE u64 name_word(const char *p)
{
	u64 w;
	__builtin_memcpy(&w, p, sizeof(w));
	return w;
}
static ALWAYS_INLINE u64 name_word_mask(u32 bytes) /* 1 .. 7: the first ones */
{
	return BIT(bytes * 8) - 1;
}
static ALWAYS_INLINE u64 name_hash_step(u64 h, u64 word)
{
	h = (h ^ word) * 0x9e3779b97f4a7c15ull;
	return h ^ h >> 29;
}
static ALWAYS_INLINE u32 name_hash_end(u64 h)
{
	return (u32)(h >> 32 ^ h);
}
struct qname qname_make(const char *text, u32 length);
/* text: padded, as that of q. */
static ALWAYS_INLINE bool name_equal(const struct qname *q, const char *text)
{
	u32 i = 0;
	for (; i + 8 <= q->length; i += 8)
		if (name_word(q->text + i) != name_word(text + i))
			return false;
	u32 rest = q->length - i;
	return !rest || !((name_word(q->text + i) ^ name_word(text + i)) & name_word_mask(rest));
}

extern u32 names_seq;
extern struct spinlock names_lock;
extern struct mutex rename_mutex;
static inline u32 names_read_begin(void)
{
	u32 s;
	while (unlikely((s = load_acquire(&names_seq)) & 1))
		__builtin_ia32_pause();
	return s;
}
static inline bool names_read_retry(u32 s)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return unlikely(load_relaxed(&names_seq) != s);
}
void names_write_begin(void); /* takes names_lock */
void names_write_end(void);

/* => a dentry with one reference, not hashed, that holds references of inode and parent (NULL: a root); or NULL. */
MUST_CHECK struct dentry *dentry_new(struct dentry *parent, const struct qname *name,
                                     struct inode *inode);
static inline void dentry_get(struct dentry *d)
{
	refcount_get(&d->refs);
}
static inline bool dentry_get_live(struct dentry *d)
{
	return refcount_get_not_zero(&d->refs);
}
void dentry_put(struct dentry *d);
DEFINE_GUARD(dentry, struct dentry *, dentry_put)

/* Under RCU; no reference given. => the entry or NULL. In memory only: does not ask ops->lookup. */
struct dentry *dentry_find(struct dentry *parent, const struct qname *name);
/* The same for walks, which check names_seq once at their end: what a rename meanwhile makes look wrong, a hit
 * included, the caller finds out by names_read_retry(). */
struct dentry *dentry_find_slow(struct dentry *parent, const struct qname *name);
static ALWAYS_INLINE struct dentry *dentry_find_walk(struct dentry *parent, const struct qname *q)
{
	struct dir_table *table = rcu_dereference(parent->inode->dir->table);
	if (unlikely(!table))
		return NULL;
	for (struct dentry *d = load_acquire(&table->bucket[q->hash & table->mask]); d;
	     d = load_acquire(&d->hash_next)) {
		const struct dentry_name *name = rcu_dereference(d->name);
		if (name->hash == q->hash && load_relaxed(&d->parent) == parent &&
		    name->length == q->length && likely(refcount_read(&d->refs)) &&
		    likely(name_equal(q, name->text)))
			return d;
	}
	return dentry_find_slow(parent,
	                        q); /* a miss counts only if the table was not being rebuilt */
}
/* Makes room for one more entry. Call before the lock is taken; without memory the chains grow instead. */
void dir_reserve(struct dir *dir);
/* dir->lock held. Adds d, made with this parent, pinned by a reference of the directory.
 * => 0, -EEXIST, -ENOENT (dead directory). */
MUST_CHECK int dentry_add_locked(struct dentry *d);
/* The same with the lock taken, for boot-time trees (proc, devtmpfs). */
MUST_CHECK int dentry_add(struct dentry *d);
/* dir->lock held: unhashes a pinned entry. The pin's reference passes to the caller. */
void dentry_del_locked(struct dentry *d);
/* Hashes d without a pin; => d, or the entry that was there first (with a reference; d is put). */
struct dentry *dentry_add_dynamic(struct dentry *d);

static inline bool dir_dead(const struct dir *dir)
{
	return load_relaxed(&dir->count) == DIR_DEAD;
}
/* rmdir: => 0 and the directory takes no more entries, or -ENOTEMPTY. */
MUST_CHECK int dir_kill(struct dir *dir);
/* An in-memory directory or file below `parent`, for boot-time trees; the inode's reference is taken over
 * in every case. => the pinned dentry, borrowed, or err_ptr. */
struct dentry *dentry_make(struct dentry *parent, const char *name, struct inode *inode);
