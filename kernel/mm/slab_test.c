#include "kernel/lib/string.h"
#include "kernel/lib/test.h"
#include "kernel/mm/page.h"
#include "kernel/mm/slab.h"

enum { OBJECTS = 700 };

TEST(kmalloc_every_size_holds_its_bytes)
{
	for (size_t size = 1; size <= 3 * PAGE_SIZE; size += size < 300 ? 1 : 97) {
		u8 *a = kmalloc(size), *b = kzalloc(size);
		CHECK(a && b);
		if (!a || !b)
			return;
		memset(a, 0xff, size);
		for (size_t i = 0; i < size; i++)
			if (b[i])
				CHECK(!"zeroed");
		kfree(a);
		kfree(b);
	}
}

TEST(kmalloc_objects_do_not_overlap)
{
	u64 **held = kvzalloc(OBJECTS * sizeof(*held));

	CHECK(held);
	for (u32 round = 0; held && round < 3; round++) {
		for (u32 i = 0; i < OBJECTS; i++) {
			held[i] = kmalloc(48);
			held[i][0] = held[i][5] = i;
		}
		for (u32 i = 0; i < OBJECTS; i++) {
			CHECK(held[i][0] == i && held[i][5] == i);
			kfree(held[i]);
		}
	}
	kvfree(held);
}

TEST(vmap_is_mapped_page_by_page)
{
	for (size_t size = PAGE_SIZE; size <= 64 * PAGE_SIZE; size *= 2) {
		u8 *p = vmap_alloc(size);
		CHECK(p);
		if (!p)
			return;
		memset(p, 0x77, size);
		CHECK(p[0] == 0x77 && p[size - 1] == 0x77);
		vmap_free(p, size);
	}
	CHECK(!vmap_alloc(0));
	CHECK(!vmap_alloc(1ull << 50));
}

TEST(alloc_fail_nth_fails_that_one)
{
	if (!DEBUG_BUILD)
		return;
	kfree(kmalloc(32)); /* from here on the magazine has some, no page is needed */
	alloc_fail_nth(2);
	void *a = kmalloc(32), *b = kmalloc(32), *c = kmalloc(32);
	CHECK(a && !b && c);
	CHECK(alloc_fail_nth(0));
	kfree(a);
	kfree(c);
}
