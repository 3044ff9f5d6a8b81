#include "kernel/lib/bug.h"
#include "kernel/lib/test.h"
#include "kernel/mm/range.h"

/* A set of ranges against an array that says which unit is taken by whom. */
enum { UNITS = 192, RANGES = 48, STEPS = 6000 };
static struct range ranges[RANGES];
static bool linked[RANGES];
static s8 owner[UNITS];
static u64 seed;

static u32 random_below(u32 n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)(seed >> 33) % n;
}

static bool units_free(u64 start, u64 end)
{
	for (u64 i = start; i < end; i++)
		if (owner[i] >= 0)
			return false;
	return true;
}

static void units_set(u64 start, u64 end, int who)
{
	for (u64 i = start; i < end; i++)
		owner[i] = (s8)who;
}

static s64 model_place(u64 low, u64 high, u64 length, u64 align)
{
	for (s64 at = (s64)(high - length); high >= length && at >= (s64)low; at--)
		if ((u64)at % align == 0 && units_free((u64)at, (u64)at + length))
			return at;
	return -ENOMEM;
}

static void check_find(const struct range_set *s, u64 addr)
{
	struct range *r = range_find(s, addr);
	u64 at = addr;

	while (at < UNITS && owner[at] < 0)
		at++;
	if (at == UNITS)
		CHECK(!r);
	else
		CHECK(r == &ranges[owner[at]]);
}

static void change_one(struct range_set *s)
{
	u32 who = random_below(RANGES);
	struct range *r = &ranges[who];
	u64 start = random_below(UNITS - 12), end = start + 1 + random_below(12);

	if (!linked[who]) {
		if (!units_free(start, end))
			return;
		r->start = start, r->end = end;
		range_insert(s, r);
		linked[who] = true;
		units_set(start, end, (int)who);
		return;
	}
	units_set(r->start, r->end, -1);
	if (random_below(3) == 0 && units_free(start, end) && start < r->end && r->start < end) {
		range_resize(s, r, start, end); /* overlaps its old self: no neighbour between */
	} else if (random_below(2)) {
		range_remove(s, r);
		linked[who] = false;
		return;
	}
	units_set(r->start, r->end, (int)who);
}

TEST(range_set_agrees_with_an_array)
{
	struct range_set s;

	seed = 42;
	range_set_init(&s);
	units_set(0, UNITS, -1);
	for (u32 i = 0; i < RANGES; i++)
		linked[i] = false;
	for (u32 step = 0; step < STEPS; step++) {
		u64 low = random_below(UNITS), high = low + random_below((u32)(UNITS - low) + 1);
		u64 length = 1 + random_below(20), align = 1ull << random_below(3);
		if (step / 64 % 2) { /* the same kind of request, so that its last answer counts */
			low = 0, high = step / 256 % 2 ? UNITS : UNITS / 2;
			align = 1ull << step / 128 % 3;
		}
		change_one(&s);
		check_find(&s, random_below(UNITS));
		CHECK_EQ(range_place_down(&s, low, high, length, align),
		         model_place(low, high, length, align));
	}
	struct range *prev = NULL;
	for (struct range *r = range_first(&s); r; prev = r, r = range_next(r))
		CHECK_EQ(r->gap, r->start - (prev ? prev->end : 0));
	CHECK(prev == range_last(&s));
}

static struct range copies[RANGES];
static struct range *copy_range(const struct range *r, void *limit)
{
	struct range *copy = &copies[r - ranges];

	if (!(*(u32 *)limit)--)
		return NULL;
	*copy = (struct range){.start = r->start, .end = r->end};
	return copy;
}

TEST(range_clone_has_the_same_shape)
{
	struct range_set s, clone;
	u32 limit = RANGES;

	seed = 3;
	range_set_init(&s);
	units_set(0, UNITS, -1);
	for (u32 i = 0; i < RANGES; i++)
		linked[i] = false;
	for (u32 i = 0; i < 300; i++)
		change_one(&s);
	range_set_init(&clone);
	CHECK(range_clone(&clone, &s, copy_range, &limit));
	for (u64 length = 1; length < 20; length++)
		for (u64 high = 1; high <= UNITS; high += 5)
			CHECK_EQ(range_place_down(&clone, 0, high, length, 1),
			         model_place(0, high, length, 1));
	struct range *c = range_first(&clone);
	for (struct range *r = range_first(&s); r; r = range_next(r), c = range_next(c))
		CHECK(c && c->start == r->start && c->gap == r->gap);
	CHECK(!c);
	limit = 5;
	range_set_init(&clone);
	CHECK(!range_clone(&clone, &s, copy_range, &limit));
	u32 count = 0;
	for (c = range_first(&clone); c; c = range_next(c))
		count++;
	CHECK_EQ(count, 5);
}
