#include "arch/cpu.h"
#include "arch/pagetable.h"
#include "kernel/lib/string.h"
#include "kernel/mm/fail.h"
#include "kernel/mm/range.h"
#include "kernel/mm/slab_impl.h"
#include "kernel/sync/spinlock.h"

/*
 * A freed range stays reserved until every processor has dropped its translations, which is done
 * for many at a time.
 */
enum { RETIRED_MAX = 64 };
struct vmap_area {
	struct range range; /* with the guard pages */
	struct vmap_area *next_retired;
};

static struct spinlock vmap_lock = SPINLOCK_INIT(VMAP);
static struct range_set vmap_areas; /* [vmap_lock] */
static struct vmap_area *retired;   /* [vmap_lock] */
static u32 retired_count;           /* [vmap_lock] */
static struct slab_cache *vmap_cache;

void vmap_init(void)
{
	range_set_init(&vmap_areas);
	vmap_cache = slab_cache_new("vmap_area", sizeof(struct vmap_area), 0);
}

/* => the retired areas, out of the set: freed by the caller without the lock. */
static struct vmap_area *retired_take_locked(void)
{
	struct vmap_area *list = retired;

	tlb_flush_kernel();
	for (struct vmap_area *a = list; a; a = a->next_retired)
		range_remove(&vmap_areas, &a->range);
	retired = NULL;
	retired_count = 0;
	return list;
}

static void areas_free(struct vmap_area *list)
{
	while (list) {
		struct vmap_area *next = list->next_retired;
		slab_free(vmap_cache, list);
		list = next;
	}
}

static void pages_unmap_locked(u64 start, u64 end)
{
	for (u64 at = start; at < end; at += PAGE_SIZE) {
		phys_t page = kernel_unmap(at);
		if (!page)
			continue;
		page_count(PAGES_VMAP, -1);
		page_put(phys_page(page));
	}
}

static void retire_locked(struct vmap_area *a)
{
	a->next_retired = retired;
	retired = a;
	retired_count++;
}

static bool pages_map_locked(u64 start, u64 end)
{
	for (u64 at = start; at < end; at += PAGE_SIZE) {
		struct page *p = page_alloc(0, PAGE_ANY);
		if (!p)
			return false;
		if (kernel_map(at, page_phys(p), PTE_WRITE) < 0) {
			page_put(p);
			return false;
		}
		page_count(PAGES_VMAP, 1);
	}
	return true;
}

void vmap_purge(void)
{
	spin_lock(&vmap_lock);
	struct vmap_area *list = retired_take_locked();
	spin_unlock(&vmap_lock);
	areas_free(list);
}

static bool area_place_locked(struct vmap_area *a, size_t size)
{
	s64 at = range_place_down(&vmap_areas, 0, VMAP_END - VMAP_START, size + 2 * PAGE_SIZE,
	                          PAGE_SIZE);

	if (at < 0)
		return false;
	a->range.start = (u64)at;
	a->range.end = (u64)at + size + 2 * PAGE_SIZE;
	range_insert(&vmap_areas, &a->range);
	return true;
}

static u64 area_base(const struct vmap_area *a)
{
	return VMAP_START + a->range.start + PAGE_SIZE;
}

void *vmap_alloc(size_t size)
{
	struct vmap_area *a;
	bool placed, mapped = false;

	if (size == 0 || size > VMAP_END - VMAP_START)
		return NULL;
	size = ROUND_UP(size, PAGE_SIZE);
	a = slab_alloc(vmap_cache);
	if (!a)
		return NULL;
	spin_lock(&vmap_lock);
	placed = area_place_locked(a, size);
	if (placed)
		mapped = pages_map_locked(area_base(a), area_base(a) + size);
	if (placed && !mapped) {
		pages_unmap_locked(area_base(a), area_base(a) + size);
		retire_locked(a);
	}
	spin_unlock(&vmap_lock);
	if (!placed)
		slab_free(vmap_cache, a);
	return mapped ? (void *)area_base(a) : NULL;
}

void vmap_free(void *p, size_t size)
{
	u64 at = (u64)p - VMAP_START - PAGE_SIZE;

	if (!p)
		return;
	spin_lock(&vmap_lock);
	struct range *r = range_find(&vmap_areas, at);
	ASSERT(r && r->start == at && r->end == at + ROUND_UP(size, PAGE_SIZE) + 2 * PAGE_SIZE);
	pages_unmap_locked((u64)p, (u64)p + ROUND_UP(size, PAGE_SIZE));
	retire_locked(container_of(r, struct vmap_area, range));
	bool many = retired_count > RETIRED_MAX;
	spin_unlock(&vmap_lock);
	if (many)
		vmap_purge();
}

static bool is_vmap(const void *p)
{
	return (u64)p >= VMAP_START && (u64)p < VMAP_END;
}

enum { KVZALLOC_CONTIGUOUS_MAX = 4 * PAGE_SIZE };

void *kvzalloc(size_t size)
{
	if (size <= KVZALLOC_CONTIGUOUS_MAX)
		return kzalloc(size);
	void *p = vmap_alloc(size);
	return p ? memset(p, 0, size) : NULL;
}

static size_t vmap_size(const void *p)
{
	u64 at = (u64)p - VMAP_START - PAGE_SIZE;
	GUARD(spin)(&vmap_lock);
	struct range *r = range_find(&vmap_areas, at);

	ASSERT(r && r->start == at);
	return r->end - r->start - 2 * PAGE_SIZE;
}

void kvfree(const void *p)
{
	if (is_vmap(p))
		vmap_free((void *)p, vmap_size(p));
	else
		kfree(p);
}
