#include "kernel/mm/object.h"
#include "kernel/lib/string.h"
#include "kernel/mm/slab.h"
#include "kernel/mm/vm_internal.h"
#include "kernel/sched/rcu.h"

static struct slab_cache *object_cache;
static u64 last_id;

u64 vm_next_id(void)
{
	return __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
}

/* Nodes of page maps are read without locks: each carries the head that frees it later. */
static void *node_alloc(size_t size)
{
	struct rcu_head *head = kzalloc(sizeof(struct rcu_head) + size);

	return head ? head + 1 : NULL;
}

static void node_free(struct rcu_head *head)
{
	kfree(head);
}

static void node_defer_free(void *p, size_t size)
{
	rcu_call((struct rcu_head *)p - 1, node_free);
}

const struct idmap_ops page_map_ops = {node_alloc, node_defer_free};

void vm_object_init(void)
{
	object_cache = slab_cache_new("vm_object", sizeof(struct vm_object), CACHE_LINE);
}

void vm_object_setup(struct vm_object *o, u64 size, const struct vm_object_ops *ops, void *owner)
{
	*o = (struct vm_object){.size = size, .id = vm_next_id(), .ops = ops, .owner = owner};
	refcount_init(&o->refs, 1);
	mutex_init(&o->lock, OBJECT);
	idmap_init(&o->pages, &page_map_ops);
	list_init(&o->mappings);
	spinlock_init(&o->mappings_lock, MAPPINGS);
}

struct vm_object *vm_object_new(u64 size, const struct vm_object_ops *ops, void *owner)
{
	struct vm_object *o = size <= INT64_MAX ? slab_alloc(object_cache) : NULL;

	if (!o)
		return NULL;
	vm_object_setup(o, size, ops, owner);
	return o;
}

void vm_object_get(struct vm_object *o)
{
	refcount_get(&o->refs);
}

static void charge_drop(struct vm_object *o, u64 pages)
{
	page_count(PAGES_OBJECT, -(s64)pages);
	if (pages && o->ops && o->ops->uncharge)
		o->ops->uncharge(o, pages);
}

static void drop_page(void *p)
{
	page_put(p);
}

static void object_destroy(struct vm_object *o)
{
	u64 pages = o->pages.count;

	DEBUG_ASSERT(list_empty(&o->mappings));
	idmap_drain(&o->pages, drop_page);
	charge_drop(o, pages);
	if (o->ops && o->ops->destroy)
		o->ops->destroy(o);
	slab_free(object_cache, o);
}

void vm_object_put(struct vm_object *o)
{
	if (!refcount_put(&o->refs))
		return;
	if (unlikely(o->page_order))
		huge_object_destroy(o);
	else
		object_destroy(o);
}

static u64 size_pages(u64 size)
{
	return (size >> PAGE_SHIFT) + !!(size & (PAGE_SIZE - 1));
}

/* Lock held: fills what is probably a hole. => 0 and the page without an extra reference. */
static int page_add_locked(struct vm_object *o, u32 index, struct page **out)
{
	int err = o->ops && o->ops->charge ? o->ops->charge(o, 1) : 0;

	if (err < 0)
		return err;
	struct page *p = page_alloc(0, PAGE_ZERO | PAGE_USER);
	err = p ? idmap_insert(&o->pages, index, p) : -ENOMEM;
	if (likely(err == 0)) {
		page_count(PAGES_OBJECT, 1);
		*out = p;
		return 0;
	}
	if (p)
		page_put(p);
	if (o->ops && o->ops->uncharge)
		o->ops->uncharge(o, 1);
	if (err == -EEXIST)
		*out = idmap_find(&o->pages, index);
	return err == -EEXIST ? 0 : err;
}

int vm_object_fill_locked(struct vm_object *o, u64 index, struct page **out)
{
	if (unlikely(index >= size_pages(o->size)))
		return -ENXIO;
	return page_add_locked(o, (u32)index, out);
}

static int page_get_locked(struct vm_object *o, u64 index, struct page **out)
{
	struct page *p = idmap_find(&o->pages, (u32)index);

	if (!p)
		TRY(page_add_locked(o, (u32)index, &p));
	page_get(p);
	*out = p;
	return 0;
}

int vm_object_page(struct vm_object *o, u64 index, struct page **out)
{
	GUARD(mutex)(&o->lock);
	return index < size_pages(o->size) ? page_get_locked(o, index, out) : -ENXIO;
}

int vm_object_page_any(struct vm_object *o, u64 index, struct page **out)
{
	GUARD(mutex)(&o->lock);
	return index < size_pages(VM_OBJECT_SIZE_MAX) ? page_get_locked(o, index, out) : -EFBIG;
}

void vm_object_extend(struct vm_object *o, u64 size)
{
	GUARD(mutex)(&o->lock);
	if (size > o->size)
		store_relaxed(&o->size, size);
}

bool vm_object_mapped_writable(struct vm_object *o)
{
	struct vm_area *a;

	GUARD(spin)(&o->mappings_lock);
	list_for_each (a, &o->mappings, mapping_link)
		if (a->flags & VM_SHARED && (a->prot | a->max_prot) & PROT_WRITE)
			return true;
	return false;
}

