#include "kernel/lib/string.h"
#include "kernel/mm/slab.h"
#include "kernel/mm/vm_internal.h"

/*
 * An object of huge pages: its map counts in huge pages, and beside it stands who was promised one. A promise
 * is used up by the page that comes, and stays noted until that page is gone: then both end.
 */
struct huge_object {
	struct vm_object object;
	struct idmap promised; /* [object.lock] */
};
static char promise;                        /* what stands in the map */
enum { HUGE_PAGES = 1 << HUGE_PAGE_ORDER }; /* of 4 KiB, which quotas count */

static struct huge_object *huge_of(struct vm_object *o)
{
	return container_of(o, struct huge_object, object);
}

struct vm_object *huge_object_new(u64 size, const struct vm_object_ops *ops, void *owner)
{
	if (size > VM_OBJECT_SIZE_MAX - HUGE_PAGE_SIZE)
		return NULL;
	struct huge_object *h = kzalloc(sizeof(*h));
	if (!h)
		return NULL;
	vm_object_setup(&h->object, ROUND_UP(size, (u64)HUGE_PAGE_SIZE), ops, owner);
	h->object.page_order = HUGE_PAGE_ORDER;
	idmap_init(&h->promised, &page_map_ops);
	return &h->object;
}

/* Lock held, or no users left: ends what was promised, and not used, of [first, last]. */
static void promises_end(struct huge_object *h, u64 first, u64 last)
{
	u64 unused = 0;

	for (u32 i = (u32)first; idmap_next(&h->promised, &i) && i <= last; i++) {
		idmap_clear(&h->promised, i);
		unused += !idmap_find(&h->object.pages, i);
	}
	huge_unreserve(unused);
}

static void uncharge(struct vm_object *o, u64 huge_pages)
{
	if (huge_pages && o->ops && o->ops->uncharge)
		o->ops->uncharge(o, huge_pages * HUGE_PAGES);
}

void huge_object_destroy(struct vm_object *o)
{
	struct huge_object *h = huge_of(o);
	struct page *p;
	u32 i;

	promises_end(h, 0, UINT32_MAX);
	uncharge(o, o->pages.count);
	idmap_for_each (&o->pages, i, p)
		huge_page_put(p);
	idmap_destroy(&o->pages);
	idmap_destroy(&h->promised);
	if (o->ops && o->ops->destroy)
		o->ops->destroy(o);
	kfree(h);
}

/* Lock held. => pages of [first, last) that have neither come nor been promised. */
static u64 pages_unpromised(struct huge_object *h, u64 first, u64 last)
{
	u64 n = last - first;

	for (u32 i = (u32)first; idmap_next(&h->promised, &i) && i < last; i++)
		n--;
	for (u32 i = (u32)first; idmap_next(&h->object.pages, &i) && i < last; i++)
		n -= !idmap_find(&h->promised, i);
	return n;
}

/* Lock held: notes the promises, which the pool has made. => 0, or -ENOMEM: *at the page that was not. */
static int promises_note(struct huge_object *h, u64 *at, u64 last)
{
	for (; *at < last; ++*at) {
		u32 i = (u32)*at;
		if (idmap_find(&h->promised, i) || idmap_find(&h->object.pages, i))
			continue;
		if (idmap_reserve(&h->promised, i) < 0) {
			idmap_clear(&h->promised, i);
			return -ENOMEM;
		}
		idmap_set(&h->promised, i, &promise);
	}
	return 0;
}

int huge_object_reserve(struct vm_object *o, u64 start, u64 end)
{
	struct huge_object *h = huge_of(o);
	u64 first = start / HUGE_PAGE_SIZE, last = end / HUGE_PAGE_SIZE, at = first;

	GUARD(mutex)(&o->lock);
	u64 n = pages_unpromised(h, first, last);
	TRY(huge_reserve(n));
	if (promises_note(h, &at, last) == 0)
		return 0;
	huge_unreserve(pages_unpromised(h, at, last));
	return -ENOMEM;
}

