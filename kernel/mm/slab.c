#include "kernel/mm/slab_impl.h"
#include "kernel/lib/string.h"
#include "kernel/mm/fail.h"

enum { MAGAZINE_MAX = 64, SLAB_OBJECTS_MIN = 8, SLAB_ORDER_MAX = 3, FREE_UNIT = 8 };

struct list slab_caches = LIST_INIT(slab_caches);
struct spinlock slab_caches_lock = SPINLOCK_INIT(LEAF);

/* What a processor has before its first use of a cache: looks both empty and full. */
static struct magazine no_magazine;
static struct slab_cache cache_cache, magazine_cache;

/* A free object links to the next one of its slab by offset; 0xffff ends the chain. */
enum { FREE_END = 0xffff };
static void *slab_object(struct page *slab, u32 at)
{
	return (char *)page_virt(slab) + at * FREE_UNIT;
}
static u16 *free_link(void *object)
{
	return object;
}

static struct page *slab_of(const void *object)
{
	struct page *p = virt_page(object);

	return p->flags & PAGE_FLAG_TAIL ? p->owner : p;
}

static struct page *slab_new(struct slab_cache *c)
{
	struct page *slab = page_alloc(c->order, PAGE_ANY);
	u32 units = c->size / FREE_UNIT;

	if (!slab)
		return NULL;
	page_count(PAGES_SLAB, 1 << c->order);
	slab->flags = PAGE_FLAG_SLAB;
	slab->owner = c;
	for (u32 i = 1; i < 1u << c->order; i++) {
		slab[i].flags = PAGE_FLAG_SLAB | PAGE_FLAG_TAIL;
		slab[i].owner = slab;
	}
	for (u32 i = 0; i < c->per_slab; i++) {
		void *object = slab_object(slab, i * units);
		slab_debug_new(c, object);
		*free_link(object) = i + 1 < c->per_slab ? (u16)((i + 1) * units) : FREE_END;
	}
	slab->free_head = 0;
	slab->free_count = (u16)c->per_slab;
	list_add(&c->partial, &slab->link);
	c->slab_count++;
	return slab;
}

static void slab_delete(struct slab_cache *c, struct page *slab)
{
	list_del(&slab->link);
	c->slab_count--;
	for (u32 i = 0; i < 1u << c->order; i++)
		slab[i].flags = 0;
	page_count(PAGES_SLAB, -(1 << c->order));
	page_free(slab, c->order);
}

/* From the first slab that has one. Lock held. */
static void *object_take_locked(struct slab_cache *c)
{
	struct page *slab =
		list_empty(&c->partial) ? slab_new(c) : list_first(&c->partial, struct page, link);
	if (!slab)
		return NULL;
	void *object = slab_object(slab, slab->free_head);
	slab->free_head = *free_link(object);
	if (--slab->free_count == 0) {
		list_del(&slab->link);
		list_add(&c->full, &slab->link);
	}
	return object;
}

static void object_give_locked(struct slab_cache *c, void *object)
{
	struct page *slab = slab_of(object);

	*free_link(object) = slab->free_head;
	slab->free_head = (u16)(((char *)object - (char *)page_virt(slab)) / FREE_UNIT);
	if (slab->free_count++ == 0) {
		list_del(&slab->link);
		list_add(&c->partial, &slab->link);
	}
	if (slab->free_count == c->per_slab && c->partial.next != c->partial.prev)
		slab_delete(c, slab);
}

static struct magazine *magazine_pop(struct magazine **list)
{
	struct magazine *m = *list;

	if (m)
		*list = m->next;
	return m;
}

static void magazine_push(struct magazine **list, struct magazine *m)
{
	m->next = *list;
	*list = m;
}

static struct magazine *magazine_make(struct slab_cache *c)
{
	struct magazine *m;

	if (!c->magazine_capacity)
		return NULL;
	{
		GUARD(spin)(&magazine_cache.lock);
		m = object_take_locked(&magazine_cache);
	}
	if (m)
		*m = (struct magazine){.capacity = c->magazine_capacity};
	return m;
}

/* This processor's magazine, which it gets at its first use of the cache; NULL: no memory for one. */
static struct magazine *magazine_loaded(struct slab_cache *c)
{
	struct magazine *m = c->magazine[cpu_id()];

	if (m != &no_magazine)
		return m;
	m = magazine_make(c);
	if (m)
		c->magazine[cpu_id()] = m;
	return m;
}

/* Lock held: a full magazine from the depot in the place of the empty m, or half of m filled. */
static struct magazine *magazine_refill(struct slab_cache *c, struct magazine *m)
{
	struct magazine *full = magazine_pop(&c->full_magazines);

	if (full) {
		c->full_count--;
		magazine_push(&c->empty_magazines, m);
		c->magazine[cpu_id()] = full;
		return full;
	}
	for (; m->count < m->capacity / 2; m->count++) {
		void *object = object_take_locked(c);
		if (!object)
			break;
		m->object[m->count] = object;
	}
	return m;
}

