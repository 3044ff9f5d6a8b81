/*
 * What the semaphore programs share: operations written briefly, and handshakes by
 * the kernel's own counts of waiters.
 */
#pragma once
#include "ipc.h"
#include <limits.h>
#include <sys/sem.h>

#ifndef SEM_STAT_ANY
#define SEM_STAT_ANY 20
#endif
union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
	struct seminfo *info;
};

#define OP(num, op)      ((struct sembuf){(num), (op), 0})
#define OP_NOW(num, op)  ((struct sembuf){(num), (op), IPC_NOWAIT})
#define OP_UNDO(num, op) ((struct sembuf){(num), (op), SEM_UNDO})
#define SEMOP(id, ...)                                                                             \
	({                                                                                         \
		struct sembuf ops_[] = {__VA_ARGS__};                                              \
		semop(id, ops_, sizeof(ops_) / sizeof(*ops_));                                     \
	})
#define SEMOP_FOR(id, ns, ...)                                                                     \
	({                                                                                         \
		struct sembuf ops_[] = {__VA_ARGS__};                                              \
		struct timespec limit_ = {(ns) / 1000000000LL, (ns) % 1000000000LL};               \
		semtimedop(id, ops_, sizeof(ops_) / sizeof(*ops_), &limit_);                       \
	})

static inline int sem_new(int n)
{
	return MUST(semget(IPC_PRIVATE, n, IPC_CREAT | 0600));
}
static inline int sem_rm(int id)
{
	return semctl(id, 0, IPC_RMID);
}
static inline void sem_drop(const int *id)
{
	OK(sem_rm(*id));
}
static inline int sem_of(int n, unsigned short *values)
{
	int id = sem_new(n);
	OK(semctl(id, 0, SETALL, (union semun){.array = values}));
	return id;
}
/* A set with these values, which is removed when the block ends. */
#define SET(id, ...)                                                                               \
	__attribute__((cleanup(sem_drop))) int id =                                                \
		sem_of(sizeof((unsigned short[]){__VA_ARGS__}) / sizeof(unsigned short),           \
	               (unsigned short[]){__VA_ARGS__})
/* A process that performs the operations, which must succeed. */
#define OPERATOR(pid, id, ...) CHILD(pid) OK(SEMOP(id, __VA_ARGS__))
/* A process that performs `op` and keeps what it has until it is killed. */
static inline pid_t sem_holder(int id, struct sembuf op)
{
	pid_t pid;
	CHILD(pid)
	{
		OK(semop(id, &op, 1));
		for (;;)
			pause();
	}
	return pid;
}
static inline int val(int id, int num)
{
	return semctl(id, num, GETVAL);
}
static inline int set_val(int id, int num, int value)
{
	return semctl(id, num, SETVAL, (union semun){.val = value});
}
static inline int set_all(int id, unsigned short *values)
{
	return semctl(id, 0, SETALL, (union semun){.array = values});
}
static inline int get_all(int id, unsigned short *values)
{
	return semctl(id, 0, GETALL, (union semun){.array = values});
}
static inline struct semid_ds sem_stat(int id)
{
	struct semid_ds ds;
	memset(&ds, 0xAA, sizeof(ds));
	OK(semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}));
	return ds;
}
static inline int ncnt(int id, int num)
{
	return semctl(id, num, GETNCNT);
}
static inline int zcnt(int id, int num)
{
	return semctl(id, num, GETZCNT);
}
static inline int last_pid(int id, int num)
{
	return semctl(id, num, GETPID);
}

/* Life goes on: a new set serves a new process. */
static inline void sets_still_serve(void)
{
	int id = sem_new(1);
	pid_t pid;
	CHILD(pid)
	{
		OK(SEMOP(id, OP(0, 1)));
	}
	REAP(pid);
	EQ(val(id, 0), 1);
	OK(sem_rm(id));
}
