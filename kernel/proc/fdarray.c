#include "kernel/proc/fdarray.h"
#include "kernel/lib/string.h"
#include "kernel/mm/slab.h"

/* One allocation: header, slots, bitmaps. */
struct fdarray *fdarray_new(u32 size)
{
	u32 words = size / 64, full_words = (words + 63) / 64;
	struct fdarray *a = kvzalloc(sizeof(*a) + size * sizeof(void *) +
	                             (2 * words + full_words) * sizeof(u64));

	if (!a)
		return NULL;
	a->size = size;
	a->files = (struct file **)(a + 1);
	a->used = (u64 *)(a->files + size);
	a->cloexec = a->used + words;
	a->full = a->cloexec + words;
	return a;
}

void fdarray_free(struct fdarray *a)
{
	kvfree(a);
}

static void free_deferred(struct rcu_head *head)
{
	kvfree(container_of(head, struct fdarray, rcu));
}

void fdarray_free_later(struct fdarray *a)
{
	rcu_call(&a->rcu, free_deferred);
}

u32 fdarray_find_free(const struct fdarray *a, u32 from)
{
	if (from >= a->size)
		return a->size;
	u64 open = ~a->used[from / 64] >> (from % 64);
	if (open)
		return from + __builtin_ctzll(open);

	u32 word = from / 64 + 1, words = a->size / 64;
	while (word < words) {
		u64 partial = ~a->full[word / 64] >> (word % 64);
		if (partial) {
			word += __builtin_ctzll(partial);
			break;
		}
		word = (word / 64 + 1) * 64;
	}
	return word < words ? word * 64 + __builtin_ctzll(~a->used[word]) : a->size;
}

void fdarray_copy(struct fdarray *to, const struct fdarray *from)
{
	u32 words = from->size / 64;

	memcpy(to->files, from->files, from->size * sizeof(void *));
	memcpy(to->used, from->used, words * sizeof(u64));
	memcpy(to->cloexec, from->cloexec, words * sizeof(u64));
	memcpy(to->full, from->full, (words + 63) / 64 * sizeof(u64));
}

u32 fdarray_end(const struct fdarray *a)
{
	for (u32 word = a->size / 64; word-- > 0;)
		if (a->used[word])
			return word * 64 + 64 - __builtin_clzll(a->used[word]);
	return 0;
}
