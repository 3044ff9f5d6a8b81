#include "kernel/lib/string.h"
#include "kernel/lib/test.h"
#include "kernel/mm/advise.h"
#include "kernel/mm/remap.h"
#include "kernel/mm/slab.h"

/*
 * Address spaces that no processor runs in, read and written with vm_access(). The random test compares
 * two of them, the second a fork of the first, with arrays that say what each page should hold.
 */
#define BASE 0x10000000ull
enum { PAGES_MAX = 4 * TABLE_ENTRIES, HOLE = -1 };
static s16 expected[2][PAGES_MAX]; /* HOLE, or the byte that the page begins with */
static u32 pages;                  /* of the model in use */
static u64 seed;

static u32 random_below(u32 n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)(seed >> 33) % n;
}

static u64 page_at(u32 page)
{
	return BASE + (u64)page * PAGE_SIZE;
}

static s64 map(struct aspace *as, u32 page, u32 count, struct vm_object *o, u32 flags, u64 offset)
{
	struct vm_map_request req = {
		.addr = page_at(page),
		.length = (u64)count * PAGE_SIZE,
		.prot = PROT_READ | PROT_WRITE,
		.flags = flags,
		.how = VM_MAP_FIXED,
		.object = o,
		.offset = offset,
	};

	return vm_map(as, &req);
}

static int peek(struct aspace *as, u32 page)
{
	u8 byte;

	return vm_access(as, page_at(page), &byte, 1, false) == 1 ? byte : HOLE;
}

static bool poke(struct aspace *as, u32 page, u8 byte)
{
	return vm_access(as, page_at(page), &byte, 1, true) == 1;
}

static void check_all(struct aspace *as, const s16 *want)
{
	for (u32 i = 0; i < pages; i++)
		if (peek(as, i) != want[i])
			CHECK_EQ(peek(as, i), want[i]);
}

static void step_move(struct aspace *as, s16 *want, u32 page, u32 count)
{
	u32 to = random_below(pages - count);

	for (u32 i = page; i < page + count; i++)
		if (want[i] == HOLE)
			return;
	if (to + count > page && page + count > to)
		return;
	s64 got = vm_remap(as, page_at(page), (u64)count * PAGE_SIZE, (u64)count * PAGE_SIZE,
	                   MREMAP_MAYMOVE | MREMAP_FIXED, page_at(to));
	CHECK(got == (s64)page_at(to) || got == -EFAULT /* more than one area */);
	for (u32 i = 0; i < count; i++) { /* what stood there is gone in any case, as on Linux */
		want[to + i] = got < 0 ? HOLE : want[page + i];
		want[page + i] = got < 0 ? want[page + i] : HOLE;
	}
}

static void step_write(struct aspace *as, s16 *want, u32 page)
{
	u8 byte = (u8)random_below(256);

	CHECK_EQ(poke(as, page, byte), want[page] != HOLE);
	if (want[page] != HOLE)
		want[page] = byte;
}

static void step(struct aspace *as, s16 *want)
{
	u32 count = 1 + random_below(pages / 8), page = random_below(pages - count);

	switch (random_below(8)) {
	case 0:
		CHECK_EQ(map(as, page, count, NULL, 0, 0), page_at(page));
		for (u32 i = page; i < page + count; i++)
			want[i] = 0;
		return;
	case 1:
		CHECK_EQ(vm_unmap(as, page_at(page), (u64)count * PAGE_SIZE), 0);
		for (u32 i = page; i < page + count; i++)
			want[i] = HOLE;
		return;
	case 2:
		(void)!vm_protect(as, page_at(page), (u64)count * PAGE_SIZE, random_below(4));
		return;
	case 3:
		(void)!vm_discard(as, page_at(page), page_at(page + count), false, true);
		for (u32 i = page; i < page + count; i++)
			want[i] = want[i] == HOLE ? HOLE : 0;
		return;
	case 4: step_move(as, want, page, count); return;
	case 5:
		for (u32 i = page; i < page + count; i++)
			step_write(as, want, i);
		return;
	default: step_write(as, want, page);
	}
}

static u64 pages_in_use(void)
{
	struct page_stats s;

	page_stats(&s);
	return s.anonymous + s.object;
}

