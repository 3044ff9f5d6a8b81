/* System V message queues, msgget(2), msgop(2), msgctl(2). Layouts of Linux x86-64. */
#pragma once
#include "abi/ipc.h"

enum { MSG_STAT = 11, MSG_INFO = 12, MSG_STAT_ANY = 13 };              /* msgctl(2) commands */
enum { MSG_NOERROR = 010000, MSG_EXCEPT = 020000, MSG_COPY = 040000 }; /* msgrcv(2) flags */

enum {
	MSGMNI = 32000, /* defaults of the three limits in /proc/sys/kernel */
	MSGMAX = 8192,
	MSGMNB = 16384,
	MSGSSZ = 16, /* what Linux reports, and uses for nothing */
	MSGSEG = 0xffff,
	MSGPOOL = MSGMNI * MSGMNB / 1024,
};

struct msqid_ds {
	struct ipc_perm msg_perm;
	s64 msg_stime, msg_rtime, msg_ctime;
	u64 msg_cbytes, msg_qnum, msg_qbytes;
	s32 msg_lspid, msg_lrpid;
	u64 reserved[2];
};
_Static_assert(sizeof(struct msqid_ds) == 120 && offsetof(struct msqid_ds, msg_lspid) == 96, "ABI");

struct msginfo {
	s32 msgpool, msgmap, msgmax, msgmnb, msgmni, msgssz, msgtql;
	u16 msgseg;
};
_Static_assert(sizeof(struct msginfo) == 32, "ABI");
