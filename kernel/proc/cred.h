/*
 * Credentials: immutable once published, shared by reference; a change makes a new one
 * (credentials(7), capabilities(7)).
 */
#pragma once
#include "kernel/lib/guard.h"
#include "kernel/lib/refcount.h"

struct cred {
	refcount_t refs;
	u32 uid, euid, suid, fsuid;
	u32 gid, egid, sgid, fsgid;
	u64 cap_permitted, cap_effective, cap_inheritable, cap_bounding, cap_ambient;
	u32 securebits;
	u32 group_count;
	u32 *groups; /* sorted */
};
enum {
	CAP_CHOWN = 0,
	CAP_DAC_OVERRIDE = 1,
	CAP_DAC_READ_SEARCH = 2,
	CAP_FOWNER = 3,
	CAP_FSETID = 4,
	CAP_KILL = 5,
	CAP_SETGID = 6,
	CAP_SETUID = 7,
	CAP_SETPCAP = 8,
	CAP_IPC_LOCK = 14,
	CAP_IPC_OWNER = 15,
	CAP_SYS_CHROOT = 18,
	CAP_SYS_PTRACE = 19,
	CAP_SYS_ADMIN = 21,
	CAP_SYS_BOOT = 22,
	CAP_SYS_NICE = 23,
	CAP_SYS_RESOURCE = 24,
	CAP_SYS_TIME = 25,
	CAP_SYS_TTY_CONFIG = 26,
	CAP_MKNOD = 27,
	CAP_LAST = 40
};
#define CAP_FULL (BIT(CAP_LAST + 1) - 1)

const struct cred *cred_current(void); /* borrowed: good until the current thread changes it */
const struct cred *cred_get(const struct cred *c);
void cred_put(const struct cred *c);
MUST_CHECK struct cred *cred_copy(void); /* private copy of the current one, or NULL */
void cred_commit(struct cred *c);        /* publishes for the current thread; takes the reference */
static inline bool cred_capable(const struct cred *c, int cap)
{
	return c->cap_effective >> cap & 1;
}
bool capable(int cap);                             /* of the current thread */
bool cred_in_group(const struct cred *c, u32 gid); /* fsgid or supplementary */