static struct aspace *refork(struct aspace *parent, struct aspace *child)
{
	aspace_put(child);
	child = aspace_fork(parent);
	CHECK(!is_err(child));
	memcpy(expected[1], expected[0], sizeof(expected[0]));
	return child;
}

static void run_model(u32 size, u32 steps, u32 check_every)
{
	u64 before = pages_in_use();
	struct aspace *as = aspace_new(), *child = NULL;

	seed = 7;
	pages = size;
	for (u32 i = 0; i < pages; i++)
		expected[0][i] = HOLE;
	child = refork(as, child);
	for (u32 i = 0; i < steps; i++) {
		if (random_below(40) == 0)
			child = refork(as, child);
		step(as, expected[0]);
		step(child, expected[1]);
		if (i % check_every == 0) {
			check_all(as, expected[0]);
			check_all(child, expected[1]);
		}
	}
	aspace_put(child);
	aspace_put(as);
	CHECK_EQ(pages_in_use(), before);
}

TEST(aspace_random_changes_agree_with_a_model)
{
	run_model(96, 4000, 16);
}

/* Large enough that fork shares page tables. */
TEST(aspace_shared_tables_agree_with_a_model)
{
	run_model(PAGES_MAX, 600, 8);
}

/* Three generations write to what they share, and leave in any order. */
TEST(aspace_shared_tables_part_in_any_order)
{
	static const u8 order[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
	                               {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	u64 before = pages_in_use();

	for (u32 n = 0; n < 6; n++) {
		struct aspace *as[3] = {aspace_new()};
		CHECK_EQ(map(as[0], 0, TABLE_ENTRIES, NULL, 0, 0), page_at(0));
		for (u32 i = 0; i < TABLE_ENTRIES; i++)
			CHECK(poke(as[0], i, 1));
		as[1] = aspace_fork(as[0]);
		CHECK(poke(as[1], 7, 2));
		as[2] = aspace_fork(as[0]);
		CHECK(poke(as[0], 8, 3));
		CHECK(poke(as[2], 9, 4));
		for (u32 i = 0; i < 3; i++) {
			CHECK_EQ(peek(as[order[n][i]], 7), order[n][i] == 1 ? 2 : 1);
			CHECK_EQ(peek(as[order[n][i]], 8), order[n][i] == 0 ? 3 : 1);
			CHECK_EQ(peek(as[order[n][i]], 9), order[n][i] == 2 ? 4 : 1);
			aspace_put(as[order[n][i]]);
		}
		CHECK_EQ(pages_in_use(), before);
	}
}

TEST(aspace_shared_and_private_views_of_an_object)
{
	u64 before = pages_in_use();
	struct vm_object *o = vm_object_new(4 * PAGE_SIZE, NULL, NULL);
	struct aspace *as = aspace_new();

	CHECK_EQ(map(as, 0, 4, o, VM_SHARED, 0), page_at(0));
	CHECK_EQ(map(as, 8, 6, o, 0, 0), page_at(8));
	CHECK(poke(as, 1, 11));
	CHECK_EQ(peek(as, 9), 11);
	CHECK(poke(as, 9, 22)); /* copied */
	CHECK_EQ(peek(as, 1), 11);
	CHECK(poke(as, 1, 12));
	CHECK_EQ(peek(as, 9), 22);
	CHECK_EQ(peek(as, 12), HOLE); /* beyond the end */
	CHECK_EQ(vm_object_resize(o, PAGE_SIZE + 1), 0);
	CHECK_EQ(peek(as, 1), 12);
	CHECK_EQ(peek(as, 9), 22);
	CHECK_EQ(peek(as, 2), HOLE);
	CHECK_EQ(vm_object_resize(o, PAGE_SIZE), 0);
	CHECK_EQ(peek(as, 1), HOLE);
	CHECK_EQ(peek(as, 9), HOLE); /* truncation takes private copies, too */
	CHECK_EQ(peek(as, 0), 0);
	vm_object_put(o);
	aspace_put(as);
	CHECK_EQ(pages_in_use(), before);
}

TEST(object_punch_leaves_private_copies)
{
	struct vm_object *o = vm_object_new(4 * PAGE_SIZE, NULL, NULL);
	struct aspace *as = aspace_new();
	char text[8] = "halyard";

	CHECK_EQ(map(as, 0, 4, o, VM_SHARED, 0), page_at(0));
	CHECK_EQ(map(as, 8, 4, o, 0, 0), page_at(8));
	CHECK_EQ(vm_object_write(o, PAGE_SIZE - 4, text, sizeof(text)), 0);
	CHECK_EQ(peek(as, 1), 'a');
	CHECK(poke(as, 9, 5));
	vm_object_punch(o, PAGE_SIZE - 2, 3 * PAGE_SIZE);
	CHECK_EQ(peek(as, 1), 0);
	CHECK_EQ(peek(as, 9), 5);
	CHECK_EQ(vm_object_read(o, PAGE_SIZE - 4, text, sizeof(text)), 0);
	CHECK(!memcmp(text, "ha\0\0\0\0\0\0", 8));
	vm_object_put(o);
	aspace_put(as);
}

static int opened, closed;
static void count_open(struct vm_area *a)
{
	opened++;
}
static void count_close(struct vm_area *a)
{
	closed++;
}
static const struct vm_area_ops counting = {.open = count_open, .close = count_close};

TEST(area_open_and_close_pair_exactly)
{
	struct vm_object *o = vm_object_new(8 * PAGE_SIZE, NULL, NULL);
	struct aspace *as = aspace_new();
	struct vm_map_request req = {
		.addr = page_at(0),
		.length = 8 * PAGE_SIZE,
		.prot = PROT_READ,
		.flags = VM_SHARED,
		.how = VM_MAP_FIXED,
		.object = o,
		.ops = &counting,
	};

	opened = closed = 0;
	CHECK_EQ(vm_map(as, &req), page_at(0));
	CHECK_EQ(opened, 1);
	CHECK_EQ(vm_unmap(as, page_at(2), PAGE_SIZE), 0); /* two cuts, one gone */
	CHECK_EQ(opened - closed, 2);
	CHECK_EQ(vm_protect(as, page_at(4), PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
	CHECK_EQ(opened - closed, 4);
	struct aspace *child = aspace_fork(as);
	CHECK_EQ(opened - closed, 8);
	CHECK_EQ(vm_unmap_object(child, page_at(0), &counting), 0);
	CHECK_EQ(opened - closed, 4);
	aspace_put(child);
	CHECK_EQ(vm_remap(as, page_at(5), PAGE_SIZE, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
	                  page_at(40)),
	         page_at(40));
	CHECK_EQ(opened - closed, 5);
	aspace_put(as);
	CHECK_EQ(opened, closed);
	vm_object_put(o);
}

/* Every allocation on the way through these calls fails once; nothing may leak or be half done. */
static bool exercise(void)
{
	struct aspace *as = aspace_new(), *child;

	if (is_err(as))
		return false;
	struct vm_object *o = vm_object_new(8 * PAGE_SIZE, NULL, NULL);
	bool fine = o && map(as, 0, 8, o, VM_SHARED, 0) >= 0 && map(as, 16, 8, NULL, 0, 0) >= 0;
	fine = fine && poke(as, 3, 1) && poke(as, 17, 2) &&
	       vm_protect(as, page_at(18), PAGE_SIZE, PROT_READ) == 0;
	fine = fine && vm_remap(as, page_at(16), PAGE_SIZE, 4 * PAGE_SIZE, MREMAP_MAYMOVE, 0) >= 0;
	child = aspace_fork(as);
	fine = fine && !is_err(child) && poke(child, 17, 3) && peek(as, 17) == 2;
	if (!is_err(child))
		aspace_put(child);
	fine = fine && vm_unmap(as, page_at(2), PAGE_SIZE) == 0;
	if (o)
		vm_object_put(o);
	aspace_put(as);
	return fine;
}

TEST(aspace_survives_each_failing_allocation)
{
	u64 before = pages_in_use();

	for (u32 n = 1; DEBUG_BUILD && n < 400; n++) {
		alloc_fail_nth(n);
		bool fine = exercise();
		bool fired = alloc_fail_nth(0);
		CHECK_EQ(pages_in_use(), before);
		CHECK(fine || fired);
		if (!fired)
			break;
	}
	CHECK(exercise());
}

/* Page tables that processors keep for themselves, so that a new one takes an allocation. */
static void spare_tables_take(struct page **tables, u32 n)
{
	for (u32 i = 0; i < n; i++)
		tables[i] = pagetable_table_new();
}
static void spare_tables_give(struct page **tables, u32 n)
{
	for (u32 i = 0; i < n; i++)
		if (tables[i])
			pagetable_table_free(tables[i]);
}

/* Three pages in two tables, far from each other, go where they need three tables, which memory has not. */
TEST(remap_without_memory_moves_nothing)
{
	enum { TO = 8 * TABLE_ENTRIES + TABLE_ENTRIES / 2, LENGTH = 3 * TABLE_ENTRIES, SPARE = 32 };
	static const u32 at[] = {0, 2 * TABLE_ENTRIES, 3 * TABLE_ENTRIES - 1};
	struct aspace *as = aspace_new();
	struct page *spare[SPARE];
	s64 got;
	u32 failed = 0;

	CHECK_EQ(map(as, 0, LENGTH, NULL, 0, 0), page_at(0));
	for (u32 i = 0; i < ARRAY_SIZE(at); i++)
		CHECK(poke(as, at[i], (u8)(i + 1)));
	do {
		spare_tables_take(spare, SPARE);
		alloc_fail_from(++failed);
		got = vm_remap(as, page_at(0), LENGTH * PAGE_SIZE, LENGTH * PAGE_SIZE,
		               MREMAP_MAYMOVE | MREMAP_FIXED, page_at(TO));
		(void)alloc_fail_nth(0);
		spare_tables_give(spare, SPARE);
		CHECK(got == -ENOMEM || got == (s64)page_at(TO));
		for (u32 i = 0; i < ARRAY_SIZE(at); i++) {
			CHECK_EQ(peek(as, at[i]), got < 0 ? (int)i + 1 : HOLE);
			CHECK_EQ(peek(as, TO + at[i]), got < 0 ? HOLE : (int)i + 1);
		}
	} while (got < 0);
	CHECK(!DEBUG_BUILD || failed > 3);
	aspace_put(as);
}

/* More pages than fit the notes on the stack, taken out of several tables at once. */
TEST(unmap_of_many_pages_frees_them_all)
{
	enum { MANY = 5 * TABLE_ENTRIES };
	u64 before = pages_in_use();
	struct aspace *as = aspace_new();

	for (u32 fail = 0; fail < 4; fail++) {
		CHECK_EQ(map(as, 7, MANY, NULL, 0, 0), page_at(7));
		for (u32 i = 0; i < MANY; i += fail ? fail : 1)
			CHECK(poke(as, 7 + i, 1));
		if (fail > 1)
			alloc_fail_from(fail + 1); /* the areas' and some notes of pages are had */
		CHECK_EQ(vm_unmap(as, page_at(7), MANY * PAGE_SIZE), 0);
		(void)alloc_fail_nth(0);
		CHECK_EQ(peek(as, 7), HOLE);
	}
	aspace_put(as);
	CHECK_EQ(pages_in_use(), before);
}

/* More page tables than truncation does under one hold of the list of mappings, in several mappings. */
TEST(truncation_finds_every_mapping)
{
	enum { SPACES = 3, TABLES = 100, LENGTH = TABLES * TABLE_ENTRIES };
	u64 before = pages_in_use();
	struct vm_object *o = vm_object_new((u64)LENGTH * PAGE_SIZE, NULL, NULL);
	struct aspace *as[SPACES];

	for (u32 s = 0; s < SPACES; s++) {
		as[s] = aspace_new();
		CHECK_EQ(map(as[s], s, LENGTH, o, VM_SHARED, 0), page_at(s));
		for (u32 i = 0; i < TABLES; i++)
			CHECK(poke(as[s], s + i * TABLE_ENTRIES, (u8)(i + 1)));
	}
	CHECK_EQ(vm_object_resize(o, PAGE_SIZE), 0);
	for (u32 s = 0; s < SPACES; s++)
		for (u32 i = 0; i < TABLES; i++)
			CHECK_EQ(peek(as[s], s + i * TABLE_ENTRIES), i ? HOLE : 1);
	CHECK_EQ(vm_object_resize(o, (u64)LENGTH * PAGE_SIZE), 0);
	CHECK_EQ(peek(as[1], 1 + TABLE_ENTRIES), 0);
	for (u32 s = 0; s < SPACES; s++)
		aspace_put(as[s]);
	vm_object_put(o);
	CHECK_EQ(pages_in_use(), before);
}
