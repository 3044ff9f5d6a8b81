#include "kernel/ipc/typed.h"
#include "kernel/lib/test.h"

enum { ITEMS = 60, TYPES = 9 };
static struct typed items[ITEMS];
static bool in[ITEMS];

enum { OF_TYPE, OF_LOWEST, EXCEPT };

/* What the index should answer, by looking at everything. */
static struct typed *model(int question, s64 type)
{
	struct typed *best = NULL;
	for (int i = 0; i < ITEMS; i++) {
		struct typed *t = &items[i];
		bool fits = in[i] && (question == OF_TYPE     ? t->type == type
		                      : question == OF_LOWEST ? t->type <= type
		                                              : t->type != type);
		if (!fits)
			continue;
		bool better = !best ||
		              (question == OF_LOWEST && t->type != best->type ? t->type < best->type
		                                                              : t->age < best->age);
		best = better ? t : best;
	}
	return best;
}

static void compare(struct rb_root *root)
{
	for (s64 type = 0; type <= TYPES + 1; type++) {
		CHECK(typed_of_type(root, type) == model(OF_TYPE, type));
		CHECK(typed_of_lowest(root, type) == model(OF_LOWEST, type));
		CHECK(typed_except(root, type) == model(EXCEPT, type));
	}
}

TEST(typed_answers_like_a_scan_under_random_changes)
{
	struct rb_root root = {0};
	u64 seed = 1, age = 1;
	for (int i = 0; i < ITEMS; i++)
		in[i] = false;
	for (int round = 0; round < 3000; round++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		u32 i = (u32)(seed >> 33) % ITEMS;
		if (in[i]) {
			typed_del(&root, &items[i]);
		} else {
			bool back = items[i].age && (seed >> 20 & 3) == 0;
			if (!back) {
				items[i].type = 1 + (s64)((seed >> 40) % TYPES);
				items[i].age = age++;
			}
			typed_add(&root, &items[i]);
		}
		in[i] = !in[i];
		if (round % 7 == 0)
			compare(&root);
	}
	for (int i = 0; i < ITEMS; i++)
		if (in[i])
			typed_del(&root, &items[i]);
	CHECK(rb_empty(&root));
}
