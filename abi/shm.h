/* System V shared memory, shmget(2), shmop(2), shmctl(2). Layouts of Linux x86-64. */
#pragma once
#include "abi/ipc.h"

enum {
	SHM_LOCK = 11,
	SHM_UNLOCK = 12,
	SHM_STAT = 13,
	SHM_INFO = 14,
	SHM_STAT_ANY = 15
};                                                    /* shmctl(2) */
enum { SHM_HUGETLB = 04000, SHM_NORESERVE = 010000 }; /* shmget(2) */
enum { SHM_HUGE_SHIFT = 26, SHM_HUGE_MASK = 0x3f };
enum {
	SHM_RDONLY = 010000,
	SHM_RND = 020000,
	SHM_REMAP = 040000,
	SHM_EXEC = 0100000
};                                             /* shmat(2) */
enum { SHM_DEST = 01000, SHM_LOCKED = 02000 }; /* in shm_perm.mode */

enum { SHMMNI = 4096, SHMMIN = 1, SHMLBA = 4096 };
#define SHMMAX (UINT64_MAX - (1ull << 24)) /* bytes */
#define SHMALL (UINT64_MAX - (1ull << 24)) /* pages */

struct shmid_ds {
	struct ipc_perm shm_perm;
	u64 shm_segsz;
	s64 shm_atime, shm_dtime, shm_ctime;
	s32 shm_cpid, shm_lpid;
	u64 shm_nattch;
	u64 reserved[2];
};
_Static_assert(sizeof(struct shmid_ds) == 112 && offsetof(struct shmid_ds, shm_nattch) == 88,
               "ABI");

struct shminfo {
	u64 shmmax, shmmin, shmmni, shmseg, shmall;
	u64 reserved[4];
};
_Static_assert(sizeof(struct shminfo) == 72, "ABI");

struct shm_info {
	s32 used_ids;
	u64 shm_tot, shm_rss, shm_swp; /* pages */
	u64 swap_attempts, swap_successes;
};
_Static_assert(sizeof(struct shm_info) == 48, "ABI");
