#include "kernel/ipc/mq/queue.h"
#include "kernel/lib/test.h"

/* Against a scan: priorities come and go, near and far apart; some are represented by another message now and then. */
static void random_changes(u64 messages, u32 range, u32 *random)
{
	enum { ITEMS = 40 };
	static struct mq_message items[ITEMS], others[ITEMS];
	bool in[ITEMS] = {0};
	struct levels *l = levels_new(messages);
	CHECK(l);
	for (u32 i = 0; i < ITEMS; i++)
		items[i].priority = others[i].priority = (u32)((u64)i * (range - 1) / (ITEMS - 1));
	for (u32 round = 0; round < 2000; round++) {
		*random = *random * 1103515245u + 12345u;
		u32 i = (*random >> 8) % ITEMS;
		if (in[i]) {
			levels_replace(l, &items[i], &others[i]);
			CHECK(levels_first(l, items[i].priority) == &others[i]);
			levels_del(l, &others[i]);
		} else {
			levels_add(l, &items[i]);
		}
		in[i] = !in[i];
		s64 below = -1;
		for (u32 k = 0; k < ITEMS; k++) {
			CHECK(levels_first(l, items[k].priority) == (in[k] ? &items[k] : NULL));
			if (below >= 0)
				CHECK_EQ(levels_below(l, items[k].priority), below);
			if (in[k])
				below = items[k].priority;
		}
	}
	port_free(l);
}

TEST(mq_levels_answer_like_a_scan)
{
	static const u32 ranges[] = {40, 64, 130, 4096, 5000, MQ_PRIO_MAX};
	u32 random = 1;
	for (u32 i = 0; i < ARRAY_SIZE(ranges); i++) {
		random_changes(1, ranges[i], &random);
		random_changes(100000, ranges[i], &random);
	}
}