static NOINLINE void *alloc_slow(struct slab_cache *c)
{
	struct magazine *m = magazine_loaded(c);

	GUARD(spin)(&c->lock);
	if (m)
		m = magazine_refill(c, m);
	if (m && m->count)
		return m->object[--m->count];
	return object_take_locked(c);
}

/* Lock held: the full m goes to the depot for an empty one, or half of it to the slabs. `spare`: an empty
 * one that may be used; => NULL when it was. */
static struct magazine *magazine_unload(struct slab_cache *c, struct magazine *m,
                                        struct magazine *spare)
{
	struct magazine *empty = NULL;

	if (c->full_count < c->full_max)
		empty = magazine_pop(&c->empty_magazines) ?: TAKE(spare);
	if (empty) {
		c->full_count++;
		magazine_push(&c->full_magazines, m);
		c->magazine[cpu_id()] = empty;
	}
	while (!empty && m->count > m->capacity / 2)
		object_give_locked(c, m->object[--m->count]);
	return spare;
}

static NOINLINE void free_slow(struct slab_cache *c, void *object)
{
	struct magazine *m = magazine_loaded(c), *spare = NULL;

	/* Made before the lock is taken: two caches' locks are never held together. */
	if (m && m->count == m->capacity && !load_relaxed(&c->empty_magazines))
		spare = magazine_make(c);
	GUARD(spin)(&c->lock);
	if (m && m->count == m->capacity) {
		spare = magazine_unload(c, m, spare);
		m = c->magazine[cpu_id()];
	}
	if (spare)
		magazine_push(&c->empty_magazines, spare);
	if (m)
		m->object[m->count++] = object;
	else
		object_give_locked(c, object);
}

void *slab_alloc_site(struct slab_cache *c, const void *site)
{
	struct magazine *m = c->magazine[cpu_id()];
	void *object;

	if (alloc_should_fail())
		return NULL;
	if (likely(m->count))
		object = m->object[--m->count];
	else
		object = alloc_slow(c);
	if (DEBUG_BUILD && object)
		slab_debug_alloc(c, object, site);
	return object;
}

void *slab_alloc(struct slab_cache *c)
{
	return slab_alloc_site(c, __builtin_return_address(0));
}

void *slab_zalloc(struct slab_cache *c)
{
	void *object = slab_alloc_site(c, __builtin_return_address(0));

	return object ? memset(object, 0, c->object_size) : NULL;
}

void slab_free(struct slab_cache *c, void *p)
{
	if (unlikely(!p))
		return;
	if (DEBUG_BUILD) {
		ASSERT(slab_of(p)->owner == c);
		slab_debug_free(c, p, __builtin_return_address(0));
	}
	struct magazine *m = c->magazine[cpu_id()];
	if (likely(m->count < m->capacity))
		m->object[m->count++] = p;
	else
		free_slow(c, p);
}

static u32 capacity_for(size_t size)
{
	return size <= 512 ? MAGAZINE_MAX : size <= PAGE_SIZE ? 32 : 8;
}

enum { DEPOT_BYTES = 256 << 10 };
static u32 full_max_for(size_t size)
{
	return (u32)MAX(DEPOT_BYTES / (size * capacity_for(size)), (size_t)1);
}

void slab_cache_setup(struct slab_cache *c, const char *name, size_t size, size_t align)
{
	align = MAX(align, (size_t)FREE_UNIT);
	*c = (struct slab_cache){
		.name = name,
		.size = (u32)ROUND_UP(ROUND_UP(size, 8) + SLAB_TRAILER, align),
		.object_size = (u32)size,
		.magazine_capacity = capacity_for(size),
		.full_max = full_max_for(size),
	};
	while (c->order < SLAB_ORDER_MAX && (PAGE_SIZE << c->order) / c->size < SLAB_OBJECTS_MIN)
		c->order++;
	c->per_slab = (PAGE_SIZE << c->order) / c->size;
	ASSERT(c->per_slab > 0);
	spinlock_init(&c->lock, SLAB);
	list_init(&c->partial);
	list_init(&c->full);
	for (u32 i = 0; i < MAX_CPUS; i++)
		c->magazine[i] = &no_magazine;
	GUARD(spin)(&slab_caches_lock);
	list_add_tail(&slab_caches, &c->link);
}

struct slab_cache *slab_cache_new(const char *name, size_t size, size_t align)
{
	struct slab_cache *c = slab_alloc(&cache_cache);

	if (!c)
		panic("no memory for slab cache %s", name);
	slab_cache_setup(c, name, size, align);
	return c;
}

void slab_init(void)
{
	slab_cache_setup(&cache_cache, "slab_cache", sizeof(struct slab_cache), CACHE_LINE);
	slab_cache_setup(&magazine_cache, "magazine",
	                 sizeof(struct magazine) + MAGAZINE_MAX * sizeof(void *), CACHE_LINE);
	cache_cache.magazine_capacity = magazine_cache.magazine_capacity = 0;
	kmalloc_init();
}
