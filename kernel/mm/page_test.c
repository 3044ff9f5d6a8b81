#include "kernel/lib/test.h"
#include "kernel/mm/page.h"
#include "kernel/mm/slab.h"

enum { HELD = 512 };

static u64 pages_free(void)
{
	struct page_stats s;

	page_stats(&s);
	return s.free;
}

TEST(page_blocks_are_aligned_zeroed_and_come_back)
{
	u64 before = pages_free();

	for (unsigned order = 0; order <= PAGE_ORDER_MAX; order++) {
		struct page *p = page_alloc(order, PAGE_ZERO);
		CHECK(p);
		if (!p)
			return;
		CHECK_EQ(page_frame(p) & ((1ull << order) - 1), 0);
		const u64 *word = page_virt(p);
		u64 sum = 0;
		for (u64 i = 0; i < (PAGE_SIZE << order) / 8; i++)
			sum |= word[i];
		CHECK_EQ(sum, 0);
		page_free(p, order);
	}
	CHECK_EQ(pages_free(), before);
}

TEST(page_single_pages_are_distinct)
{
	struct page **held = kmalloc(HELD * sizeof(*held));
	u64 before = pages_free();

	CHECK(held);
	for (u32 i = 0; held && i < HELD; i++) {
		held[i] = page_alloc(0, PAGE_ANY);
		*(u64 *)page_virt(held[i]) = i;
	}
	CHECK_EQ(pages_free(), before - HELD);
	for (u32 i = 0; held && i < HELD; i++) {
		CHECK_EQ(*(u64 *)page_virt(held[i]), i);
		page_put(held[i]);
	}
	CHECK_EQ(pages_free(), before);
	kfree(held);
}

TEST(page_put_frees_with_the_last_reference)
{
	u64 before = pages_free();
	struct page *p = page_alloc(0, PAGE_ANY);

	page_get(p);
	page_put(p);
	CHECK_EQ(pages_free(), before - 1);
	page_put(p);
	CHECK_EQ(pages_free(), before);
}