static int page_add(struct huge_object *h, u32 index, struct page **out)
{
	struct idmap *pages = &h->object.pages;
	int err = idmap_reserve(pages, index);

	if (err == 0) {
		bool promised = idmap_find(&h->promised, index);
		*out = huge_page_alloc(promised ? HUGE_PROMISED : HUGE_SPARE);
		err = *out ? 0 : -ENOSPC;
	}
	if (err < 0)
		idmap_clear(pages, index);
	else
		idmap_set(pages, index, *out);
	return err;
}

int huge_object_page_locked(struct vm_object *o, u64 index, struct page **out)
{
	struct huge_object *h = huge_of(o);
	struct page *p = idmap_find(&o->pages, (u32)index);

	if (!p) {
		TRY(o->ops && o->ops->charge ? o->ops->charge(o, HUGE_PAGES) : 0);
		int err = page_add(h, (u32)index, &p);
		if (err < 0) {
			uncharge(o, 1);
			return err;
		}
	}
	*out = p;
	return 0;
}

/* As vm_object_page_present(); the lock instead of the second look. */
struct page *huge_object_page_present(struct vm_object *o, u64 index)
{
	GUARD(mutex)(&o->lock);
	struct page *p = idmap_find(&o->pages, (u32)index);
	if (p)
		page_get(p);
	return p;
}

int huge_object_page(struct vm_object *o, u64 index, struct page **out)
{
	GUARD(mutex)(&o->lock);
	if (index >= VM_OBJECT_SIZE_MAX / HUGE_PAGE_SIZE)
		return -EFBIG;
	TRY(huge_object_page_locked(o, index, out));
	page_get(*out);
	return 0;
}

/* Lock held: as pages_remove_locked(), of huge pages. */
static void pages_remove(struct huge_object *h, u64 first, u64 last, enum zap_what what)
{
	struct vm_object *o = &h->object;
	struct list removed = LIST_INIT(removed);
	struct page *p, *next;
	u64 before = o->pages.count;

	promises_end(h, first, last);
	for (u32 i = (u32)first; (p = idmap_next(&o->pages, &i)) && i <= last; i++) {
		idmap_clear(&o->pages, i);
		list_add_tail(&removed, &p->link);
	}
	uncharge(o, before - o->pages.count);
	object_unmap(o, first << HUGE_PAGE_ORDER, (last + 1) << HUGE_PAGE_ORDER, what);
	list_for_each_safe (p, next, &removed, link)
		huge_page_put(p);
}

int huge_object_resize(struct vm_object *o, u64 size)
{
	if (size % HUGE_PAGE_SIZE)
		return -EINVAL;
	GUARD(mutex)(&o->lock);
	bool shrinks = size < o->size;
	store_relaxed(&o->size, size);
	if (shrinks)
		pages_remove(huge_of(o), size / HUGE_PAGE_SIZE, VM_OBJECT_SIZE_MAX / HUGE_PAGE_SIZE,
		             ZAP_ALL);
	return 0;
}

static void zero_part(struct vm_object *o, u64 start, u64 end)
{
	struct page *p = start < end ? idmap_find(&o->pages, (u32)(start / HUGE_PAGE_SIZE)) : NULL;

	if (p)
		memset((char *)page_virt(p) + start % HUGE_PAGE_SIZE, 0, end - start);
}

void huge_object_punch(struct vm_object *o, u64 start, u64 end)
{
	GUARD(mutex)(&o->lock);
	end = MIN(end, o->size);
	if (start >= end)
		return;
	u64 first = ROUND_UP(start, (u64)HUGE_PAGE_SIZE),
	    last = ROUND_DOWN(end, (u64)HUGE_PAGE_SIZE);
	zero_part(o, start, MIN(first, end));
	if (last >= first)
		zero_part(o, last, end);
	if (first < last)
		pages_remove(huge_of(o), first / HUGE_PAGE_SIZE, last / HUGE_PAGE_SIZE - 1,
		             ZAP_OBJECT_ONLY);
}
