/* What the three System V families share, svipc(7). Layouts of Linux x86-64. */
#pragma once
#include "abi/types.h"

enum { IPC_PRIVATE = 0 };

/* semget(2), msgget(2), shmget(2) flags, above nine permission bits. */
enum { IPC_CREAT = 01000, IPC_EXCL = 02000, IPC_NOWAIT = 04000 };

/* *ctl(2) commands that all families have. */
enum { IPC_RMID = 0, IPC_SET = 1, IPC_STAT = 2, IPC_INFO = 3 };

/* Permission bits. */
enum { IPC_MODE_BITS = 0777, IPC_READ = 0444, IPC_WRITE = 0222 };

/* An id is a sequence number above an index. */
enum {
	IPC_INDEX_BITS = 15,
	IPC_INDEX_MAX = 1 << IPC_INDEX_BITS,
	IPC_SEQUENCE_MAX = 0x7fffffff >> 15
};

struct ipc_perm {
	s32 key;
	u32 uid, gid, cuid, cgid;
	u32 mode;
	u16 seq;
	u16 pad_seq;
	u64 reserved[2];
};
_Static_assert(sizeof(struct ipc_perm) == 48 && offsetof(struct ipc_perm, seq) == 24, "ABI");
