#include "kernel/mm/slab_impl.h"
#include "kernel/lib/log.h"
#include "kernel/lib/string.h"
#include "kernel/lib/symbols.h"

#if DEBUG_BUILD
enum {
	STATE_FREE = 0x46524545,
	STATE_ALLOCATED = 0x414c4c4f,
	POISON_FREE = 0x6b,
	POISON_NEW = 0xa5
};
enum { REPORT_SITES = 16 };
static u32 epoch; /* [a] objects of epoch 0 live for ever */

static struct slab_trailer *trailer_of(const struct slab_cache *c, void *object)
{
	return (struct slab_trailer *)((char *)object + ROUND_UP(c->object_size, 8));
}

void slab_debug_new(struct slab_cache *c, void *object)
{
	memset(object, POISON_FREE, ROUND_UP(c->object_size, 8));
	*trailer_of(c, object) = (struct slab_trailer){.state = STATE_FREE};
}

/* The first word of a free object is the slab's chain. */
static void poison_check(struct slab_cache *c, void *object, const struct slab_trailer *t)
{
	const u8 *b = object;

	for (u32 i = 8; i < c->object_size; i++)
		if (b[i] != POISON_FREE)
			panic("slab %s: object %p changed at +%u after it was freed at %p", c->name,
			      object, i, t->site);
}

void slab_debug_alloc(struct slab_cache *c, void *object, const void *site)
{
	struct slab_trailer *t = trailer_of(c, object);

	if (t->state != STATE_FREE)
		panic("slab %s: free object %p has state %x", c->name, object, t->state);
	poison_check(c, object, t);
	memset(object, POISON_NEW, c->object_size);
	*t = (struct slab_trailer){STATE_ALLOCATED, load_relaxed(&epoch), site};
}

void slab_debug_free(struct slab_cache *c, void *object, const void *site)
{
	struct slab_trailer *t = trailer_of(c, object);

	if (t->state == STATE_FREE)
		panic("slab %s: object %p freed twice, first at %p", c->name, object, t->site);
	if (t->state != STATE_ALLOCATED)
		panic("slab %s: object %p overrun (state %x)", c->name, object, t->state);
	memset(object, POISON_FREE, ROUND_UP(c->object_size, 8));
	t->state = STATE_FREE;
	t->site = site;
}

void slab_leak_baseline(void)
{
	store_relaxed(&epoch, 1u);
}

struct site_count {
	const void *site;
	u64 count;
};

static void site_add(struct site_count *sites, const void *site)
{
	for (u32 i = 0; i < REPORT_SITES; i++) {
		if (sites[i].site && sites[i].site != site)
			continue;
		sites[i].site = site;
		sites[i].count++;
		return;
	}
}

static u64 slabs_scan(struct slab_cache *c, struct list *slabs, struct site_count *sites)
{
	struct page *slab;
	u64 live = 0;

	list_for_each (slab, slabs, link) {
		for (u32 i = 0; i < c->per_slab; i++) {
			void *object = (char *)page_virt(slab) + (size_t)i * c->size;
			struct slab_trailer *t = trailer_of(c, object);
			if (t->state != STATE_ALLOCATED || t->epoch == 0)
				continue;
			live++;
			site_add(sites, t->site);
		}
	}
	return live;
}

static void site_report(const struct site_count *s)
{
	u64 start;
	const char *name = symbol_find((u64)s->site, &start);

	log_warn("leak:   %llu allocated in %s at %p", (unsigned long long)s->count, name ?: "?",
	         s->site);
}

static u64 cache_report(struct slab_cache *c)
{
	struct site_count sites[REPORT_SITES] = {0};
	u64 live;

	if (!c->magazine_capacity) /* the allocator's own */
		return 0;
	{
		GUARD(spin)(&c->lock);
		live = slabs_scan(c, &c->partial, sites) + slabs_scan(c, &c->full, sites);
	}
	if (!live)
		return 0;
	log_warn("leak: %s: %llu objects of %u bytes", c->name, (unsigned long long)live,
	         c->object_size);
	for (u32 i = 0; i < REPORT_SITES && sites[i].site; i++)
		site_report(&sites[i]);
	return live;
}

u64 slab_leak_report(void)
{
	struct page_stats pages;
	struct slab_cache *c;
	u64 live = 0;

	vmap_purge();
	list_for_each (c, &slab_caches, link) /* caches only come, and are never deleted */
		live += cache_report(c);
	page_stats(&pages);
	log_info("pages left: %llu anonymous, %llu of objects, %llu tables, %llu vmap",
	         (unsigned long long)pages.anonymous, (unsigned long long)pages.object,
	         (unsigned long long)pages.tables, (unsigned long long)pages.stacks);
	return live + pages.anonymous;
}
#else
void slab_leak_baseline(void) {}
u64 slab_leak_report(void)
{
	return 0;
}
#endif
