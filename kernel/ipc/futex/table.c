#include "kernel/ipc/futex/pi_word.h"

enum {
	FIRST_BUCKETS = 1 << 8,
	LAST_BUCKETS = 1 << 17,
};

struct futex_table *futex_table;
static struct port_lock grow_lock;

static struct futex_table *table_new(u64 buckets)
{
	struct futex_table *t = port_alloc(sizeof *t + buckets * sizeof t->bucket[0]);
	if (!t)
		return NULL;
	t->mask = buckets - 1;
	for (u64 i = 0; i < buckets; i++)
		port_lock_init(&t->bucket[i].lock, LOCK_CLASS_FUTEX_BUCKET);
	return t;
}

static void table_free(struct port_defer *d)
{
	port_free(container_of(d, struct futex_table, defer));
}

void futex_init(void)
{
	port_lock_init(&grow_lock, LOCK_CLASS_FUTEX_GROW);
	futex_table = table_new(FIRST_BUCKETS);
	if (!futex_table)
		panic("futex: no memory for the first table");
}

/* A growth is under way: lets it finish. */
static void wait_for_growth(void)
{
	port_lock(&grow_lock);
	port_unlock(&grow_lock);
}

struct futex_bucket *futex_bucket_lock_slow(struct port_futex_key key)
{
	for (;;) {
		wait_for_growth();
		struct futex_bucket *b = bucket_of(load_acquire(&futex_table), key);
		port_lock(&b->lock);
		if (!b->moved)
			return b;
		port_unlock(&b->lock);
	}
}

void futex_bucket_lock2(const struct port_futex_key *a, const struct port_futex_key *b,
                        struct futex_bucket **out_a, struct futex_bucket **out_b)
{
	for (;;) {
		struct futex_table *t = load_acquire(&futex_table);
		*out_a = bucket_of(t, *a);
		*out_b = bucket_of(t, *b);
		port_lock2(&(*out_a)->lock, &(*out_b)->lock);
		if (likely(!(*out_a)->moved && !(*out_b)->moved))
			return;
		port_unlock2(&(*out_a)->lock, &(*out_b)->lock);
		wait_for_growth();
	}
}

/* Behind the first of the ring's sleepers that are not of lower priority; `first` is passed on when w takes its place. */
static NOINLINE void queue_by_priority(struct futex_waiter **slot, struct futex_waiter *w)
{
	struct futex_waiter *first = *slot, *at = first;

	if (first->priority < w->priority) {
		w->next_word = first->next_word;
		*slot = w;
	} else {
		do
			at = list_entry(at->link.next, struct futex_waiter, link);
		while (at != first && at->priority >= w->priority);
	}
	list_add_tail(&at->link, &w->link);
}

void futex_queue(struct futex_bucket *b, struct futex_waiter *w)
{
	struct futex_waiter **slot = word_find(b, &w->key), *first = *slot;

	store_release(&w->bucket, b);
	if (first) {
		if (likely(!w->priority))
			list_add_tail(&first->link, &w->link);
		else
			queue_by_priority(slot, w);
		return;
	}
	list_init(&w->link);
	w->next_word = NULL;
	*slot = w;
	b->words++;
}

void futex_dequeue(struct futex_waiter *w)
{
	struct futex_bucket *b = w->bucket;
	struct futex_waiter **slot = word_find(b, &w->key);

	if (*slot == w) {
		if (list_linked(&w->link)) {
			*slot = list_entry(w->link.next, struct futex_waiter, link);
			(*slot)->next_word = w->next_word;
		} else {
			*slot = w->next_word;
			b->words--;
		}
	}
	list_del(&w->link);
}

struct futex_bucket *futex_waiter_lock(struct futex_waiter *w)
{
	for (;;) {
		struct futex_bucket *b = load_acquire(&w->bucket);
		port_lock(&b->lock);
		if (likely(load_relaxed(&w->bucket) == b))
			return b;
		port_unlock(&b->lock);
	}
}

/* The plain words of `from` that belong to `to`. */
static void move_words(struct futex_bucket *from, struct futex_bucket *to, struct futex_table *t)
{
	struct futex_waiter **slot = &from->first, *first, *w;

	while ((first = *slot)) {
		if (bucket_of(t, first->key) != to) {
			slot = &first->next_word;
			continue;
		}
		*slot = first->next_word;
		first->next_word = to->first;
		to->first = w = first;
		from->words--;
		to->words++;
		do {
			store_release(&w->bucket, to);
			w = list_entry(w->link.next, struct futex_waiter, link);
		} while (w != first);
	}
}

/* Moves what of b belongs there into bucket i of t, which is not published yet; but whoever was moved may already withdraw
 * from it, so both are locked. */
static void bucket_move(struct futex_bucket *b, struct futex_table *t, u64 i)
{
	struct futex_bucket *to = &t->bucket[i];

	port_lock2(&b->lock, &to->lock);
	b->moved = true;
	move_words(b, to, t);
	pi_words_move(b, to, t);
	port_unlock2(&b->lock, &to->lock);
}

/* => the table that was replaced, or NULL: somebody else was faster. */
static struct futex_table *table_replace(struct futex_table *bigger)
{
	GUARD(port)
	(&grow_lock);
	struct futex_table *old = futex_table;
	if (old->mask >= bigger->mask)
		return NULL;
	for (u64 i = 0; i <= bigger->mask; i++)
		bucket_move(&old->bucket[i & old->mask], bigger, i);
	store_release(&futex_table, bigger);
	return old;
}

void futex_table_grow(void)
{
	u64 buckets = load_acquire(&futex_table)->mask + 1;
	struct futex_table *bigger, *old;

	if (buckets == LAST_BUCKETS || !(bigger = table_new(buckets * 2)))
		return;
	old = table_replace(bigger);
	if (old)
		port_defer(&old->defer, table_free);
	else
		port_free(bigger);
}

void futex_shutdown(void)
{
	struct futex_table *fresh = table_new(FIRST_BUCKETS);
	if (!fresh)
		return;
	port_free(futex_table);
	futex_table = fresh;
}
