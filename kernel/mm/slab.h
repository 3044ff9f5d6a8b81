/*
 * Kernel allocation: slab caches with per-processor magazines, kmalloc size classes on them, whole
 * pages above. Any context that holds no lock of rank >= SLAB; never sleeps. All fallible: NULL.
 * Debug builds poison, detect double frees, and report at power-off what was never freed.
 */
#pragma once
#include "kernel/lib/compiler.h"

struct slab_cache;
/* Made once, never destroyed. align: power of two or 0. Objects are not zeroed. => panics at boot on failure. */
struct slab_cache *slab_cache_new(const char *name, size_t size, size_t align);
MUST_CHECK void *slab_alloc(struct slab_cache *c);
void slab_free(struct slab_cache *c, void *p); /* NULL allowed */

MUST_CHECK void *kmalloc(size_t size); /* up to 4 MiB, physically contiguous */
MUST_CHECK void *kzalloc(size_t size);
void kfree(const void *p); /* NULL allowed */
/* Any size: kmalloc or page by page in the vmap area. Zeroed. */
MUST_CHECK void *kvzalloc(size_t size);
void kvfree(const void *p);
MUST_CHECK char *kstrdup(const char *s);
/* Page-wise kernel mapping (stacks): pages, with an unmapped guard page below and above. */
MUST_CHECK void *vmap_alloc(size_t size);
void vmap_free(void *p, size_t size);

/* Debug: prints live allocations by cache, => their number apart from what lives for ever. */
u64 slab_leak_report(void);
/* Fault injection for tests: the n-th allocation from now by the current thread fails (0: off). */
void alloc_fail_nth(u32 n);
