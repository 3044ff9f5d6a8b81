/* semop, one thread at a time. Runs in the kernel and in the hosted build; races are in tests/sim. */
#include "kernel/ipc/sem/set.h"
#include "kernel/lib/test.h"

enum { SEMS = 70 }; /* more than one leaf of queues */

struct world {
	struct ipc_namespace *ns;
	ipc_id_t id;
};

static struct world begin(void)
{
	struct world w = {.ns = ipc_ns_new()};
	ASSERT(w.ns);
	w.id.n = sem_get(w.ns, (ipc_key_t){IPC_PRIVATE}, SEMS, 0600);
	CHECK_EQ(w.id.n, 0);
	return w;
}
static void end(struct world *w)
{
	if (*port_sem_undo())
		sem_undo_put(TAKE(*port_sem_undo()));
	ipc_ns_put(w->ns);
}

/* Gives up at once instead of sleeping. */
#define OP(w, ...)                                                                                 \
	({                                                                                         \
		const struct sembuf ops_[] = {__VA_ARGS__};                                        \
		sem_op((w).ns, (w).id, ops_, ARRAY_SIZE(ops_), 0);                                 \
	})
#define VALUE(w, num) sem_getval((w).ns, (w).id, num)

TEST(sem_op_counts_up_and_down)
{
	struct world w = begin();
	CHECK_EQ(OP(w, {69, 3, 0}), 0);
	CHECK_EQ(OP(w, {69, -2, 0}), 0);
	CHECK_EQ(VALUE(w, 69), 1);
	CHECK_EQ(OP(w, {69, -2, 0}), -EAGAIN);
	CHECK_EQ(OP(w, {69, -2, IPC_NOWAIT}), -EAGAIN);
	CHECK_EQ(OP(w, {69, 0, 0}), -EAGAIN);
	CHECK_EQ(OP(w, {0, 0, 0}), 0);
	CHECK_EQ(sem_getpid(w.ns, w.id, 69), port_pid());
	CHECK_EQ(sem_getpid(w.ns, w.id, 1), 0);
	end(&w);
}

TEST(sem_op_is_all_or_nothing_in_array_order)
{
	struct world w = begin();
	CHECK_EQ(OP(w, {0, 1, 0}, {1, -1, IPC_NOWAIT}), -EAGAIN);
	CHECK_EQ(VALUE(w, 0), 0);
	CHECK_EQ(OP(w, {0, 2, 0}, {0, -1, 0}, {0, -1, 0}, {0, 0, 0}, {0, 5, 0}), 0);
	CHECK_EQ(VALUE(w, 0), 5);
	CHECK_EQ(OP(w, {0, -5, 0}, {0, 0, 0}, {0, -1, IPC_NOWAIT}), -EAGAIN);
	CHECK_EQ(OP(w, {0, 32767, 0}), -ERANGE);
	CHECK_EQ(OP(w, {1, 1, 0}, {0, 32763, 0}), -ERANGE);
	CHECK_EQ(VALUE(w, 0), 5);
	CHECK_EQ(VALUE(w, 1), 0);
	end(&w);
}

TEST(sem_op_refuses_in_order)
{
	struct world w = begin();
	CHECK_EQ(OP(w, {SEMS, 1, 0}), -EFBIG);
	CHECK_EQ(OP(w, {0, 1, 0}, {SEMS, 1, 0}), -EFBIG);
	/* 64 | 69 is more than SEMS: the quick bound must not be believed. */
	CHECK_EQ(OP(w, {64, 1, 0}, {69, 1, 0}, {7, 1, 0}), 0);
	ipc_id_t stale = w.id;
	CHECK_EQ(sem_remove(w.ns, w.id), 0);
	CHECK_EQ(OP(w, {0, 1, 0}), -EINVAL);
	w.id.n = sem_get(w.ns, (ipc_key_t){IPC_PRIVATE}, 1, 0600);
	CHECK(w.id.n != stale.n);
	CHECK_EQ(sem_getval(w.ns, stale, 0), -EINVAL);
	end(&w);
}

TEST(sem_op_with_undo_is_given_back)
{
	struct world w = begin();
	CHECK_EQ(OP(w, {0, 3, 0}, {1, 4, SEM_UNDO}), 0);
	CHECK_EQ(OP(w, {0, -1, SEM_UNDO}), 0);
	CHECK_EQ(OP(w, {1, -4, 0}), 0);
	sem_undo_put(TAKE(*port_sem_undo()));
	CHECK_EQ(VALUE(w, 0), 3);
	CHECK_EQ(VALUE(w, 1), 0); /* 0 - 4, clamped */
	CHECK_EQ(OP(w, {0, -2, SEM_UNDO}), 0);
	CHECK_EQ(sem_setval(w.ns, w.id, 0, 9), 0);
	sem_undo_put(TAKE(*port_sem_undo()));
	CHECK_EQ(VALUE(w, 0), 9);
	end(&w);
}

/* Somebody who sleeps with ops, played by hand: this thread goes on. */
static void sleep_by_hand(struct world *w, struct sem_waiter *waiter, const struct sembuf *ops,
                          u32 n)
{
	struct sem_blocker at;
	struct sem_set *set = sem_find(w->ns, w->id);

	*waiter = (struct sem_waiter){.set = set,
	                              .rq = {.ops = ops, .n = n, .alters = true, .pid = 99}};
	ipc_waiter_init(&waiter->wait);
	CHECK_EQ(sem_queues_reserve(set, &waiter->rq), 0);
	port_lock(&set->obj.lock);
	CHECK_EQ(sem_try(set, &waiter->rq, &at), SEM_BLOCKED);
	waiter->arrival = set->next_arrival++;
	set->sleepers++;
	if (n > 1)
		list_add_tail(&set->complex, &waiter->complex_link);
	sem_watch(waiter, &at);
	port_unlock(&set->obj.lock);
}

TEST(sem_waker_completes_the_sleeper)
{
	static const struct sembuf takes_both[] = {{0, -1, 0}, {1, -1, 0}};
	struct world w = begin();
	struct sem_waiter waiter;

	sleep_by_hand(&w, &waiter, takes_both, 2);
	CHECK_EQ(sem_getncnt(w.ns, w.id, 0), 1);
	CHECK_EQ(OP(w, {0, 1, 0}), 0);
	CHECK(ipc_waiter_pending(&waiter.wait)); /* now it waits for the other one */
	CHECK_EQ(sem_getncnt(w.ns, w.id, 1), 1);
	CHECK_EQ(VALUE(w, 0), 1);
	CHECK_EQ(OP(w, {1, 1, 0}), 0);
	CHECK(ipc_waiter_over(&waiter.wait));
	CHECK_EQ(waiter.wait.result, 0);
	CHECK_EQ(VALUE(w, 0) + VALUE(w, 1), 0);
	CHECK_EQ(sem_getpid(w.ns, w.id, 1), 99);
	end(&w);
}

TEST(sem_removal_ends_every_sleep)
{
	static const struct sembuf takes[] = {{2, -1, 0}};
	struct world w = begin();
	struct sem_waiter waiter[2];

	sleep_by_hand(&w, &waiter[0], takes, 1);
	sleep_by_hand(&w, &waiter[1], takes, 1);
	CHECK_EQ(sem_remove(w.ns, w.id), 0);
	for (u32 i = 0; i < 2; i++) {
		CHECK(ipc_waiter_over(&waiter[i].wait));
		CHECK_EQ(waiter[i].wait.result, -EIDRM);
	}
	end(&w);
}
