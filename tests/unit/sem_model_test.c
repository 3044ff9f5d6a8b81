/*
 * Random histories of one set, played on the real one by one pthread per sleeping call, and on the reference
 * model: results, values, pids, adjustments, counts of waiters must agree after every step.
 *
 * Fragile corners are provoked on purpose: values near SEMVMX, IPC_NOWAIT before the blocking operation, the
 * same semaphore several times in one call, SEM_UNDO.
 */
#include <stdio.h>
#include <string.h>
#include "kernel/ipc/sem/sem.h"
#include "tests/host/host.h"
#include "tests/model/sem_model.h"

enum { HISTORIES = 300, STEPS = 60 };

/* A process of the history: a thread that performs one call at a time. Sleeping calls get threads of their
 * own, all of them tasks that share their process's undo list, as CLONE_SYSVSEM has it. */
struct call {
	struct host_thread *thread;
	ipc_id_t id;
	struct sembuf ops[MODEL_OPS];
	u32 n;
	s32 process;
	struct sem_undo_list **undo;
	int tag;
	s32 result;
	u32 over; /* [a] */
};

struct history {
	ipc_id_t id;
	struct model_set model;
	struct sem_undo_list *undo[MODEL_PROCESSES];
	struct call calls[MODEL_SLEEPERS];
	int last_tag;
};

static void run_call(void *arg)
{
	struct call *c = arg;
	host_self()->pid = c->process + 1;
	(void)!sem_undo_share(c->undo, &host_self()->undo);
	c->result = sem_op(host_self()->ns, c->id, c->ops, c->n, PORT_FOREVER);
	store_release(&c->over, 1);
}

static struct call *free_call(struct history *h)
{
	for (u32 i = 0; i < MODEL_SLEEPERS; i++)
		if (!h->calls[i].thread)
			return &h->calls[i];
	return NULL;
}

static void random_ops(struct sembuf *ops, u32 *out_n)
{
	*out_n = host_random(3) ? 1 : 1 + host_random(MODEL_OPS);
	for (u32 i = 0; i < *out_n; i++) {
		ops[i] = (struct sembuf){.sem_num = (u16)host_random(MODEL_SEMS),
		                         .sem_op = (s16)(host_random(6) - 3)};
		if (!host_random(40))
			ops[i].sem_op = (s16)(host_random(2) ? 32766 : -32766);
		if (!host_random(5))
			ops[i].sem_flg |= IPC_NOWAIT;
		if (!host_random(5))
			ops[i].sem_flg |= SEM_UNDO;
	}
}

static void join(struct call *c)
{
	host_join(c->thread);
	c->thread = NULL;
}

/* What ended in the model must have ended with the same result, and nothing else. */
static void compare_ended(struct history *h)
{
	for (u32 i = 0; i < h->model.ended_count; i++)
		for (u32 j = 0; j < MODEL_SLEEPERS; j++) {
			struct call *c = &h->calls[j];
			if (!c->thread || c->tag != h->model.ended[i].tag)
				continue;
			join(c);
			CHECK_EQ(c->result, h->model.ended[i].result);
		}
	h->model.ended_count = 0;
	for (u32 j = 0; j < MODEL_SLEEPERS; j++)
		CHECK(!h->calls[j].thread || !load_acquire(&h->calls[j].over));
}

static void compare_state(struct history *h)
{
	struct ipc_namespace *ns = host_self()->ns;
	for (s32 i = 0; i < MODEL_SEMS; i++) {
		CHECK_EQ(sem_getval(ns, h->id, i), h->model.value[i]);
		CHECK_EQ(sem_getpid(ns, h->id, i), h->model.pid[i]);
		CHECK_EQ(sem_getncnt(ns, h->id, i), model_ncnt(&h->model, (u32)i));
		CHECK_EQ(sem_getzcnt(ns, h->id, i), model_zcnt(&h->model, (u32)i));
	}
}

static void step_semop(struct history *h)
{
	struct call *c = free_call(h);
	if (!c || h->model.asleep == MODEL_SLEEPERS)
		return;
	*c = (struct call){
		.id = h->id, .process = (s32)host_random(MODEL_PROCESSES), .tag = ++h->last_tag};
	c->undo = &h->undo[c->process];
	random_ops(c->ops, &c->n);
	int want = model_semop(&h->model, c->process, c->ops, c->n, c->tag);
	c->thread = host_spawn(run_call, c);
	if (want == MODEL_ASLEEP) {
		host_wait_asleep(c->thread);
		return;
	}
	join(c);
	CHECK_EQ(c->result, want);
}

static void step_interrupt(struct history *h)
{
	struct call *c = &h->calls[host_random(MODEL_SLEEPERS)];
	if (!c->thread)
		return;
	model_give_up(&h->model, c->tag);
	host_signal(c->thread);
	join(c);
	CHECK_EQ(c->result, -EINTR);
}

static void step_setval(struct history *h)
{
	u32 num = host_random(MODEL_SEMS);
	s32 value = (s32)(host_random(8) ? host_random(4) : SEMVMX - host_random(2));
	model_setval(&h->model, 0, num, value);
	CHECK_EQ(sem_setval(host_self()->ns, h->id, (s32)num, value), 0);
}

static void step_setall(struct history *h)
{
	u16 values[MODEL_SEMS];
	for (u32 i = 0; i < MODEL_SEMS; i++)
		values[i] = (u16)host_random(4);
	model_setall(&h->model, 0, values);
	CHECK_EQ(sem_setall(host_self()->ns, h->id, UPTR((uintptr_t)values)), 0);
}

/* A process without sleeping calls ends. */
static void step_exit(struct history *h)
{
	s32 process = (s32)host_random(MODEL_PROCESSES);
	for (u32 i = 0; i < MODEL_SLEEPERS; i++)
		if (h->calls[i].thread && h->calls[i].process == process)
			return;
	model_exit(&h->model, process);
	host_self()->pid = process + 1;
	sem_undo_put(TAKE(h->undo[process]));
	host_self()->pid = 1;
}

static void history_end(struct history *h)
{
	u32 left = 0;
	CHECK_EQ(sem_remove(host_self()->ns, h->id), 0);
	for (u32 i = 0; i < MODEL_SLEEPERS; i++)
		if (h->calls[i].thread) {
			join(&h->calls[i]);
			CHECK_EQ(h->calls[i].result, -EIDRM);
			left++;
		}
	CHECK_EQ(left, h->model.asleep);
	for (u32 p = 0; p < MODEL_PROCESSES; p++)
		sem_undo_put(TAKE(h->undo[p]));
}

static void history_run(void)
{
	struct history h = {0};
	host_self()->pid = 1;
	h.id.n = sem_get(host_self()->ns, (ipc_key_t){IPC_PRIVATE}, MODEL_SEMS, 0600);
	for (u32 i = 0; i < STEPS; i++) {
		switch (host_random(12)) {
		case 0: step_interrupt(&h); break;
		case 1: step_setval(&h); break;
		case 2: step_exit(&h); break;
		case 3:
			if (!host_random(3))
				step_setall(&h);
			break;
		default: step_semop(&h);
		}
		compare_ended(&h);
		compare_state(&h);
	}
	history_end(&h);
}

TEST(sem_matches_the_model_in_random_histories)
{
	for (u32 i = 0; i < HISTORIES; i++)
		history_run();
}