/* Without the lock: the page may be on its way out, hence the second look after the reference. */
struct page *vm_object_page_present(struct vm_object *o, u64 index)
{
	if (index > UINT32_MAX)
		return NULL;
	rcu_read_lock();
	struct page *p = idmap_find(&o->pages, (u32)index);
	while (p) {
		if (refcount_get_not_zero(&p->refs)) {
			if (likely(idmap_find(&o->pages, (u32)index) == p))
				break;
			page_put(p);
		}
		p = idmap_find(&o->pages, (u32)index);
	}
	rcu_read_unlock();
	return p;
}

/*
 * Lock held: empties slots [first, last]: first out of the map, then out of all page tables, then freed.
 * Between, a fault finds a hole and waits for the lock (fault.c).
 */
static void pages_remove_locked(struct vm_object *o, u64 first, u64 last, enum zap_what what)
{
	struct list removed = LIST_INIT(removed);
	struct page *p, *next;
	u64 count = 0;

	for (u32 i = (u32)first; first <= last && (p = idmap_next(&o->pages, &i)) && i <= last;
	     i++) {
		idmap_clear(&o->pages, i);
		list_add_tail(&removed, &p->link);
		count++;
		if (i == UINT32_MAX)
			break;
	}
	object_unmap(o, first, last == UINT32_MAX ? UINT64_MAX >> PAGE_SHIFT : last + 1, what);
	list_for_each_safe (p, next, &removed, link)
		page_put(p);
	charge_drop(o, count);
}

static void zero_part_locked(struct vm_object *o, u64 start, u64 end)
{
	struct page *p = start < end ? idmap_find(&o->pages, (u32)(start >> PAGE_SHIFT)) : NULL;

	if (p)
		memset((char *)page_virt(p) + start % PAGE_SIZE, 0, end - start);
}

int vm_object_resize(struct vm_object *o, u64 size)
{
	if (size > VM_OBJECT_SIZE_MAX)
		return -EFBIG;
	if (unlikely(o->page_order))
		return huge_object_resize(o, size);
	GUARD(mutex)(&o->lock);
	u64 end = MIN(size, o->size);
	bool shrinks = size < o->size;
	u32 beyond = (u32)size_pages(end);
	/* What lies beyond the end, in whole pages (vm_object_page_any) or in the last one, reads as zero later. */
	if (shrinks) {
		store_relaxed(&o->size, size);
		pages_remove_locked(o, beyond, UINT32_MAX, ZAP_ALL);
	} else if (idmap_next(&o->pages, &beyond)) {
		pages_remove_locked(o, beyond, UINT32_MAX, ZAP_ALL);
	}
	zero_part_locked(o, end, ROUND_UP(end, PAGE_SIZE));
	store_relaxed(&o->size, size);
	return 0;
}

void vm_object_punch(struct vm_object *o, u64 start, u64 end)
{
	if (unlikely(o->page_order)) {
		huge_object_punch(o, start, end);
		return;
	}
	GUARD(mutex)(&o->lock);
	end = MIN(end, VM_OBJECT_SIZE_MAX);
	if (start >= end)
		return;
	u64 first = ROUND_UP(start, PAGE_SIZE), last = ROUND_DOWN(end, PAGE_SIZE);
	zero_part_locked(o, start, MIN(first, end));
	if (last >= first)
		zero_part_locked(o, last, end);
	if (first < last)
		pages_remove_locked(o, first >> PAGE_SHIFT, (last >> PAGE_SHIFT) - 1,
		                    ZAP_OBJECT_ONLY);
}

u64 vm_object_resident(struct vm_object *o)
{
	return (u64)load_relaxed(&o->pages.count) << o->page_order;
}

/* Lock held. => first index >= from that is a hole. */
static u64 hole_after_locked(struct vm_object *o, u64 from)
{
	while (from <= UINT32_MAX && idmap_find(&o->pages, (u32)from))
		from++;
	return from;
}

s64 vm_object_seek(struct vm_object *o, u64 pos, bool hole)
{
	GUARD(mutex)(&o->lock);
	if (pos >= o->size)
		return -ENXIO;
	u64 found = UINT64_MAX >> PAGE_SHIFT;
	if (hole) {
		found = hole_after_locked(o, pos >> PAGE_SHIFT);
	} else {
		u32 i = (u32)(pos >> PAGE_SHIFT);
		if (idmap_next(&o->pages, &i))
			found = i;
	}
	u64 at = MAX(pos, found << PAGE_SHIFT);
	if (at >= o->size)
		return hole ? (s64)o->size : -ENXIO;
	return (s64)at;
}

int vm_object_read(struct vm_object *o, u64 pos, void *buf, size_t n)
{
	for (char *to = buf; n;) {
		size_t part = MIN(n, (size_t)(PAGE_SIZE - pos % PAGE_SIZE));
		struct page *p = vm_object_page_present(o, pos >> PAGE_SHIFT);
		if (p) {
			memcpy(to, (char *)page_virt(p) + pos % PAGE_SIZE, part);
			page_put(p);
		} else {
			memset(to, 0, part);
		}
		to += part, pos += part, n -= part;
	}
	return 0;
}

int vm_object_write(struct vm_object *o, u64 pos, const void *buf, size_t n)
{
	for (const char *from = buf; n;) {
		size_t part = MIN(n, (size_t)(PAGE_SIZE - pos % PAGE_SIZE));
		struct page *p;
		TRY(vm_object_page(o, pos >> PAGE_SHIFT, &p));
		memcpy((char *)page_virt(p) + pos % PAGE_SIZE, from, part);
		page_put(p);
		from += part, pos += part, n -= part;
	}
	return 0;
}
