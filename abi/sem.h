/* System V semaphores, semget(2), semop(2), semctl(2). Layouts of Linux x86-64. */
#pragma once
#include "abi/ipc.h"

/* semctl(2) commands. */
enum {
	SEM_GETPID = 11, /* GETPID and so on in user space */
	SEM_GETVAL = 12,
	SEM_GETALL = 13,
	SEM_GETNCNT = 14,
	SEM_GETZCNT = 15,
	SEM_SETVAL = 16,
	SEM_SETALL = 17,
	SEM_STAT = 18,
	SEM_INFO = 19,
	SEM_STAT_ANY = 20,
};

enum { SEM_UNDO = 0x1000 }; /* sembuf.sem_flg */

enum {
	SEMMNI = 32000, /* defaults of the four limits in /proc/sys/kernel/sem */
	SEMMSL = 32000,
	SEMMNS = SEMMNI * SEMMSL,
	SEMOPM = 500,
	SEMVMX = 32767,  /* highest value */
	SEMAEM = SEMVMX, /* highest adjustment by SEM_UNDO */
};

struct sembuf {
	u16 sem_num;
	s16 sem_op;
	s16 sem_flg;
};
_Static_assert(sizeof(struct sembuf) == 6, "ABI");

struct semid_ds {
	struct ipc_perm sem_perm;
	s64 sem_otime;
	u64 reserved1;
	s64 sem_ctime;
	u64 reserved2;
	u64 sem_nsems;
	u64 reserved3[2];
};
_Static_assert(sizeof(struct semid_ds) == 104 && offsetof(struct semid_ds, sem_nsems) == 80, "ABI");

struct seminfo {
	s32 semmap, semmni, semmns, semmnu, semmsl, semopm, semume, semusz, semvmx, semaem;
};
_Static_assert(sizeof(struct seminfo) == 40, "ABI");
