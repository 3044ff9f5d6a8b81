/* The id table and the key index. */
#include "kernel/ipc/ipc.h"
#include "kernel/lib/test.h"

enum { OBJECTS = 300 };

struct table {
	struct ipc_ids ids;
	struct ipc_object *objects;
};

static struct table begin(void)
{
	struct table t = {.objects = port_alloc(OBJECTS * sizeof(struct ipc_object))};
	ASSERT(t.objects);
	ipc_ids_init(&t.ids, OBJECTS, OBJECTS * 2);
	return t;
}
static void end(struct table *t)
{
	port_read_lock();
	struct ipc_object *o;
	for (u32 i = 0; (o = ipc_ids_next(&t->ids, &i)); i++)
		CHECK(ipc_ids_del(&t->ids, o));
	port_read_unlock();
	ipc_ids_destroy(&t->ids);
	port_free(t->objects);
}
static s32 add(struct table *t, u32 n, s32 key)
{
	t->objects[n] = (struct ipc_object){.key = {key}, .units = 1};
	return ipc_ids_add(&t->ids, &t->objects[n]);
}

TEST(ipc_ids_are_cyclic_and_stale_ones_refused)
{
	struct table t = begin();
	s32 first = add(&t, 0, IPC_PRIVATE), id = first;
	for (u32 i = 0; i < 200; i++) {
		CHECK(ipc_ids_del(&t.ids, &t.objects[0]));
		CHECK(!ipc_ids_find(&t.ids, (ipc_id_t){id}));
		s32 next = add(&t, 0, IPC_PRIVATE);
		CHECK(next != id && next > id); /* index, then sequence */
		id = next;
	}
	CHECK_EQ(id >> IPC_INDEX_BITS, 200 / 64);
	CHECK(!ipc_ids_find(&t.ids, (ipc_id_t){first}));
	CHECK(ipc_ids_find(&t.ids, (ipc_id_t){id}) == &t.objects[0]);
	CHECK(!ipc_ids_find(&t.ids, (ipc_id_t){-1}));
	end(&t);
}

TEST(ipc_ids_grow_and_find_all)
{
	struct table t = begin();
	for (u32 i = 0; i < OBJECTS; i++)
		CHECK_EQ(add(&t, i, (s32)(i * 7919 + 1)), i);
	struct ipc_object one_more = {.units = 1};
	CHECK_EQ(ipc_ids_add(&t.ids, &one_more), -ENOSPC);
	for (u32 i = 0; i < OBJECTS; i++)
		CHECK(ipc_ids_find(&t.ids, (ipc_id_t){(s32)i}) == &t.objects[i]);
	CHECK_EQ(ipc_ids_highest(&t.ids), OBJECTS - 1);
	CHECK(ipc_ids_del(&t.ids, &t.objects[OBJECTS - 1]));
	CHECK(!ipc_ids_del(&t.ids, &t.objects[OBJECTS - 1]));
	CHECK_EQ(ipc_ids_highest(&t.ids), OBJECTS - 2);
	CHECK_EQ(add(&t, OBJECTS - 1, 1), -EEXIST); /* the key of object 0 */
	end(&t);
}

TEST(ipc_ids_next_id_is_honoured_once)
{
	struct table t = begin();
	s32 wanted = 5 << IPC_INDEX_BITS | 100;
	CHECK_EQ(add(&t, 0, IPC_PRIVATE), 0);
	t.ids.wanted_id = wanted;
	CHECK_EQ(add(&t, 1, IPC_PRIVATE), wanted);
	CHECK_EQ(t.ids.wanted_id, -1);
	t.ids.wanted_id = wanted; /* taken: the next free index */
	CHECK_EQ(add(&t, 2, IPC_PRIVATE), wanted + 1);
	CHECK_EQ(add(&t, 3, IPC_PRIVATE), 1);
	end(&t);
}

TEST(ipc_ids_count_units)
{
	struct table t = begin();
	t.objects[0] = (struct ipc_object){.units = OBJECTS * 2};
	CHECK_EQ(ipc_ids_add(&t.ids, &t.objects[0]), 0);
	CHECK_EQ(add(&t, 1, IPC_PRIVATE), -ENOSPC);
	CHECK(ipc_ids_del(&t.ids, &t.objects[0]));
	CHECK_EQ(t.ids.units, 0);
	CHECK(add(&t, 1, IPC_PRIVATE) > 0);
	end(&t);
}
