#include "kernel/lib/test.h"
#include "kernel/sync/waitq.h"

struct counted {
	struct waitq_entry entry;
	u32 wakes;
	u64 key;
	struct waitq_later *then;
	bool consume;
};

static bool count_wake(struct waitq_entry *e, u64 key)
{
	struct counted *c = container_of(e, struct counted, entry);
	c->wakes++;
	c->key = key;
	if (key == WAITQ_GONE)
		list_del(&e->link);
	else if (c->then)
		waitq_wake_later(c->then);
	return c->consume;
}
static struct counted counted(struct waitq_later *then)
{
	return (struct counted){.entry = {.wake = count_wake}, .then = then};
}

TEST(waitq_one_exclusive_entry_consumes)
{
	struct waitq q;
	struct counted plain = counted(NULL), deaf = counted(NULL), first = counted(NULL),
		       second = counted(NULL);
	first.consume = second.consume = true;
	waitq_init(&q);
	list_init(&first.entry.link);
	list_init(&second.entry.link);
	list_init(&deaf.entry.link);
	waitq_add_exclusive(&q, &deaf.entry);
	waitq_add_exclusive(&q, &first.entry);
	waitq_add_exclusive(&q, &second.entry);
	waitq_add(&q, &plain.entry);
	waitq_wake(&q, 1);
	CHECK(plain.wakes == 1 && deaf.wakes == 1 && first.wakes == 1 && second.wakes == 0);
	waitq_wake_all(&q, 2);
	CHECK(plain.wakes == 2 && first.wakes == 2 && second.wakes == 1);
	CHECK_EQ(second.key, 2);
}

/* A chain of queues, each woken by a callback of the one before; the last asks for the first, again, once. */
TEST(waitq_wakes_others_after_itself)
{
	enum { N = 20 };
	static struct waitq q[N];
	static struct waitq_later later[N];
	static struct counted c[N];
	for (u32 i = 0; i < N; i++) {
		waitq_init(&q[i]);
		later[i] = (struct waitq_later){.q = &q[i], .key = 100 + i};
		c[i] = counted(i + 1 < N ? &later[i + 1] : NULL);
		waitq_add(&q[i], &c[i].entry);
	}
	waitq_wake(&q[0], 7);
	CHECK_EQ(c[0].key, 7);
	for (u32 i = 0; i < N; i++)
		CHECK_EQ(c[i].wakes, 1);
	CHECK_EQ(c[N - 1].key, 100 + N - 1);
	/* Two callbacks that ask for one queue: it is woken once for both. */
	struct counted twin = counted(&later[1]);
	waitq_add(&q[0], &twin.entry);
	waitq_wake(&q[0], 8);
	CHECK_EQ(c[1].wakes, 2);
}

TEST(waitq_close_dismisses_everybody)
{
	struct waitq q;
	struct counted a = counted(NULL), b = counted(NULL);
	waitq_init(&q);
	waitq_add(&q, &a.entry);
	waitq_add(&q, &b.entry);
	waitq_close(&q);
	CHECK(!waitq_active(&q));
	CHECK(a.key == WAITQ_GONE && b.key == WAITQ_GONE);
	waitq_del(&q, &a.entry); /* harmless */
}
