#include "kernel/sched/rcu.h"
#include "kernel/lib/test.h"
#include "kernel/mm/slab.h"
#include "kernel/sched/test_crew.h"

enum { ALIVE = 0x600d, DEAD = 0xdead, UPDATES = 20 };
struct item {
	struct rcu_head head;
	u32 state;
};
static struct item *published;
static u32 reading, freed;

static void item_free(struct rcu_head *head)
{
	struct item *it = container_of(head, struct item, head);

	it->state = DEAD;
	freed++;
	kfree(it);
}

static struct item *item_new(void)
{
	struct item *it = kzalloc(sizeof(*it));

	if (it)
		it->state = ALIVE;
	return it;
}

static void reader_or_updater(u32 id)
{
	if (id == 0) {
		for (u32 i = 0; i < UPDATES; i++) {
			struct item *old = published, *new = item_new();

			if (!new)
				break;
			rcu_assign(published, new);
			rcu_call(&old->head, item_free);
			if (i % 2)
				rcu_synchronize();
		}
		store_release(&reading, 0);
		return;
	}
	while (load_acquire(&reading)) {
		struct item *it;

		rcu_read_lock();
		it = rcu_dereference(published);
		for (u32 i = 0; i < 200; i++)
			CHECK_EQ(load_relaxed(&it->state), ALIVE);
		rcu_read_unlock();
		sched_yield_current();
	}
}

TEST(rcu_frees_nothing_under_a_reader)
{
	published = item_new();
	CHECK(published);
	if (!published)
		return;
	reading = 1;
	freed = 0;
	crew_run(4, reader_or_updater);
	rcu_synchronize();
	CHECK_EQ(freed, UPDATES);
	kfree(published);
}

static void count_call(struct rcu_head *head)
{
	freed++;
	kfree(head);
}

TEST(rcu_calls_run_in_order_before_a_later_synchronize)
{
	u32 made = 0;

	freed = 0;
	for (u32 i = 0; i < 3000; i++) {
		struct rcu_head *head = kmalloc(sizeof(*head));

		if (head) {
			rcu_call(head, count_call);
			made++;
		}
	}
	rcu_synchronize();
	CHECK_EQ(freed, made);
}
