/* What the programs about shared memory share. */
#pragma once
#include "harness.h"
#include <sys/ipc.h>
#include <sys/shm.h>

enum { PAGE = 4096 };

static inline int segment(size_t size)
{
	return MUST(shmget(IPC_PRIVATE, size, IPC_CREAT | 0600));
}
static inline struct shmid_ds stat_of(int id)
{
	struct shmid_ds ds;
	OK(shmctl(id, IPC_STAT, &ds));
	return ds;
}
static inline int attaches(int id)
{
	return (int)stat_of(id).shm_nattch;
}
static inline void removed(int id)
{
	OK(shmctl(id, IPC_RMID, NULL));
	FAILS(shmctl(id, IPC_STAT, &(struct shmid_ds){0}), EINVAL);
}
/* The segment that a process made with its last detach or with shm_rmid_forced is gone. */
static inline int is_gone(int id)
{
	return shmctl(id, IPC_STAT, &(struct shmid_ds){0}) < 0 && errno == EINVAL;
}
static inline char *attach(int id)
{
	return MUST((char *)shmat(id, NULL, 0));
}
