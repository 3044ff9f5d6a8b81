#include "kernel/lib/idmap.h"
#include "kernel/lib/test.h"
#include "kernel/lib/string.h"

/* Nodes from a small pool: the tests see leaks and can make an allocation fail. */
enum { POOL = 160, NODE_ROOM = 640 };
static u64 pool[POOL][NODE_ROOM / sizeof(u64)];
static bool pool_used[POOL];
static int pool_live, pool_budget;

static void *pool_alloc(size_t size)
{
	if (pool_budget-- <= 0 || size > NODE_ROOM)
		return NULL;
	for (u32 i = 0; i < POOL; i++) {
		if (pool_used[i])
			continue;
		pool_used[i] = true;
		pool_live++;
		return memset(pool[i], 0, NODE_ROOM);
	}
	return NULL;
}

static void pool_free(void *p, size_t size)
{
	u32 i = (u32)((u64(*)[NODE_ROOM / sizeof(u64)]) p - pool);

	CHECK(i < POOL && pool_used[i]);
	pool_used[i] = false;
	pool_live--;
}

static const struct idmap_ops pool_ops = {pool_alloc, pool_free};

static void pool_start(struct idmap *m, int budget)
{
	pool_budget = budget;
	idmap_init(m, &pool_ops);
}

static u32 random_next(u32 *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

enum { MODEL = 5000 };
static u8 model[MODEL]; /* 0 free, 1 claimed, 2 set */
static char things[MODEL];

static s64 model_find_free(u32 from, u32 max)
{
	for (u32 id = from; id <= max; id++)
		if (id >= MODEL || !model[id])
			return id;
	return -ENOSPC;
}

static void model_check(const struct idmap *m, u32 probe)
{
	u32 id = probe, want = probe;
	void *p = idmap_next(m, &id);

	CHECK(idmap_find(m, probe) == (model[probe] == 2 ? &things[probe] : NULL));
	CHECK_EQ(idmap_find_free(m, probe, MODEL + 9), model_find_free(probe, MODEL + 9));
	CHECK_EQ(idmap_find_free(m, probe, probe + 3), model_find_free(probe, probe + 3));
	while (want < MODEL && model[want] != 2)
		want++;
	CHECK(p == (want < MODEL ? &things[want] : NULL));
	CHECK(!p || id == want);
}

TEST(idmap_matches_model_under_random_changes)
{
	struct idmap m;
	u32 state = 3, set = 0;

	memset(model, 0, sizeof(model));
	pool_start(&m, 1 << 20);
	for (u32 round = 0; round < 30000; round++) {
		u32 r = random_next(&state), id = random_next(&state) % MODEL;

		if (r % 3 == 0) {
			set -= model[id] == 2;
			model[id] = 0;
			idmap_clear(&m, id);
		} else {
			s64 free = idmap_find_free(&m, id % 700, MODEL - 1);

			if (r % 5 && free >= 0)
				id = (u32)free;
			if (r % 11 == 0) {
				CHECK_EQ(idmap_insert(&m, id, &things[id]),
				         model[id] == 2 ? -EEXIST : 0);
				set += model[id] != 2;
				model[id] = 2;
			} else {
				CHECK_EQ(idmap_reserve(&m, id), 0);
				model[id] = MAX(model[id], 1);
			}
			if (r % 7) {
				set += model[id] != 2;
				model[id] = 2;
				idmap_set(&m, id, &things[id]);
			}
		}
		CHECK_EQ(m.count, set);
		model_check(&m, random_next(&state) % MODEL);
	}
	for (u32 id = 0; id < MODEL; id++)
		idmap_clear(&m, id);
	CHECK_EQ(m.count, 0);
	CHECK(pool_live <= 1);
	idmap_destroy(&m);
	CHECK_EQ(pool_live, 0);
}

static u32 drained, drained_last;
static void count_drained(void *p)
{
	u32 id = (u32)((char *)p - things);

	CHECK(model[id] == 2 && (!drained || id > drained_last));
	drained++;
	drained_last = id;
}

TEST(idmap_drain_passes_on_what_was_set)
{
	struct idmap m;
	u32 state = 5, set = 0;

	memset(model, 0, sizeof(model));
	pool_start(&m, 1 << 20);
	for (u32 round = 0; round < 700; round++) {
		u32 id = random_next(&state) % MODEL;

		if (round % 4 == 0) {
			CHECK_EQ(idmap_reserve(&m, id), 0);
		} else if (model[id] != 2) {
			CHECK_EQ(idmap_insert(&m, id, &things[id]), 0);
			model[id] = 2;
			set++;
		}
	}
	drained = 0;
	idmap_drain(&m, count_drained);
	CHECK_EQ(drained, set);
	CHECK_EQ(pool_live, 0);
	CHECK(!idmap_find(&m, drained_last));
}

TEST(idmap_reaches_the_highest_ids)
{
	struct idmap m;
	u32 id = 1;
	char thing;

	pool_start(&m, 100);
	CHECK_EQ(idmap_reserve(&m, UINT32_MAX), 0);
	idmap_set(&m, UINT32_MAX, &thing);
	CHECK(idmap_find(&m, UINT32_MAX) == &thing);
	CHECK(!idmap_find(&m, 0));
	CHECK(idmap_next(&m, &id) == &thing);
	CHECK_EQ(id, UINT32_MAX);
	CHECK_EQ(idmap_find_free(&m, UINT32_MAX, UINT32_MAX), -ENOSPC);
	CHECK_EQ(idmap_find_free(&m, 0x7fffffff, UINT32_MAX), 0x7fffffff);
	idmap_destroy(&m);
	CHECK_EQ(pool_live, 0);
}

TEST(idmap_survives_every_failed_allocation)
{
	for (int budget = 0; budget < 7; budget++) {
		struct idmap m;
		int err;

		pool_start(&m, budget);
		err = idmap_reserve(&m, 70000);
		CHECK_EQ(err, budget < 5 ? -ENOMEM : 0);
		CHECK(!idmap_find(&m, 70000));
		CHECK_EQ(m.count, 0);
		idmap_destroy(&m);
		CHECK_EQ(pool_live, 0);
	}
}
