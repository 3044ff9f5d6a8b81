#include "kernel/mm/slab_impl.h"
#include "kernel/lib/string.h"

/* Size classes: powers of two, and half-way steps where they save much. */
static const u16 class_sizes[] = {16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048};
enum { CLASSES = ARRAY_SIZE(class_sizes), CLASS_GRAIN = 16, SMALL_MAX = 2048 };
static const char *const class_names[CLASSES] = {
	"kmalloc-16",  "kmalloc-32",   "kmalloc-48",  "kmalloc-64",  "kmalloc-96",
	"kmalloc-128", "kmalloc-192",  "kmalloc-256", "kmalloc-384", "kmalloc-512",
	"kmalloc-768", "kmalloc-1024", "kmalloc-2048"};
static struct slab_cache class_cache[CLASSES];
static struct slab_cache
	*class_of_size[SMALL_MAX / CLASS_GRAIN + 1]; /* by size in grains, rounded up */

void kmalloc_init(void)
{
	u32 grains = 0;

	for (u32 i = 0; i < CLASSES; i++) {
		size_t size = class_sizes[i];
		slab_cache_setup(&class_cache[i], class_names[i], size,
		                 DEBUG_BUILD ? CLASS_GRAIN : size & -size);
		for (; grains * CLASS_GRAIN <= size; grains++)
			class_of_size[grains] = &class_cache[i];
	}
}

static NOINLINE void *large_alloc(size_t size)
{
	unsigned order = 0;

	while (order <= PAGE_ORDER_MAX && (size_t)PAGE_SIZE << order < size)
		order++;
	if (order > PAGE_ORDER_MAX)
		return NULL;
	struct page *p = page_alloc(order, PAGE_ANY);
	if (!p)
		return NULL;
	p->flags = PAGE_FLAG_LARGE;
	p->index = order;
	page_count(PAGES_SLAB, 1ll << order);
	return page_virt(p);
}

static void large_free(struct page *p)
{
	unsigned order = (unsigned)p->index;

	ASSERT(p->flags == PAGE_FLAG_LARGE);
	p->flags = 0;
	page_count(PAGES_SLAB, -(1ll << order));
	page_free(p, order);
}

static ALWAYS_INLINE void *alloc_site(size_t size, const void *site)
{
	if (unlikely(size > SMALL_MAX))
		return large_alloc(size);
	return slab_alloc_site(class_of_size[(size + CLASS_GRAIN - 1) / CLASS_GRAIN], site);
}

void *kmalloc(size_t size)
{
	return alloc_site(size, __builtin_return_address(0));
}

void *kzalloc(size_t size)
{
	void *p = alloc_site(size, __builtin_return_address(0));

	return p ? memset(p, 0, size) : NULL;
}

void kfree(const void *p)
{
	if (unlikely(!p))
		return;
	struct page *page = virt_page(p);
	if (page->flags & PAGE_FLAG_TAIL)
		page = page->owner;
	if (likely(page->flags & PAGE_FLAG_SLAB))
		slab_free(page->owner, (void *)p);
	else
		large_free(page);
}

char *kstrdup(const char *s)
{
	size_t n = strlen(s) + 1;
	char *copy = alloc_site(n, __builtin_return_address(0));

	return copy ? memcpy(copy, s, n) : NULL;
}
