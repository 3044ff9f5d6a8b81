/*
 * A semaphore set as its specification says: plain arrays, one list of sleepers in order of arrival, and after
 * every change a scan from the front, as the head comment of Linux's ipc/sem.c describes. Slow, and obviously
 * right. The real one is compared with it, operation by operation.
 */
#pragma once
#include "abi/errno.h"
#include "abi/sem.h"
#include "kernel/lib/compiler.h"

enum { MODEL_SEMS = 4, MODEL_SLEEPERS = 24, MODEL_OPS = 4, MODEL_PROCESSES = 3 };
enum { MODEL_ASLEEP = 1 };

struct model_sleeper {
	int tag; /* the caller's name for it; 0: free */
	struct sembuf ops[MODEL_OPS];
	u32 n;
	s32 process;
	u32 blocking; /* index into ops, as of the last look */
};

struct model_set {
	s32 value[MODEL_SEMS], pid[MODEL_SEMS];
	s32 adjust[MODEL_PROCESSES][MODEL_SEMS];
	struct model_sleeper sleepers[MODEL_SLEEPERS]; /* by arrival, no gaps */
	u32 asleep;
	/* What became of sleepers, in the order in which it did. */
	struct {
		int tag;
		s32 result;
	} ended[MODEL_SLEEPERS];
	u32 ended_count;
};

/* => 0, -errno, or MODEL_ASLEEP. `process` counts from 0; its pid is process + 1. */
int model_semop(struct model_set *m, s32 process, const struct sembuf *ops, u32 n, int tag);
void model_setval(struct model_set *m, s32 process, u32 num, s32 value);
void model_setall(struct model_set *m, s32 process, const u16 *values);
void model_exit(struct model_set *m, s32 process); /* applies its undo */
void model_give_up(struct model_set *m, int tag);
int model_ncnt(const struct model_set *m, u32 num);
int model_zcnt(const struct model_set *m, u32 num);
